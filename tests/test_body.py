"""Bodies of cards: headings, code and links with their places, also where the text is hostile."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import bounded
from properties import cases

from mindspore_hub.hub.body import MAX_MARKDOWN, Body, CodeBlock, Heading, Link
from mindspore_hub.hub.findings import Place

"""Far above what any of the texts takes, far below what a quadratic search in it would take."""


def body(text: str, first_line: int = 1) -> Body:
    return Body(tuple(text.split("\n")), first_line)


def targets(text: str) -> list[tuple[str, int, int]]:
    """Target, line and column of every link."""
    return [(link.target, *link.place) for link in body(text).links]


@pytest.mark.parametrize(
    ("text", "headings"),
    [
        ("## Usage", [(2, "Usage", 1, 1)]),
        ("   ## Usage ##  ", [(2, "Usage", 1, 4)]),
        ("#", [(1, "", 1, 1)]),
        ("## ##", [(2, "", 1, 1)]),
        ("## C#", [(2, "C#", 1, 1)]),
        ("##\tUsage", [(2, "Usage", 1, 1)]),
        ("#Usage", []),
        ("    # code", []),
        ("####### seven", []),
        ("```\n# code\n```\n# after", [(1, "after", 4, 1)]),
        ("Usage\n===\n\nInputs\n--", [(1, "Usage", 1, 1), (2, "Inputs", 4, 1)]),
        ("# One\n\nTwo\n===", [(1, "One", 1, 1), (1, "Two", 3, 1)]),
        ("- item\n--\n\n> quote\n==\n\n| a |\n--", []),
        ("text\n\n===", []),
        ("```\ncode\n```\n===", []),
    ],
)
def test_headings_have_level_text_and_place(text: str, headings: list) -> None:
    expected = [Heading(level, name, Place(*place)) for level, name, *place in headings]
    assert body(text).headings == expected


@pytest.mark.parametrize(
    "heading", ["Usage", "USAGE:", "2. Usage", "3.1 Usage of LeafNet", "**Usage**", "🌿 Usage"]
)
def test_a_section_is_found_by_the_begin_of_its_name(heading: str) -> None:
    assert body(f"text\n\n## {heading}").has_section("usage")
    assert not body(f"## Not {heading}\n\n{heading}").has_section("usage")


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("```python\na\n```", [("python", 2, ("a",), 0)]),
        ("~~~ Python x\na\n```\n~~~", [("python", 2, ("a", "```"), 0)]),
        ("````\n```\n````", [("", 2, ("```",), 0)]),
        ("```\na\n`````", [("", 2, ("a",), 0)]),
        ("  ```\n  a\n b\n   c\n  ```", [("", 2, ("a", "b", " c"), 2)]),
        ("- item\n\n    ```sh\n    ls\n    ```", [("sh", 4, ("ls",), 4)]),
        ("1.  item\n\n    more\n\n    ```sh\n    ls\n    ```\ntext", [("sh", 6, ("ls",), 4)]),
        ("text\n\n    ```sh\n    ls\n    ```", []),
        ("```a``` text", []),
        ("```a\nno end", [("a", 2, ("no end",), 0)]),
        ("```\n    ```\n```", [("", 2, ("    ```",), 0)]),
        ("```", [("", 2, (), 0)]),
    ],
)
def test_code_blocks_have_language_line_and_lines(text: str, blocks: list) -> None:
    assert list(body(text).code_blocks()) == [CodeBlock(*block) for block in blocks]


def test_code_blocks_are_chosen_by_language() -> None:
    text = "```python\na\n```\n```py\nb\n```\n```\nc\n```"
    assert [block.text for block in body(text).code_blocks("python", "py")] == ["a", "b"]


def test_prose_is_what_stands_outside_of_code() -> None:
    assert body("a\n```\nb\n```\nc", 10).prose == [(10, "a"), (14, "c")]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see [a](x.md) and [b](<y z.md>)", [("x.md", 1, 9), ("y z.md", 1, 24)]),
        ("`[a](x.md)` and\n[a](x.md) [a](x.md)", [("x.md", 2, 5), ("x.md", 2, 15)]),
        ('[a]() [b](<>) [c]("t")', [("", 1, 5), ("", 1, 12), ('"t"', 1, 19)]),
        ("[![a](x.png)](y.md)", [("x.png", 1, 7), ("y.md", 1, 15)]),
        ("[a][r] [R]\n\n[r]: x.md", [("x.md", 1, 1), ("x.md", 1, 8)]),
        ("> a\n> [b](x.md)", [("x.md", 2, 7)]),
        ("- a\n\n  - [b](x.md)", [("x.md", 3, 9)]),
        ("| a |\n|-|\n| b |\n| [c](x.md) |", [("x.md", 4, 7)]),
        ("# [a](x.md)\n\n[b](y.md)\n===", [("x.md", 1, 7), ("y.md", 3, 5)]),
        ("[a](x_%20é.md)", [("x_%20é.md", 1, 5)]),
        (r"[a](x\_y.md)", [("x_y.md", 1, 5)]),
        ("<https://example.org>", [("https://example.org", 1, 2)]),
        ('<p>\n<img alt="b" src="x.png"/>\n</p>', [("x.png", 2, 19)]),
        ("text <a class='b' href='x.md'>y</a>", [("x.md", 1, 25)]),
        ('<!-- <img src="x.png"> -->', []),
        ("<p>\n[a](x.md)\n</p>", []),
        ("```\n[a](x.md)\n```\n\n    [b](y.md)", []),
        (r"\[a](x.md) [b] (y.md)", []),
        ("The score is $f[i](x)$ of $g[j](y)$.", []),
        ("$$\nf[i](x)\n$$\n\n[a](x.md)", [("x.md", 5, 5)]),
        (r"\(f[i](x)\) and \[g[j](y)\]", []),
        (r"$a \$ f[i](x)$", []),
        ("2$f[i](x)$ and the $f[i](x)$th", []),
        ("函数$f[i](x)$的值", []),
        ("see[^1]\n\n[^1]: appendix", []),
        ("see[^note]\n\n[^note]: the [paper](x.md)\n    and [more](y.md)", []),
        ("[^1]: a\n\n[b](x.md)", [("x.md", 3, 5)]),
        ("it costs $5 and [a](x.md) costs $6", [("x.md", 1, 21)]),
        ("US$5 [a](x.md) 6$", [("x.md", 1, 10)]),
        ("5$, [a](x.md) 6$", [("x.md", 1, 9)]),
        ("`$` [a](x.md) `$`", [("x.md", 1, 9)]),
        ("$$\n\n[a](x.md)\n\n$$", [("x.md", 3, 5)]),
        ("```\n$x\n```\n[a](x.md) $y", [("x.md", 4, 5)]),
        (r"\$f[i](x.md)\$", [("x.md", 1, 8)]),
    ],
)
def test_links_have_target_and_place(text: str, links: list) -> None:
    assert targets(text) == links


def test_links_know_their_text_and_what_is_an_image() -> None:
    (image, link) = body("![a *b*](x.png) [c `d`](y.md)", 7).links
    assert (image.image, image.place.line) == (True, 7)
    assert link == Link("y.md", "c d", Place(7, 25), image=False)


@pytest.mark.parametrize(
    ("text", "odd"),
    [
        ("[a](https://example.org) [b](HTTP://example.org) f(x)[0](1", True),
        ("[a](https://example.org) [b](HTTP://example.org)", False),
        ("[a](x.md)", True),
        ("[a]()", True),
        ("[a](#b)", True),
        ("[a](<x.md>)", True),
        ("[a](https:///example.org)", True),
        ("[a](https://https://example.org)", True),
        ("[a](\nx.md)", True),
        ("[a]\n\n[a]: x.md", True),
        ("[a]\n\n[a]: https://example.org", False),
        ('<img src="x.png">', True),
        ("plain text: [1], [2]", False),
    ],
)
def test_a_search_of_the_text_spares_most_bodies_the_parser(text: str, odd: bool) -> None:
    assert body(text).has_odd_links is odd


HOSTILE = {
    "backticks": "`" * 100_000,
    "runs of backticks": "".join("`" * (i % 300) + " " for i in range(1000)),
    "brackets": "[" * 100_000,
    "closing brackets": "]" * 100_000,
    "images": "![" * 50_000,
    "open targets": "[a](" * 25_000,
    "half links": "](" * 50_000,
    "blanks in a target": "](" + " " * 100_000,
    "references": "[a][" * 25_000,
    "links": "[a](b) " * 15_000,
    "nested links": "[" * 20_000 + "a" + "](b)" * 20_000,
    "quotes": ">" * 100_000,
    "quoted lines": ("> " * 50 + "a\n") * 1000,
    "items": "- " * 50_000,
    "nested items": "".join(" " * i + "- a\n" for i in range(400)),
    "stars": "*a " * 30_000,
    "marks": "*[_`" * 25_000,
    "tags": "<a " * 30_000,
    "tag in a block": "<p>\n" + "<img " * 20_000,
    "comments": "<!--" * 25_000,
    "definitions": "[a]: b\n" * 15_000,
    "cells": "|a" * 20_000 + "\n" + "|-" * 20_000 + "\n" + "|" * 20_000,
    "rows": "|a|b|\n|-|-|\n" + "|x|[y](z)|\n" * 5_000,
    "fences": "```\n" * 25_000,
    "indented fences": "    ```\n" * 15_000,
    "fences in items": "- a\n\n    ```\n" * 5_000,
    "underlines": "a\n=\n" * 25_000,
    "headings": "# #" + " #" * 40_000 + " ",
    "blanks in a heading": "# a" + " " * 100_000 + "b",
    "entities": "&" * 100_000,
    "nul": "\0[a](\0)" * 10_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_read_in_bounded_time(name: str) -> None:
    with bounded():
        read = body(HOSTILE[name])
        blocks = read.headings, read.links, read.has_odd_links, list(read.code_blocks())
    assert all(part is not None for part in blocks)


def test_no_links_are_looked_for_in_a_text_longer_than_any_card() -> None:
    assert len(body("[a](b)").links) == 1
    assert body("[a](b)" + " " * MAX_MARKDOWN).links == []


MARKDOWN = st.lists(
    st.sampled_from(
        [*"abc#=->|`~*_[]()!<>\\&:\t\"' ", "\n", "\n\n", "    ", "- ", "1. ", "```", "---", "](",
         "[a](b.md)", "![a](b.png)", "<img src='c'>", "[r]: d", "|-|-|", "é", "\0", "https://"]
    ),
    max_size=80,
).map("".join)  # fmt: skip


@given(MARKDOWN | st.text(max_size=200), st.integers(1, 50))
@settings(max_examples=cases(500), deadline=None)
def test_any_text_has_parts_that_stand_in_it(text: str, first_line: int) -> None:
    read = body(text, first_line)
    last = first_line + len(read.lines) - 1
    for heading in read.headings:
        line = read.lines[heading.place.line - first_line]
        assert heading.text in line
        assert 1 <= heading.level <= 6
    for link in read.links:
        assert first_line <= link.place.line <= last
        assert 1 <= link.place.column <= len(read.lines[link.place.line - first_line]) + 1
    code = [line for block in read.code_blocks() for line in block.lines]
    assert len(read.prose) + len(code) <= len(read.lines)
    for number, line in read.prose:
        assert read.lines[number - first_line] == line


@given(st.lists(st.sampled_from(["a.md", "b.md"]), min_size=1, max_size=6))
def test_equal_links_have_places_of_their_own(names: list[str]) -> None:
    text = "\n".join(f"word [text]({name}) `[text]({name})`" for name in names)
    assert targets(text) == [(name, number, 13) for number, name in enumerate(names, 1)]

"""Reading cards: the place and the text of every value, and every way in which a file is broken."""

import os
from pathlib import Path

import pytest
import sample
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from limits import bounded
from properties import cases

from mindspore_hub.checking.check import check_document
from mindspore_hub.checking.rules import select
from mindspore_hub.errors import CardError
from mindspore_hub.hub import front_matter as front
from mindspore_hub.hub.card import read_card
from mindspore_hub.hub.document import Document, parse_document, read_document
from mindspore_hub.hub.findings import Edit, Place, Problem, Rewrite
from mindspore_hub.hub.paths import MAX_BYTES
from mindspore_hub.hub.values import YamlList, YamlMapping, YamlText

ROOT = Path(__file__).parents[1]
CARDS = [card.path for card in sample.cards()]

TEXT = """\
# A Leaf

---

model-name: LeafNet
mindspore-version: 1.10
model-version: "2.0"
user-id: 'botany'
digest: 0e737186
day: 2022-02-30
repo-link: <https://gitee.com/botany/leafnet>
backends: [cpu, "ascend"]
asset:
-
    file-format: ckpt
    network-args: {num_class: 40}

---

## Usage

```python
net = load("LeafNet")

print(net)
```

```text
plain
```
  ```python
  indented = 1
  ```
"""


def document(front_matter: str) -> Document:
    """A card with this front matter, which begins on line 4."""
    return parse_document(f"# T\n\n---\n{front_matter}\n---\n", Path("card.md"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("model-name", YamlText("LeafNet", Place(5, 13))),
        ("mindspore-version", YamlText("1.10", Place(6, 20))),
        ("model-version", YamlText("2.0", Place(7, 16), plain=False)),
        ("user-id", YamlText("botany", Place(8, 10), plain=False)),
        ("digest", YamlText("0e737186", Place(9, 9))),
        ("day", YamlText("2022-02-30", Place(10, 6))),
        ("repo-link", YamlText("<https://gitee.com/botany/leafnet>", Place(11, 12))),
        (
            "backends",
            YamlList(
                (YamlText("cpu", Place(12, 12)), YamlText("ascend", Place(12, 17), plain=False)),
                Place(12, 11),
            ),
        ),
        (
            "asset",
            YamlList(
                (
                    YamlMapping(
                        (
                            (
                                YamlText("file-format", Place(15, 5)),
                                YamlText("ckpt", Place(15, 18)),
                            ),
                            (
                                YamlText("network-args", Place(16, 5)),
                                YamlMapping(
                                    (
                                        (
                                            YamlText("num_class", Place(16, 20)),
                                            YamlText("40", Place(16, 31)),
                                        ),
                                    ),
                                    Place(16, 19),
                                ),
                            ),
                        ),
                        Place(15, 5),
                    ),
                ),
                Place(14, 1),
            ),
        ),
    ],
)
def test_values_keep_their_text_their_place_and_their_quotes(key: str, value: object) -> None:
    parsed = parse_document(TEXT, Path("card.md"))
    assert parsed.syntax_error is None
    assert parsed.front_matter.get(key) == value


def test_keys_keep_their_order_and_place() -> None:
    front_matter = parse_document(TEXT, Path("card.md")).front_matter
    assert front_matter.names[:3] == ["model-name", "mindspore-version", "model-version"]
    assert front_matter.place_of("user-id") == Place(8, 1)
    assert front_matter.place_of("absent") == front_matter.place == Place(5, 1)
    assert front_matter.text("repo-link") == "https://gitee.com/botany/leafnet"
    assert front_matter.text("asset") == front_matter.text("absent") == ""


def test_a_document_has_title_rules_and_body_with_line_numbers() -> None:
    parsed = parse_document(TEXT, Path("card.md"))
    assert parsed.title == "A Leaf"
    assert parsed.rules == (3, 18)
    assert parsed.front_lines == tuple(TEXT.splitlines()[3:17])
    assert parsed.body.first_line == 19
    assert parsed.body.lines[:2] == ("", "## Usage")
    assert len(parsed.body.lines) == TEXT.count("\n") - 18


def blocks(parsed: Document, *languages: str) -> list[tuple[int, str]]:
    return [(block.line, block.text) for block in parsed.body.code_blocks(*languages)]


def test_code_blocks_come_with_the_line_of_their_first_line() -> None:
    parsed = parse_document(TEXT, Path("card.md"))
    assert blocks(parsed, "python") == [
        (23, 'net = load("LeafNet")\n\nprint(net)'),
        (32, "indented = 1"),
    ]
    assert blocks(parsed, "text") == [(29, "plain")]
    assert blocks(parsed, "shell") == []
    for number, code in blocks(parsed):
        assert TEXT.splitlines()[number - 1].strip() == code.splitlines()[0]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_mark_change_nothing(
    line_end: str, mark: str, tmp_path: Path
) -> None:
    path = tmp_path / "card.md"
    path.write_bytes((mark + TEXT.replace("\n", line_end)).encode("utf-8"))
    assert read_document(path) == parse_document(TEXT, path)


def test_text_with_any_line_end_parses_the_same_without_a_file() -> None:
    path = Path("card.md")
    assert parse_document(TEXT.replace("\n", "\r\n"), path) == parse_document(TEXT, path)


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_characters_that_no_editor_breaks_a_line_at_do_not_shift_lines(separator: str) -> None:
    marked = TEXT.replace("## Usage", f"## Usage{separator}of it")
    expected = blocks(parse_document(TEXT, Path("card.md")), "python")
    assert blocks(parse_document(marked, Path("card.md")), "python") == expected


@pytest.mark.parametrize(
    ("text", "title", "rules", "body"),
    [
        ("", None, (), ()),
        ("# T", "T", (), ("# T",)),
        ("\n\n# T\n", "T", (), ("", "", "# T")),
        ("#T\n", None, (), ("#T",)),
        ("# \n", None, (), ("# ",)),
        ("---\na: 1\n", None, (1,), ("---", "a: 1")),
        ("# T\n---\n---\n", "T", (2, 3), ()),
        ("# T\n---\na: 1\n----\n--- | ---\n ---\n", "T", (2, 4, 5), ("--- | ---", " ---")),
    ],
)
def test_titles_and_rules_are_found_where_they_are(
    text: str, title: str | None, rules: tuple[int, ...], body: tuple[str, ...]
) -> None:
    parsed = parse_document(text, Path("card.md"))
    assert (parsed.title, parsed.rules, parsed.body.lines) == (title, rules, body)
    assert parsed.syntax_error is None


DEEP = "more than 20 lists and mappings inside each other"
QUOTE = "quote a value that holds `: ` or a leading special character"


@pytest.mark.parametrize(
    ("front_matter", "place", "message", "help_"),
    [
        (
            "a: 1\nb: c: d",
            Place(5, 5),
            "not YAML: `:` cannot stand here",
            QUOTE,
        ),
        ("\ta: 1", Place(4, 1), "not YAML: a tab cannot stand here", QUOTE),
        ("a: @b", Place(4, 4), "not YAML: `@` cannot stand here", QUOTE),
        ("a: `b", Place(4, 4), "not YAML: a backtick cannot stand here", QUOTE),
        (
            'a: 1\n\nb: x\x07"',
            Place(6, 5),
            "not YAML: the character U+0007 cannot stand here",
            "remove that character",
        ),
        (
            "a: x\u2028b: y",
            Place(4, 5),
            "not YAML: the character U+2028 cannot stand here",
            "remove that character",
        ),
        (
            "a: \ud800",
            Place(4, 4),
            "not YAML: the character U+D800 cannot stand here",
            "remove that character",
        ),
        (
            "a: 1\nb: *best",
            Place(5, 4),
            "a value that begins with `*` is an alias, which cards do not have",
            "quote it, or write the value out",
        ),
        (
            "a: &x [*x]",
            Place(4, 8),
            "a value that begins with `*` is an alias, which cards do not have",
            "quote it, or write the value out",
        ),
        (
            "a: " + "[" * 200_000 + "]" * 200_000,
            Place(4, 23),
            DEEP,
            "write it flatter",
        ),
        ("- " * 2000, Place(4, 41), DEEP, "write it flatter"),
        ("a: " + "{a: " * 2000, Place(4, 80), DEEP, "write it flatter"),
        ("a: " + "[\n" * 2000, Place(23, 1), DEEP, "write it flatter"),
        ("a: 1\nb: " + "[" * 1500 + "@", Place(5, 23), DEEP, "write it flatter"),
    ],
    ids=[
        *["colon", "tab", "at", "backtick", "control", "separator", "surrogate", "alias", "cycle"],
        *["depth", "depth of items", "depth of mappings", "depth over lines", "depth unclosed"],
    ],
)
@pytest.mark.parametrize("parser", ["libyaml", "python"])
def test_a_syntax_error_has_a_place_and_a_way_out(
    front_matter: str,
    place: Place,
    message: str,
    help_: str,
    parser: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if parser == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    parsed = document(front_matter)
    assert parsed.syntax_error == Problem(place, message, help_)
    assert list(parsed.problems_of("F014")) == [parsed.syntax_error]


@pytest.mark.parametrize("front_matter", ["", "- a\n- b", "just words", "# a comment"])
def test_front_matter_without_keys_is_empty_and_no_syntax_error(front_matter: str) -> None:
    parsed = document(front_matter)
    assert parsed.front_matter.entries == ()
    assert parsed.syntax_error is None


def test_a_key_that_stands_twice_is_kept_twice_and_the_last_one_counts() -> None:
    front_matter = document("a: 1\na: 2").front_matter
    assert front_matter.names == ["a", "a"]
    assert front_matter.text("a") == "2"
    assert front_matter.place_of("a") == Place(5, 1)


@pytest.mark.parametrize(
    ("front_matter", "codes", "values"),
    [
        ("a: b: c\nd: e", ["F014"], {"a": "b: c", "d": "e"}),
        ("a: 1\nsee the paper\nb: 2", ["F017", "F014"], {"a": "1", "b": "2"}),
        ("a: -\nb: 2", ["F015"], {"a": "", "b": "2"}),
        ("a: -\nb: c: d", ["F015", "F014"], {"a": "", "b": "c: d"}),
        ("a: -\nb: [1, 2]\nc: 'x''y'", ["F015"], {"a": "", "b": "", "c": "x'y"}),
        ("\ta: 1\nb: 2", ["F017", "F014"], {"a": "", "b": "2"}),
        ("a: 1\nb: x\x07y", ["F014"], {"a": "1", "b": "x\x07y"}),
    ],
)
def test_what_can_be_read_of_a_broken_front_matter_is_read(
    front_matter: str, codes: list[str], values: dict[str, str]
) -> None:
    parsed = document(front_matter)
    assert [code for code, _ in parsed.problems] == codes
    assert {key: parsed.front_matter.text(key) for key in values} == values
    assert parsed.outcome == "recovered"


def test_the_outcome_says_how_reading_went() -> None:
    assert document("a: 1").outcome == "ok"
    assert document("a: -").outcome == "recovered"
    assert document("just words").outcome == "failed"
    assert parse_document("# T\n", Path("card.md")).outcome == "failed"


def test_a_file_that_is_not_utf8_is_read_with_a_problem_at_the_byte(tmp_path: Path) -> None:
    path = tmp_path / "card.md"
    path.write_bytes(b"# T\n\n---\na: 1\nb: x\xffy\n---\n")
    parsed = read_document(path)
    problem = Problem(Place(5, 5), "not UTF-8: byte 18 is 0xff", "save the card as UTF-8")
    assert parsed.problems == (("F001", problem),)
    assert parsed.front_matter.text("b") == "x\ufffdy"


def test_a_mark_and_line_ends_are_known_and_kept() -> None:
    parsed = parse_document("\ufeff# T\r\n", Path("card.md"))
    assert parsed.byte_order_mark
    assert (parsed.title, parsed.text) == ("T", "# T\r\n")


def test_an_edit_is_made_only_where_the_old_text_stands() -> None:
    parsed = document('a: 1\nb: "2"\nc:\n  x y\n  z')
    first, second, third = (parsed.values[key] for key in "abc")
    assert isinstance(first, YamlText)
    assert isinstance(second, YamlText)
    assert isinstance(third, YamlText)
    assert parsed.edit_value(first, "3") == (Edit(Place(4, 4), "1", "3"),)
    assert parsed.edit_value(second, "3") == (Edit(Place(5, 5), "2", "3"),)
    assert parsed.edit_value(third, "3") == ()
    assert parsed.edit(Place(99), "1", None) == ()


@pytest.mark.parametrize(
    ("rewrite", "text", "expected"),
    [
        (Rewrite.NO_BYTE_ORDER_MARK, "\ufeffa\ufeff\r\n", "a\ufeff\r\n"),
        (Rewrite.ONE_LINE_END, "\ufeffa\r\nb\rc\n", "\ufeffa\nb\nc\n"),
        (Rewrite.FINAL_NEWLINE, "a\nb", "a\nb\n"),
        (Rewrite.FINAL_NEWLINE, "a\r\nb", "a\r\nb\r\n"),
        (Rewrite.FINAL_NEWLINE, "a\n", "a\n"),
        (Rewrite.FINAL_NEWLINE, "", ""),
    ],
)
def test_a_rewrite_changes_what_it_is_called_and_nothing_else(
    rewrite: Rewrite, text: str, expected: str
) -> None:
    assert rewrite.apply(text) == expected
    assert rewrite.apply(expected) == expected


CHINESE = "# T\n\n---\n模型名称：LeafNet\n许可证: Apache2.0\n资源:\n- 文件格式：ckpt\n---\n"


def test_a_translation_beside_its_twin_has_the_usual_keys(tmp_path: Path) -> None:
    (tmp_path / "leafnet.md").write_text("# T\n", encoding="utf-8")
    parsed = parse_document(CHINESE, tmp_path / "leafnet_cn.md")
    assert parsed.translation is not None
    assert parsed.translation.names == ["model-name", "license", "asset"]
    assert parsed.translation.text("model-name") == "LeafNet"
    assert parsed.translation.place_of("license") == Place(5, 1)
    asset = parsed.translation.get("asset")
    assert isinstance(asset, YamlList)
    assert isinstance(asset.items[0], YamlMapping)
    assert asset.items[0].text("file-format") == "ckpt"


def test_only_a_translated_card_with_a_twin_is_a_translation(tmp_path: Path) -> None:
    (tmp_path / "leafnet.md").write_text("# T\n", encoding="utf-8")
    assert parse_document(CHINESE, tmp_path / "leafnet.md").translation is None
    assert parse_document(CHINESE, tmp_path / "fernnet_cn.md").translation is None
    assert parse_document(TEXT, tmp_path / "leafnet_cn.md").translation is None


def test_a_file_that_cannot_be_read_is_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(CardError) as caught:
        read_document(tmp_path)
    assert str(caught.value) == f"{tmp_path} cannot be read: Is a directory."
    with pytest.raises(CardError, match="cannot be read: No such file or directory"):
        read_document(tmp_path / "absent.md")
    (tmp_path / "loop.md").symlink_to("loop.md")
    with pytest.raises(CardError, match="cannot be read: Too many levels of symbolic links"):
        read_document(tmp_path / "loop.md")
    with pytest.raises(CardError, match="cannot be read: embedded null byte"):
        read_document(tmp_path / "a\0b.md")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.md")
    with pytest.raises(CardError, match=r"pipe\.md cannot be read: it is not a regular file\."):
        read_document(tmp_path / "pipe.md")


def test_a_file_larger_than_any_card_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.md"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(CardError, match="has more than 1,000,000 bytes"):
        read_document(path)


HOSTILE = {
    "keys": "".join(f"k{number}: v\n" for number in range(70_000)),
    "key": "a" * 900_000 + ": 1\n",
    "lists": "a:\n" + "- b: 1\n" * 100_000,
    "dashes": "- " * 400_000 + "\n",
    "braces": "a: " + "{a: " * 200_000 + "\n",
    "quotes": "a: " + "'" * 900_000 + "\n",
    "colons": "a" + ": a" * 250_000 + "\n",
    "questions": "? " * 400_000 + "\n",
    "anchors": "a: " + "&a " * 250_000 + "\n",
    "stray": "a\n" * 400_000,
    "blanks": "a: b" + " " * 900_000 + "\n",
    "chinese": "资源" * 140_000 + "：\n",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_front_matter_is_read_in_bounded_time(text: str, tmp_path: Path) -> None:
    path = tmp_path / "card_cn.md"
    (tmp_path / "card.md").touch()
    path.write_text(f"# T\n---\n{text}---\n", encoding="utf-8")
    with bounded():
        parsed = read_document(path)
    assert parsed.outcome in {"ok", "recovered", "failed"}
    assert parsed.translation is None or parsed.translation.entries is not None


@pytest.mark.parametrize(
    ("front_matter", "message"),
    [
        ("author: a", ":4:1: model-name is missing or empty;"),
        ("model-name:", ":4:1: model-name is missing or empty;"),
        ("model-name: [a]", ":4:1: model-name is missing or empty;"),
        ("author: a\nmodel-name: ../../elsewhere", ":5:1: model-name '../../elsewhere' is not"),
        ("model-name: a\\b", ":4:1: model-name 'a\\\\b' is not made of letters"),
        ("model-name: a: b", ":4:14: not YAML: `:` cannot stand here"),
    ],
)
def test_a_card_that_cannot_be_a_model_is_refused_with_its_place_and_a_command(
    front_matter: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "card.md"
    path.write_text(f"# T\n\n---\n{front_matter}\n---\n", encoding="utf-8")
    with pytest.raises(CardError) as caught:
        read_card(path, "card")
    assert f"{path}{message}" in str(caught.value)
    assert str(caught.value).endswith(f"run `mshub card check {path}` for every finding.")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("206", 206),
        ("-3", -3),
        ("0.5", 0.5),
        ("1.5e-3", 0.0015),
        ("True", True),
        ("false", False),
        ('"206"', "206"),
        ("'true'", "true"),
        ("1.2.3", "1.2.3"),
        ("\u0664", "\u0664"),
        ("9" * 5000, "9" * 5000),
        ("1.0e999", "1.0e999"),
    ],
    ids=lambda value: str(value)[:10],
)
def test_arguments_of_a_network_are_typed_by_how_they_are_written(
    text: str, value: object, tmp_path: Path
) -> None:
    path = tmp_path / "card.md"
    path.write_text(
        "# T\n---\nmodel-name: T\nasset:\n- file-format: ckpt\n"
        f"  network-args: {{size: {text}}}\n---\n",
        encoding="utf-8",
    )
    asset = read_card(path, "card").asset
    assert asset is not None
    assert asset.network_args == {"size": value}
    assert type(asset.network_args["size"]) is type(value)


@pytest.mark.parametrize(
    ("text", "shapes"),
    [
        ("[3, 288, 144]", ((3, 288, 144),)),
        ("[[2048], [10, 2]]", ((2048,), (10, 2))),
        ("[]", ()),
        ("3", ()),
        ("{a: 1}", ()),
    ],
)
def test_shapes_are_one_list_or_one_list_per_tensor(
    text: str, shapes: tuple[tuple[int, ...], ...], tmp_path: Path
) -> None:
    path = tmp_path / "card.md"
    path.write_text(f"# T\n---\nmodel-name: T\ninput-shape: {text}\n---\n", encoding="utf-8")
    assert read_card(path, "card").input_shapes == shapes


LINES = st.sampled_from(
    """a: 1|b:|c: -|asset:|-|- a: 1|  - a: 1|    a: 2|  a: 2|  b: "x"|    b: x: y|# c|  # c|x|  x|a : 1
a: 'b'|a: "b" # c|a: b #c|a: b#c|a: [1]|a: {b: 1}|a: |\ta: 1|a: b\t|? a|a:b|a: b:|"a": 1|- - a: 1|...
a: *b|a: &b c|a: !b c|a: >|a: |2|<<: 1|=: =|a: 1.10|a: ~|a: `b`|a: @b|a: %b|%a: b|...: a|-a: b|- |-  a: 1
a: a, b|a: a]|a: \u00a0b|a: \u4e2d|\u4e2d\u6587: b|a: "b\\n"|a: 'it''s'|   |\t|a: -b|a: - b|a: ?|a: :""".replace(
        "\n", "|"
    ).split("|")
)


def of_yaml(lines: list[str]) -> object:
    """What PyYAML alone makes of front matter."""
    text = "\n".join(lines)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    return plain(root) if root else plain(YamlMapping((), Place()))


def plain(node: object) -> object:
    """Keys, texts and places of a PyYAML node or of one of ours."""
    if isinstance(node, yaml.Node):
        mark = node.start_mark
        if isinstance(node, yaml.ScalarNode):
            return node.value, mark.line + 1, mark.column + 1, not node.style
        if isinstance(node, yaml.MappingNode):
            return mark.line + 1, mark.column + 1, [(plain(k), plain(v)) for k, v in node.value]
        return mark.line + 1, mark.column + 1, tuple(plain(item) for item in node.value)
    if isinstance(node, YamlMapping):
        return *node.place, [(plain(key), plain(value)) for key, value in node.entries]
    if isinstance(node, YamlList):
        return *node.place, tuple(plain(item) for item in node.items)
    assert isinstance(node, YamlText)
    return node.text, *node.place, node.plain


GAPS = st.sampled_from(["", " ", "  "])
PLAIN = st.from_regex(r"-?[a-z0-9_][a-z0-9_.+-]{0,3}", fullmatch=True)
ODD = [
    *("~", "...", "---", "-", "<<", "=", "'4'", '"4"', "a b", "", "a:", "#", "+1", ".5", "*a"),
    *("&a", "!a", "%a", "?", "中", ":", "a:b", "[", "}"),
]
WORDS = PLAIN | PLAIN | PLAIN | PLAIN | st.sampled_from([*ODD, "k" * 100, "k" * 1100])


@st.composite
def lists(draw: st.DrawFn, values: st.SearchStrategy[str] = WORDS) -> str:
    """A list in brackets, or nearly one."""
    items = draw(st.lists(values, min_size=draw(st.sampled_from([0, 1, 1, 1])), max_size=3))
    return "[" + ",".join(f"{draw(GAPS)}{item}{draw(GAPS)}" for item in items) + "]"


@st.composite
def mappings(draw: st.DrawFn, values: st.SearchStrategy[str] = WORDS) -> str:
    """A mapping in brackets, or nearly one."""
    colons = st.sampled_from([": ", ": ", ":  ", ":", " : "])
    pairs = draw(st.lists(st.tuples(GAPS, PLAIN, colons, values, GAPS), max_size=3))
    return "{" + ",".join("".join(pair) for pair in pairs) + "}"


@settings(max_examples=cases(100), deadline=None)
@given(
    value=lists()
    | lists(lists() | mappings())
    | mappings()
    | mappings(WORDS | lists() | mappings(WORDS | lists()))
    | mappings(mappings(mappings())),
    form=st.sampled_from(
        [
            "a: {}",
            "a:  {} ",
            "a: {} # b",
            "b:\n- a: {}",
            "b:\n  -\n    a: {}\n    c: d",
            "a: {}\n  b",
        ]
    ),
)
def test_the_scanner_reads_brackets_as_a_yaml_parser_does_or_is_not_sure(
    value: str, form: str
) -> None:
    lines = form.replace("{}", value).split("\n")
    scan = front._Scan(lines, 1)
    if scan.sure:
        assert plain(scan.mapping) == of_yaml(lines)


@pytest.mark.parametrize("path", CARDS, ids=lambda path: path.stem)
def test_the_scanner_is_sure_of_every_card_of_the_hub(path: Path) -> None:
    lines = read_document(path).front_lines
    scan = front._Scan(lines, 1)
    assert scan.sure
    assert plain(scan.mapping) == of_yaml(list(lines))


@settings(max_examples=cases(100), deadline=None)
@given(lines=st.lists(LINES | st.text("ab:- #'\"", max_size=6), max_size=8))
def test_the_scanner_is_sure_only_of_what_a_yaml_parser_reads_too(lines: list[str]) -> None:
    scan = front._Scan(lines, 1)
    if scan.sure:
        lines = scan.without_bare_dashes(lines)
        again = front._Scan(lines, 1)
        assert again.sure
        assert plain(again.mapping) == of_yaml(lines)


@st.composite
def mutated_cards(draw: st.DrawFn) -> str:
    """A card of the hub with pieces replaced by arbitrary text or by what YAML is touchy about."""
    text = draw(st.sampled_from(CARDS)).read_text(encoding="utf-8")
    header = text.index("## ")
    touchy = st.sampled_from(
        ["---\n", ": ", "- ", "*a ", "&a ", "!!binary ", "? ", "{", "[", '"', "'", "\t", "%", "..."]
    )
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, header))
        stop = draw(st.integers(start, min(start + 40, header)))
        text = text[:start] + draw(touchy | st.text(max_size=20)) + text[stop:]
    return text


@settings(max_examples=cases(100), deadline=None)
@given(text=st.text() | st.text("-:#[]{}&*!|>'\"%@` \t\n\rab1.") | mutated_cards())
def test_any_text_is_parsed_or_is_a_syntax_error_inside_the_front_matter(text: str) -> None:
    parsed = parse_document(text, Path("card.md"))
    if parsed.syntax_error:
        first, second = parsed.rules[:2]
        assert first < parsed.syntax_error.place.line <= second
        assert "\n" not in parsed.syntax_error.message
    for name, _ in parsed.front_matter.entries:
        assert name.place.column >= 1
        assert parsed.rules[0] < name.place.line < parsed.rules[1]


@settings(max_examples=cases(100), deadline=None)
@given(data=st.binary() | st.text().map(str.encode) | mutated_cards().map(str.encode))
def test_any_file_is_read_or_is_a_card_error(
    data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "arbitrary.md"
    path.write_bytes(data)
    try:
        card = read_card(path, "a/1.0/arbitrary")
    except CardError as error:
        assert str(path) in str(error)  # noqa: PT017 - both outcomes are right
    else:
        assert card.model_name == read_document(path).front_matter.text("model-name")


@pytest.mark.parametrize(
    ("written", "text", "plain"),
    [
        ("!!str 1.10", "1.10", False),
        ("!!str True", "True", False),
        ("!!str ~", "~", False),
        ("!!str word", "word", True),
        ("!<tag:yaml.org,2002:str> 1.10", "1.10", False),
        ("!!float 1.10", "1.10", True),
        ('!!float "1.10"', "1.10", True),
        ("!!bool 'true'", "true", True),
        ("&name 1.10", "1.10", True),
        ("&name !!str 1.10", "1.10", False),
        ('!!str "1.10"', "1.10", False),
        ("! 1.10", "1.10", True),
    ],
)
def test_a_tag_says_what_a_value_is_as_quotes_do(written: str, text: str, plain: bool) -> None:
    value = parse_document(f"# A\n---\nkey: {written}\n---\n", Path("a.md")).front_matter.get("key")
    assert isinstance(value, YamlText)
    assert (value.text, value.plain) == (text, plain)
    read = yaml.safe_load(f"key: {written}")["key"]
    assert isinstance(read, str) == (not plain or text == "word")


@pytest.mark.parametrize(
    ("front_matter", "place", "what"),
    [
        ('a: 1\nauthor: "MindSpore team\nb: 2\nc: 3', Place(5, 9), "quote"),
        ("author: 'MindSpore\n\nb: 2\nsummary: 'x'", Place(4, 9), "quote"),
        ('a: "x\nb: "y"\nc: 2', Place(4, 4), "quote"),
        ('a: "x\\"\nb: 1', Place(4, 4), "quote"),
        ("a: 'it''s\nb: 1", Place(4, 4), "quote"),
        ('asset:\n-\n    file-format: "ckpt\n    asset-link: x', Place(6, 18), "quote"),
        ('s: [3, "x\nb: 2', Place(4, 8), "quote"),
        ("s: [3, 4\nb: 2\nc: 3", Place(4, 4), "bracket"),
        ("s: {a: 1\nb: 2", Place(4, 4), "bracket"),
        ("a: 1\ns: [[3], [4]\nb: 2", Place(5, 4), "bracket"),
    ],
)
def test_what_is_left_open_is_reported_where_it_opens(
    front_matter: str, place: Place, what: str
) -> None:
    help_ = "close it in its line"
    expected = Problem(place, f"not YAML: the {what} is not closed", help_)
    assert document(front_matter).syntax_error == expected


@pytest.mark.parametrize("front_matter", ['a: "two\n  lines"\nb: c: d', "a: it's\nc: 1\nb: c: d"])
def test_a_quote_that_is_closed_or_opens_nothing_is_not_blamed(front_matter: str) -> None:
    error = document(front_matter).syntax_error
    assert error
    assert error.message == "not YAML: `:` cannot stand here"


@pytest.mark.parametrize(
    ("written", "cut"),
    [
        ("MindSpore #1 team", True),
        ("#1 team", True),
        ("MindSpore\t#1", True),
        ("two\n  lines #1", True),
        ("[a, b, c #1\n  ]", True),
        ("{a: b #1\n  }", True),
        ("!!str x #1", True),
        ("MindSpore # 1 team", False),
        ("MindSpore #", False),
        ("C# and F#", False),
        ("MindSpore#1", False),
        ('"MindSpore #1 team"', False),
        ("'MindSpore #1 team'", False),
        ('"MindSpore" #1', False),
        ("{a: b, c: 'd #1'}", False),
        ("|\n  MindSpore #1 team", False),
        (">\n  MindSpore #1 team", False),
        ("two\n  lines", False),
    ],
)
def test_a_value_that_a_comment_without_a_blank_follows_is_cut(written: str, cut: bool) -> None:
    text = f"# A\n---\nkey: {written}\nother: x\n---\n"
    found = list(check_document(parse_document(text, Path("a.md")), select(["H921"])))
    assert [item.line for item in found] == ([3] if cut else [])

"""Bodies of cards that are written once for a family of networks, and its row in the README.

`assets/families/<family>.md.jinja` is what the cards that say `family: <family>` have in common; it is
rendered for each of them, with what their front matter says. Whatever it needs of another template
lies beside it. A family without such a text is a name to list cards by.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from textwrap import TextWrapper
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.paths import refuse_links
from mindspore_hub.hub.values import YamlText, release_order

if TYPE_CHECKING:
    from jinja2.sandbox import SandboxedEnvironment

    from mindspore_hub.hub.index import Index

_FOLDER = "families"
_SUFFIX = ".md.jinja"

_WIDTH = 110
"""Columns of the text of a card."""

_ITEM = re.compile(r"- |\d+\. ")
_AS_IT_IS = re.compile(r"[#|<]")
"""What a line begins with that no other one is joined to: headings, tables, comments."""

_WHOLE = re.compile(r" × |`[^`]+`")
"""What no line ends in: sizes and code."""

_HARD_BLANK = "\u00a0"


def family_of(card: Card) -> str:
    """The family that a card names; its model if it names none."""
    family = card.text("family")
    return family if family and fits("family", family) else card.model_name


def body_texts(hub: Hub) -> dict[Path, str]:
    """Every card that has its body from its family, and the text that it should have.

    Raises:
        CardError: The text of a family is not a template, or asks for what a card does not say.
    """
    folder = hub.root / "assets" / _FOLDER
    if not folder.is_dir():
        return {}
    refuse_links(folder.iterdir(), hub.root)
    texts = {card: folder / f"{family_of(card)}{_SUFFIX}" for card in hub.cards}
    environment = _environment(folder)
    return {
        card.path: _front(card) + _rendered(environment, card, hub, path)
        for card, path in texts.items()
        if card.text("family") and path.is_file()
    }


def _environment(folder: Path) -> SandboxedEnvironment:
    """Templates may be somebody else's: they get plain values, and can do nothing but write text."""
    from jinja2 import FileSystemLoader, StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )


def _rendered(environment: SandboxedEnvironment, card: Card, hub: Hub, text: Path) -> str:
    from jinja2 import TemplateError

    try:
        body = environment.get_template(text.name).render(_facts(card, hub))
    except (TemplateError, ArithmeticError, TypeError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{getattr(error, 'filename', None) or text}{f':{line}' if line else ''}"
        msg = f"{where}: {error}; that is the text of the family of {card.path}."
        raise CardError(msg) from error
    return "\n".join(["", *_laid_out(body), ""])


def _front(card: Card) -> str:
    """The card up to its body, as it is."""
    document = card.document
    end = document.rules[1] if len(document.rules) > 1 else len(document.lines)
    return "".join(f"{line}\n" for line in document.lines[:end])


def _facts(card: Card, hub: Hub) -> dict[str, Any]:
    """What a text can say of a card."""
    asset = card.asset
    code = card.repo_link
    texts = {name: value.text for name, value in card.values.items() if isinstance(value, YamlText)}
    alike = [other for other in hub.cards if other.network == card.network and other is not card]
    return {
        "card": {**texts, "uid": card.uid, "name": card.name, "release": card.version},
        "code": {"url": code.url, "path": code.path or code.repo} if code else {},
        "sha256": asset.sha256 if asset else "",
        "size": asset.size if asset else "",
        "arguments": dict(asset.network_args) if asset else {},
        "preprocessing": (asset and asset.mapping("preprocessing")) or {},
        "task": (asset and asset.mapping("task")) or {},
        "inputs": [list(shape) for shape in card.input_shapes],
        "outputs": [list(shape) for shape in card.output_shapes],
        "metrics": [{"name": metric.name, "value": metric.value} for metric in card.metrics],
        "releases": _releases(card, hub),
        "others": [_other(other) for other in alike],
    }


def _other(card: Card) -> dict[str, str]:
    return {
        "uid": card.uid,
        "release": card.version,
        "dataset": card.text("train-dataset"),
        "evaluation": ", ".join(metric.text for metric in card.metrics),
    }


def _releases(card: Card, hub: Hub) -> str:
    """Releases with the file of a card: `1.3 and 1.6 to 1.10`, by the index of the hub."""
    entry = hub.index.by_uid.get(card.uid.lower())
    of_file = hub.index.of_network(entry) if entry else ()
    own = {card.version, *(item.release for item in of_file)}
    parts: list[list[str]] = [[]]
    for release in sorted({*_published_for(hub.index), *own}, key=release_order):
        parts[-1].append(release) if release in own else parts.append([])
    texts = [text for part in parts for text in _joined(part)]
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]]))


@lru_cache(maxsize=1)
def _published_for(index: Index) -> frozenset[str]:
    """Every release that has cards."""
    return frozenset(entry.release for entry in index.entries)


def _joined(releases: list[str]) -> list[str]:
    return releases if len(releases) < 3 else [f"{releases[0]} to {releases[-1]}"]


def _laid_out(text: str) -> Iterator[str]:
    """The lines of a text, its paragraphs filled, one empty line between two blocks."""
    blocks = re.split(r"\n[ \t]*(?:\n[ \t]*)+", text.strip("\n"))
    for number, block in enumerate(_with_whole_code(blocks)):
        if number:
            yield ""
        lines = block.split("\n")
        if lines[0].startswith("```"):
            yield from lines
            continue
        for paragraph in _paragraphs(lines):
            indent = " " * len(match[0]) if (match := _ITEM.match(paragraph)) else ""
            if _AS_IT_IS.match(paragraph):
                yield paragraph
            else:
                whole = _WHOLE.sub(lambda it: it[0].replace(" ", _HARD_BLANK), paragraph)
                lines = _wrapper(indent).wrap(whole)
                yield from (line.replace(_HARD_BLANK, " ") for line in lines)


def _with_whole_code(blocks: list[str]) -> Iterator[str]:
    """Blocks, where code that has empty lines stays one."""
    open_code: list[str] = []
    for block in blocks:
        if open_code or block.startswith("```"):
            open_code.append(block)
            if block.rstrip().endswith("\n```"):
                yield "\n\n".join(open_code)
                open_code = []
        else:
            yield block
    yield from open_code


def _paragraphs(lines: list[str]) -> Iterator[str]:
    """Items and paragraphs of a block, each in one line."""
    joined = ""
    for line in lines:
        if joined and (_ITEM.match(line) or _AS_IT_IS.match(line) or _AS_IT_IS.match(joined)):
            yield joined
            joined = ""
        joined = f"{joined} {line.strip()}".strip() if joined else line.rstrip()
    if joined:
        yield joined


def _wrapper(indent: str) -> TextWrapper:
    return TextWrapper(
        _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )


def family_rows(hub: Hub) -> list[tuple[str, ...]]:
    """A row for each family: its name, its models, how many files, and its best published metrics."""
    families: dict[str, list[Card]] = {}
    for card in sorted(hub.cards, key=lambda card: family_of(card).lower()):
        families.setdefault(family_of(card), []).append(card)
    return [
        (family, ", ".join(_models(cards)), str(len(cards)), ", ".join(_best(cards)))
        for family, cards in families.items()
    ]


def _models(cards: list[Card]) -> Mapping[str, None]:
    return dict.fromkeys(card.model_name for card in cards)


def _best(cards: list[Card]) -> Iterator[str]:
    """The best first metric of the cards of each data set."""
    sets: dict[str, list[Card]] = {}
    for card in cards:
        if card.metrics:
            sets.setdefault(card.text("train-dataset").lower(), []).append(card)
    for name, of_set in sets.items():
        best = max(of_set, key=lambda card: card.metrics[0].number)
        yield f"{best.metrics[0].text} ({name})"

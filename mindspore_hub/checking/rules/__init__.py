"""The rules of `mshub card check`: one module each, a rule by being in this folder.

A module is called `<code>_<name>.py`; where it does not run by default, it lies in `extended/` or
`off/`. It has a docstring with the sections What, Why, Example and Instead, the constants `CODE`,
`NAME` and `SEVERITY`, where it yields edits `FIXABLE = True`, and one function:
`check_card(document)` for what one card shows, or `check_hub(hub)` for what only several cards
together show, or a card of a hub by itself; then it says `ONE_CARD = True`. What it looks at
besides the cards, it asks `beside` for. Its cases are in `tests/rules/<CODE>.yaml`.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

from mindspore_hub.checking.config import GROUPS
from mindspore_hub.hub.document import Document, Outline
from mindspore_hub.hub.findings import Problem, Severity

_FOLDER = Path(__file__).parent


class Group(str, Enum):
    """When a rule runs."""

    DEFAULT = "default"
    """Unless it is ignored."""

    EXTENDED = "extended"
    """When it is selected by its code, a prefix of it, or EXTENDED."""

    OFF = "off"
    """When it is selected by its whole code, or ALL."""


class Hub:
    """Cards that are checked together.

    Args:
        root: Hub root that they are all cards of: a folder with `models/` and
            `mindspore_hub_conf/`. None for cards of another kind of tree.
        whole: How many cards are held as they are; of further ones an outline, which reads the card
            again where a rule asks for more than is compared of all. None for all.

    Attributes:
        documents: The cards by uid.
        by_sha256: Cards of each whole digest that an asset has.
        by_link: Card and digest of each asset that has a link and a digest, by the link.
    """

    def __init__(self, root: Path | None = None, whole: int | None = None) -> None:
        self.root = root
        self.documents: dict[str, Document] = {}
        self.by_sha256: dict[str, list[Document]] = {}
        self.by_link: dict[str, list[tuple[Document, str]]] = {}
        self._whole = whole

    def add(self, document: Document) -> None:
        """Take a card in, with what is compared of all cards."""
        is_many = self._whole is not None and len(self.documents) >= self._whole
        held = Outline(document) if is_many else document
        self.documents[document.uid] = held
        for asset in document.card.assets:
            if asset.link and asset.sha256:
                self.by_link.setdefault(asset.link, []).append((held, asset.sha256))
        for digest in {asset.sha256 for asset in document.card.assets}:
            if digest and len(digest) == 64:
                self.by_sha256.setdefault(digest, []).append(held)

    @property
    def by_path(self) -> dict[Path, Document]:
        """The cards by path."""
        return {document.path: document for document in self.documents.values()}

    @cached_property
    def copies(self) -> list[list[Document]]:
        """Cards of several releases or names that are of one and the same file."""
        return [cards for cards in self.by_sha256.values() if len(cards) > 1]

    @cached_property
    def copies_in_release(self) -> list[tuple[str, list[Document]]]:
        """Digest and cards, of one release folder, that are of one and the same file."""
        found: dict[tuple[str, str], list[Document]] = {}
        for digest, documents in self.by_sha256.items():
            for document in documents if len(documents) > 1 else ():
                found.setdefault((digest, release_of(document)), []).append(document)
        return [(digest, cards) for (digest, _), cards in found.items() if len(cards) > 1]


def release_of(document: Document) -> str:
    """Folder of a card, `publisher/version`."""
    return document.uid.rpartition("/")[0]


class Rule(NamedTuple):
    """A rule as its module declares it; `--fix` mends what one finds that is fixable.

    With `one_card`, it looks at each card of a hub by itself.
    """

    code: str
    name: str
    severity: Severity
    group: Group
    explanation: str
    check_card: Callable[[Document], Iterator[Problem]] | None
    check_hub: Callable[[Hub], Iterator[tuple[Document, Problem]]] | None
    fixable: bool = False
    one_card: bool = False


def all_rules() -> list[Rule]:
    """Every rule of this folder, by code."""
    rules = [_rule(name, Group.DEFAULT) for name in _modules(_FOLDER)]
    for group in (Group.EXTENDED, Group.OFF):
        rules += [cast("Rule", _Unread(name, group)) for name in _modules(_FOLDER / group.value)]
    return sorted(rules, key=lambda rule: rule.code)


def _modules(folder: Path) -> list[str]:
    return [path.stem for path in folder.glob("[!_]*.py")]


@cache
def groups() -> dict[str, Group]:
    """Group of every code that a finding may have; no rule is read for that."""
    from mindspore_hub.checking.built_in import DEAD_LINK, UNREADABLE

    folders = {group: _FOLDER / group.value for group in (Group.EXTENDED, Group.OFF)}
    return {
        **{rule.code: rule.group for rule in (DEAD_LINK, UNREADABLE)},
        **{
            name.partition("_")[0].upper(): group
            for group, folder in {Group.DEFAULT: _FOLDER, **folders}.items()
            for name in _modules(folder)
        },
    }


def is_known(item: str) -> bool:
    """Whether there is a rule with that code or prefix, or such a group of rules."""
    return item in GROUPS or any(code.startswith(item) for code in groups())


def is_among(code: str, items: Iterable[str]) -> bool:
    """Whether a code is one of some codes, begins with one of them, or is of one of the groups."""
    return any(
        code.startswith(item) or item == "ALL" or (item in GROUPS and item == _group_name(code))
        for item in items
    )


def _group_name(code: str) -> str:
    group = groups().get(code)
    return group.value.upper() if group else ""


def select(rules: Iterable[Rule], selected: Iterable[str], ignored: Iterable[str]) -> list[Rule]:
    """Choose rules.

    Args:
        rules: All of them.
        selected: Codes, prefixes of codes (`K1`), or ALL, DEFAULT, EXTENDED.
        ignored: What is left out again, in the same words.
    """
    wanted = [item.upper() for item in selected]
    unwanted = [item.upper() for item in ignored]
    return [
        rule
        for rule in rules
        if any(_selects(item, rule) for item in wanted)
        and not any(_ignores(item, rule) for item in unwanted)
    ]


def _selects(item: str, rule: Rule) -> bool:
    if item in {"ALL", rule.code, rule.group.value.upper()}:
        return True
    return rule.code.startswith(item) and rule.group is not Group.OFF


def _ignores(item: str, rule: Rule) -> bool:
    return item in {"ALL", rule.group.value.upper()} or rule.code.startswith(item)


class _Unread:
    """A rule of which the name of the file is known; the rest is read when it is asked for.

    Most checks want none of these rules, and to import them takes longer than to check a card.
    """

    def __init__(self, module: str, group: Group) -> None:
        code, _, name = module.partition("_")
        self.code = code.upper()
        self.name = name.replace("_", "-")
        self.group = group
        self._module = f"{group.value}.{module}"

    def __getattr__(self, name: str) -> Any:
        value = getattr(_rule(self._module, self.group), name)
        setattr(self, name, value)
        return value


def _rule(name: str, group: Group) -> Rule:
    module = importlib.import_module(f"{__name__}.{name}")
    return Rule(
        code=module.CODE,
        name=module.NAME,
        severity=module.SEVERITY,
        group=group,
        explanation=module.__doc__ or "",
        check_card=getattr(module, "check_card", None),
        check_hub=getattr(module, "check_hub", None),
        fixable=getattr(module, "FIXABLE", False),
        one_card=getattr(module, "ONE_CARD", False),
    )

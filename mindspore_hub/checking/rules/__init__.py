"""The rules of `mshub card check`: one module each, a rule by being in this folder.

A module is called `<code>_<name>.py`, which says the code and the name of the rule. Where the rule
does not run by default, it lies in `extended/` or `off/`. It has a docstring with the sections What,
Why, Example and Instead, the constant `SEVERITY`, and one function:

- `check_card(document, hub)` for what one card shows,
- `check_hub(hub)` for what only several cards together show.

`FIXABLE = True` says that the rule yields edits, and `HUB_ONLY = True` that it is only about cards of
a hub: then `hub.root` is its folder, and cards elsewhere are not checked by the rule. Its cases are in
`tests/rules/<CODE>.yaml`. A function `details()` gives what `mshub card rule` prints after the docstring.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple

from mindspore_hub.hub.document import Document, Outline
from mindspore_hub.hub.findings import Problem, Severity

_FOLDER = Path(__file__).parent

GROUPS = ("ALL", "DEFAULT", "EXTENDED")
"""What chooses rules besides their codes and prefixes of these."""


class Group(str, Enum):
    """When a rule runs."""

    DEFAULT = "default"
    """Unless it is ignored."""

    EXTENDED = "extended"
    """When it is selected by its code, a prefix of it, or EXTENDED."""

    OFF = "off"
    """When it is selected by its whole code, or ALL."""


class HubCards:
    """Cards that are checked together, and their hub.

    Args:
        root: Hub root that they are all cards of: a folder with `models/` and
            `mindspore_hub_conf/`. None for cards of another kind of tree.

    Attributes:
        documents: The cards by uid; in `check_card`, which is asked while they are read, none.
        by_sha256: Cards of each whole digest that an asset has.
        by_link: Card and digest of each asset that has a link and a digest, by the link.
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root
        self.documents: dict[str, Document] = {}
        self.by_sha256: dict[str, list[Document]] = {}
        self.by_link: dict[str, list[tuple[Document, str]]] = {}

    @property
    def root(self) -> Path:
        """The hub root.

        Raises:
            ValueError: The cards are not in a hub; a rule that asks needs `HUB_ONLY = True`.
        """
        if self._root is None:
            msg = "the cards are not in a hub, and the rule does not say HUB_ONLY"
            raise ValueError(msg)
        return self._root

    def add(self, document: Document, *, outline: bool = False) -> None:
        """Take a card in, with what is compared of all; an outline is read again for all else."""
        held = Outline(document) if outline else document
        self.documents[document.uid] = held
        for asset in document.card.assets:
            if asset.link and asset.sha256:
                self.by_link.setdefault(asset.link, []).append((held, asset.sha256))
        for digest in {asset.sha256 for asset in document.card.assets}:
            if digest and len(digest) == 64:
                self.by_sha256.setdefault(digest, []).append(held)

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
    """A rule as its module declares it; `--fix` fixes what a fixable one finds."""

    code: str
    name: str
    severity: Severity
    group: Group
    explanation: str
    check_card: Callable[[Document, HubCards], Iterator[Problem]] | None = None
    check_hub: Callable[[HubCards], Iterator[tuple[Document, Problem]]] | None = None
    fixable: bool = False
    hub_only: bool = False
    details: Callable[[], str] = str


UNREADABLE = Rule(
    "H900",
    "unreadable-card",
    Severity.ERROR,
    Group.DEFAULT,
    """A card cannot be read.

What: A card is a regular file of at most a megabyte that may be read, or a link to one below the hub
root or the folder given. This is always checked.

Why: Nothing else can be said about it.

Example: a folder called `mvd.md`.

Instead: a Markdown file.
""",
)
"""Reported by the checker itself."""

DEAD_LINK = Rule(
    "H950",
    "dead-link",
    Severity.WARNING,
    Group.OFF,
    """A link leads nowhere.

What: The addresses of `asset-link`, `repo-link` and the body answer. Checked with `--online` only.
An answer 404 or 410 is a warning; an address whose host is silent, or refuses programs, is an info.

Why: A checkpoint behind a dead link cannot be loaded.

Example: `[code](https://gitee.com/mindspore/models/tree/r1.9/research/cv/mvd_old)`

Instead: an address that opens in a browser.
""",
)
"""Reported by `--online`."""

_BUILT_IN = (UNREADABLE, DEAD_LINK)


def all_rules() -> list[Rule]:
    """Every rule of this folder, by code."""
    return read_rules(_modules())


def known_rules() -> list[Rule]:
    """Every rule, and what the checker reports by itself, by code."""
    return sorted([*all_rules(), *_BUILT_IN], key=lambda rule: rule.code)


def select(selected: Iterable[str], ignored: Iterable[str] = ()) -> list[Rule]:
    """Choose rules, by code.

    Args:
        selected: Codes, prefixes of codes (`K1`), or ALL, DEFAULT, EXTENDED.
        ignored: What is left out again, in the same words.
    """
    return read_rules(select_codes(selected, ignored))


def select_codes(selected: Iterable[str], ignored: Iterable[str] = ()) -> set[str]:
    """The codes of these rules, of which no more than the names of their files is looked at."""
    wanted = [item.upper() for item in selected]
    unwanted = [item.upper() for item in ignored]
    return {
        code
        for code, (_, group) in _modules().items()
        if any(_selects(item, code, group) for item in wanted) and not is_among(code, unwanted)
    }


def _selects(item: str, code: str, group: Group) -> bool:
    if item in {"ALL", code, group.value.upper()}:
        return True
    return code.startswith(item) and group is not Group.OFF


def is_known(item: str) -> bool:
    """Whether there is a rule with that code or prefix, or such a group of rules."""
    return item in GROUPS or any(code.startswith(item) for code in known_codes())


def known_codes() -> list[str]:
    """Every code that a finding may have."""
    return [*_modules(), *(rule.code for rule in _BUILT_IN)]


def is_among(code: str, items: Iterable[str]) -> bool:
    """Whether a code is one of some codes, begins with one of them, or is of one of the groups."""
    return any(
        code.startswith(item) or item == "ALL" or (item in GROUPS and item == _group_name(code))
        for item in items
    )


def _group_name(code: str) -> str:
    of_checker = {rule.code: rule.group for rule in _BUILT_IN}
    _, group = _modules().get(code, ("", of_checker.get(code)))
    return group.value.upper() if group else ""


@cache
def _modules() -> dict[str, tuple[str, Group]]:
    """Module and group of each rule, by code: to import all takes longer than to check a card."""
    found = {}
    for group in Group:
        package = "" if group is Group.DEFAULT else f"{group.value}."
        for path in (_FOLDER / package.rstrip(".")).glob("[!_]*.py"):
            found[path.stem.partition("_")[0].upper()] = f"{package}{path.stem}", group
    return found


def read_rules(codes: Iterable[str]) -> list[Rule]:
    """The rules of these codes, in their order."""
    return [_read_rule(code) for code in sorted(codes)]


def _read_rule(code: str) -> Rule:
    name, group = _modules()[code]
    module = importlib.import_module(f"{__name__}.{name}")
    return Rule(
        code=code,
        name=name.partition("_")[2].replace("_", "-"),
        severity=module.SEVERITY,
        group=group,
        explanation=module.__doc__ or "",
        check_card=getattr(module, "check_card", None),
        check_hub=getattr(module, "check_hub", None),
        fixable=getattr(module, "FIXABLE", False),
        hub_only=getattr(module, "HUB_ONLY", False),
        details=getattr(module, "details", str),
    )

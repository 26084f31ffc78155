"""What a check of a card reports."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from mindspore_hub._text import one_line


class Severity(str, Enum):
    """How bad a finding is; errors and warnings make a check fail."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class Place(NamedTuple):
    """A place in a card; lines and columns count from 1."""

    line: int = 1
    column: int = 1


class Edit(NamedTuple):
    """Replace `old`, which stands at `place` on one line, by `new`.

    `new` may be None: then the whole line goes, and with it an empty line that follows.
    """

    place: Place
    old: str
    new: str | None


class Rewrite(str, Enum):
    """An edit of the whole file, after those of its lines."""

    NO_BYTE_ORDER_MARK = "no byte order mark"
    ONE_LINE_END = "one line end"
    FINAL_NEWLINE = "final newline"

    def apply(self, text: str) -> str:
        """The text of a card, decoded with its line ends and its mark, as it ought to be."""
        if self is Rewrite.NO_BYTE_ORDER_MARK:
            return text.removeprefix("\ufeff")
        if self is Rewrite.ONE_LINE_END:
            return text.replace("\r\n", "\n").replace("\r", "\n")
        if not text or text.endswith(("\n", "\r")):
            return text
        return text + ("\r\n" if "\r\n" in text else "\n")


class Problem(NamedTuple):
    """What a rule says about one place of a card: what is wrong, with the value, and what to do.

    Attributes:
        edits: What does it, where a rule is sure.
        whole: The problem is of the whole card; its place says nothing.
    """

    place: Place
    message: str
    help: str
    edits: tuple[Edit | Rewrite, ...] = ()
    whole: bool = False


class Finding(NamedTuple):
    """A problem of one card, as it is reported, with the line and the asset that it is about."""

    path: Path
    line: int
    column: int
    code: str
    severity: Severity
    message: str
    help: str
    edits: tuple[Edit | Rewrite, ...] = ()
    whole: bool = False
    source: str = ""
    asset: str = ""

    @property
    def fixable(self) -> bool:
        """Whether `--fix` mends it."""
        return bool(self.edits)

    def __str__(self) -> str:
        """Two lines: where and what, then what to do."""
        where = one_line(f"{self.path}:{self.line}:{self.column}")
        return f"{where}: {self.code} {one_line(self.message)}\n    help: {one_line(self.help)}"


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings in the order of paths, lines, columns and codes."""
    return sorted(findings, key=lambda item: (item.path.parts, item.line, item.column, item.code))

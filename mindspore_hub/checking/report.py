"""Findings as text, JSON, annotations of GitHub and JUnit's XML."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mindspore_hub._text import json_text, one_line, printable, takes_utf8
from mindspore_hub.checking.rules import Rule
from mindspore_hub.checking.suppress import relative
from mindspore_hub.hub.findings import Finding, Severity
from mindspore_hub.hub.paths import Cards

WIDTH = 100
"""Characters of a source line that are shown; links make some lines very long."""

_NOT_XML = "\ufffe\uffff"
"""What is printable, and no character of XML."""

_COLOURS = {
    Severity.ERROR: "\x1b[31m",  # red
    Severity.WARNING: "\x1b[33m",  # yellow
    Severity.INFO: "\x1b[36m",  # cyan
}
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"

_ANNOTATIONS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


@dataclass(frozen=True)
class Checked:
    """A finished check: cards, rules, what is reported, and how much more the baseline has."""

    cards: list[Cards]
    rules: list[Rule]
    findings: list[Finding]
    known: int = 0

    @cached_property
    def paths(self) -> list[Path]:
        """Every card, each once."""
        return [*dict.fromkeys(path for cards in self.cards for path in cards.paths)]

    @property
    def failed(self) -> bool:
        """Whether there is anything worse than an info."""
        return any(finding.severity is not Severity.INFO for finding in self.findings)

    @cached_property
    def _folders(self) -> dict[Path, Path]:
        return {path: cards.folder for cards in self.cards if cards.folder for path in cards.paths}

    def name(self, path: Path) -> str:
        """Path of a card below the folder given; as given where the card was named itself."""
        folder = self._folders.get(path)
        return relative(path, folder) if folder else path.as_posix()


def render(checked: Checked, style: str, *, coloured: bool = False) -> str:
    """A report in one of the formats of `mshub card check`; colours are for `human` only."""
    if style == "sarif":
        from mindspore_hub.checking.sarif import as_sarif

        return as_sarif(checked)
    if style == "human":
        return as_human(checked, coloured=coloured)
    if style == "concise":
        return "".join(f"{finding}\n" for finding in checked.findings)
    return {"json": as_json, "github": as_github, "junit": as_junit}[style](checked)


def as_human(checked: Checked, *, coloured: bool = False) -> str:
    """Place and message, the source line with a caret, and what to do."""
    return "".join(
        f"{line}\n" for finding in checked.findings for line in _lines(finding, coloured=coloured)
    )


def as_json(checked: Checked) -> str:
    """A list of objects; line and column are null where a finding is of the whole card."""
    objects = [_object(finding, checked) for finding in checked.findings]
    return json_text(objects) + "\n"


def as_github(checked: Checked) -> str:
    """Workflow commands, which GitHub shows beside the changed lines."""
    names = {rule.code: rule.name for rule in checked.rules}
    return "".join(_annotation(finding, names[finding.code]) for finding in checked.findings)


def as_junit(checked: Checked) -> str:
    """One test case per card, failed by errors and warnings."""
    of_card: dict[Path, list[Finding]] = {path: [] for path in sorted(checked.paths)}
    for finding in checked.findings:
        of_card[finding.path].append(finding)
    cases = [_test_case(checked.name(path), found) for path, found in of_card.items()]
    failures = sum("<failure" in case for case in cases)
    counts = f'tests="{len(cases)}" failures="{failures}" errors="0"'
    suite = f'<testsuite name="mshub card check" {counts}>'
    head = ['<?xml version="1.0" encoding="UTF-8"?>', f"<testsuites {counts}>", suite]
    text = "\n".join([*head, *cases, "</testsuite>", "</testsuites>", ""])
    return text if takes_utf8() else text.encode("ascii", "xmlcharrefreplace").decode()


def statistics(checked: Checked, style: str) -> str:
    """How often each rule found something, the most frequent first, as `human` or `json`."""
    names = {rule.code: rule.name for rule in checked.rules}
    counts = Counter(finding.code for finding in checked.findings)
    fixable = {finding.code for finding in checked.findings if finding.fixable}
    rows = [
        {"code": code, "name": names[code], "count": number, "fixable": code in fixable}
        for code, number in sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    ]
    if style == "json":
        return json_text(rows) + "\n"
    width = max((len(str(row["count"])) for row in rows), default=0)
    return "".join(
        f"{row['count']:>{width}}  {row['code']}  [{'*' if row['fixable'] else ' '}] {row['name']}\n"
        for row in rows
    )


def path_in_repository(path: Path) -> str:
    """What a service that shows findings beside lines calls a card.

    That is its path below the folder that GitHub's runners check out into, or below the top of its
    repository; where it lies in neither, below the current folder.
    """
    real = path.parent.resolve() / path.name
    workspace = os.environ.get("GITHUB_WORKSPACE")
    tops = [Path(workspace).resolve()] if workspace else []
    tops += [folder for folder in real.parents if (folder / ".git").exists()]
    for top in tops:
        if real.is_relative_to(top):
            return real.relative_to(top).as_posix()
    return relative(path, Path.cwd())


def _lines(finding: Finding, *, coloured: bool) -> Iterator[str]:
    where = printable(one_line(f"{finding.path}:{finding.line}:{finding.column}:"))
    code, help_ = finding.code, "help:"
    if coloured:
        where, help_ = f"{_BOLD}{where}{_PLAIN}", f"{_BOLD}{help_}{_PLAIN}"
        code = f"{_COLOURS[finding.severity]}{_BOLD}{code}{_PLAIN}"
    yield f"{where} {code} {one_line(finding.message)}"
    if finding.source.strip():
        yield from (f"    | {line}" for line in _excerpt(finding.source, finding.column))
    yield f"    {help_} {one_line(finding.help)}"


def _excerpt(source: str, column: int) -> tuple[str, str]:
    """The part of a line around a column, and a caret under it."""
    source, at = source.replace("\t", " ").rstrip(), column - 1
    begin = 0 if len(source) <= WIDTH or at < WIDTH * 3 // 4 else at - WIDTH // 2
    end = begin + WIDTH
    cut = "…" if begin else ""
    before = cut + one_line(source[begin:at])
    after = "…" if end < len(source) else ""
    width = len(before) if before.isascii() else sum(map(_cells, before))
    return f"{cut}{one_line(source[begin:end])}{after}", " " * width + "^"


def _cells(character: str) -> int:
    """Columns of a terminal that a character takes."""
    if character.isascii():
        return 1
    import unicodedata

    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _object(finding: Finding, checked: Checked) -> dict[str, object]:
    return {
        "path": checked.name(finding.path),
        "line": None if finding.whole else finding.line,
        "column": None if finding.whole else finding.column,
        "code": finding.code,
        "severity": finding.severity.value,
        "message": finding.message,
        "help": finding.help,
        "fixable": finding.fixable,
    }


def _annotation(finding: Finding, name: str) -> str:
    column = {} if finding.whole else {"col": finding.column}
    properties = {
        "file": path_in_repository(finding.path),
        "line": finding.line,
        **column,
        "title": f"{finding.code} {name}",
    }
    stated = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in properties.items())
    message = _escaped(f"{finding.message}\nhelp: {finding.help}")
    return f"::{_ANNOTATIONS[finding.severity]} {stated}::{message}\n"


def _escaped(text: str, special: str = "") -> str:
    """A text in which `%` and what ends a value or a command are `%XX`."""
    ends = f"%\r\n{special}"
    return "".join(f"%{ord(c):02X}" if c in ends else c for c in printable(text))


def _test_case(name: str, findings: list[Finding]) -> str:
    from xml.sax.saxutils import escape, quoteattr

    opening = f'<testcase classname="card" name={quoteattr(_xml_text(one_line(name)))}'
    if not findings:
        return f"{opening}/>"
    lines = [
        f"{finding.line}:{finding.column}: {finding.code} {one_line(finding.message)}\n"
        f"help: {one_line(finding.help)}"
        for finding in findings
    ]
    text = escape(_xml_text("\n".join(lines)))
    if all(finding.severity is Severity.INFO for finding in findings):
        return f"{opening}><system-out>{text}</system-out></testcase>"
    number = len(findings)
    message = "1 finding" if number == 1 else f"{number} findings"
    return f'{opening}><failure message="{message}">{text}</failure></testcase>'


def _xml_text(text: str) -> str:
    return text.translate(dict.fromkeys(map(ord, _NOT_XML), "\N{REPLACEMENT CHARACTER}"))

"""Which findings are not reported: ignored inside a card, known from before, or not bad enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from mindspore_hub.checking.rules import GROUPS, is_among, is_known
from mindspore_hub.errors import SettingsError
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Finding, Place, Severity

SEVERITIES = tuple(Severity)
"""The worst first."""

# Text until a card has such a comment: compiling it costs more than checking a card.
_COMMENT = r"<!--\s*mshub:\s*(?P<kind>[\w-]*)(?P<rest>.{0,1000}?)(?P<end>-->)"
_BEGIN = r"<!--\s*mshub:"
_AROUND = " \t#"
_WORD = r"(?P<before>[\s,]*)(?P<word>[^\s,]+)"
_CODE = r"[A-Za-z]\d[A-Za-z0-9]{0,2}"
_WHOLE_CODE = r"[A-Z]\d[A-Z0-9]{2}"

_MOVES = r"\b((?:line|byte)s?) \d+"
"""Numbers in messages that change when something is written above."""

_VERSION = 2
"""Of baselines; the fingerprints of version 1 hold neither message nor asset."""


class Comment(NamedTuple):
    """A comment in a card that asks to ignore findings.

    Attributes:
        place: Where it begins.
        codes: Codes, prefixes of codes and groups of rules.
        lines: Lines whose findings it ignores; empty for the whole card.
        unknown: What stands in place of a code and is not one.
        mistake: Why it ignores nothing; empty if it does.
    """

    place: Place
    codes: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    unknown: tuple[str, ...] = ()
    mistake: str = ""


class _Ignored(NamedTuple):
    """What the comments of a card ask to ignore: everywhere, and in each line."""

    everywhere: tuple[str, ...] = ()
    of_line: Mapping[int, tuple[str, ...]] = MappingProxyType({})

    def covers(self, finding: Finding) -> bool:
        here = () if finding.whole else self.of_line.get(finding.line, ())
        if not self.everywhere and not here:
            return False
        return is_among(finding.code, self.everywhere) or is_among(finding.code, here)


def shown(findings: Iterable[Finding], severity: Severity) -> Iterator[Finding]:
    """Findings that are at least so bad."""
    wanted = SEVERITIES[: SEVERITIES.index(severity) + 1]
    return (finding for finding in findings if finding.severity in wanted)


def unsuppressed(
    findings: Iterable[Finding], documents: Mapping[Path, Document]
) -> Iterator[Finding]:
    """Findings that no comment inside their card asks to ignore.

    `<!-- mshub: ignore B607 -->` ignores findings of its line or, where it stands alone on one, of
    the next; `<!-- mshub: ignore-file C512 -->` those of the card. Prefixes and groups count too.
    """
    known: dict[Path, _Ignored] = {}
    for finding in findings:
        if finding.path not in known:
            known[finding.path] = _ignored(documents.get(finding.path))
        if not known[finding.path].covers(finding):
            yield finding


def _ignored(document: Document | None) -> _Ignored:
    found = comments(document) if document else []
    everywhere = (code for comment in found if not comment.lines for code in comment.codes)
    of_line: dict[int, list[str]] = {}
    for comment in found:
        for number in comment.lines:
            of_line.setdefault(number, []).extend(comment.codes)
    lines = {number: tuple(dict.fromkeys(codes)) for number, codes in of_line.items()}
    return _Ignored(tuple(dict.fromkeys(everywhere)), lines)


def comments(document: Document) -> list[Comment]:
    """Every comment of a card that asks to ignore findings, or means to."""
    if "mshub:" not in document.text:
        return []
    return [
        comment
        for number, line in enumerate(document.lines, 1)
        if "mshub:" in line
        for comment in _comments(line, number)
    ]


def _comments(line: str, number: int) -> Iterator[Comment]:
    # In front matter the comment stands behind a `#`.
    first, last = len(line) - len(line.lstrip(_AROUND)), len(line.rstrip(_AROUND))
    pattern = re.compile(_COMMENT)
    for begin in re.finditer(_BEGIN, line):
        place = Place(number, begin.start() + 1)
        match = pattern.match(line, begin.start())
        if match:
            alone = begin.start() <= first and match.end() >= last
            yield _comment(match, place, (number, number + 1) if alone else (number,))
        else:
            yield Comment(place, mistake="the comment does not end on its line")


def _comment(match: re.Match[str], place: Place, lines: tuple[int, ...]) -> Comment:
    if match["kind"] not in {"ignore", "ignore-file"}:
        kind = match["kind"] or match["rest"].strip()
        return Comment(place, mistake=f"mshub: {kind} is neither ignore nor ignore-file")
    codes, unknown = _codes(match["rest"])
    mistake = "" if codes or unknown else "the comment names no rule"
    return Comment(place, codes, () if match["kind"] == "ignore-file" else lines, unknown, mistake)


def _codes(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Codes at the begin of a text, and what looks like one and is none; the rest is a reason.

    Where only blanks stand before a word that is not in upper case, it is one of the reason.
    """
    codes: list[str] = []
    unknown: list[str] = []
    for match in re.finditer(_WORD, text):
        word, first = match["word"], not codes and not unknown
        listed = first or "," in match["before"]
        is_code = re.fullmatch(_CODE, word) or word in GROUPS
        if is_code and is_known(word.upper()) and (listed or word.isupper()):
            codes.append(word.upper())
        elif is_code and (listed or re.fullmatch(_WHOLE_CODE, word)):
            unknown.append(word)
        else:
            break
    return tuple(codes), tuple(unknown)


def fingerprints(findings: Iterable[Finding], base: Path) -> list[str]:
    """What stays the same of each finding when lines move.

    Path, code, message, text of the line, and in an asset also which one. Findings that agree in
    these are counted through, so that each has a fingerprint of its own.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    texts: dict[str, str] = {}  # one long line may have many findings
    names: dict[Path, str] = {}
    found = []
    for finding in findings:
        path, source = finding.path, finding.source
        if path not in names:
            names[path] = relative(path, base)
        if source not in texts:
            texts[source] = _sha256(source)
        message = finding.message
        if "line" in message or "byte" in message:
            message = re.sub(_MOVES, r"\1", message)
        key = (names[path], finding.code, message, texts[source], finding.asset)
        found.append(_sha256("\0".join((*key, str(seen[key])))))
        seen[key] += 1
    return found


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def relative(path: Path, base: Path) -> str:
    """A path below a folder, with `/`; the whole path where it is not below it."""
    whole, base = path.absolute(), base.absolute()
    return (whole.relative_to(base) if whole.is_relative_to(base) else whole).as_posix()


def write_baseline(file: Path, findings: list[Finding]) -> None:
    """Write the findings of today, so that only new ones count from now on."""
    import json

    from mindspore_hub._files import replace

    prints = fingerprints(findings, file.absolute().parent)
    entries = [
        {
            "path": relative(finding.path, file.absolute().parent),
            "code": finding.code,
            "fingerprint": fingerprint,
        }
        for finding, fingerprint in zip(findings, prints, strict=True)
    ]
    replace(file, json.dumps({"version": _VERSION, "findings": entries}, indent=1) + "\n")


def read_baseline(file: Path) -> frozenset[str]:
    """Fingerprints of a baseline.

    Raises:
        SettingsError: The file cannot be read, or is not a baseline.
    """
    from mindspore_hub._foreign import read_object

    try:
        content = read_object(file.read_bytes())
        entries = {_VERSION: content["findings"]}[content["version"]]
        return frozenset(str(entry["fingerprint"]) for entry in entries)
    except OSError as error:
        reason = f"The baseline {file} cannot be read: {error.strerror}."
        msg = f"{reason} Write it with `--write-baseline {file}`."
        raise SettingsError(msg) from error
    except (ValueError, KeyError, TypeError) as error:
        msg = f"{file} is not a baseline of this version; write it with `--write-baseline {file}`."
        raise SettingsError(msg) from error

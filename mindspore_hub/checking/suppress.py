"""Which findings are not reported: ignored inside a card, known from before, or not bad enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

from mindspore_hub.checking.rules import GROUPS, is_among, is_known
from mindspore_hub.errors import SettingsError
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Finding, Place, Severity

# Text until a card has such a comment: compiling it costs more than checking a card.
_COMMENT = r"<!--\s*mshub:\s*(?P<kind>[\w-]*)(?P<rest>.{0,1000}?)(?P<end>-->)"
_BEGIN = r"<!--\s*mshub:"
_AROUND = " \t#"
_WORD = r"(?P<before>[\s,]*)(?P<word>[^\s,]+)"
_CODE = r"[A-Za-z]\d[A-Za-z0-9]{0,2}"
_WHOLE_CODE = r"[A-Z]\d[A-Z0-9]{2}"

_MOVES = r"\b((?:line|byte)s?) \d+"
"""Numbers in messages that change when something is written above."""

_EVERYWHERE = 0
"""Stands for all lines of a card."""

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


def shown(findings: Iterable[Finding], severity: Severity) -> Iterator[Finding]:
    """Findings that are at least so bad."""
    severities = [*Severity]  # the worst first
    wanted = severities[: severities.index(severity) + 1]
    return (finding for finding in findings if finding.severity in wanted)


def unsuppressed(
    findings: Iterable[Finding], documents: Mapping[Path, Document]
) -> Iterator[Finding]:
    """Findings that no comment inside their card asks to ignore.

    `<!-- mshub: ignore B607 -->` ignores findings of its line or, where it stands alone on one, of
    the next; `<!-- mshub: ignore-file C512 -->` those of the card. Prefixes and groups count too.
    """
    ignored: dict[Path, dict[int, set[str]]] = {}
    for finding in findings:
        if finding.path not in ignored:
            ignored[finding.path] = _ignored(documents.get(finding.path))
        lines = (_EVERYWHERE, _EVERYWHERE if finding.whole else finding.line)
        of_card = ignored[finding.path]
        if not any(is_among(finding.code, of_card[line]) for line in lines if line in of_card):
            yield finding


def _ignored(document: Document | None) -> dict[int, set[str]]:
    """What the comments of a card ask to ignore in each line."""
    codes: dict[int, set[str]] = {}
    for comment in comments(document) if document else ():
        for number in comment.lines or (_EVERYWHERE,):
            codes.setdefault(number, set()).update(comment.codes)
    return codes


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
        word = match["word"]
        listed = not (codes or unknown) or "," in match["before"]
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
    digest = cache(_sha256)  # one long line may have many findings
    name = cache(partial(relative, base=base))
    found = []
    for finding in findings:
        message = re.sub(_MOVES, r"\1", finding.message)
        key = (name(finding.path), finding.code, message, digest(finding.source), finding.asset)
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

    base = file.absolute().parent
    entries = [
        {"path": relative(item.path, base), "code": item.code, "fingerprint": fingerprint}
        for item, fingerprint in zip(findings, fingerprints(findings, base), strict=True)
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

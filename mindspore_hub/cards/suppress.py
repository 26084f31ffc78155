"""Which findings are not reported: ignored inside a card, known from before, or not bad enough."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mindspore_hub.cards.findings import Finding, Severity
from mindspore_hub.errors import SettingsError

if TYPE_CHECKING:
    from mindspore_hub.cards.parse import Document

SEVERITIES = tuple(Severity)
"""The worst first."""

# Text until a card has such a comment: compiling it costs more than checking a card.
_DIRECTIVE = (
    r"<!--\s*mshub:\s*(?P<kind>ignore-file|ignore)\s+(?P<codes>[A-Za-z]\w*(?:[\s,]+[A-Za-z]\w*)*)"
    r"\s*-->"
)
_VERSION = 1


class _Directive(NamedTuple):
    """A comment that asks to ignore codes, on these lines or, without any, everywhere."""

    codes: tuple[str, ...]
    lines: tuple[int, ...]

    def covers(self, finding: Finding) -> bool:
        here = not self.lines or (finding.line in self.lines and not finding.whole)
        return here and finding.code.startswith(self.codes)


def shown(findings: Iterable[Finding], severity: Severity) -> Iterator[Finding]:
    """Findings that are at least so bad."""
    wanted = SEVERITIES[: SEVERITIES.index(severity) + 1]
    return (finding for finding in findings if finding.severity in wanted)


def unsuppressed(
    findings: Iterable[Finding], documents: Mapping[Path, Document]
) -> Iterator[Finding]:
    """Findings that no comment inside their card asks to ignore.

    `<!-- mshub: ignore B607 -->` ignores findings of its line or, where it stands alone on one, of
    the next; `<!-- mshub: ignore-file C512 -->` those of the card. Prefixes of codes count too.
    """
    known: dict[Path, list[_Directive]] = {}
    for finding in findings:
        if finding.path not in known:
            known[finding.path] = _directives(documents.get(finding.path))
        if not any(directive.covers(finding) for directive in known[finding.path]):
            yield finding


def _directives(document: Document | None) -> list[_Directive]:
    if document is None or "mshub:" not in document.text:
        return []
    return [
        _directive(match, number, line)
        for number, line in enumerate(document.lines, 1)
        for match in re.finditer(_DIRECTIVE, line)
    ]


def _directive(match: re.Match[str], number: int, line: str) -> _Directive:
    codes = tuple(re.split(r"[\s,]+", match["codes"].upper()))
    if match["kind"] == "ignore-file":
        return _Directive(codes, ())
    # In front matter the comment stands behind a `#`.
    alone = not (line[: match.start()] + line[match.end() :]).strip(" \t#")
    return _Directive(codes, (number, number + 1) if alone else (number,))


def fingerprints(findings: Iterable[Finding], base: Path) -> list[str]:
    """What stays the same of each finding when lines move: path, code and text of the line.

    Findings that agree in these are counted through, so that each has a fingerprint of its own.
    """
    import hashlib

    seen: Counter[tuple[str, str, str]] = Counter()
    found = []
    for finding in findings:
        key = (relative(finding.path, base), finding.code, finding.source)
        text = "\0".join((*key, str(seen[key])))
        found.append(hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest())
        seen[key] += 1
    return found


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
        SettingsError: The file cannot be read, or is no baseline.
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
        msg = f"{file} is no baseline of this version; write it with `--write-baseline {file}`."
        raise SettingsError(msg) from error

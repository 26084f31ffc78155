"""Findings in SARIF 2.1.0, the format of code scanning services.

Source: OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mindspore_hub._text import json_text
from mindspore_hub.checking.fix import Change, changes
from mindspore_hub.checking.report import Checked, path_in_repository
from mindspore_hub.checking.rules import Rule
from mindspore_hub.checking.suppress import fingerprints
from mindspore_hub.errors import CardError
from mindspore_hub.hub.document import Document, read_document
from mindspore_hub.hub.findings import Edit, Finding, Rewrite, Severity
from mindspore_hub.version import __version__

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.INFO: "note"}


def as_sarif(checked: Checked) -> str:
    """A log with one run; paths are those in the repository."""
    rules = checked.rules
    index = {rule.code: number for number, rule in enumerate(rules)}
    uris = {path: _uri(path) for path in {finding.path for finding in checked.findings}}
    # Paths in the repository make fingerprints the same in whatever folder the check runs.
    placed = (item._replace(path=Path(path_in_repository(item.path))) for item in checked.findings)
    prints = fingerprints(placed, Path.cwd())
    documents: dict[Path, Document] = {}
    for path in {finding.path for finding in checked.findings if finding.fixable}:
        with suppress(CardError):  # what stands in one that changed meanwhile is not a fix any more
            documents[path] = read_document(path)
    results = [
        _result(item, fingerprint, index[item.code], documents.get(item.path), uris[item.path])
        for item, fingerprint in zip(checked.findings, prints, strict=True)
    ]
    described = [_rule(rule) for rule in rules]
    driver = {"name": "mshub", "semanticVersion": __version__, "rules": described}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json_text(log) + "\n"


def _rule(rule: Rule) -> dict[str, Any]:
    summary, _, rest = rule.explanation.strip().partition("\n\n")
    return {
        "id": rule.code,
        "name": rule.name,
        "shortDescription": {"text": " ".join(summary.split())},
        "fullDescription": {"text": rule.explanation.strip()},
        "help": {"text": rest or summary},
        "defaultConfiguration": {"level": _LEVELS[rule.severity]},
        "properties": {"tags": [rule.group.value]},
    }


def _result(
    finding: Finding, fingerprint: str, index: int, document: Document | None, uri: str
) -> dict[str, Any]:
    artifact = {"uri": uri}
    region = {"startLine": finding.line}  # viewers pass over results without a line
    if not finding.whole:
        region["startColumn"] = finding.column
    location = {"artifactLocation": artifact, "region": region}
    result: dict[str, Any] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": f"{finding.message}\nhelp: {finding.help}"},
        "locations": [{"physicalLocation": location}],
        "partialFingerprints": {"mshub/v1": fingerprint},
    }
    replacements = _replacements(finding.edits, document)
    if replacements:
        change = {"artifactLocation": artifact, "replacements": replacements}
        result["fixes"] = [{"description": {"text": finding.help}, "artifactChanges": [change]}]
    return result


def _replacements(
    edits: Sequence[Edit | Rewrite], document: Document | None
) -> list[dict[str, Any]]:
    if document is None:
        return []
    rewrites = [edit for edit in edits if isinstance(edit, Rewrite)]
    if rewrites:
        # The whole file, in bytes: regions of text do not count a byte order mark.
        old = new = "\ufeff" * document.byte_order_mark + document.text
        for rewrite in rewrites:
            new = rewrite.apply(new)
        region = {"byteOffset": 0, "byteLength": len(old.encode())}
        return [{"deletedRegion": region, "insertedContent": {"text": new}}]
    found = changes(document.text, edits)
    return [_replacement(change, document.text) for change in found or ()]


def _replacement(change: Change, text: str) -> dict[str, Any]:
    line, column = _place(change.start, text)
    end_line, end_column = _place(change.end, text)
    region = {"startLine": line, "startColumn": column}
    region |= {"endLine": end_line, "endColumn": end_column}
    return {"deletedRegion": region, "insertedContent": {"text": change.new}}


def _place(offset: int, text: str) -> tuple[int, int]:
    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _uri(path: Path) -> str:
    name = path_in_repository(path)  # which need not be UTF-8
    return quote(os.fsencode(name)) if not Path(name).is_absolute() else Path(name).as_uri()

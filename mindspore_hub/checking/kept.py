"""Findings in the store, with what they rest on.

    checks/<sha256>.json     one per folder and choice of rules: the sha256 of its seal and of the
                             second line, then JSON

The seal is all that decides besides the cards and what lies beside them. A file that cannot be read,
or is not what was written under the same seal, is as good as none.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from collections.abc import Iterator
from importlib.machinery import PathFinder
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from mindspore_hub._files import is_plain, replace
from mindspore_hub.checking.beside import Look
from mindspore_hub.hub.findings import Edit, Finding, Place, Rewrite, Severity
from mindspore_hub.hub.paths import Cards
from mindspore_hub.version import __version__

MAX_BYTES = 64_000_000
"""Of all files together; the oldest go first."""

_LIBRARIES = ("jinja2", "markdown_it", "yaml")
"""What rules and parsers are made of besides Python."""

_GONE = Path()
"""Path of a card that is no longer there; its findings are not asked for."""

TOGETHER = "/"
"""In place of a uid: all cards together."""


class Kept(NamedTuple):
    """What is known of a folder, by the uid of a card or `TOGETHER`.

    Attributes:
        digests: Of the bytes of every card.
        looks: What was looked at besides.
        findings: What was found, in the order in which a check finds it.
    """

    digests: dict[str, str]
    looks: dict[str, list[Look]]
    findings: dict[str, list[Finding]]

    @property
    def every_finding(self) -> list[Finding]:
        """All findings in that order."""
        return [*chain.from_iterable(self.findings.values())]


class Shelf:
    """The place in the store for the findings of a folder.

    Args:
        home: Folder of the store.
        cards: The cards, which lie under a folder.
        choice: A name of the rules.
    """

    def __init__(self, home: Path, cards: Cards, choice: str) -> None:
        self._cards = cards
        self._seal = os.fsencode("\n".join(_seal(cards.root)))
        name = hashlib.sha256(os.fsencode(f"{(cards.folder or Path()).absolute()}\n{choice}"))
        self._file = home.absolute() / "checks" / f"{name.hexdigest()}.json"

    def read(self) -> Kept | None:
        """What was kept last; None if there is nothing that counts."""
        try:
            digest, _, body = self._file.read_bytes().partition(b"\n")
        except OSError as error:
            self._log(error)
            return None
        return _decoded(json.loads(body), self._cards) if digest == self._digest(body) else None

    def write(self, kept: Kept) -> None:
        """Keep this, if the store can be written and it is not too much."""
        body = json.dumps(_encoded(kept, self._cards), separators=(",", ":")).encode("ascii")
        if len(body) > MAX_BYTES:
            return
        try:
            replace(self._file, self._digest(body) + b"\n" + body)
            _prune(self._file.parent)
        except OSError as error:  # a read-only store costs time, nothing else
            self._log(error)

    def _log(self, error: OSError) -> None:
        import logging

        logging.getLogger(__name__).debug("%s: %s", self._file, error)

    def _digest(self, body: bytes) -> bytes:
        return hashlib.sha256(self._seal + b"\n" + body).hexdigest().encode("ascii")


def _seal(root: Path | None) -> Iterator[str]:
    """This package, Python and libraries, with the times of their files; these are no cards."""
    yield from (__version__, sys.version, str(root))
    specs = map(PathFinder.find_spec, _LIBRARIES)
    libraries = [spec.origin for spec in specs if spec and spec.origin]
    for path in chain(_code(Path(__file__).parents[1]), libraries):
        state = Path(path).stat()
        yield f"{path} {state.st_size} {state.st_mtime_ns}"


def _code(package: Path) -> Iterator[str]:
    for folder, folders, files in os.walk(package):
        folders[:] = sorted({*folders} - {"__pycache__", "_hub"})
        yield from (f"{folder}/{name}" for name in sorted(files))


def _prune(folder: Path) -> None:
    """Remove the oldest files beyond the limit; those of other programs neither count nor go."""
    names = re.compile(r"[0-9a-f]{64}\.json")
    own = (path for path in folder.iterdir() if names.fullmatch(path.name) and is_plain(path))
    states = [(path.stat(), path) for path in own]
    total = 0
    for state, path in sorted(states, key=lambda item: item[0].st_mtime_ns, reverse=True):
        total += state.st_size
        if total > MAX_BYTES:
            path.unlink(missing_ok=True)


def _encoded(kept: Kept, cards: Cards) -> dict[str, Any]:
    """What JSON can hold; lines are by number, since one long line may have many findings."""
    sources: dict[str, int] = {}
    uids = {path: uid for uid, path in cards.named}
    rows = {
        uid: [
            [
                uids[finding.path],
                *finding[1:-2],
                *(sources.setdefault(text, len(sources)) for text in finding[-2:]),
            ]
            for finding in findings
        ]
        for uid, findings in kept.findings.items()
        if findings
    }
    looks = {uid: looks for uid, looks in kept.looks.items() if looks}
    return {"digests": kept.digests, "looks": looks, "findings": rows, "sources": list(sources)}


def _decoded(value: dict[str, Any], cards: Cards) -> Kept:
    paths, sources = dict(cards.named), value["sources"]
    severities = {severity.value: severity for severity in Severity}

    def finding(row: list[Any]) -> Finding:
        uid, line, column, code, severity, message, help_, edits, whole, source, asset = row
        return Finding(
            paths.get(uid, _GONE),
            line,
            column,
            code,
            severities[severity],
            message,
            help_,
            tuple(map(_edit, edits)),
            whole,
            sources[source],
            sources[asset],
        )

    return Kept(
        value["digests"],
        {uid: [Look(*look) for look in looks] for uid, looks in value["looks"].items()},
        {uid: [*map(finding, rows)] for uid, rows in value["findings"].items()},
    )


def _edit(value: Any) -> Edit | Rewrite:
    if isinstance(value, str):
        return Rewrite(value)
    place, old, new = value
    return Edit(Place(*place), old, new)

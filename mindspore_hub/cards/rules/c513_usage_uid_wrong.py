"""The code of the Usage section loads another card.

What: `mindspore_hub.load("<uid>")` in a card's code names this card.

Why: Readers copy that line; with a foreign uid they get another network, or none.

Example: `mindspore_hub.load("mindspore/1.8/mvd_infraredtovisible_regdb")` in the card of 1.9.

Instead: the uid of this card, its path under `assets/` without `.md`.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator

from mindspore_hub.cards.body import CodeBlock
from mindspore_hub.cards.findings import Edit, Place, Problem, Severity
from mindspore_hub.cards.parse import Document
from mindspore_hub.cards.patterns import pattern

CODE = "C513"
NAME = "usage-uid-wrong"
SEVERITY = Severity.ERROR
FIXABLE = True

_LOAD = pattern(
    r"(?<![\w.])(?:(?P<module>\w+)\.)?load\(\s*(?:name\s*=\s*)?"
    r"(?:[\"'](?P<uid>[^\"'\n]+)[\"']|(?P<variable>[^\W\d]\w*)\s*[,)])"
)
_MODULE = pattern(r"^\s*import\s+mindspore_hub\s+as\s+(\w+)", re.MULTILINE)
_FUNCTION = pattern(r"^\s*from\s+mindspore_hub\s+import\b.*\bload\b", re.MULTILINE)
_ASSIGNED = pattern(r"^[ \t]*(\w+)[ \t]*=[ \t]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_UID = pattern(r"[\w.+-]+(?:/[\w.+-]+)+")


def check_card(document: Document) -> Iterator[Problem]:
    """Report each load of another uid; a card outside `assets/` has none."""
    uid, text = document.uid, document.body.text
    if "/" not in uid or "load(" not in text or _is_usual(text, uid):
        return
    names = {"mshub", "mindspore_hub", "hub", *_MODULE.findall(text)}
    if _FUNCTION.search(text):
        names.add("")
    for block in document.body.code_blocks("python", "py", "python3", ""):
        for place, loaded in _loaded(block, names):
            if not _is_same(loaded, uid):
                yield _problem(place, loaded, uid)


def _is_usual(text: str, uid: str) -> bool:
    """Whether the only load is of this uid, assigned on the line before: what most cards have."""
    _, found, rest = text.partition(f' = "{uid}"\n')
    return bool(found) and text.count("load(") == 1 and "load(" in rest.partition("\n")[0]


def _loaded(block: CodeBlock, names: set[str]) -> Iterator[tuple[Place, str]]:
    """Uids that are loaded, directly or by a variable, and where they stand, each once."""
    code = block.text
    breaks = [match.start() for match in re.finditer("\n", code)]
    values = _assignments(code)
    seen = set()
    for match in _LOAD.finditer(code):
        if (match["module"] or "") not in names:
            continue
        start, loaded = match.start("uid"), match["uid"]
        if match["variable"]:
            start, loaded = _value(values.get(match["variable"], []), match.start())
        if loaded and start not in seen and _UID.fullmatch(loaded):
            seen.add(start)
            above = bisect(breaks, start)
            column = start - (breaks[above - 1] if above else -1) + block.indent
            yield Place(block.line + above, column), loaded


def _assignments(code: str) -> dict[str, list[tuple[int, str]]]:
    """Texts that each variable is set to, and where."""
    found: dict[str, list[tuple[int, str]]] = {}
    for match in _ASSIGNED.finditer(code):
        found.setdefault(match[1], []).append((match.start(2), match[2]))
    return found


def _value(assigned: list[tuple[int, str]], before: int) -> tuple[int, str]:
    """Last text that a variable was set to before a place."""
    index = bisect(assigned, (before, ""))
    return assigned[index - 1] if index else (0, "")


def _is_same(loaded: str, uid: str) -> bool:
    """A part of the assets has the ends of uids; a translation loads the card it translates."""
    return f"/{loaded}".endswith((f"/{uid}", f"/{uid.removesuffix('_cn')}"))


def _problem(place: Place, loaded: str, uid: str) -> Problem:
    whole = uid.removesuffix("_cn")
    edits = (Edit(place, loaded, whole),) if uid.count("/") > 1 else ()
    message = f"the code loads {loaded}, this card is {uid}"
    return Problem(place, message, f'write `load("{whole}")`', edits)

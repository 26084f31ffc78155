"""What the rules about sample code share: which calls are those of this package."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from typing import NamedTuple

from mindspore_hub.hub.body import CodeBlock
from mindspore_hub.hub.findings import Place
from mindspore_hub.hub.patterns import pattern

LANGUAGES = ("python", "py", "python3", "pycon", "ipython", "")
"""Of code blocks that may hold Python."""

_PACKAGE = "mindspore_hub"

_IMPORT = pattern(
    r"^[ \t>.]*(?:from[ \t]+(?P<package>[\w.]+)[ \t]+import[ \t]*(?P<names>\([^)]{0,2000}\)|[^\n]*)"
    r"|import[ \t]+(?P<modules>[^\n]*))",
    re.MULTILINE,
)
_CALL = pattern(
    r"(?<![\w.])(?P<function>\w+(?:\.\w+)?)[ \t]*\(\s*(?:name\s*=\s*)?"
    r"(?:[\"'](?P<text>[^\"'\n]+)[\"']|(?P<variable>[^\W\d]\w*)\s*[,)])"
)
_ASSIGNED = pattern(r"^[ \t>.]*(\w+)[ \t]*=[ \t]*[\"']([^\"'\n]+)[\"']", re.MULTILINE)


class Call(NamedTuple):
    """A call of a function of this package with the name of a card.

    Attributes:
        function: Its name in the package, such as `load`.
        name: The name that it is given, directly or by a variable.
        place: Where that stands.
    """

    function: str
    name: str
    place: Place


def hub_calls(block: CodeBlock) -> Iterator[Call]:
    """Calls of this package, by the imports of the block; each name once."""
    code = block.text
    if _PACKAGE not in code:
        return
    breaks = [match.start() for match in re.finditer("\n", code)]
    imported, values = _imports(code), _assignments(code)
    seen = set()
    for match in _CALL.finditer(code):
        function = _function(match["function"], imported, match.start())
        start, name = match.start("text"), match["text"]
        if match["variable"]:
            start, name = _last(values.get(match["variable"], []), match.start()) or (0, "")
        if function and name and start not in seen:
            seen.add(start)
            above = bisect(breaks, start)
            column = start - (breaks[above - 1] if above else -1) + block.indent
            yield Call(function, name, Place(block.line + above, column))


def _function(called: str, imported: dict[str, list[tuple[int, str]]], at: int) -> str:
    """Name in the package of what is called at a place; empty for a function of others."""
    first, _, rest = called.partition(".")
    whole = (_last(imported.get(first, []), at) or (0, ""))[1]
    path = f"{whole}.{rest}" if rest else whole
    return path.removeprefix(f"{_PACKAGE}.") if path.startswith(f"{_PACKAGE}.") else ""


def _imports(code: str) -> dict[str, list[tuple[int, str]]]:
    """What each name of a module or function means, from where on."""
    found: dict[str, list[tuple[int, str]]] = {}
    for match in _IMPORT.finditer(code):
        before = f"{match['package']}." if match["package"] else ""
        for item in (match["names"] or match["modules"] or "").strip("() \t").split(","):
            words = item.partition("#")[0].replace("\\", " ").split()
            if len(words) == 3 and words[1] == "as":
                found.setdefault(words[2], []).append((match.start(), before + words[0]))
            elif len(words) == 1:
                # `import a.b` makes the name `a` known.
                name = words[0] if before else words[0].partition(".")[0]
                found.setdefault(name, []).append((match.start(), before + name))
    return found


def _assignments(code: str) -> dict[str, list[tuple[int, str]]]:
    """Texts that each variable is set to, and where."""
    found: dict[str, list[tuple[int, str]]] = {}
    for match in _ASSIGNED.finditer(code):
        found.setdefault(match[1], []).append((match.start(2), match[2]))
    return found


def _last(known: list[tuple[int, str]], before: int) -> tuple[int, str] | None:
    """What a name meant last before a place."""
    index = bisect(known, (before, ""))
    return known[index - 1] if index else None

"""Names with dots as a tree, cut where it becomes too deep or too broad to be looked at."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

_DEPTH = 3
_BREADTH = 40

_Item = TypeVar("_Item")


def lines(
    items: Sequence[_Item],
    name_of: Callable[[_Item], str],
    describe: Callable[[Sequence[_Item]], str],
) -> Iterator[tuple[str, str]]:
    """Give a label, indented, and a description for each branch.

    A branch that has one branch only is shown together with it.

    Args:
        items: What has names, in the order in which to show it.
        name_of: Its name.
        describe: Text for items that are shown as one.
    """
    yield from _branches(items, 0, 0, name_of, describe)


def _branches(
    items: Sequence[_Item],
    start: int,
    depth: int,
    name_of: Callable[[_Item], str],
    describe: Callable[[Sequence[_Item]], str],
) -> Iterator[tuple[str, str]]:
    indent = "  " * depth
    groups: dict[str, list[_Item]] = {}
    for item in items:
        groups.setdefault(_component(name_of(item), start), []).append(item)
    shown = list(groups.values())
    for group in shown[:_BREADTH]:
        end = _common_end([name_of(item) for item in group], start)
        yield indent + name_of(group[0])[start:end].removesuffix("."), describe(group)
        if len(group) > 1 and depth + 1 < _DEPTH:
            yield from _branches(group, end, depth + 1, name_of, describe)
    if rest := shown[_BREADTH:]:
        hidden = [item for group in rest for item in group]
        yield f"{indent}... and {len(rest)} more", describe(hidden)


def _component(name: str, start: int) -> str:
    """The next component, with the dot behind it, if there is one."""
    dot = name.find(".", start)
    return name[start:] if dot < 0 else name[start : dot + 1]


def _common_end(names: Sequence[str], start: int) -> int:
    """Where the components end that all names share."""
    if len(names) == 1:
        return len(names[0])
    common = os.path.commonprefix([min(names), max(names)])  # noqa: RUF071 - names, no paths
    return max(common.rfind(".") + 1, start)

"""The commands `mshub inspect` and `mshub diff`. What a command needs, it imports when it runs."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count, size
from mindspore_hub.commands._options import (
    format_option,
    hub_option,
    network_option,
    read_file_or_name,
)
from mindspore_hub.commands._output import echo, json_number, print_json, print_table

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.examine import Duplicate, Examination, TensorFacts
    from mindspore_hub.networks.fit import Fit
    from mindspore_hub.tensors.difference import Change, Comparison, Named

_ROWS = 100
"""How many tensors that differ are shown of a kind; a file may hold very many."""

_DEPTH = 3
"""Levels of the tree of names."""

_BREADTH = 40
"""Branches of a branch; more are shown as one."""


@click.command()
@click.argument("source", metavar="FILE|NAME")
@click.option("--all", "every", is_flag=True, help="List every tensor instead of a tree.")
@network_option("Fit the network of a card, or find any that fits; needs MindSpore.", "MODEL|any")
@hub_option(trust=True)
@format_option
def inspect(source: str, every: bool, network: str | None, hub: Hub, style: str) -> None:
    """Show what a checkpoint file holds: tensors, dtypes, leftovers of training, duplicates.

    FILE is a file in the format ckpt or safetensors. NAME is any name of a card whose file is in
    the store. Exits with 1 if FILE cannot be read, or the network of MODEL does not fit.
    """
    facts, _ = read_file_or_name(source, hub)
    found = _fits(facts, network, hub)
    duplicates = facts.duplicates()
    if style == "json":
        print_json(_json(facts, duplicates, found))
        return
    print_table(("Fact", "Value"), [*_rows(facts, duplicates), *_network_rows(found)])
    echo()
    for line in _all(facts.tensors) if every else _tree(facts.tensors):
        echo(line)


@click.command()
@click.argument("left", metavar="A")
@click.argument("right", metavar="B")
@network_option(
    "Compare under the names that this network gives, without optimizer state; needs MindSpore."
)
@hub_option(trust=True)
@format_option
def diff(left: str, right: str, network: str | None, hub: Hub, style: str) -> None:
    """Compare two checkpoint files, A and B, tensor by tensor.

    A and B are files or names, as in `mshub inspect`. Exits with 0 if all values are equal, else
    with 1. Two NaN are equal, and so are 0 and -0.
    """
    from mindspore_hub.tensors.difference import compare

    files = [read_file_or_name(name, hub)[0] for name in (left, right)]
    result = compare(*(_named(facts, network, hub) for facts in files))
    if style == "json":
        print_json(_comparison_json(result))
    else:
        _print_comparison(result, left, right)
    if result:
        sys.exit(1)


def _fits(facts: Examination, network: str | None, hub: Hub) -> list[Fit] | None:
    if network is None:
        return None
    from mindspore_hub.networks.fit import cards_named, fit, fits

    if network == "any":
        return fits(facts, hub)
    return [fit(facts, cards_named(network, hub), hub)]


def _named(facts: Examination, network: str | None, hub: Hub) -> Named:
    from mindspore_hub.tensors.difference import Named

    if network is None:
        return Named(facts.index, {name: name for name in facts.index.entries})
    from mindspore_hub.networks.fit import cards_named, names_for

    return Named(facts.index, names_for(facts, cards_named(network, hub), hub))


def _rows(facts: Examination, duplicates: Sequence[Duplicate]) -> Iterator[tuple[str, str]]:
    from mindspore_hub.networks.examine import LISTED

    yield from facts.rows()
    same = [duplicate for duplicate in duplicates if not duplicate.constant]
    for duplicate in same[:LISTED]:
        yield "duplicates", "\n".join(duplicate.names)
    if len(same) > LISTED:
        yield "duplicates", f"and {len(same) - LISTED} more groups; --format json lists all"
    constant = sum(len(duplicate.names) for duplicate in duplicates if duplicate.constant)
    if constant:
        yield "duplicates", f"{count(constant, 'tensor')} of one number each, as if untrained"


def _network_rows(found: list[Fit] | None) -> Iterator[tuple[str, str]]:
    if found is None:
        return
    for fit in found:
        derived = ", ".join(fit.derived)
        yield "network", f"{fit.call}{f'; shapes tell {derived}' if derived else ''}"
    if not found:
        yield "network", "none of the hub"


def _all(tensors: Sequence[TensorFacts]) -> Iterator[str]:
    from mindspore_hub.networks.examine import shape_text

    width = min(max((len(tensor.name) for tensor in tensors), default=0), 100)
    for tensor in tensors:
        role = "" if tensor.role == "parameter" else f"  {tensor.role}"
        shape = shape_text(tensor.shape)
        yield f"{tensor.name:{width}}  {tensor.dtype:8}  {shape}  {size(tensor.nbytes)}{role}"


def _tree(tensors: Sequence[TensorFacts]) -> Iterator[str]:
    """Names with dots as a tree, cut where it becomes too deep or too broad to be looked at."""
    drawn = list(_branches(tensors, 0, 0))
    width = min(max((len(label) for label, _ in drawn), default=0), 60)
    for label, description in drawn:
        yield f"{label:{width}}  {description}"


def _branches(tensors: Sequence[TensorFacts], start: int, depth: int) -> Iterator[tuple[str, str]]:
    """An indented label and a description of each branch; an only branch stands in one line."""
    indent = "  " * depth
    groups: dict[str, list[TensorFacts]] = {}
    for tensor in tensors:
        groups.setdefault(_component(tensor.name, start), []).append(tensor)
    shown = list(groups.values())
    for group in shown[:_BREADTH]:
        end = _common_end([tensor.name for tensor in group], start)
        yield indent + group[0].name[start:end].removesuffix("."), _described(group)
        if len(group) > 1 and depth + 1 < _DEPTH:
            yield from _branches(group, end, depth + 1)
    if rest := shown[_BREADTH:]:
        hidden = [tensor for group in rest for tensor in group]
        yield f"{indent}... and {len(rest)} more", _described(hidden)


def _component(name: str, start: int) -> str:
    """The next component, with the dot behind it, if there is one."""
    dot = name.find(".", start)
    return name[start:] if dot < 0 else name[start : dot + 1]


def _common_end(names: Sequence[str], start: int) -> int:
    """Where the components end that all names share."""
    if len(names) == 1:
        return len(names[0])
    common = os.path.commonprefix([min(names), max(names)])  # noqa: RUF071 - names, not paths
    return max(common.rfind(".") + 1, start)


def _described(tensors: Sequence[TensorFacts]) -> str:
    from mindspore_hub.networks.examine import Total, shape_text

    if len(tensors) > 1:
        return str(Total.of(tensors))
    (tensor,) = tensors
    return f"{tensor.dtype} {shape_text(tensor.shape)}, {size(tensor.nbytes)}"


def _json(
    facts: Examination, duplicates: Sequence[Duplicate], found: list[Fit] | None
) -> dict[str, Any]:
    from dataclasses import asdict

    network = {} if found is None else {"networks": [_fit_json(fit) for fit in found]}
    return {
        **facts.summary(),
        "duplicates": [asdict(duplicate) for duplicate in duplicates],
        **network,
        "tensors": [asdict(tensor) for tensor in facts.tensors],
    }


def _fit_json(fit: Fit) -> dict[str, Any]:
    return {"model": fit.model, "derived": fit.derived, "stated": fit.stated, "names": fit.names}


def _comparison_json(result: Comparison) -> dict[str, Any]:
    return {
        "equal": result.equal,
        "only_left": result.only_left,
        "only_right": result.only_right,
        "changes": [_change_json(change) for change in result.changes],
    }


def _change_json(change: Change) -> dict[str, Any]:
    facts: dict[str, Any] = {"name": change.name, "kind": change.kind}
    for side, signature in (("left", change.left), ("right", change.right)):
        facts[side] = {"dtype": signature.dtype, "shape": signature.shape}
    if change.values is not None:
        facts["values"] = {
            "elements": change.values.elements,
            "differing": change.values.differing,
            "nan": change.values.nan,
            "largest": json_number(change.values.largest),
            "relative": json_number(change.values.relative),
        }
    return facts


def _print_comparison(result: Comparison, left: str, right: str) -> None:
    for side, names in ((left, result.only_left), (right, result.only_right)):
        for name in names[:_ROWS]:
            echo(f"only in {side}: {name}")
        if len(names) > _ROWS:
            echo(f"only in {side}: {len(names) - _ROWS} more")
    rows = [(change.name, _change_text(change)) for change in result.changes[:_ROWS]]
    if len(result.changes) > _ROWS:
        rows.append((f"{len(result.changes) - _ROWS} more", "--format json lists all"))
    if rows:
        print_table(("Tensor", "Difference"), rows)
    only = len(result.only_left) + len(result.only_right)
    echo(
        f"{count(result.equal, 'tensor')} equal, {len(result.changes)} different, {only} in one "
        "file only"
    )


def _change_text(change: Change) -> str:
    values = change.values
    if values is None:
        return f"{change.left} -> {change.right}" if change.left != change.right else "other text"
    nan = f", {values.nan:,} NaN on one side" if values.nan else ""
    return (
        f"{values.share:.3%} of {values.elements:,} elements differ, by {values.largest:.4g} at "
        f"most ({values.relative:.2g} of the largest){nan}"
    )

"""From a checkpoint file to the parameters of a network: nothing missing, nothing left over.

Published files carry what training left in them: prefixes on the names, optimizer state, parts that
never compute anything. What of it a network's files may carry is data, the network's attribute
`checkpoint` (see `models/_checkpoint.py`). Names are compared whole, never by suffix:
`bottleneck.gamma` is a suffix of `wpa.bottleneck.gamma`.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from mindspore_hub.errors import CheckpointError

_OPTIMIZER_STATE = re.compile(
    r"(moments|moment1|moment2|accum|stat)\..+"
    r"|step|global_step|momentum|learning_rate(_group_\d+)?|beta[12]_power|index_var"
    r"|epoch_num|step_num|loss_scale"
)
"""Entries that MindSpore's optimizers and training callbacks add to a file."""

_LISTED = 8
"""How many names of a kind an error lists."""

Shape = tuple[int, ...]


Facts = Any
"""A `Checkpoint` of `models/_checkpoint.py`, which this package never imports by name."""

_PLAIN_FACTS = SimpleNamespace(
    class_argument="", head=(), arguments=(), renames={}, unused=(), prefixes=()
)
"""Facts of a network that states none: the names in its files are its own."""


@dataclass(frozen=True)
class Signature:
    """Shape and dtype (`float32`) of a tensor."""

    shape: Shape
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype} {self.shape}"


@dataclass(frozen=True)
class Weight:
    """A tensor of a checkpoint file, under its name there."""

    file_name: str
    signature: Signature
    parameter: Any


@dataclass(frozen=True)
class Derived:
    """A constructor argument, read off the shape of a tensor."""

    value: Any
    tensor: str
    shape: Shape


@dataclass(frozen=True)
class Difference:
    """How a file and a network differ; each list holds one line per tensor."""

    missing: tuple[str, ...]
    unexpected: tuple[str, ...]
    shapes: tuple[str, ...]
    dtypes: tuple[str, ...]

    def __bool__(self) -> bool:
        return any((self.missing, self.unexpected, self.shapes, self.dtypes))

    def __str__(self) -> str:
        sections = {
            "missing in the file": self.missing,
            "unexpected in the file": self.unexpected,
            "of another shape": self.shapes,
            "of another dtype": self.dtypes,
        }
        return "\n".join(_section(title, lines) for title, lines in sections.items() if lines)


def facts_of(network_class: Any) -> Facts:
    """Facts about the checkpoint files of a network class."""
    return getattr(network_class, "checkpoint", _PLAIN_FACTS)


def read_weights(path: Path, facts: Facts) -> dict[str, Weight]:
    """Read a checkpoint file.

    Args:
        path: File in MindSpore's `ckpt` format, of any name.
        facts: What the network says about its files.

    Returns:
        Tensors by the names that the network gives them; optimizer state is left out.

    Raises:
        CheckpointError: The file is no checkpoint, or two of its entries mean one parameter.
    """
    return name_weights(_read_parameters(path), facts)


def name_weights(parameters: Mapping[str, Any], facts: Facts) -> dict[str, Weight]:
    """Give the tensors of a file the names of the network; see `read_weights`."""
    weights: dict[str, Weight] = {}
    for file_name, parameter in parameters.items():
        if _OPTIMIZER_STATE.fullmatch(file_name):
            continue
        name = network_name(file_name, facts)
        if name in weights:
            msg = f"its entries {weights[name].file_name} and {file_name} both mean {name}."
            raise CheckpointError(msg)
        weights[name] = Weight(file_name, _signature(parameter), parameter)
    return weights


def network_name(file_name: str, facts: Facts) -> str:
    """Name of a parameter in the network, from its name in a file."""
    for prefix in sorted(facts.prefixes, key=len, reverse=True):
        if file_name.startswith(prefix):
            file_name = file_name[len(prefix) :]
            break
    return str(facts.renames.get(file_name, file_name))


def derive_arguments(weights: Mapping[str, Weight], facts: Facts) -> dict[str, Derived]:
    """Constructor arguments that the shapes in a file determine.

    Raises:
        CheckpointError: A shape fits no value of its argument.
    """
    derived = {}
    for argument in facts.arguments:
        weight = weights.get(argument.tensor)
        if weight and len(weight.signature.shape) > argument.axis:
            value = _argument_value(argument, weight)
            derived[argument.name] = Derived(value, argument.tensor, weight.signature.shape)
    return derived


def check_arguments(declared: Mapping[str, Any], derived: Mapping[str, Derived]) -> None:
    """Compare the arguments a card declares with those that the file's shapes determine.

    Raises:
        CheckpointError: They contradict each other; both are shown.
    """
    contradictions = [
        f"  {name}: the card says {declared[name]!r}, the checkpoint {found.value!r} "
        f"({found.tensor} has shape {found.shape})"
        for name, found in derived.items()
        if name in declared and declared[name] != found.value
    ]
    if contradictions:
        msg = "\n".join(["the network-args of the card contradict the file:", *contradictions])
        raise CheckpointError(msg)


def assign(
    network: Any, weights: Mapping[str, Weight], facts: Facts, *, new_head: bool = False
) -> list[str]:
    """Set every parameter of a network from a file.

    Args:
        network: An `nn.Cell`.
        weights: Tensors of the file by name, from `read_weights`.
        facts: What the network says about its files.
        new_head: Whether head parameters of another shape keep their initial values.

    Returns:
        Names of the head parameters that kept their initial values.

    Raises:
        CheckpointError: The file lacks a parameter, holds one more, or one differs in shape or
            dtype; the network is unchanged then, and the message lists every difference.
    """
    parameters = dict(network.parameters_and_names())
    expected = {name: _signature(parameter) for name, parameter in parameters.items()}
    kept = [
        name
        for name in expected
        if new_head
        and name in weights
        and _is_head(name, facts)
        and weights[name].signature.shape != expected[name].shape
    ]
    difference = compare(expected, weights, facts, ignore=kept)
    if difference:
        cell = type(network).__name__
        msg = f"the checkpoint does not fit {cell}, and nothing was loaded.\n{difference}"
        raise CheckpointError(msg)
    for name, parameter in parameters.items():
        if name not in kept:
            parameter.set_data(weights[name].parameter)
    return kept


def compare(
    expected: Mapping[str, Signature],
    weights: Mapping[str, Weight],
    facts: Facts,
    *,
    ignore: Iterable[str] = (),
) -> Difference:
    """Compare the parameters of a network with the tensors of a file."""
    wanted = {**expected, **_unused_parts(expected, weights, facts)}
    missing = [name for name in wanted if name not in weights]
    unexpected = [name for name in weights if name not in wanted]
    both = [name for name in wanted if name in weights and name not in set(ignore)]
    found = {name: weights[name].signature for name in both}
    return Difference(
        missing=tuple(f"{name} {wanted[name]}{_near(name, unexpected)}" for name in missing),
        unexpected=tuple(f"{weights[name].file_name}{_near(name, missing)}" for name in unexpected),
        shapes=tuple(
            f"{name}: the network has {wanted[name].shape}, the file {found[name].shape}"
            for name in both
            if wanted[name].shape != found[name].shape
        ),
        dtypes=tuple(
            f"{name}: the network has {wanted[name].dtype}, the file {found[name].dtype}"
            for name in both
            if wanted[name].dtype != found[name].dtype
        ),
    )


def _unused_parts(
    expected: Mapping[str, Signature], weights: Mapping[str, Weight], facts: Facts
) -> dict[str, Signature]:
    """What the unused parts of a file hold: all of their tensors, or none of any."""
    parts = {
        copy.prefix + name.removeprefix(copy.source): signature
        for copy in facts.unused
        for name, signature in expected.items()
        if name.startswith(copy.source)
        and name.removeprefix(copy.source).split(".")[0] in copy.parts
    }
    return parts if any(name in weights for name in parts) else {}


def _read_parameters(path: Path) -> dict[str, Any]:
    """Parse a file that has been verified; MindSpore insists on the extension `.ckpt`."""
    import mindspore

    with tempfile.TemporaryDirectory(prefix="mshub-") as folder:
        link = Path(folder) / "checkpoint.ckpt"
        link.symlink_to(path.absolute())
        try:
            parameters: dict[str, Any] = mindspore.load_checkpoint(str(link))
        except (ValueError, TypeError, RuntimeError) as error:
            msg = "it is no MindSpore checkpoint."
            raise CheckpointError(msg) from error
    return parameters


def _argument_value(argument: Any, weight: Weight) -> Any:
    length = weight.signature.shape[argument.axis]
    if argument.values and length not in argument.values:
        choices = ", ".join(map(str, argument.values))
        msg = (
            f"{argument.tensor} has shape {weight.signature.shape}; axis {argument.axis} must be "
            f"one of {choices} to determine {argument.name}."
        )
        raise CheckpointError(msg)
    return argument.values[length] if argument.values else length


def _signature(parameter: Any) -> Signature:
    return Signature(tuple(parameter.shape), str(parameter.dtype).lower())


def _is_head(name: str, facts: Facts) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in facts.head)


def _near(name: str, candidates: list[str]) -> str:
    near = get_close_matches(name, candidates, 1, 0.8)
    return f" (near {near[0]})" if near else ""


def _section(title: str, lines: tuple[str, ...]) -> str:
    shown = [f"    {line}" for line in lines[:_LISTED]]
    if len(lines) > _LISTED:
        shown.append(f"    and {len(lines) - _LISTED} more")
    return "\n".join([f"  {len(lines)} {title}:", *shown])

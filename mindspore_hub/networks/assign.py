"""From the tensors of a file to the parameters of a network: nothing missing, nothing left over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

from mindspore_hub.errors import CheckpointError
from mindspore_hub.networks.weights import Facts, Signature, Weight, Weights

if TYPE_CHECKING:
    from mindspore import Parameter, Tensor

_LISTED = 8
"""How many names of a kind an error lists."""

_COMPARED = 2000
"""How many names are looked through for a near one; a hostile file may hold many more."""


@dataclass(frozen=True)
class NewHead:
    """A head that is not loaded, because it is for another count of classes."""

    published: int
    wanted: int

    def in_file(self, wanted: Signature, weight: Weight | None) -> Signature:
        """What a head parameter is in a file: axes that count classes count the published ones."""
        found = weight.signature.shape if weight else ()
        if len(found) != len(wanted.shape):
            return wanted
        pairs = zip(found, wanted.shape, strict=True)
        shape = (
            there if there * self.wanted == here * self.published else here for there, here in pairs
        )
        return replace(wanted, shape=tuple(shape))


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


def head_of(whole: Any, network: Any, facts: Facts) -> dict[str, Signature]:
    """Parameters of the head that a network lacks, which was built without classes; `whole` has it."""
    rest = {name for name, _ in network.parameters_and_names()}
    return {
        name: _signature(parameter)
        for name, parameter in whole.parameters_and_names()
        if name not in rest and _is_of_head(name, facts)
    }


def _is_of_head(name: str, facts: Facts) -> bool:
    return any(fnmatchcase(name, head) for head in facts.head)


def assign(
    network: Any,
    weights: Mapping[str, Weight],
    facts: Facts,
    *,
    new_head: NewHead | None = None,
    without: Mapping[str, Signature] | None = None,
) -> list[str]:
    """Set every parameter of an `nn.Cell`, with initial values or without, from the tensors of a file.

    The parameters share the memory of the weights: training changes both, and two networks need
    to read the file twice. A head for another count of classes gets initial values instead; that of the
    file must be whole all the same, and so must one that the network is built `without`.

    Returns:
        Names of the head parameters that have initial values.

    Raises:
        CheckpointError: The file lacks a parameter, holds one more, or one differs in shape or
            dtype; the network is unchanged then, and the message lists every difference.
    """
    parameters = dict(network.parameters_and_names())
    if isinstance(weights, Weights):
        weights.claim(parameters)
    expected = {name: _signature(parameter) for name, parameter in parameters.items()}
    kept: list[str] = []
    if new_head:
        kept = [name for name in expected if _is_of_head(name, facts)]
        expected |= {name: new_head.in_file(expected[name], weights.get(name)) for name in kept}
    difference = compare({**expected, **(without or {})}, weights, facts)
    if difference:
        cell = type(network).__name__
        msg = f"the checkpoint does not fit {cell}, and nothing was loaded.\n{difference}"
        raise CheckpointError(msg)
    for name, parameter in parameters.items():
        if name in kept:
            parameter.init_data()
        else:
            parameter.set_data(_share(weights[name]))
            parameter.init_mode = None  # pickle would take the initialiser for the value
    return kept


def as_parameter(name: str, weight: Weight) -> Parameter:
    """Make a parameter of a tensor of a file."""
    import mindspore

    return mindspore.Parameter(_share(weight), name=name)


def compare(
    expected: Mapping[str, Signature], weights: Mapping[str, Weight], facts: Facts
) -> Difference:
    """Compare the parameters of a network with the tensors of a file."""
    unused = _unused_parts(expected, weights, facts)
    wanted = {**expected, **unused}
    missing = [name for name in wanted if name not in weights]
    unexpected = [name for name in weights if name not in wanted]
    both = [name for name in wanted if name in weights]
    found = {name: weights[name].signature for name in both}

    def described(name: str) -> str:
        part = " (of unused parts, which a file holds all or none of)" if name in unused else ""
        return f"{name} {wanted[name]}{part}"

    return Difference(
        missing=_named(missing, unexpected, described),
        unexpected=_named(unexpected, missing, lambda name: weights[name].file_name),
        shapes=tuple(
            f"{name}: expected {wanted[name].shape}, the file has {found[name].shape}"
            for name in both
            if wanted[name].shape != found[name].shape
        ),
        dtypes=tuple(
            f"{name}: expected {wanted[name].dtype}, the file has {found[name].dtype}"
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


def _signature(parameter: Any) -> Signature:
    return Signature(tuple(parameter.shape), str(parameter.dtype).lower())


def _named(
    names: Sequence[str], candidates: Sequence[str], describe: Callable[[str], str]
) -> tuple[str, ...]:
    """Describe tensors; those that are listed, also by the name that is nearest."""
    near = [_near(name, candidates) for name in names[:_LISTED]]
    return tuple(describe(name) + end for name, end in zip_longest(names, near, fillvalue=""))


def _near(name: str, candidates: Sequence[str]) -> str:
    near = get_close_matches(name, candidates[:_COMPARED], 1, 0.8)
    return f" (near {near[0]})" if near else ""


def _share(weight: Weight) -> Tensor:
    """Make a tensor of the memory of a weight."""
    import mindspore

    array = weight.array
    if weight.signature.dtype == "bfloat16":
        from mindspore.common import np_dtype  # NumPy itself has none

        array = array.view(np_dtype.bfloat16)
    try:
        return mindspore.Tensor.from_numpy(array)
    except RuntimeError:  # MindSpore 2.7 takes no array at an odd address
        return mindspore.Tensor.from_numpy(array.copy())


def _section(title: str, lines: tuple[str, ...]) -> str:
    shown = [f"    {line}" for line in lines[:_LISTED]]
    if len(lines) > _LISTED:
        shown.append(f"    and {len(lines) - _LISTED} more")
    return "\n".join([f"  {len(lines)} {title}:", *shown])

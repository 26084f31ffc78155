"""From a checkpoint file to tensors under the names of a network, and to its constructor arguments.

Published files carry what training left in them: prefixes on the names, optimizer state, parts that
never compute anything. What of it a network's files may carry is data, the network's attribute
`checkpoint` (see `models/_checkpoint.py`). Names are compared whole, never by suffix:
`bottleneck.gamma` is a suffix of `wpa.bottleneck.gamma`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from mindspore_hub import tensorfile
from mindspore_hub.errors import CheckpointError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mindspore_hub.tensorfile.pages import Buffer

_OPTIMIZER_STATE = re.compile(
    r"(moments|moment1|moment2|accum|stat)\..+"
    r"|step|global_step|momentum|learning_rate(_group_\d+)?|beta[12]_power|index_var"
    r"|epoch_num|step_num|loss_scale"
)
"""Entries that MindSpore's optimizers and training callbacks add to a file."""

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
    """A tensor of a checkpoint file, under its name there.

    Attributes:
        file_name: The name there.
        signature: Shape and dtype.
        array: Its value, a view of the file that may be written to; bfloat16 comes as uint16.
    """

    file_name: str
    signature: Signature
    array: NDArray[Any]

    @property
    def is_tensor(self) -> bool:
        """Whether it can be a parameter; a text cannot."""
        return self.signature.dtype != tensorfile.STRING


@dataclass(frozen=True)
class Derived:
    """A constructor argument, read off the shape of a tensor."""

    value: Any
    tensor: str
    shape: Shape


def facts_of(network_class: Any) -> Facts:
    """Facts about the checkpoint files of a network class."""
    return getattr(network_class, "checkpoint", _PLAIN_FACTS)


def read_weights(buffer: Buffer, facts: Facts) -> dict[str, Weight]:
    """Read the bytes of a checkpoint file.

    Args:
        buffer: A file in MindSpore's `ckpt` format or in `safetensors`, such as a map of it.
        facts: What the network says about its files.

    Returns:
        Tensors by the names that the network gives them; optimizer state is left out.

    Raises:
        CheckpointError: The file is no checkpoint, or two of its entries mean one parameter.
    """
    return weights_of(tensorfile.read_index(buffer), facts)


def weights_of(index: tensorfile.TensorFile, facts: Facts) -> dict[str, Weight]:
    """Tensors of a file that was read already; see `read_weights`."""
    return name_weights(_stored(index), facts)


def name_weights(stored: Iterable[Weight], facts: Facts) -> dict[str, Weight]:
    """Give the tensors of a file the names of the network; see `read_weights`."""
    weights: dict[str, Weight] = {}
    for weight in stored:
        if is_optimizer_state(weight.file_name):
            continue
        name = network_name(weight.file_name, facts)
        if name in weights:
            msg = f"its entries {weights[name].file_name} and {weight.file_name} both mean {name}."
            raise CheckpointError(msg)
        weights[name] = weight
    return weights


def is_optimizer_state(file_name: str) -> bool:
    """Whether an entry of this name belongs to training, and to no network."""
    return bool(_OPTIMIZER_STATE.fullmatch(file_name))


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


def derive_embedding_size(derived: Mapping[str, Derived], facts: Facts) -> Derived | None:
    """Length of the features that classes are told from.

    The matrix that tells the class count has an axis for the classes and one for the features.

    Args:
        derived: What `derive_arguments` found.
        facts: What the network says about its files.

    Returns:
        Nothing if the network names no such matrix, or the file does not have it.
    """
    classes = derived.get(facts.class_argument)
    if classes is None or len(classes.shape) != 2:
        return None
    axis = next(item.axis for item in facts.arguments if item.name == facts.class_argument)
    return Derived(classes.shape[1 - axis], classes.tensor, classes.shape)


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


def _stored(index: tensorfile.TensorFile) -> Iterable[Weight]:
    """Tensors of a file as it names them."""
    for name, entry in index.entries.items():
        yield Weight(name, Signature(entry.shape, entry.dtype), index.array(name))


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

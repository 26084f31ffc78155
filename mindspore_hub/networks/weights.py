"""From a checkpoint file to tensors under the names of a network, and to its constructor arguments.

Published files carry what training left in them: prefixes on the names, optimizer state, parts that
never compute anything. What of it a network's files may carry is data, the network's attribute
`checkpoint` (see `models/_checkpoint.py`). Names are compared whole, never by suffix:
`bottleneck.gamma` is a suffix of `wpa.bottleneck.gamma`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from mindspore_hub.errors import CheckpointError
from mindspore_hub.tensors import TensorFile, read_index

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mindspore_hub.tensors.buffer import Buffer

_SLOTS: Mapping[str, tuple[str, ...]] = {
    "Momentum": ("moments.",),
    "SGD": ("accum.", "stat.", "momentum_buf.", "momentum_buffer."),
    "Adam, AdamOffload, LazyAdam, AdaMax": ("moment1.", "moment2.", "vhat."),
    "AdamWeightDecay": ("adam_m.", "adam_v."),
    "Lamb": ("lamb_m.", "lamb_v."),
    "Adagrad, ProximalAdagrad": ("accum.",),
    "Adadelta": ("accum.", "accum_update."),
    "FTRL": ("moments.", "linear."),
    "RMSProp": ("mean_square.", "moment.", "mean_grad."),
    "Rprop": ("prev.", "step_size."),
    "ASGD": ("eta_", "mu_", "ax_."),
    "AdaFactor": ("exp_avg_sq_row_", "exp_avg_sq_col_", "exp_avg_sq_", "exp_avg."),
    "Adam, AdamW, NAdam, RAdam of experimental and mint": (
        "exp_avg.",
        "exp_avg_sq.",
        "max_exp_avg_sq.",
        "state_step.",
    ),
    "Adamax of experimental": ("exp_avg.", "exp_inf."),
    "ASGD of experimental": ("ax.",),
}
"""What each optimizer of MindSpore writes before the name of a parameter, for a tensor of its own.

Found by saving all of them with their options (`tests/test_optimizer_state.py`)."""

_SLOT_NAMES = tuple(dict.fromkeys(slot for slots in _SLOTS.values() for slot in slots))

_COUNTER = re.compile(
    r"step|global_step|momentum|learning_rate(_group_\d+)?|beta[12]_power|index_var"
    r"|epoch_num|step_num|loss_scale"
    r"|scale_sense|current_iterator_step|last_overflow_iterator_step"
    r"|growth_interval|state_step|step_t|afactor_step|fake_param|fake_lr"
)
"""Entries that MindSpore's optimizers, loss scaling and training callbacks add to a file."""

_WITHOUT_PARAMETER = re.compile(r"(moments|moment1|moment2|accum|stat)\..+")
"""Slots that are known without their parameter: cells that were wrapped later have other names."""

_DEPTH = 4
"""Training cells around an optimizer that are looked at."""

Shape = tuple[int, ...]


class Argument(Protocol):
    """A constructor argument that can be read off the shape of a tensor."""

    name: str
    tensor: str
    axis: int
    values: Mapping[int, object]
    always: object


class UnusedCopy(Protocol):
    """A part that is saved with the network and never computes anything."""

    prefix: str
    source: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Facts:
    """What this package asks of a `Checkpoint` of `models/_checkpoint.py`, which explains it.

    With its default values these are the facts of a network that states none: the names in its
    files are its own.
    """

    class_argument: str = ""
    head: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[UnusedCopy, ...] = ()
    prefixes: tuple[str, ...] = ()
    stacked: Mapping[str, str] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()


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

    `array` is a view of the file that may be written to; bfloat16 comes as uint16.
    """

    file_name: str
    signature: Signature
    array: NDArray[Any]


@dataclass(frozen=True)
class Derived:
    """A constructor argument, read off the shape of a tensor."""

    value: Any
    tensor: str
    shape: Shape


class Weights(dict[str, Weight]):
    """Tensors of a file by the names of a network.

    `state` reads what training left in the file, by the names that it would have in a network.
    """

    def __init__(self) -> None:
        super().__init__()
        self.state: dict[str, Callable[[], Weight]] = {}

    def claim(self, names: Iterable[str]) -> None:
        """Count as tensors what looks like training left it, but has the name of a parameter."""
        for name in names:
            if name not in self and name in self.state:
                self[name] = self.state.pop(name)()


def facts_of(network: object) -> Facts:
    """Facts about the checkpoint files of a network, an attribute of what a card names."""
    facts: Facts = getattr(network, "checkpoint", Facts())
    return facts


def read_weights(buffer: Buffer, facts: Facts) -> Weights:
    """Read the bytes of a checkpoint file in MindSpore's `ckpt` format or in `safetensors`.

    Gives tensors by the names that the network gives them; optimizer state is left out.

    Raises:
        CheckpointError: The file is not a checkpoint, or two of its entries mean one parameter.
    """
    return weights_of(read_index(buffer), facts)


def weights_of(index: TensorFile, facts: Facts) -> Weights:
    """Tensors of a file that was read already; see `read_weights`."""
    return name_weights(
        {name: partial(stored_weight, index, name) for name in index.entries}, facts
    )


def name_weights(stored: Mapping[str, Callable[[], Weight]], facts: Facts) -> Weights:
    """Give the tensors of a file, which are read by calls, the names of the network."""
    weights = Weights()
    state = optimizer_state(stored) | _without_leaf(stored, facts)
    for file_name, read in stored.items():
        name = network_name(file_name, facts)
        if file_name in state or name in facts.leftovers:
            weights.state.setdefault(name, read)
            continue
        for part, weight in _groups(name, read(), facts).items():
            if part in weights:
                msg = f"its entries {weights[part].file_name} and {file_name} both mean {part}."
                raise CheckpointError(msg)
            weights[part] = weight
    return weights


def _without_leaf(names: Iterable[str], facts: Facts) -> set[str]:
    """Those names of a file that end as no parameter of the network does, if it says how they end."""
    return {name for name in names if facts.leaves and name.split(".")[-1] not in facts.leaves}


def _groups(name: str, weight: Weight, facts: Facts) -> dict[str, Weight]:
    """A tensor by its name; one that stacks the groups of a convolution as one for each of them."""
    ending = next((end for end in facts.stacked if name.endswith(f".{end}")), None)
    shape = weight.signature.shape
    if ending is None or len(shape) != 4 or shape[1] == 0 or shape[0] % shape[1]:
        return {name: weight}
    outer, size = name.removesuffix(ending), shape[1]  # a group has as many outputs as inputs
    signature = Signature((size, *shape[1:]), weight.signature.dtype)
    return {
        outer + facts.stacked[ending].format(group): Weight(
            weight.file_name, signature, weight.array[group * size : (group + 1) * size]
        )
        for group in range(shape[0] // size)
    }


def optimizer_state(names: Collection[str]) -> set[str]:
    """Those of all names in a file that belong to training, and to no network."""
    counters = {name: inside for name in names if (inside := _cell_of_counter(name)) is not None}
    optimizers = {"", *counters.values()}
    state: set[str] = set()
    cells = {""}
    for name in names:
        inside = next(
            (cell for cell in _cells(name) if _is_slot(name, cell, optimizers, names)), None
        )
        if inside is not None or _WITHOUT_PARAMETER.fullmatch(name):
            state.add(name)
            cells.update(_cells(inside or ""))
    # A counter is one where an optimizer is, or in a cell around it.
    return state | {name for name, inside in counters.items() if inside in cells}


def _cell_of_counter(name: str) -> str | None:
    """Cell of what is called like a counter, with its dot; None for what is called otherwise."""
    start = name.rfind(".") + 1
    return name[:start] if _COUNTER.fullmatch(name, start) else None


def _is_slot(name: str, cell: str, optimizers: Collection[str], names: Collection[str]) -> bool:
    """Whether a name is that of a slot in an optimizer's cell; its parameter may be further out.

    A training cell that renames parameters puts its name for the optimizer before them.
    """
    if cell not in optimizers or not name.startswith(_SLOT_NAMES, len(cell)):
        return False
    inside = name[len(cell) :]
    return any(
        outer + inside.removeprefix(slot) in names
        for slot in _SLOT_NAMES
        if inside.startswith(slot)
        for outer in _cells(cell)
    )


def _cells(name: str) -> list[str]:
    """Cells that a name is in, with their dots, from the outermost: "", `a.` and `a.b.` of `a.b.c`."""
    parts = name.split(".", _DEPTH)[:-1]
    return ["".join(f"{part}." for part in parts[:count]) for count in range(len(parts) + 1)]


def network_name(file_name: str, facts: Facts) -> str:
    """Name of a parameter in the network, from its name in a file."""
    for prefix in sorted(facts.prefixes, key=len, reverse=True):
        if file_name.startswith(prefix):
            file_name = file_name[len(prefix) :]
            break
    return facts.renames.get(file_name, file_name)


def derive_arguments(weights: Mapping[str, Weight], facts: Facts) -> dict[str, Derived]:
    """Constructor arguments that the shapes in a file determine; a CheckpointError if none fits."""
    derived = {}
    for argument in facts.arguments:
        weight = weights.get(argument.tensor)
        if weight and len(weight.signature.shape) > argument.axis:
            value = _argument_value(argument, weight)
            derived[argument.name] = Derived(value, argument.tensor, weight.signature.shape)
    return derived


def derive_embedding_size(derived: Mapping[str, Derived], facts: Facts) -> Derived | None:
    """Length of the features that classes are told from, if the file tells it.

    The matrix that tells the class count has an axis for the classes and one for the features.
    """
    classes = derived.get(facts.class_argument)
    if classes is None or len(classes.shape) != 2:
        return None
    axis = next(item.axis for item in facts.arguments if item.name == facts.class_argument)
    return Derived(classes.shape[1 - axis], classes.tensor, classes.shape)


def check_arguments(declared: Mapping[str, object], derived: Mapping[str, Derived]) -> None:
    """Raise a CheckpointError if a card declares other arguments than the file's shapes determine."""
    contradictions = [
        f"  {name}: the card says {declared[name]!r}, the checkpoint {found.value!r} "
        f"({found.tensor} has shape {found.shape})"
        for name, found in derived.items()
        if name in declared and declared[name] != found.value
    ]
    if contradictions:
        msg = "\n".join(["the network-args of the card contradict the file:", *contradictions])
        raise CheckpointError(msg)


def stored_weight(index: TensorFile, name: str) -> Weight:
    """A tensor of a file as it names it."""
    entry = index.entries[name]
    return Weight(name, Signature(entry.shape, entry.dtype), index.array(name))


def _argument_value(argument: Argument, weight: Weight) -> object:
    if argument.always is not None:
        return argument.always
    length = weight.signature.shape[argument.axis]
    if argument.values and length not in argument.values:
        choices = ", ".join(map(str, argument.values))
        msg = (
            f"{argument.tensor} has shape {weight.signature.shape}; axis {argument.axis} must be "
            f"one of {choices} to determine {argument.name}."
        )
        raise CheckpointError(msg)
    return argument.values[length] if argument.values else length

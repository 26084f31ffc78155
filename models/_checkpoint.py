"""How a published checkpoint file relates to its network, as data.

What a card names as its network, a class or a function that builds a cell, states these facts in its
attribute `checkpoint`: a class in its body, a function by `resnet50.checkpoint = Checkpoint(...)` below
it, since the facts are needed before anything is built. `mindspore_hub/networks/weights.py` applies
names and arguments, `mindspore_hub/networks/assign.py` head and unused parts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PUBLISHED_PREFIXES = (
    "optimizer._backbone.",
    "network._backbone.",
    "network.",
    "backbone.",
    "net.",
)
"""Prefixes that training cells left on parameter names; at most one is removed, longest first."""


@dataclass(frozen=True)
class Argument:
    """A constructor argument that can be read off the shape of a tensor.

    Attributes:
        name: Constructor argument.
        tensor: Parameter whose shape tells it.
        axis: Axis of that shape.
        values: Argument value for each possible length of the axis; the length itself if empty.
        always: Argument value whatever the shape, if the file has the tensor at all; None if the
            shape tells it.
    """

    name: str
    tensor: str
    axis: int
    values: Mapping[int, object] = field(default_factory=dict)
    always: object = None


@dataclass(frozen=True)
class UnusedCopy:
    """A part of the original network that is saved with it and never computes anything.

    Its tensors have the names and shapes of a part that the network does have.

    Attributes:
        prefix: What the names in the file begin with.
        source: What the names of the corresponding network parameters begin with.
        parts: First components, after `source`, of the names that the copy holds.
    """

    prefix: str
    source: str
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Checkpoint:
    """Facts about the checkpoint files of one network.

    Attributes:
        class_argument: Constructor argument that counts the classes; empty for a network that
            holds none.
        head: Parameters (glob patterns) whose shape depends on the class count; they alone may be
            initialised anew when a caller asks for another count.
        arguments: Constructor arguments that the file's shapes determine.
        renames: Names in the file, after the prefix, that differ from the network's.
        unused: Parts that the original network saves and never computes with; a file holds all of
            their tensors or none.
        prefixes: Prefixes to remove from names in the file.
        stacked: Endings of names under which a file may hold as one tensor what the network holds
            as one tensor per group of a convolution, stacked along the first axis in the order of
            the groups; each with the ending in the network, where `{}` is the number of the group.
        leaves: Last components of the names of parameters. What has another one was left in the
            file by an optimizer whose names are not known, and is not read. Empty if every name
            counts.
        leftovers: Names in the file, after the prefix, of tensors that belong to training, such as
            the matrix of classes of a margin loss. They are not read unless the network has a
            parameter of that name.
    """

    class_argument: str = ""
    head: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    renames: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[UnusedCopy, ...] = ()
    prefixes: tuple[str, ...] = PUBLISHED_PREFIXES
    stacked: Mapping[str, str] = field(default_factory=dict)
    leaves: tuple[str, ...] = ()
    leftovers: tuple[str, ...] = ()

"""Files whose network is not here: their parameters alone, and into any network of the caller's.

Nothing tells which names the network gives its parameters, so those of the file are taken, without what
training left in it. A prefix that a training cell put before all of them is taken off where that is
certain: mobilenetv1 has names of its own that begin with `network.`, and cspdarknet53 with `backbone.`.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from mindspore_hub._files import open_regular
from mindspore_hub._text import count
from mindspore_hub.errors import CheckpointError
from mindspore_hub.files.checkpoint import checkpoint
from mindspore_hub.hub.hub import Hub, existing
from mindspore_hub.networks.assign import as_parameter, assign
from mindspore_hub.networks.examine import beginnings
from mindspore_hub.networks.framework import require_mindspore
from mindspore_hub.networks.weights import Facts, Weight, Weights, optimizer_state, stored_weight
from mindspore_hub.tensors import STRING, TensorFile, map_file, naming, read_index

if TYPE_CHECKING:
    from mindspore import Parameter, nn

    from mindspore_hub.hub.card import Card

logger = logging.getLogger(__name__)

_WRAPPERS = re.compile(r"(?:\w+\.)*_backbone\.|(?:network|model|net)\.")
"""What training cells put before the names of a network; MindSpore's own call it `_backbone`."""

_TRIED = 4
"""How many prefixes of a file are looked at."""

_LISTED = 8
"""How many names a message lists."""

_KINDS = frozenset({"weight", "bias", "gamma", "beta", "moving_mean", "moving_variance"})
"""Last parts of names that mean the same in every network."""

Rename = Mapping[str, str | None] | Callable[[str], str | None]
"""New names for those of a file; None leaves a tensor out."""


@dataclass(frozen=True)
class Fitted:
    """A network that has its parameters from a file, all of them and strictly: the file *fits*.

    That names, shapes and dtypes agree does not tell that the network computes what was published.

    Attributes:
        network: The network.
        file: Uid of the card, or path of the file.
        names: Name in the file of each parameter, in the order of the network.
        left_out: Other names in the file: what training left there, and what `rename` leaves out.
    """

    network: nn.Cell = field(repr=False)
    file: str
    names: dict[str, str] = field(repr=False)
    left_out: tuple[str, ...] = field(default=(), repr=False)

    def __str__(self) -> str:
        cell = type(self.network).__name__
        return f"{self.file} fits {cell}: {count(len(self.names), 'parameter')}."


def parameters(card: Card, hub: Hub, *, force: bool = False) -> dict[str, Parameter]:
    """Parameters of a card's checkpoint under the names in its file, without what training left there.

    Raises:
        HubError: As in `mindspore_hub.load_weights`.
    """
    require_mindspore()
    with _of_card(card, hub, force=force) as index:
        weights = bare_weights(index, card.uid)
        return {name: as_parameter(name, weight) for name, weight in weights.items()}


def fit(network: nn.Cell, name: str | os.PathLike[str], rename: Rename | None, hub: Hub) -> Fitted:
    """Set all parameters of a network from the file at a path, or of a card; see `mindspore_hub.fit`."""
    require_mindspore()
    path = existing(os.fspath(name))
    if path and path.is_file() and path.suffix != ".md":
        with naming(path), open_regular(path) as file:
            return _fit(network, read_index(map_file(file), path.name), str(path), rename)
    card = hub.resolve(os.fspath(name))
    with _of_card(card, hub) as index:
        return _fit(network, index, card.uid, rename)


@contextmanager
def _of_card(card: Card, hub: Hub, *, force: bool = False) -> Iterator[TensorFile]:
    """What the file of a card holds, verified."""
    with checkpoint(card, hub, force=force) as stored, naming(stored.path):
        buffer = map_file(stored.file)
        with stored.verifying(buffer):
            pass
        index = read_index(buffer)
    with naming(card.uid):
        yield index


def bare_weights(index: TensorFile, subject: str, expected: Container[str] = ()) -> Weights:
    """Tensors of a file by their names there, without what training left in it, which is logged.

    Args:
        index: What the file holds.
        subject: What the log calls the file.
        expected: Names that the network is known to have: if the file has them all, so they stay.
    """
    names = [name for name, entry in index.entries.items() if entry.dtype != STRING]
    prefix, state = _left_by_training(names)
    if all(name in expected for name in names if name not in state):
        prefix = ""
    weights = Weights()
    for name in names:
        read = partial(stored_weight, index, name)
        if name in state:
            weights.state[name.removeprefix(prefix)] = read
        else:
            weights[name.removeprefix(prefix)] = read()
    if prefix or state:
        left = [f"the prefix {prefix} of all names"] if prefix else []
        if state:
            shown = ", ".join(beginnings(sorted(state))[:_LISTED])
            left += [f"{count(len(state), 'tensor')} of training ({shown})"]
        logger.info("%s: left out %s", subject, " and ".join(left))
    return weights


def _left_by_training(names: list[str]) -> tuple[str, set[str]]:
    """The prefix of a training cell, where it is certain, and the names that belong to training.

    It is certain if every parameter has it, and if it is MindSpore's own or the file holds state of
    training. An optimizer that was made before the cell knows the parameters without it.
    """
    whole = optimizer_state(names)
    found = Counter(match[0] for name in names if (match := _WRAPPERS.match(name)))
    for prefix, _ in found.most_common(_TRIED):
        bare = {name: name.removeprefix(prefix) for name in names}
        inner = optimizer_state(bare.values())
        state = whole | {name for name in names if bare[name] in inner}
        own = [name for name in names if name not in state]
        is_known = "_backbone." in prefix or state
        if own and is_known and all(name.startswith(prefix) for name in own):
            return prefix, state
    return "", whole


def _fit(network: nn.Cell, index: TensorFile, file: str, rename: Rename | None) -> Fitted:
    expected = dict(network.parameters_and_names())
    weights = bare_weights(index, file, expected)
    if rename is not None:
        weights = _renamed(weights, rename)
    try:
        assign(network, weights, Facts())
    except CheckpointError as error:
        shapes = {name: tuple(parameter.shape) for name, parameter in expected.items()}
        proposal = _proposal(weights, shapes) if rename is None else ""
        msg = f"{error}{proposal}"
        raise CheckpointError(msg) from error
    names = {name: weights[name].file_name for name in expected}
    left_out = index.entries.keys() - set(names.values())
    return Fitted(network, file, names, tuple(name for name in index.entries if name in left_out))


def _renamed(weights: Weights, rename: Rename) -> Weights:
    """Tensors by the names that the caller gives them; a CheckpointError if two have one."""
    if not callable(rename):
        known = weights.keys() | weights.state.keys()
        unknown = [name for name in rename if name not in known]
        if unknown:
            msg = f"rename names what the file does not hold: {', '.join(unknown[:_LISTED])}."
            raise CheckpointError(msg)
        weights.claim(rename)
    found = Weights()
    found.state = weights.state
    for name, weight in weights.items():
        new = rename(name) if callable(rename) else rename.get(name, name)
        if new is None:
            continue
        if not isinstance(new, str):
            msg = f"rename must give a str or None for {name!r}, but gave {new!r}."
            raise TypeError(msg)
        if new in found:
            msg = f"rename gives {found[new].file_name} and {weight.file_name} one name, {new}."
            raise CheckpointError(msg)
        found[new] = weight
    return found


def _proposal(weights: Mapping[str, Weight], shapes: Mapping[str, tuple[int, ...]]) -> str:
    """What to rename where only names differ; empty unless the shapes agree one after the other."""
    in_order = [weight.signature.shape for weight in weights.values()] == [*shapes.values()]
    pairs = {old: new for old, new in zip(weights, shapes, strict=False) if old != new}
    if not (in_order and pairs) or any(map(_contradict, pairs, pairs.values())):
        return ""
    return (
        "\n  The shapes agree one after the other, so that these names may mean the same; nothing was "
        f"tried. If you know that they do, give\nrename={json.dumps(pairs, indent=4)}"
    )


def _contradict(old: str, new: str) -> bool:
    """Whether two names end in words that mean different kinds of parameters."""
    kinds = {old.rpartition(".")[2], new.rpartition(".")[2]}
    return len(kinds) == 2 and kinds <= _KINDS

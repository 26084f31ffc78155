"""One step of a fine-tuning: gradients, and what MindSpore's own optimizers make of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import SettingsError
from mindspore_hub.tasks.retrieval.training.batches import Batch
from mindspore_hub.tasks.retrieval.training.losses import loss_of
from mindspore_hub.tasks.retrieval.training.options import Options

if TYPE_CHECKING:
    from mindspore import Parameter, Tensor, nn

Array = npt.NDArray[Any]

_NOISE = 1 << 18
"""Numbers that are drawn for dropout; a larger output takes them again and again."""

_DROPOUT = 4
"""What tells the random numbers of dropout from others, see `batches`."""

_SCALE = 1024.0
"""By which the loss is multiplied in float16, so that small gradients do not vanish."""

_RISING = 10
"""The learning rate rises in one of so many parts of the steps."""

_LOWEST = 0.01
"""The last learning rate as a part of the largest one."""


class Trainer:
    """Trains a network, step by step, and knows the state that a run goes on from.

    Args:
        network: The network; it stays in training mode but where it is measured.
        head: Names (glob patterns) of the parameters that learn while the trunk is frozen.
        unit: Whether the triplet loss takes features of unit length.
        options: What was chosen.

    Raises:
        CardError: The network does not say which of its outputs are what.
        SettingsError: The device does not compute in float16.
    """

    def __init__(
        self, network: nn.Cell, *, head: Sequence[str], unit: bool, options: Options
    ) -> None:
        import mindspore

        self.network = network
        self._options = options
        self._head = [
            name
            for name, _ in network.parameters_and_names()
            if any(fnmatchcase(name, pattern) for pattern in head)
        ]
        self.parameters = dict(network.parameters_and_names())
        self._noise = mindspore.Parameter(
            mindspore.Tensor(np.zeros(_NOISE, np.float32)), name="noise", requires_grad=False
        )
        self._has_dropout = _seed_dropout(network, self._noise)
        if options.mixed:
            _compute_in_halves(network)
        self._loss = loss_of(
            network,
            unit=unit,
            smoothing=options.smoothing,
            margin=options.margin,
            weight=options.triplet_weight,
        )
        self._phase: bool | None = None  # whether the trunk is frozen
        self._optimizer: Any = None
        self._gradients: Any = None

    def __call__(self, number: int, batches: Iterator[Batch]) -> tuple[float, float, float]:
        """Do step `number` from 0 with the next batches; gives loss, identity and triplet loss."""
        import mindspore
        from mindspore import ops

        self._begin(number)
        values = np.zeros(3)
        summed: Any = None
        every = self._options.accumulate
        for part in range(every):
            labels, inputs = next(batches)
            if self._has_dropout:
                seed = [self._options.seed, _DROPOUT, number * every + part]
                drawn = np.random.default_rng(seed).random(_NOISE, np.float32)
                self._noise.set_data(mindspore.Tensor(drawn))
            losses, found = self._gradients(*map(mindspore.Tensor, (labels, *inputs)))
            values += [float(value.asnumpy()) for value in losses]
            summed = found if summed is None else tuple(map(ops.add, summed, found))
        scale = every * (_SCALE if self._options.mixed else 1)
        if scale != 1:
            summed = tuple(gradient / scale for gradient in summed)
        values /= every
        if not np.isfinite(values).all():
            msg = (
                f"The loss of step {number + 1} is {values[0]}, no finite number; give a smaller "
                "learning_rate than before. What was computed until the last snapshot is kept."
            )
            raise SettingsError(msg)
        self._optimizer(summed)
        loss, identity, triplet = values.tolist()
        return loss, identity, triplet

    def state(self, step: int) -> dict[str, Array]:
        """All that the steps from `step` on need of those before, by name."""
        found = {f"network.{name}": item.asnumpy() for name, item in self.parameters.items()}
        self._begin(step)
        for place, item in enumerate(self._slots()):
            found[f"optimizer.{place}"] = item.asnumpy()
        return found

    def restore(self, step: int, state: Mapping[str, Array]) -> None:
        """Go on from a state that was taken before step `step`."""
        import mindspore

        for name, item in self.parameters.items():
            item.set_data(mindspore.Tensor(state[f"network.{name}"]))
        self._begin(step)
        for place, item in enumerate(self._slots()):
            value = np.asarray(state[f"optimizer.{place}"]).reshape(item.shape)
            item.set_data(mindspore.Tensor(value))

    def _slots(self) -> list[Parameter]:
        """Parameters of the optimizer beside those of the network, in its order."""
        own = {id(item) for item in self.parameters.values()}
        return [item for item in self._optimizer.get_parameters() if id(item) not in own]

    def _begin(self, step: int) -> None:
        """Begin the phase that a step is in, with an optimizer that has seen nothing yet."""
        import mindspore

        options = self._options
        frozen = step < options.frozen_steps
        if frozen is self._phase:
            return
        self._phase = frozen
        learning = [
            item
            for name, item in self.parameters.items()
            if item.requires_grad and (not frozen or name in self._head)
        ]
        if not learning:
            msg = (
                f"{type(self.network).__name__} has no head that could learn while the rest is frozen; "
                "give frozen_steps=0."
            )
            raise SettingsError(msg)
        self.network.set_train()
        for _, cell in self.network.cells_and_names():
            own = {id(item) for item in cell.trainable_params(recurse=False)}
            if frozen and hasattr(cell, "moving_mean") and not own & set(map(id, learning)):
                cell.set_train(False)
        weights = mindspore.ParameterTuple(learning)
        self._optimizer = _optimizer(weights, options, frozen=frozen)
        scale = _SCALE if options.mixed else 1.0

        loss = self._loss  # what is compiled reaches no attribute of a class of ours

        def scaled(*batch: Tensor) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
            losses = loss(*batch)
            return losses[0] * scale, losses

        def gradients(*batch: Tensor) -> Any:
            (_, losses), found = differentiate(*batch)
            return losses, found

        differentiate = mindspore.value_and_grad(scaled, None, weights, has_aux=True)
        self._gradients = mindspore.jit(gradients) if options.graph else gradients


def rates(options: Options, *, frozen: bool) -> list[float]:
    """Learning rate of each step of a phase."""
    from mindspore import nn

    first = min(options.frozen_steps, options.steps)
    largest = options.learning_rate
    if frozen:
        return [largest] * first
    steps = options.steps - first
    rising = max(1, steps // _RISING)
    found = nn.warmup_lr(largest, rising + 1, 1, rising)[1:]
    falling = steps - rising
    if falling:
        found += nn.cosine_decay_lr(_LOWEST * largest, largest, falling, 1, falling)
    return list(found)


def _optimizer(weights: Any, options: Options, *, frozen: bool) -> Any:
    from mindspore import nn

    rate = rates(options, frozen=frozen) or [options.learning_rate]
    if options.optimizer == "adam":
        return nn.Adam(weights, learning_rate=rate, weight_decay=options.weight_decay)
    return nn.Momentum(weights, rate, 0.9, weight_decay=options.weight_decay)


def _compute_in_halves(network: nn.Cell) -> None:
    """Let what multiplies compute in float16, where the device does so well."""
    import mindspore
    from mindspore import nn

    device = mindspore.get_context("device_target")
    if device not in ("Ascend", "GPU"):
        msg = f"mixed is for Ascend and GPU, but this device is {device}; leave it out."
        raise SettingsError(msg)
    for _, cell in network.cells_and_names():
        if isinstance(cell, nn.Conv2d | nn.Dense):
            cell.to_float(mindspore.float16)


def _seed_dropout(network: nn.Cell, noise: Parameter) -> bool:
    """Let dropout take what was drawn for a step; MindSpore's draws on where it stopped in a process."""
    from mindspore import nn

    class Dropout(nn.Cell):  # type: ignore[misc] # MindSpore has no types
        """Sets values to zero where numbers from 0 to 1 are below its share."""

        def __init__(self, share: float, noise: Parameter) -> None:
            super().__init__()
            self.share = share
            self.noise = noise

        def construct(self, x: Tensor) -> Tensor:
            if not self.training or self.share == 0:
                return x
            size = x.size
            drawn = self.noise.tile((-(-size // _NOISE),))[:size].reshape(x.shape)
            return x * (drawn >= self.share).astype(x.dtype) / (1 - self.share)

    found = False
    for _, parent in list(network.cells_and_names()):
        for name, cell in list(parent.name_cells().items()):
            if isinstance(cell, nn.Dropout):
                made = Dropout(float(cell.p), noise)
                if isinstance(parent, nn.SequentialCell):
                    parent[[*parent.name_cells()].index(name)] = made
                else:
                    setattr(parent, name, made)
                found = True
    return found


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Draw initial values by a seed, and leave the caller's random numbers as they were."""
    import mindspore

    state, before = np.random.get_state(), mindspore.get_seed()
    try:
        if before is None:
            np.random.seed(seed % 2**32)
        else:
            mindspore.set_seed(seed)
        yield
    finally:
        if before is not None:
            mindspore.set_seed(before)
        np.random.set_state(state)

"""Which outputs of a network in training mode are for which loss, as data."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Training:
    """What comes out of a network in training mode, whose outputs are counted flat, pair by pair.

    A network states it in its attribute `training_outputs`; fine-tuning needs it.

    Attributes:
        features: Places of features `(N, D)`, for losses on distances; none where training gives
            no feature.
        logits: Places of identity logits `(N, classes)`.
    """

    features: tuple[int, ...]
    logits: tuple[int, ...]

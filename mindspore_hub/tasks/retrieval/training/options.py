"""What can be chosen of a fine-tuning, checked before anything is read."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from mindspore_hub.errors import SettingsError
from mindspore_hub.hub.values import as_builtin

OPTIMIZERS = ("adam", "sgd")


@dataclass(frozen=True)
class Options:
    """Options of a fine-tuning; all of them decide its weights but the last four.

    Attributes:
        steps: Updates of the weights.
        identities: Identities of a batch (P).
        pictures: Pictures of each identity in a batch (K).
        accumulate: Batches whose gradients are averaged for one update, where memory is small.
        holdout: Share of the identities that is held out and measured.
        optimizer: `adam` or `sgd` (with momentum 0.9), MindSpore's own.
        learning_rate: The largest one; it rises linearly over the first tenth of the steps, and then
            falls along a cosine.
        weight_decay: Share of the weights that is added to their gradients.
        frozen_steps: Steps at the beginning in which only the new head learns.
        smoothing: Share of the label that is spread over all identities.
        margin: Of the triplet loss, in units of the distance.
        triplet_weight: Weight of the triplet loss beside the identity loss; 0 leaves it out.
        flip: Probability that a picture is mirrored.
        crop: Pixels by which a picture is shifted at most.
        erase: Probability that a rectangle of a picture is erased.
        seed: Of split, sampling, augmentation and dropout, and of a network that begins at random.
        graph: Compile a step, which takes a while and makes each faster.
        mixed: Compute in float16 where that is exact enough; for Ascend and GPU.
        evaluate_every: Steps between two measurements of the held-out identities.
        patience: Measurements without progress after which training stops; 0 for never.
        snapshot_every: Steps between two snapshots, which is what an interruption costs at most.
        batch_size: Pictures at once where the held-out ones are measured.
    """

    steps: int = 2000
    identities: int = 16
    pictures: int = 4
    accumulate: int = 1
    holdout: float = 0.2
    optimizer: str = "adam"
    learning_rate: float = 3.5e-4
    weight_decay: float = 5e-4
    frozen_steps: int = 0
    smoothing: float = 0.1
    margin: float = 0.3
    triplet_weight: float = 1.0
    flip: float = 0.5
    crop: int = 10
    erase: float = 0.5
    seed: int = 0
    graph: bool = False
    mixed: bool = False
    evaluate_every: int = 100
    patience: int = 0
    snapshot_every: int = 50
    batch_size: int = 16

    @classmethod
    def of(cls, values: dict[str, Any]) -> Options:
        """Options with these values in place of the usual ones; a SettingsError names a wrong one."""
        known = {field.name: field for field in fields(cls)}
        for name in values:
            if name not in known:
                msg = f"{name} is not an option of fine-tuning; there are {', '.join(known)}."
                raise TypeError(msg)
        found = cls(**as_builtin(values))
        for name in known:
            _check(name, getattr(found, name), getattr(cls, name))
        return found

    def as_json(self) -> dict[str, Any]:
        """All options by name."""
        return asdict(self)


_LEAST = {
    "steps": 1,
    "identities": 2,
    "pictures": 2,
    "accumulate": 1,
    "evaluate_every": 1,
    "snapshot_every": 1,
    "batch_size": 1,
}
_SHARES = ("smoothing", "flip", "erase")


def _check(name: str, value: Any, usual: Any) -> None:
    """Refuse a value of another kind, or outside its range."""
    kind = type(usual)
    expected = ""
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        expected = f"a {kind.__name__}"
    elif name == "optimizer":
        expected = "" if value in OPTIMIZERS else f"one of {', '.join(OPTIMIZERS)}"
    elif kind is int and value < _LEAST.get(name, 0):
        expected = f"at least {_LEAST.get(name, 0)}"
    elif name == "holdout" and not 0 < value < 1:
        expected = "a share between 0 and 1, such as 0.2"
    elif name in _SHARES and not 0 <= value <= 1:
        expected = "a share from 0 to 1"
    elif name == "learning_rate" and not 0 < value < float("inf"):
        expected = "a number above 0"
    elif kind is float and not 0 <= value < float("inf"):
        expected = "a number of at least 0"
    if expected:
        msg = f"{name} must be {expected}, but is {value!r}."
        raise SettingsError(msg)

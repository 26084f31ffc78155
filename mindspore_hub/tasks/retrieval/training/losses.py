"""Losses of re-identification, by methods of MindSpore's tensors.

What is compiled can hold no `import`, so that none of MindSpore's modules is named here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mindspore_hub.errors import CardError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mindspore import Tensor, nn

_LEAST = 1e-12
"""Squared distance below which the square root has no gradient worth having."""


def identity_loss(logits: Tensor, labels: Tensor, *, smoothing: float) -> Tensor:
    """Cross entropy with smoothed labels, averaged over the batch.

    Source: Szegedy et al., Rethinking the Inception Architecture for Computer Vision, CVPR 2016,
    arXiv:1512.00567, section 7: the label gets 1 - smoothing, and smoothing is spread over all classes.

    Args:
        logits: `(N, classes)`, float32.
        labels: `(N,)`, int32, from 0.
        smoothing: Share that is spread, from 0 to 1.
    """
    logs = logits - logits.logsumexp(-1, True)
    own = logs.gather_elements(1, labels.reshape(-1, 1)).mean()
    return -(1 - smoothing) * own - smoothing * logs.mean()


def distances(features: Tensor) -> Tensor:
    """Euclidean distances `(N, N)` between the features `(N, D)` of a batch."""
    squares = (features * features).sum(1)
    products = features.matmul(features.swapaxes(0, 1))
    found = squares.reshape(-1, 1) + squares.reshape(1, -1) - 2 * products
    return found.clamp(_LEAST).sqrt()


def batch_hard(features: Tensor, labels: Tensor, *, margin: float) -> Tensor:
    """Triplet loss of the hardest positive and the hardest negative of each picture, averaged.

    Source: Hermans et al., In Defense of the Triplet Loss for Person Re-Identification, 2017,
    arXiv:1703.07737, equation 5, with the hinge. Distances are Euclidean, not squared.

    Args:
        features: `(N, D)`, float32.
        labels: `(N,)`, int32; at least two different ones.
        margin: By how much the negative is to be further than the positive.
    """
    far = distances(features)
    same = (labels.reshape(-1, 1) == labels.reshape(1, -1)).astype(far.dtype)
    positive = (far * same).amax(1)
    negative = (far + same * (far.amax() + 1)).amin(1)
    return (positive - negative + margin).clamp(0.0).mean()


def flat(outputs: object) -> tuple[Tensor, ...]:
    """Outputs of a network one after the other, whatever pairs they come in."""
    if not isinstance(outputs, (tuple, list)):
        return (outputs,)
    found = ()
    for output in outputs:
        found = found + flat(output)
    return found


def loss_of(
    network: nn.Cell, *, unit: bool, smoothing: float, margin: float, weight: float
) -> Callable[..., tuple[Tensor, Tensor, Tensor]]:
    """A function of a batch's inputs and labels that gives the loss, and its two parts.

    The identity loss is the mean over all logits that the network gives in training mode, and so is the
    triplet loss over its features: of unit length where the card ranks by the dot product.

    Raises:
        CardError: The network does not say which outputs are what.
    """
    stated = getattr(network, "training_outputs", None)
    if stated is None:
        msg = (
            f"{type(network).__name__} does not say what its outputs in training mode are, so it cannot "
            "be fine-tuned here; give its class `training_outputs = Training(features=..., logits=...)` "
            "(models/_training.py)."
        )
        raise CardError(msg)
    features, logits = tuple(stated.features), tuple(stated.logits)
    if weight == 0:
        features = ()

    def loss(labels: Tensor, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        outputs = flat(network(*inputs))
        identity = 0.0
        for place in logits:
            found = outputs[place].float()
            identity = identity + identity_loss(found, labels, smoothing=smoothing)
        identity = identity / len(logits)
        triplet = identity * 0
        for place in features:
            found = outputs[place].float()
            if unit:
                found = found / (found * found).sum(1).reshape(-1, 1).clamp(_LEAST).sqrt()
            triplet = triplet + batch_hard(found, labels, margin=margin) / len(features)
        return identity + weight * triplet, identity, triplet

    return loss


def places(network: nn.Cell) -> Mapping[str, tuple[int, ...]]:
    """What a network says of its outputs in training mode, for the note."""
    stated = network.training_outputs
    return {"features": tuple(stated.features), "logits": tuple(stated.logits)}

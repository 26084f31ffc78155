"""How features of faces are scored, apart from files: pairs, templates, distractors, tracks.

Sources: research/cv/arcface (branches r1.3 to r1.9), official/cv/sphereface (r1.6 to r1.10),
research/cv/FaceRecognition, research/cv/FaceRecognitionForTracking (both r1.3 to r1.10) and
official/cv/Deepsort (r1.5 to r1.10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Floats, Integers

FOLDS = 10

Doubles = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Verification:
    """Shares of pairs that are told right, and the threshold of each fold."""

    accuracies: tuple[float, ...]
    thresholds: tuple[float, ...]


def verify(first: Floats, second: Floats, same: Flags, *, distance: str) -> Verification:
    """Tell for pairs of features `(N, D)` whether they show one person, by ten folds.

    The threshold for a fold is one that tells most of the other nine right. Folds are consecutive.

    Args:
        first: One feature of each pair.
        second: The other.
        same: Whether they show one person.
        distance: `euclidean`: squared, of features of norm 1; thresholds are 0, 0.01, ..., 3.99, and
            the first of equal ones counts (ArcFace). `cosine`: thresholds are -1, -0.995, ..., 0.995,
            and the last counts (SphereFace).

    Raises:
        FeaturesError: There are fewer than ten pairs, or as many of one kind as there are.
    """
    if len(same) < FOLDS or same.all() or not same.any():
        msg = (
            f"Pairs must be at least {FOLDS}, of one person and of two, but of {len(same)} there are "
            f"{np.count_nonzero(same)} of one person. Look at the list of pairs."
        )
        raise FeaturesError(msg)
    norms = [np.linalg.norm(part, axis=1, keepdims=True) for part in (first, second)]
    if distance == "euclidean":
        units = [
            part / np.maximum(n, 1e-12) for part, n in zip((first, second), norms, strict=True)
        ]
        values = np.square(units[0] - units[1]).sum(1)
        thresholds = np.arange(0, 4, 0.01)
        told = values < thresholds[:, None]
    else:
        values = (first * second).sum(1) / (norms[0] * norms[1] + 1e-5)[:, 0]
        thresholds = np.arange(-1, 1, 0.005)[::-1]  # so that the first of equals is the last
        told = values > thresholds[:, None]
    return _by_folds(told == same, thresholds)


def verify_similarities(similarities: Floats, same: Flags) -> Verification:
    """As `verify` by cosine, of similarities `(N,)` that are there."""
    thresholds = np.arange(-1, 1, 0.005)[::-1]
    return _by_folds((similarities > thresholds[:, None]) == same, thresholds)


def _by_folds(right: Flags, thresholds: Doubles) -> Verification:
    """The threshold and the accuracy of each fold, by what each threshold `(T, N)` tells right."""
    accuracies, chosen = [], []
    for fold in np.array_split(np.arange(right.shape[1]), FOLDS):
        others = np.delete(right, fold, axis=1).sum(1)
        best = int(np.argmax(others))
        accuracies.append(float(right[best, fold].mean()))
        chosen.append(float(thresholds[best]))
    return Verification(tuple(accuracies), tuple(chosen))


def template_features(
    vectors: Floats, quality: Floats, templates: Integers, media: Integers
) -> tuple[Integers, Floats]:
    """One feature of norm 1 for each template of IJB-B and IJB-C.

    Args:
        vectors: Features `(N, D)` of images, each the sum of those of the image and its mirror image,
            not normalised.
        quality: Score of the face detector for each image.
        templates: Template of each image.
        media: Medium of each image; images of one medium are averaged, media added.

    Returns:
        Templates `(T,)`, ascending, and their features `(T, D)`.
    """
    weighted = vectors * quality[:, None]
    pairs, place, counts = np.unique(
        np.stack([templates, media], 1), axis=0, return_inverse=True, return_counts=True
    )
    means = np.zeros((len(pairs), vectors.shape[1]))
    np.add.at(means, place.reshape(-1), weighted)
    names, owner = np.unique(pairs[:, 0], return_inverse=True)
    sums = np.zeros((len(names), vectors.shape[1]))
    np.add.at(sums, owner.reshape(-1), means / counts[:, None])
    return names, np.asarray(sums / np.linalg.norm(sums, axis=1, keepdims=True))


def true_positive_rates(
    scores: Floats, same: Flags, targets: Sequence[float]
) -> dict[float, float]:
    """Share of pairs of one person above the threshold whose false positive rate is nearest a target.

    Of thresholds whose rates are equally near, the one with the highest share counts.
    """
    order = np.argsort(-scores, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    hits = np.concatenate([[0], np.cumsum(same[order])[ends]])
    false = np.concatenate([[0], ends + 1 - hits[1:]])
    rates, shares = false / max(1, false[-1]), hits / max(1, hits[-1])
    found = {}
    for target in targets:
        gaps = np.abs(rates - target)
        found[target] = float(shares[np.flatnonzero(gaps == gaps.min())[-1]])
    return found


def rank_among_distractors(
    first: Floats, second: Floats, distractors: Floats, labels: tuple[Integers, Integers]
) -> tuple[float, float]:
    """Shares of pairs of one person that are more alike than either is to any distractor.

    Features are `(N, D)`, `(M, D)` and `(K, D)`; `labels` name the persons of the former two. Each is
    divided by its norm. Other persons are not competitors.

    Returns:
        The share by the distractors of the second image of a pair, and by those of the first.

    Raises:
        FeaturesError: No person is on both sides.
    """
    units = [
        part / np.maximum(np.linalg.norm(part.astype(np.float64), axis=1, keepdims=True), 1e-12)
        for part in (first, second, distractors)
    ]
    nearest = [np.max(part @ units[2].T, axis=1) for part in units[:2]]
    one, other = np.nonzero(labels[0][:, None] == labels[1])
    if not one.size:
        msg = "No person is on both lists, so that nothing can be measured; look at the labels."
        raise FeaturesError(msg)
    alike = np.einsum("nd,nd->n", units[0][one], units[1][other])
    return float(np.mean(alike > nearest[1][other])), float(np.mean(alike > nearest[0][one]))


def rates_of_all_pairs(
    vectors: Floats, labels: Integers, rates: Sequence[float], *, own: bool = True
) -> dict[float, tuple[float, float]]:
    """Share of pairs of one person above the threshold that a share of the pairs of two exceeds.

    Features `(N, D)` of norm 1 are rounded to float16, as the original keeps them.

    Args:
        vectors: The features.
        labels: Person of each.
        rates: False acceptance rates.
        own: Whether the pairs of an image with itself count, as published.

    Returns:
        Share and threshold for each rate.

    Raises:
        FeaturesError: There are no two persons, or no pair of one.
    """
    rounded = vectors.astype(np.float16).astype(np.float64)
    inside, outside = [np.einsum("nd,nd->n", rounded, rounded)] if own else [], []
    for start in range(len(rounded) - 1):
        alike = rounded[start + 1 :] @ rounded[start]
        same = labels[start + 1 :] == labels[start]
        inside += [alike[same]] * 2  # each pair counts in both orders
        outside.append(alike[~same])
    between = np.sort(np.concatenate([*outside, np.empty(0)]))[::-1]
    within = np.concatenate([*inside, np.empty(0)])
    if not between.size or not within.size:
        msg = "There must be pairs of one person and of two; look at where the labels come from."
        raise FeaturesError(msg)
    found = {}
    for rate in rates:
        threshold = between[int(2 * len(between) * rate) // 2]
        found[rate] = (float(np.mean(within > threshold)), float(threshold))
    return found


def track_costs(tracks: Floats, owners: Integers, detections: Floats) -> Doubles:
    """Costs `(T, N)` of giving detections `(N, D)` to tracks: 1 less the cosine of the nearest feature.

    Args:
        tracks: Features `(K, D)` that tracks keep.
        owners: Track of each.
        detections: Features of a frame. The original divides each number by its norm over the frame
            before (`reid="batch"` of the network).
    """
    units = [
        part.astype(np.float64) / np.linalg.norm(part.astype(np.float64), axis=1, keepdims=True)
        for part in (tracks, detections)
    ]
    distances = 1 - units[0] @ units[1].T
    return np.stack([distances[owners == owner].min(0) for owner in np.unique(owners)])

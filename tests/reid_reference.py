"""Plain definitions, one query after another, that the fast code is compared with."""

from dataclasses import dataclass, field

import numpy as np


@dataclass
class Scores:
    """Ranks of the matches of each query, and of its identity among identities."""

    matches: list[list[int]] = field(default_factory=list)
    identities: list[int | None] = field(default_factory=list)

    @property
    def found(self) -> list[list[int]]:
        return [ranks for ranks in self.matches if ranks]

    def cmc(self, length: int) -> list[float]:
        firsts = [ranks[0] for ranks in self.found]
        return [share(first <= place for first in firsts) for place in range(length)]

    def identity_cmc(self, length: int) -> list[float]:
        firsts = [rank for rank in self.identities if rank is not None]
        return [share(first <= place for first in firsts) for place in range(length)]

    def mean_average_precision(self) -> float:
        return average(
            average((hits + 1) / (rank + 1) for hits, rank in enumerate(ranks))
            for ranks in self.found
        )

    def mean_inverse_negative_penalty(self) -> float:
        return average(len(ranks) / (ranks[-1] + 1) for ranks in self.found)


def share(truths):
    return average(float(truth) for truth in truths)


def average(values):
    values = list(values)
    return sum(values) / len(values) if values else 0.0


def rank(distances, query_labels, gallery_labels, removed):
    """Scores from distances `(Q, G)` and a mask of what is removed, `(Q, G)`."""
    scores = Scores()
    for row, label, gone in zip(distances, query_labels, removed, strict=True):
        order = [item for item in sorted(range(len(row)), key=row.__getitem__) if not gone[item]]
        # A negative label equals no other, so that each is as good as a name of its own.
        names = [gallery_labels[item] if gallery_labels[item] >= 0 else ~item for item in order]
        wanted = label if label >= 0 else None
        scores.matches.append([place for place, name in enumerate(names) if name == wanted])
        firsts = list(dict.fromkeys(names))
        scores.identities.append(firsts.index(wanted) if wanted in firsts else None)
    return scores


def jaccard(query, gallery, k1, k2):
    """k-reciprocal Jaccard distances of queries to the gallery, over whole matrices in float64.

    Without a gallery, of the queries to each other.
    """
    joint = (query if gallery is None else np.concatenate([query, gallery])).astype(np.float64)
    first = 0 if gallery is None else len(query)
    distances = (2 - 2 * joint @ joint.T) ** 2
    distances /= distances.max(axis=1, keepdims=True)
    order = np.argsort(distances, axis=1, kind="stable")

    def mutual(image, size):
        near = order[image, : size + 1].tolist()
        return {other for other in near if image in order[other, : size + 1]}

    weights = np.zeros_like(distances)
    for image in range(len(joint)):
        own = mutual(image, k1)
        whole = set(own)
        for other in own:
            theirs = mutual(other, int(np.around(k1 / 2)))
            if len(theirs & own) > 2 / 3 * len(theirs):
                whole |= theirs
        members = sorted(whole)
        values = np.exp(-distances[image, members])
        weights[image, members] = values / values.sum()
    weights = np.stack([weights[near[:k2]].mean(axis=0) for near in order])
    shared = np.minimum(weights[: len(query), None], weights[None, first:]).sum(axis=2)
    return 1 - shared / (2 - shared), distances[: len(query), first:]

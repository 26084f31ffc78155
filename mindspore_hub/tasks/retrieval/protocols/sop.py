"""Stanford Online Products as metric_learn evaluates it: recall@k of each image among all others.

Source: research/cv/metric_learn (branches r1.5 to r1.8). Features are divided by their norm, and
an image is found if one of its k nearest, itself excluded, has its class. The published numbers
are of the first 30,003 images of the test list, of which the original leaves out three by chance,
since it drops what does not fill a batch of 30.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.protocols import _shared
from mindspore_hub.tasks.retrieval.scoring.recall import closer_counts
from mindspore_hub.tasks.retrieval.scoring.result import Result


@dataclass(frozen=True)
class SOP:
    """Recall among the images themselves.

    Args:
        at: The values of k. Images of a class of their own are never found.
    """

    at: tuple[int, ...] = (1, 2, 5, 10)

    def __post_init__(self) -> None:
        if not self.at or min(self.at) < 1:
            msg = f"at must hold numbers of neighbours from 1 on, but is {self.at!r}."
            raise FeaturesError(msg)

    def evaluate(self, query: Features, gallery: Features | None = None) -> Result:
        """Score features; there is no gallery besides them."""
        if gallery is not None:
            msg = (
                "SOP looks images up among themselves; give no gallery, and features without roles, "
                "which say what is a query and what is in the gallery."
            )
            raise FeaturesError(msg)
        labels = query.known("labels")
        counts = closer_counts(query.vectors, labels, most=max(self.at))
        _shared.require_match(counts >= 0, labels)
        values = {f"recall@{k}": float(np.mean((counts >= 0) & (counts < k))) for k in self.at}
        alone = int(np.count_nonzero(counts < 0))
        sizes = {"queries": len(query), "queries_without_match": alone}
        return Result("sop", asdict(self), values, sizes)


PROTOCOL = SOP

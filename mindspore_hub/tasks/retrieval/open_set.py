"""Open-set identification: how many queries are found at a rate of false alarms, when some show nobody.

The terms are those of ISO/IEC 19795-1 and of P. J. Phillips, P. Grother and R. Micheals (Handbook of Face Recognition,
2011). In a *mated search* the gallery holds the identity of the query, in a *non-mated* one it does not. The *false
alarm rate* (FAR, or false positive identification rate) is the share of non-mated searches whose nearest image is
within the threshold. The *detection and identification rate* (DIR, at rank 1) is the share of mated searches whose
nearest image is of the right identity and within the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.distances import Distances, Kind
from mindspore_hub.gallery.features import Features, Floats
from mindspore_hub.tasks.retrieval.ranking import Relevance


def identification_rates(
    query: Features, gallery: Features | None, *, rates: Sequence[float], kind: Kind
) -> dict[str, float]:
    """`dir@far0.01` and the like: the DIR at the greatest threshold whose FAR is at most that rate.

    Every query makes a non-mated search: the one without the images of its identity. It makes a mated search, too,
    if the gallery has its identity. Where there are cameras, images of its identity that its own camera took are in
    neither; nor is the query itself, without a gallery. A query with a negative label makes non-mated searches only.

    Raises:
        FeaturesError: Labels are missing, a rate is no share, or there are too few queries for one.
    """
    for rate in rates:
        if not 0 < rate < 1:
            msg = f"A false alarm rate is a share between 0 and 1, such as 0.01, but {rate!r} is none."
            raise FeaturesError(msg)
        if rate * len(query) < 1:
            msg = (
                f"A false alarm rate of {rate:g} takes {int(np.ceil(1 / rate))} queries, but there are "
                f"{len(query)}; ask for {1 / len(query):.2g} or more."
            )
            raise FeaturesError(msg)
    if not rates:
        return {}
    mated, other = _nearest(query, gallery, kind)
    known = np.isfinite(mated)
    alarms = np.sort(other)
    found = {}
    for rate in rates:
        # The first distance that must not be within the threshold.
        limit = alarms[int(rate * len(alarms))] if rate * len(alarms) < len(alarms) else np.inf
        hits = known & (mated < other) & (mated < limit)
        found[f"dir@far{rate:g}"] = float(hits.sum() / max(1, known.sum()))
    return found


def _nearest(query: Features, gallery: Features | None, kind: Kind) -> tuple[Floats, Floats]:
    """Distances of each query to the nearest image of its identity and of the others; infinite for none."""
    items = query if gallery is None else gallery
    query_labels, labels = query.known("labels"), items.known("labels")
    has_cameras = query.cameras is not None and items.cameras is not None
    cameras = (query.known("cameras"), items.known("cameras")) if has_cameras else None
    relevance = Relevance(query_labels, labels, cameras=cameras)
    mated = np.full(len(query), np.inf)
    other = np.full(len(query), np.inf)
    source = Distances(query.vectors, items.vectors, kind=kind, dtype=np.float64)
    for start, block in source.blocks():
        for row, distances in enumerate(block, start):
            matches, removed = relevance.of(row)
            if gallery is None:
                matches = matches[matches != row]
                distances[row] = np.inf
            mated[row] = distances[matches].min(initial=np.inf)
            distances[matches] = distances[removed] = np.inf
            other[row] = distances.min(initial=np.inf)
    if kind == "euclidean":  # the query's own part, which decides between queries
        norms = np.einsum("ij,ij->i", query.vectors, query.vectors, dtype=np.float64)
        mated += norms
        other += norms
    return mated, other

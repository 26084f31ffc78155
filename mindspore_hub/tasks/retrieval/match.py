"""`mindspore_hub.match`, apart from what it needs, so that it is imported with the package."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias, Union

from mindspore_hub.tasks.retrieval._dependencies import required_by

if TYPE_CHECKING:
    import numpy.typing as npt

    from mindspore_hub.tasks.retrieval.features import Features
    from mindspore_hub.tasks.retrieval.matching.matches import Matches

Source: TypeAlias = Union["Features", str, os.PathLike[str], "npt.ArrayLike"]
"""Features, an npz file of them, or an array `(N, D)`."""


def match(
    query: Source,
    gallery: Source | None = None,
    *,
    k: int = 10,
    distance: str | None = None,
    rerank: bool | Mapping[str, float] | None = None,
    index: str | None = None,
) -> Matches:
    """Find the nearest gallery images of each query.

    Args:
        query: Features `(Q, D)` of the queries.
        gallery: Features `(G, D)` of the gallery. If it is the query itself, or the same file,
            images are looked up among themselves, and none finds itself. So it is without a
            gallery, unless the features have roles: then, their first trial says what is what.
        k: How many neighbours; at most all are returned.
        distance: `dot`, the negative inner product, or `euclidean`, the squared Euclidean distance.
            By default what the features say ranks them, else `dot`.
        rerank: True to rank again by k-reciprocal encoding (arXiv:1701.08398), or a mapping of its
            options `k1`, `k2` and `original_share`; 20, 6 and 0.3 by default. Features must have norm
            1, and distances are those of the re-ranking.
        index: None for the exact search. Otherwise what `faiss.index_factory` takes, such as `Flat`
            or `IVF1024,Flat`, and after a semicolon parameters of the search:
            `IVF1024,Flat;nprobe=32`. The index is made anew, in memory.

    Returns:
        Indices and distances `(Q, k)`, nearest first. Of images at the same distance, the one with
        the lower index comes first.

    Raises:
        FeaturesError: A file cannot be read, queries and gallery come from different networks, or
            an argument does not fit them.
        MissingDependencyError: NumPy, or faiss for an index, is not installed.
    """
    from mindspore_hub.hub.values import as_builtin

    with required_by("Matching"):
        from mindspore_hub.tasks.retrieval.matching.matches import find
    return find(query, gallery, k=as_builtin(k), distance=distance, rerank=rerank, index=index)

"""The nearest neighbours of queries, ranked again or found by an index of faiss."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError, MissingDependencyError
from mindspore_hub.gallery.distances import Found, Kind, check_dimensions, check_norms, nearest
from mindspore_hub.gallery.features import Floats, Integers
from mindspore_hub.tasks.retrieval.rerank import KReciprocal

_ROWS = 8192
"""How many features are handed to faiss at once."""

_CHUNK_BYTES = 16 * 2**20
"""Bytes of gallery features that are gathered at a time."""

_GRAPHS = re.compile("HNSW|NSG")
"""Indices that are graphs: threads that add to one race, and leave another one each time."""


def reranked(query: Floats, gallery: Floats | None, *, k: int, options: dict[str, Any]) -> Found:
    """Rank by k-reciprocal encoding, with the features and options of `KReciprocal`."""
    check_norms(query, "Re-ranking", "queries")
    if gallery is not None:
        check_norms(gallery, "Re-ranking", "gallery")
    source = KReciprocal(query, gallery, **options)
    return nearest(source.blocks(), source.shape, k=k)


def indexed(query: Floats, gallery: Floats, *, k: int, kind: Kind, index: str) -> Found:
    """Search an index that faiss makes of the gallery; distances of what it finds are exact.

    The index is what `faiss.index_factory` takes, and after a semicolon parameters of the search; it is
    trained with the gallery where it has to be.
    """
    check_dimensions(query, gallery)
    faiss = _import_faiss(index)
    k = min(k, len(gallery))
    indices = np.empty((len(query), k), np.int64)
    try:
        made = _make(faiss, gallery, kind, index)
        for start in range(0, len(query), _ROWS):
            rows = slice(start, start + _ROWS)
            indices[rows] = made.search(np.ascontiguousarray(query[rows], np.float32), k)[1]
    except RuntimeError as error:
        msg = (
            f"faiss cannot use the index {index!r} for {len(gallery)} features of "
            f"{gallery.shape[1]} values: {str(error).rpartition(': ')[2]}. Expected is what its "
            "index_factory takes, such as Flat, HNSW32, or IVF1024,Flat;nprobe=32."
        )
        raise FeaturesError(msg) from error
    _check_found(indices, index)
    distances = _distances(query, gallery, indices, kind)
    order = np.lexsort((indices, distances), axis=-1)
    return np.take_along_axis(indices, order, 1), np.take_along_axis(distances, order, 1)


def _import_faiss(index: str) -> ModuleType:
    try:
        import faiss
    except ImportError as error:
        msg = (
            f"The index {index!r} needs faiss, which cannot be imported ({error}); "
            "`pip install faiss-cpu`. Without an index, the search is exact and needs "
            "NumPy only."
        )
        raise MissingDependencyError(msg) from error
    module: ModuleType = faiss
    return module


def _make(faiss: ModuleType, gallery: Floats, kind: Kind, index: str) -> Any:
    metric = faiss.METRIC_INNER_PRODUCT if kind == "dot" else faiss.METRIC_L2
    factory, _, parameters = index.partition(";")
    made = faiss.index_factory(gallery.shape[1], factory, metric)
    with _one_thread(faiss) if _GRAPHS.search(factory) else nullcontext():
        if not made.is_trained:
            made.train(np.ascontiguousarray(gallery, np.float32))
        for start in range(0, len(gallery), _ROWS):
            made.add(np.ascontiguousarray(gallery[start : start + _ROWS], np.float32))
    if parameters:
        faiss.ParameterSpace().set_index_parameters(made, parameters)
    return made


@contextmanager
def _one_thread(faiss: ModuleType) -> Iterator[None]:
    """Let faiss use one thread, for what several would make differently each time."""
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def _check_found(indices: Integers, index: str) -> None:
    lacking = np.count_nonzero((indices < 0).any(axis=1))
    if lacking:
        msg = (
            f"The index {index!r} finds fewer than {indices.shape[1]} neighbours of {lacking} of "
            f"{len(indices)} queries. Let it look further, such as "
            f"{index.partition(';')[0] + ';nprobe=64'!r} for an inverted file, or lower k."
        )
        raise FeaturesError(msg)


def _distances(
    query: Floats, gallery: Floats, indices: Integers, kind: Kind
) -> npt.NDArray[np.float32]:
    """Distances of queries to the gallery items that were found for them; an index may only guess."""
    distances = np.empty(indices.shape, np.float32)
    rows = max(1, _CHUNK_BYTES // (indices.shape[1] * gallery.shape[1] * gallery.itemsize))
    for start in range(0, len(query), rows):
        own, found = query[start : start + rows], gallery[indices[start : start + rows]]
        if kind == "dot":
            block = -np.einsum("qd,qkd->qk", own, found)
        else:
            found -= own[:, None]
            block = np.einsum("qkd,qkd->qk", found, found)
        distances[start : start + rows] = block
    return distances

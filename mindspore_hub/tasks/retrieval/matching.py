"""The search for the nearest gallery images of queries: what `mindspore_hub.match` does."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.distances import Kind, exact
from mindspore_hub.gallery.features import Features, Floats, Integers, load
from mindspore_hub.gallery.gallery import Gallery
from mindspore_hub.gallery.origin import column, require_alike
from mindspore_hub.gallery.store import NOBODY, UNKNOWN
from mindspore_hub.gallery.where import parse
from mindspore_hub.hub.values import as_builtin
from mindspore_hub.tasks.retrieval.calibration import Calibration
from mindspore_hub.tasks.retrieval.matches import Matches
from mindspore_hub.tasks.retrieval.neighbours import indexed, reranked
from mindspore_hub.tasks.retrieval.task import DISTANCES

if TYPE_CHECKING:
    from mindspore_hub.tasks.retrieval import Source

RERANK: dict[str, float] = {"k1": 20, "k2": 6, "original_share": 0.3}
"""Options of re-ranking, with the values of the paper (arXiv:1701.08398)."""


def find(
    query: Source,
    gallery: Source | Gallery | None,
    *,
    k: int,
    distance: str | None,
    rerank: bool | Mapping[str, float] | None,
    index: str | None,
    where: str | None,
    exact_search: bool,
    calibration: Calibration | str | os.PathLike[str] | None,
) -> Matches:
    """What `mindspore_hub.match` does, whose arguments these are."""
    options = _rerank_options(rerank, index)
    stored = _stored(gallery)
    if stored is None:
        found = _in_features(query, gallery, k, distance, options, index, where)  # type: ignore[arg-type] # it is none
    else:
        if options is not None or index is not None:
            msg = (
                f"Re-ranking and indices of faiss are for features, but {stored.path} is a gallery; write "
                "its rows to a file first: mshub gallery export GALLERY -o FILE.npz"
            )
            raise FeaturesError(msg)
        found = _in_gallery(
            _features(query), stored, k, distance, where, use_index=not exact_search
        )
    return found if calibration is None else _calibrated(found, calibration)


def _stored(gallery: object) -> Gallery | None:
    """A gallery that is not features, if it is one; features are searched as they are."""
    if isinstance(gallery, Gallery):
        return gallery
    if isinstance(gallery, str | os.PathLike):
        path = os.fspath(gallery)
        if isinstance(path, str) and path.rstrip("/").endswith(".lance"):
            return Gallery(path)
    return None


def _in_features(
    query: Source,
    gallery: Source | None,
    k: int,
    distance: str | None,
    options: dict[str, float] | None,
    index: str | None,
    where: str | None,
) -> Matches:
    queries, items = _sides(query, gallery)
    require_alike(queries.about, items.about, names=("the queries", "the gallery"), strict=False)
    kind = kind_of(distance, queries.about, items.about)
    among = items is queries
    _check_count(k, queries, among=among)
    keep = None if where is None else _kept(items, where)
    # An image finds itself, so that one more is looked for, and it is left out below.
    wanted = k + among
    if options is None and index is None:
        found = exact(queries.vectors, items.vectors, k=wanted, kind=kind, keep=keep)
    else:
        vectors = items.vectors if keep is None else items.vectors[keep]
        if index is not None:
            found = indexed(queries.vectors, vectors, k=wanted, kind=kind, index=index)
        else:
            same = among and keep is None
            found = reranked(
                queries.vectors, None if same else vectors, k=wanted, options=options or {}
            )
        if keep is not None:
            found = keep[found[0]], found[1]
    indices, distances = _without_self(*found) if among else found
    return Matches(indices, distances, queries, items, kind, options, index, where)


def _kept(items: Features, where: str) -> Integers:
    """Places of the images that fit a filter."""
    chosen = parse(where)
    columns = {name: column(items, name) for name in chosen.columns}
    keep = np.flatnonzero(chosen.mask(columns))
    if not keep.size:
        msg = f"No image of the gallery fits the filter {where!r}; look at its labels, cameras and paths."
        raise FeaturesError(msg)
    return keep


def _in_gallery(
    queries: Features,
    gallery: Gallery,
    k: int,
    distance: str | None,
    where: str | None,
    *,
    use_index: bool,
) -> Matches:
    gallery.require_made_of(queries.about, name="the queries")
    about = gallery.about
    kind = kind_of(distance, queries.about, about)
    found = gallery.search(queries.vectors, k, where, distance=kind, use_index=use_index)
    width = int((found.ids != NOBODY).sum(axis=1).max(initial=0))
    if not width:
        fit = f" that fits the filter {where!r}" if where is not None else ""
        msg = f"{gallery.path} has no row{fit}."
        raise FeaturesError(msg)
    ids, distances = found.ids[:, :width], found.distances[:, :width]
    there = ids != NOBODY
    _, first, places = np.unique(ids[there], return_index=True, return_inverse=True)
    indices = np.full(ids.shape, -1)
    indices[there] = places

    def rows(values: npt.NDArray[Any]) -> npt.NDArray[Any] | None:
        chosen = values[:, :width][there][first]
        return chosen if (chosen != ("" if chosen.dtype.kind == "U" else UNKNOWN)).any() else None

    items = Features(
        np.zeros((len(first), 1), np.float32),  # what is shown needs no vectors
        labels=rows(found.labels),
        cameras=rows(found.cameras),
        paths=rows(found.paths),
        about=about,
    )
    size = gallery.count()
    return Matches(
        *(indices, distances, queries, items, kind),
        where=where,
        ids=ids,
        size=size,
        how=found.how,
    )


def _calibrated(found: Matches, calibration: Calibration | str | os.PathLike[str]) -> Matches:
    """The same matches with a threshold, if that is one of such distances."""
    if not isinstance(calibration, Calibration):
        calibration = Calibration.read(calibration)
    calibration.require_made_of(found.query.about, name="the queries")
    calibration.require_made_of(found.gallery.about, name="the gallery")
    if found.rerank is not None or found.distance != calibration.distance:
        ranked = "re-ranking" if found.rerank is not None else found.distance
        msg = (
            f"The calibration is for the distance {calibration.distance}, but {ranked} ranks here; leave "
            "one of them out."
        )
        raise FeaturesError(msg)
    return replace(found, calibration=calibration)


def _sides(query: Source, gallery: Source | None) -> tuple[Features, Features]:
    """Queries and gallery, which are one object where images are looked up among themselves."""
    queries = _features(query)
    if gallery is None:
        if queries.roles is not None:  # each trial is a copy
            queries = replace(queries, roles=queries.roles[:, :1])
        [(first, items)] = queries.trials()
        return first, first if items is None else items
    return queries, queries if _is_same(query, gallery) else _features(gallery)


def _is_same(query: Source, gallery: Source) -> bool:
    if isinstance(query, str | os.PathLike) and isinstance(gallery, str | os.PathLike):
        return Path(query).samefile(gallery) if Path(gallery).exists() else False
    return query is gallery


def _features(source: Source) -> Features:
    if isinstance(source, Features):
        return source
    if isinstance(source, str | os.PathLike):
        return load(Path(source), mapped=True)
    try:
        return Features(np.asarray(source))
    except ValueError as error:  # of rows that are not of one length
        if isinstance(error, FeaturesError):
            raise
        msg = f"Features must be an array (N, D), but are not: {error}."
        raise FeaturesError(msg) from error


def kind_of(distance: str | None, *abouts: Mapping[str, Any]) -> Kind:
    """The distance that is asked for, else that of the features, else `dot`."""
    said = [about.get("retrieval") for about in abouts]
    named = [facts["distance"] for facts in said if isinstance(facts, dict) and "distance" in facts]
    kind = distance or next(iter(named), "dot")
    if kind not in DISTANCES:
        source = "asked for" if distance else "what `about` of the features says"
        msg = f"{kind!r} is {source}, but a distance is one of {', '.join(DISTANCES)}; name one."
        raise FeaturesError(msg)
    return cast("Kind", kind)


def _rerank_options(
    rerank: bool | Mapping[str, float] | None, index: str | None
) -> dict[str, float] | None:
    rerank = as_builtin(rerank)
    if rerank is None or rerank is False:
        return None
    if index is not None:
        msg = (
            f"The index {index!r} and re-ranking were asked for, but re-ranking compares all "
            "images with each other and uses no index; leave out one of them."
        )
        raise FeaturesError(msg)
    if rerank is not True and not isinstance(rerank, Mapping):
        msg = f"rerank must be True, or a mapping of {', '.join(RERANK)}, but is {rerank!r}."
        raise FeaturesError(msg)
    options = {} if rerank is True else dict(rerank)
    if unknown := sorted(map(str, options.keys() - RERANK.keys())):
        msg = f"Re-ranking has no option {', '.join(unknown)}; it has {', '.join(RERANK)}."
        raise FeaturesError(msg)
    options = dict(as_builtin(RERANK | options))
    if not _are_rerank_options(**options):
        msg = (
            "k1 and k2 must be whole numbers, and original_share a share between 0 and 1, but "
            f"re-ranking was given {options}."
        )
        raise FeaturesError(msg)
    return options


def _are_rerank_options(k1: object, k2: object, original_share: object) -> bool:
    are_counts = type(k1) is int and type(k2) is int
    return are_counts and isinstance(original_share, int | float) and 0 <= original_share <= 1


def _check_count(k: int, query: Features, *, among: bool) -> None:
    if type(k) is not int or k < 1:
        msg = f"k must be a whole number of at least 1, but is {k!r}."
        raise FeaturesError(msg)
    if among and len(query) == 1:
        msg = "One image has no other to be looked up among; give at least 2, or a gallery."
        raise FeaturesError(msg)


def _without_self(indices: Integers, distances: Floats) -> tuple[Integers, Floats]:
    """All columns but that of the image itself; it may be further than its doubles."""
    own = indices == np.arange(len(indices))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(indices), indices.shape[1] - 1)
    return indices[~own].reshape(shape), distances[~own].reshape(shape)

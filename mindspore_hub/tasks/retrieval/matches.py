"""The nearest gallery images of queries. The schema of the JSON is in `docs/reid.md`."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import FeaturesError, MissingDependencyError
from mindspore_hub.gallery.distances import Kind, exact
from mindspore_hub.gallery.features import Features, Floats, Integers, identities, load
from mindspore_hub.hub.values import as_builtin
from mindspore_hub.tasks.retrieval.neighbours import indexed, reranked
from mindspore_hub.tasks.retrieval.task import DISTANCES
from mindspore_hub.version import __version__

if TYPE_CHECKING:
    from mindspore_hub.tasks.retrieval import Source

SCHEMA = 1
"""Version of the JSON."""

RERANK: dict[str, float] = {"k1": 20, "k2": 6, "original_share": 0.3}
"""Options of re-ranking, with the values of the paper (arXiv:1701.08398)."""


@dataclass(frozen=True)
class Nearest:
    """One of the images that are nearest to a query.

    Attributes:
        rank: From 1.
        index: Its place in the gallery, from 0.
        path: Its path; None where paths are unknown.
        distance: How far it is.
        correct: Whether it has the label of the query; None where labels are unknown.
    """

    rank: int
    index: int
    path: str | None
    distance: float
    correct: bool | None

    @property
    def name(self) -> str:
        """Its path, or its place."""
        return self.path if self.path is not None else str(self.index)


@dataclass(frozen=True, eq=False)
class Matches:
    """The k nearest gallery images of Q queries.

    Attributes:
        indices: Places in the gallery, `(Q, k)`, nearest first.
        distances: How far they are, `(Q, k)`, float32.
        query: Features of the queries.
        gallery: Features of the gallery; the same object where images are looked up among
            themselves.
        distance: What ranked: `dot` or `euclidean`.
        rerank: Options of the re-ranking, whose distances these are then; None without.
        index: The index of faiss; None for the exact search.
    """

    indices: Integers
    distances: Floats
    query: Features
    gallery: Features
    distance: Kind
    rerank: dict[str, float] | None = None
    index: str | None = None

    @functools.cached_property
    def correct(self) -> npt.NDArray[np.bool_] | None:
        """Whether each has the label of its query, `(Q, k)`; None where labels are unknown.

        A negative label means that nobody knows what is seen: it equals no other.
        """
        if self.query.labels is None or self.gallery.labels is None:
            return None
        wanted, items = identities(self.query.labels, self.gallery.labels)
        same: npt.NDArray[np.bool_] = items[self.indices] == wanted[:, None]
        return same

    def name(self, query: int) -> str:
        """Path of a query, or its place where paths are unknown."""
        return str(query) if self.query.paths is None else str(self.query.paths[query])

    def nearest(self, query: int) -> Iterator[Nearest]:
        """The nearest images of one query, nearest first."""
        paths, correct = self.gallery.paths, self.correct
        for place, index in enumerate(self.indices[query].tolist()):
            yield Nearest(
                rank=place + 1,
                index=index,
                path=None if paths is None else str(paths[index]),
                distance=float(self.distances[query, place]),
                correct=None if correct is None else bool(correct[query, place]),
            )

    def save_sheet(
        self,
        path: str | os.PathLike[str],
        *,
        images: str | os.PathLike[str] | None = None,
        gallery_images: str | os.PathLike[str] | None = None,
        queries: int = 20,
    ) -> None:
        """Write a contact sheet: queries, each beside its nearest images, right and wrong marked.

        Pictures that cannot be read are grey fields that say why, and a warning names them.

        Args:
            path: The file, `.png` or `.html`; one that is there is replaced.
            images: Folder that `paths` are below; by default the one that the features say.
            gallery_images: The same for the gallery, if it is another one.
            queries: How many queries to show, evenly spread over all, in their order.

        Raises:
            FeaturesError: The features lack paths, the file has another ending, or the sheet would
                hold more than 1,000 pictures.
            DatasetError: No folder is known, or none of the pictures is there.
            MissingDependencyError: Pillow is not installed.
            StoreError: The sheet cannot be written (an OSError).
        """
        try:
            from mindspore_hub.tasks.retrieval.sheet import save
        except ImportError as error:
            msg = f"A contact sheet needs Pillow ({error}); `pip install pillow`."
            raise MissingDependencyError(msg) from error
        save(self, path, images=images, gallery_images=gallery_images, queries=as_builtin(queries))

    def to_json(self) -> str:
        """Everything as JSON, one query per line."""
        versions = {"mindspore-hub": __version__, "numpy": np.__version__}
        if self.index is not None:
            import faiss

            versions["faiss"] = faiss.__version__
        facts = {
            "schema": SCHEMA,
            "versions": versions,
            "k": self.indices.shape[1],
            "distance": self.distance,
            "rerank": self.rerank,
            "index": self.index,
            "among_themselves": self.gallery is self.query,
            "query": {"images": len(self.query), "about": self.query.about},
            "gallery": {"images": len(self.gallery), "about": self.gallery.about},
        }
        head = json.dumps(facts, indent=2).removesuffix("\n}")
        rows = ",\n    ".join(json.dumps(self._row(query)) for query in range(len(self.query)))
        return f'{head},\n  "matches": [\n    {rows}\n  ]\n}}'

    def _row(self, query: int) -> dict[str, Any]:
        paths, labels = self.query.paths, self.query.labels
        return _known(
            query=query,
            path=None if paths is None else str(paths[query]),
            label=None if labels is None else int(labels[query]),
            nearest=[_known(**asdict(item)) for item in self.nearest(query)],
        )


def find(
    query: Source,
    gallery: Source | None,
    *,
    k: int,
    distance: str | None,
    rerank: bool | Mapping[str, float] | None,
    index: str | None,
) -> Matches:
    """What `mindspore_hub.match` does, whose arguments these are."""
    queries, items = _sides(query, gallery)
    _check_origin(queries, items)
    kind = _kind(distance, queries, items)
    options = _rerank_options(rerank, index)
    among = items is queries
    _check_count(k, queries, among=among)
    # An image finds itself, so that one more is looked for, and it is left out below.
    wanted = k + among
    if options is not None:
        vectors = None if among else items.vectors
        found = reranked(queries.vectors, vectors, k=wanted, options=options)
    elif index is not None:
        found = indexed(queries.vectors, items.vectors, k=wanted, kind=kind, index=index)
    else:
        found = exact(queries.vectors, items.vectors, k=wanted, kind=kind)
    indices, distances = _without_self(*found) if among else found
    return Matches(indices, distances, queries, items, kind, options, index)


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
        return load(Path(source))
    try:
        return Features(np.asarray(source))
    except ValueError as error:  # of rows that are not of one length
        if isinstance(error, FeaturesError):
            raise
        msg = f"Features must be an array (N, D), but are not: {error}."
        raise FeaturesError(msg) from error


def _check_origin(query: Features, gallery: Features) -> None:
    """Features of different networks have distances, too, but these mean nothing."""
    for name in ("sha256", "retrieval"):  # the checkpoint, and what became of its outputs
        both = [features.about.get(name) for features in (query, gallery)]
        if None not in both and both[0] != both[1]:
            first, second = (one if isinstance(one, str) else json.dumps(one) for one in both)
            cards = [features.about.get("card", "unknown") for features in (query, gallery)]
            msg = (
                f"Queries and gallery were not made alike: {name} is {first} of the queries, whose "
                f"card is {cards[0]}, but {second} of the gallery, whose card is {cards[1]}. Features of one network are expected; make both "
                "anew with the same one, such as `mshub embed NAME DIR -o FILE`."
            )
            raise FeaturesError(msg)


def _kind(distance: str | None, query: Features, gallery: Features) -> Kind:
    """The distance that is asked for, else that of the features, else `dot`."""
    said = [features.about.get("retrieval") for features in (query, gallery)]
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


def _known(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}

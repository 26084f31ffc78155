"""The nearest gallery images of queries. The schema of the JSON is in `docs/reid.md`."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import MissingDependencyError
from mindspore_hub.gallery.distances import Kind
from mindspore_hub.gallery.features import Features, Floats, Integers, identities
from mindspore_hub.hub.values import as_builtin
from mindspore_hub.tasks.retrieval.calibration import Calibration
from mindspore_hub.version import __version__

SCHEMA = 1
"""Version of the JSON."""


@dataclass(frozen=True)
class Nearest:
    """One of the images that are nearest to a query.

    Attributes:
        rank: From 1.
        index: Its place in the gallery, from 0; None in a gallery of LanceDB.
        path: Its path; None where paths are unknown.
        distance: How far it is.
        correct: Whether it has the label of the query; None where labels are unknown.
        id: Its id in a gallery of LanceDB.
        match: Whether it is as near as a calibration asks for; None without one.
    """

    rank: int
    index: int | None
    path: str | None
    distance: float
    correct: bool | None
    id: int | None = None
    match: bool | None = None

    @property
    def name(self) -> str:
        """Its path, or its place or id."""
        return self.path or str(self.index if self.id is None else self.id)


@dataclass(frozen=True, eq=False)
class Matches:
    """The k nearest gallery images of Q queries.

    Attributes:
        indices: Places in the gallery, `(Q, k)`, nearest first; -1 where a filter left fewer.
        distances: How far they are, `(Q, k)`, float32.
        query: Features of the queries.
        gallery: Features of the gallery; the same object where images are looked up among
            themselves. Of a gallery of LanceDB, only the rows that were found.
        distance: What ranked: `dot` or `euclidean`.
        rerank: Options of the re-ranking, whose distances these are then; None without.
        index: The index of faiss; None for the exact search.
        where: The filter that images of the gallery had to fit.
        ids: Ids of the images, `(Q, k)`, in a gallery of LanceDB; None in features.
        size: How many images the gallery has, if they are not all in `gallery`.
        how: How a gallery of LanceDB was searched, see `Found`.
        calibration: What says how near a match is.
    """

    indices: Integers
    distances: Floats
    query: Features
    gallery: Features
    distance: Kind
    rerank: dict[str, float] | None = None
    index: str | None = None
    where: str | None = None
    ids: Integers | None = None
    size: int | None = None
    how: dict[str, Any] | None = None
    calibration: Calibration | None = None

    @property
    def images(self) -> int:
        """How many images the gallery has."""
        return len(self.gallery) if self.size is None else self.size

    def is_match(self, query: int) -> bool | None:
        """Whether the image nearest to a query is near enough; None without a calibration.

        If not, the answer is that the query shows nobody of the gallery.
        """
        if self.calibration is None:
            return None
        nearest = self.distances[query, :1]
        return bool(nearest.size) and self.calibration.is_match(float(nearest[0]))

    @functools.cached_property
    def correct(self) -> npt.NDArray[np.bool_] | None:
        """Whether each has the label of its query, `(Q, k)`; None where labels are unknown.

        A negative label means that nobody knows what is seen: it equals no other.
        """
        if self.query.labels is None or self.gallery.labels is None:
            return None
        wanted, items = identities(self.query.labels, self.gallery.labels)
        same: npt.NDArray[np.bool_] = items[self.indices] == wanted[:, None]
        return same & (self.indices >= 0)

    def name(self, query: int) -> str:
        """Path of a query, or its place where paths are unknown."""
        return str(query) if self.query.paths is None else str(self.query.paths[query])

    def nearest(self, query: int) -> Iterator[Nearest]:
        """The nearest images of one query, nearest first."""
        paths, correct = self.gallery.paths, self.correct
        for place, index in enumerate(self.indices[query].tolist()):
            if index < 0:
                return
            distance = float(self.distances[query, place])
            yield Nearest(
                rank=place + 1,
                index=index if self.ids is None else None,
                path=None if paths is None else str(paths[index]),
                distance=distance,
                correct=None if correct is None else bool(correct[query, place]),
                id=None if self.ids is None else int(self.ids[query, place]),
                match=None if self.calibration is None else self.calibration.is_match(distance),
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
            "gallery": {"images": self.images, "about": self.gallery.about},
            **_known(where=self.where, search=self.how),
        }
        if self.calibration is not None:
            facts["calibration"] = self.calibration.summary()
        head = json.dumps(facts, indent=2).removesuffix("\n}")
        rows = ",\n    ".join(json.dumps(self._row(query)) for query in range(len(self.query)))
        return f'{head},\n  "matches": [\n    {rows}\n  ]\n}}'

    def _row(self, query: int) -> dict[str, Any]:
        paths, labels = self.query.paths, self.query.labels
        return _known(
            query=query,
            path=None if paths is None else str(paths[query]),
            label=None if labels is None else int(labels[query]),
            match=self.is_match(query),
            nearest=[_known(**asdict(item)) for item in self.nearest(query)],
        )


def _known(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}

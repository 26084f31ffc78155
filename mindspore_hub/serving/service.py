"""What is served: features of pictures, and searches in a gallery. It knows no HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
from PIL import Image

from mindspore_hub.errors import (
    BusyError,
    CardError,
    FeaturesError,
    PictureError,
    RequestError,
)
from mindspore_hub.gallery.features import Features, unusable
from mindspore_hub.gallery.origin import digests_of, ids_of
from mindspore_hub.serving import pictures as files
from mindspore_hub.serving.batching import Array, Batcher, Ticket
from mindspore_hub.serving.limits import Limits
from mindspore_hub.serving.metrics import Metrics
from mindspore_hub.tasks.pictures.samples import Sample
from mindspore_hub.version import __version__

if TYPE_CHECKING:
    from mindspore_hub.gallery.gallery import Gallery
    from mindspore_hub.tasks.retrieval.calibration import Calibration
    from mindspore_hub.tasks.retrieval.embedding import Embedding

_Result = TypeVar("_Result")

_LOOKED_AT = 10_000
"""Rows that are looked at to say which cameras there are."""

_EXAMPLES = 8

_CAMERAS = 100


@dataclass(frozen=True)
class Query:
    """What is looked up, and how: exactly one of pictures, features and ids is given.

    Attributes:
        pictures: Files of pictures.
        features: `(Q, D)`.
        ids: Rows of the gallery; none of them finds itself.
        k: How many rows of each.
        where: A filter that rows must fit.
    """

    pictures: Sequence[bytes] = ()
    features: npt.NDArray[np.float32] | None = None
    ids: Sequence[int] = ()
    k: int = 10
    where: str | None = None


@dataclass(frozen=True)
class Additions:
    """Pictures for the gallery, and what is known of each: a whole number, or a name."""

    pictures: Sequence[bytes]
    known: dict[str, list[Any]] = field(default_factory=dict)


class Service:
    """A network, and the gallery of its features that is searched.

    Args:
        embedding: Makes features.
        gallery: Is searched; None for features only.
        calibration: Says from which distance on a nearest row is no match.
        root: Folder that paths of the gallery are below, if it is not the one that the gallery says.
        writable: Whether clients may add rows to the gallery and remove some.
        limits: Bounds.

    Raises:
        CardError: The network takes more than a picture.
        FeaturesError: Gallery or calibration are of another network.
    """

    def __init__(
        self,
        embedding: Embedding,
        gallery: Gallery | None = None,
        calibration: Calibration | None = None,
        *,
        root: Path | None = None,
        writable: bool = False,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.metrics = Metrics()
        self.name = embedding.card.model_name
        self.version = embedding.card.version
        self.uid = embedding.card.uid
        self.gallery = gallery
        self.writable = writable and gallery is not None
        self.calibration = calibration
        self._embedding = embedding
        self._made_by = embedding.made_by()
        self._require_alike()
        said = gallery.about.get("root") if gallery is not None else None
        self._root = root or (Path(said) if isinstance(said, str) else None)
        self._threads = ThreadPoolExecutor(max(2, os.cpu_count() or 1), "mshub-pictures")
        self._searcher = ThreadPoolExecutor(1, "mshub-gallery")
        self._searching = 0
        self.batcher = Batcher(self._compute, self.limits, self.metrics.batch)
        self.width = self.batcher.warm_up(self._blank())
        self._about_rows: dict[str, Any] | None = None
        self.metrics.gauges = {
            "mshub_pictures_in_flight": (
                "Pictures that were accepted and have no answer yet.",
                lambda: float(self.batcher.pictures),
            ),
            "mshub_batch_largest": (
                "Pictures of the largest batch.",
                lambda: float(self.batcher.size),
            ),
        }

    @property
    def threshold(self) -> float | None:
        """The largest distance of a match; None where nobody knows."""
        return None if self.calibration is None else self.calibration.threshold

    async def features(self, pictures: Sequence[bytes]) -> list[Array | PictureError]:
        """The feature `(D,)` of each picture, or why there is none.

        Raises:
            BusyError: There is more to do than can be done in time.
        """
        with self.batcher.admitted(len(pictures)) as ticket:
            jobs = (self._feature(data, ticket) for data in pictures)
            found = await asyncio.gather(*jobs, return_exceptions=True)
        rows: list[Array | PictureError] = []
        for row in found:
            if isinstance(row, BaseException) and not isinstance(row, PictureError):
                raise row
            rows.append(row)
        self.metrics.bad_pictures += sum(isinstance(row, PictureError) for row in rows)
        return rows

    async def search(self, query: Query) -> dict[str, Any]:
        """The nearest rows of the gallery, as plain JSON.

        Raises:
            RequestError: There is no gallery.
            FeaturesError: The filter cannot be read, or features or ids do not fit the gallery.
            BusyError: There is more to do than can be done in time.
        """
        gallery = self._require_gallery()
        rows: list[Array | PictureError]
        if query.pictures:
            rows = await self.features(query.pictures)
        elif query.features is not None:
            rows = list(query.features)
        else:
            rows = list((await self._in_gallery(lambda: gallery.rows(query.ids))).vectors)
        vectors = [row for row in rows if not isinstance(row, PictureError)]
        k = query.k + bool(query.ids)
        found = (
            await self._in_gallery(lambda: gallery.search(np.stack(vectors), k, query.where))
            if vectors
            else None
        )
        answers = iter(_nearest(found) if found is not None else [])
        own: list[int | None] = [*query.ids] or [None] * len(rows)
        return {
            "model": self.name,
            "distance": gallery.distance,
            "threshold": self.threshold,
            "how": found.how if found is not None else None,
            "results": [
                {"error": str(row)}
                if isinstance(row, PictureError)
                else self._result(next(answers), one, query.k)
                for row, one in zip(rows, own, strict=True)
            ],
        }

    async def add(self, additions: Additions) -> dict[str, Any]:
        """Add pictures to the gallery that are not in it yet; says how many were, and which are bad.

        Raises:
            BusyError: There is more to do than can be done in time.
            FeaturesError: They do not fit the gallery.
            StoreError: The gallery cannot be written.
        """
        gallery = self._require_gallery()
        rows = await self.features(additions.pictures)
        good = [n for n, row in enumerate(rows) if not isinstance(row, PictureError)]
        errors = {str(n): str(row) for n, row in enumerate(rows) if isinstance(row, PictureError)}
        added = 0
        ids: list[int] = []
        if good:
            features = Features(
                np.stack([np.asarray(rows[n]) for n in good]),
                **{name: np.array([of[n] for n in good]) for name, of in additions.known.items()},
                # As of a file with these bytes.
                digests=np.array([_digest(additions.pictures[n]) for n in good]),
                about={**self._made_by, **self._root_of_gallery(gallery)},
            )
            ids = ids_of(digests_of(features)).tolist()
            added = await self._in_gallery(lambda: gallery.add(features))
            self._about_rows = None
        return {"added": added, "ids": ids, "errors": errors}

    async def remove(self, *, where: str | None, ids: Sequence[int]) -> int:
        """Remove rows that fit a filter, or those of ids; says how many there were."""
        gallery = self._require_gallery()
        self._about_rows = None
        if where is not None:
            return await self._in_gallery(lambda: gallery.remove(where))
        return await self._in_gallery(lambda: gallery.remove(ids=ids))

    async def about(self) -> dict[str, Any]:
        """What there is to search, as plain JSON, for clients and for the page."""
        facts = {
            "model": self.name,
            "version": self.version,
            "card": self.uid,
            "server": f"mindspore-hub {__version__}",
            "threshold": self.threshold,
            "writable": self.writable,
            "pictures": self._root is not None,
            "limits": {
                "body": self.limits.body,
                "pictures": self.limits.pictures,
                "pixels": self.limits.pixels,
                "k": self.limits.neighbours,
            },
            "gallery": None,
        }
        gallery = self.gallery
        if gallery is None:
            return facts
        count = await self._in_gallery(gallery.count)
        if self._about_rows is None or self._about_rows["count"] != count:
            self._about_rows = {"count": count, **await self._in_gallery(self._look)}
        return {**facts, "distance": gallery.distance, "gallery": self._about_rows}

    async def thumbnail(self, id_: int) -> bytes:
        """The picture of a row as a small JPEG.

        Raises:
            FeaturesError: There is no such row.
            PictureError: Its picture is not there, or cannot be read.
        """
        gallery = self._require_gallery()
        rows = await self._in_gallery(lambda: gallery.rows([id_]))
        name = "" if rows.paths is None else str(rows.paths[0])
        if self._root is None or not name:
            msg = "Nobody knows where the picture of this row is; name the folder with --root."
            raise PictureError(msg)
        root, pixels = self._root, self.limits.pixels
        return await self._in_thread(lambda: files.thumbnail(root, name, pixels=pixels))

    async def close(self) -> None:
        """End, after what is being computed."""
        await self.batcher.close()
        self._threads.shutdown()
        self._searcher.shutdown()

    def _require_gallery(self) -> Gallery:
        if self.gallery is None:
            msg = "This server has no gallery; start it with --gallery."
            raise RequestError(msg)
        return self.gallery

    def _require_alike(self) -> None:
        if self.gallery is not None:
            self.gallery.require_made_of(self._made_by, name="the features of this server")
        if self.calibration is not None:
            self.calibration.require_made_of(self._made_by, name="the features of this server")
            if self.gallery is not None and self.calibration.distance != self.gallery.distance:
                msg = (
                    f"The calibration is of the distance {self.calibration.distance}, but the gallery is ranked "
                    f"by {self.gallery.distance}; calibrate with that one."
                )
                raise FeaturesError(msg)

    def _root_of_gallery(self, gallery: Gallery) -> dict[str, Any]:
        root = gallery.about.get("root")
        return {} if root is None else {"root": root}

    def _blank(self) -> tuple[Array, ...]:
        """The inputs of the network for a grey picture."""
        blank = np.full((64, 64, 3), 127, np.uint8)
        try:
            return self._embedding.prepared(Sample(blank))
        except PictureError as error:
            msg = f"{self.uid} takes more than a picture, which the server does not: {error}"
            raise CardError(msg) from error

    def _compute(self, inputs: tuple[Array, ...]) -> Array:
        return self._embedding.compute(inputs)["vectors"]

    async def _feature(self, data: bytes, ticket: Ticket) -> Array:
        inputs = await self._in_thread(lambda: self._prepare(data))
        row = await self.batcher.row(inputs, ticket)
        if unusable("vectors", row[None]).size:
            msg = "Its feature is infinite or not a number."
            raise PictureError(msg)
        return row

    def _prepare(self, data: bytes) -> tuple[Array, ...]:
        image: Image.Image = files.read(data, pixels=self.limits.pixels)
        try:
            return self._embedding.prepared(Sample(image))
        except PictureError as error:
            msg = str(error).replace("a Pillow image", "It", 1)
            raise PictureError(msg) from error

    async def _in_thread(self, function: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._threads, function)

    async def _in_gallery(self, function: Callable[[], _Result]) -> _Result:
        """Run a function of the gallery after those that were asked for before it."""
        if self._searching >= self.limits.queue:
            msg = f"{self._searching} searches are waiting; try again later."
            raise BusyError(msg, 1.0)
        self._searching += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._searcher, function)
        finally:
            self._searching -= 1

    def _look(self) -> dict[str, Any]:
        """Cameras and a few rows of the gallery, of those that come first."""
        gallery = self._require_gallery()
        cameras: set[int] = set()
        ids: list[int] = []
        for part in gallery.parts():
            ids += ids_of(digests_of(part)).tolist()
            cameras |= set() if part.cameras is None else {*part.cameras.tolist()}
            if len(ids) >= _LOOKED_AT:
                break
        shown = min(_EXAMPLES, len(ids))
        return {
            "cameras": sorted(camera for camera in cameras if camera >= 0)[:_CAMERAS],
            "examples": [ids[place * len(ids) // shown] for place in range(shown)],
        }

    def _result(self, nearest: list[dict[str, Any]], own: int | None, k: int) -> dict[str, Any]:
        """Nearest rows of one query without itself, and whether none of them is a match."""
        found = [row for row in nearest if row["id"] != own][:k]
        if self.calibration is None:
            return {"nearest": found, "no_match": None}
        for row in found:
            row["match"] = self.calibration.is_match(row["distance"])
        return {"nearest": found, "no_match": not any(row["match"] for row in found)}


def _nearest(found: Any) -> list[list[dict[str, Any]]]:
    """Rows of each query as plain JSON, without what stands in place of rows that are not there."""
    columns = zip(found.ids, found.distances, found.labels, found.cameras, found.paths, strict=True)
    return [
        [
            {"id": id_, "distance": distance, **_known(label, camera, path)}
            for id_, distance, label, camera, path in zip(*map(_list, row), strict=True)
            if id_ >= 0
        ]
        for row in columns
    ]


def _list(values: npt.NDArray[Any]) -> list[Any]:
    return list(values.tolist())


def _known(label: int, camera: int, path: str) -> dict[str, Any]:
    return {
        "label": label if label >= 0 else None,
        "camera": camera if camera >= 0 else None,
        "path": path or None,
    }


def _digest(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()

"""From pictures to the inputs of a network, as its card says it."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from PIL import Image

from mindspore_hub.errors import PictureError
from mindspore_hub.tasks.pictures.decode import Array, Picture, as_maps, as_rgb
from mindspore_hub.tasks.pictures.fields import KEYPOINTS, LEVELS, MAPS, Preprocessing
from mindspore_hub.tasks.pictures.resize import look_up, resize, resize_floats

SEGMENT_KEYPOINTS = (
    (5, 15, 16, 17),
    (5, 6, 12, 15),
    (6, 10, 11, 12),
    (23, 33, 34, 35),
    (23, 24, 30, 33),
    (24, 28, 29, 30),
    (10, 11, 29, 28),
    (11, 12, 30, 29),
    (12, 13, 31, 30),
    (13, 14, 32, 31),
    (14, 15, 33, 32),
    (15, 16, 34, 33),
    (16, 17, 35, 34),
)
"""Corners of each segment of a vehicle; PAMTRI, arXiv:2005.00673, upstream branch r1.7."""

_CONFIDENT = 0.5

_LONGEST = 65_535
"""A line of pixels would otherwise take gigabytes on its way to a square."""

_PILLOW = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "pilcubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}


class Transform:
    """Prepares pictures for a network, with the values of its original code."""

    def __init__(self, preprocessing: Preprocessing, *, name: str = "The network") -> None:
        self.preprocessing = preprocessing
        self.name = name
        scale = LEVELS / preprocessing.range
        self._tables = [
            _table(mean, std, scale=scale)
            for mean, std in zip(preprocessing.mean, preprocessing.std, strict=True)
        ]
        mean, std = (sum(of) / len(of) for of in (preprocessing.mean, preprocessing.std))
        self._map_table = _table(mean, std, scale=scale)

    def __call__(
        self,
        pictures: Picture | Iterable[Picture],
        *,
        heatmaps: Any = None,
        segments: Any = None,
        keypoints: Any = None,
    ) -> Any:
        """Prepare one picture, or several.

        Args:
            pictures: A path, a Pillow image, or uint8 `(H, W, 3)` in R, G, B or `(H, W)` grey; or a
                batch: an iterable of such, or uint8 `(N, H, W, 3)`.
            heatmaps: For networks that take them, 36 grey pictures: a folder with `00.jpg` to
                `35.jpg`, or uint8 `(36, H, W)`. One such per picture of a batch.
            segments: The same, 13 of them. A segment with a corner that is not confident is black.
            keypoints: For networks that take them or segments, `(36, 3)` or `(108,)`: x and y in
                pixels of the picture and a confidence. One such per picture of a batch.

        Returns:
            float32 `(C, H, W)`, or `(N, C, H, W)` for a batch; for a network that takes keypoints,
            a pair of that and float32 `(108,)` or `(N, 108)`.

        Raises:
            PictureError: A picture cannot be read or is of a kind that the network does not take,
                or what the network takes besides is missing or does not fit.
        """
        extras = {"heatmaps": heatmaps, "segments": segments, "keypoints": keypoints}
        self.require({name for name, value in extras.items() if value is not None})
        batch = _as_batch(pictures)
        if batch is None:
            image, point = self._prepare([pictures], {k: [v] for k, v in extras.items()}, [""])
            images, points = image[0], point[0]
        else:
            names = [f"Picture {number}" for number in range(len(batch))]
            each = {
                name: [None] * len(batch) if of is None else per_picture(name, of, len(batch))
                for name, of in extras.items()
            }
            images, points = self._prepare(batch, each, names)
        return (images, points) if self.preprocessing.keypoints else images

    def describe(self) -> str:
        """What is done, in a sentence."""
        facts = self.preprocessing
        besides = [f"{MAPS[kind]} {kind}" for kind in facts.maps]
        besides += [f"{facts.keypoints} keypoints"] if facts.keypoints else []
        kinds = f"{' or '.join(facts.modality)} pictures" if facts.modality else "pictures"
        grey = facts.order == "GREY"
        order = "one grey channel" if grey else f"channels in the order {facts.order}"
        shapes = " and ".join(f"float32 {shape}" for shape in facts.input_shapes)
        return (
            f"{self.name} takes {kinds}{' with ' + ' and '.join(besides) if besides else ''}, decoded "
            f"and resized as {_LIBRARY_NAMES[facts.library]} does, {self._describe_size()}, "
            f"{order}, {'' if facts.range == LEVELS else 'divided by 255, '}less {facts.mean}, divided "
            f"by {facts.std}: "
            f"{shapes}."
        )

    def _describe_size(self) -> str:
        facts = self.preprocessing
        height, width = facts.size
        how = f"({facts.interpolation})"
        if facts.resize is None:
            short = f"first the short side to {min(facts.size)} pixels ({facts.short_side}), then "
            return f"{short if facts.short_side else ''}to {width} x {height} pixels {how}"
        if isinstance(facts.resize, int):
            whole = f"the short side to {facts.resize} pixels"
        else:
            whole = f"to {facts.resize[1]} x {facts.resize[0]} pixels"
        return f"{whole} {how}, of which the centre of {width} x {height} is taken"

    def __repr__(self) -> str:
        return f"<Transform: {self.describe()}>"

    def require(self, given: Collection[str]) -> None:
        """Refuse those of `heatmaps`, `segments`, `keypoints` that are not taken, and what is missing."""
        taken = self.preprocessing.extras
        if set(given) != taken:
            msg = (
                f"{self.name} takes {', '.join(sorted(taken)) or 'nothing'} beside pictures, but "
                f"{', '.join(sorted(given)) or 'nothing'} was given. {self.describe()}"
            )
            raise PictureError(msg)

    def _prepare(
        self, pictures: list[Any], extras: dict[str, list[Any]], names: list[str]
    ) -> tuple[Array, Array]:
        """Inputs of pictures, whose names are for what is not a file."""
        facts = self.preprocessing
        images = np.empty((len(pictures), facts.channels, *facts.size), np.float32)
        points = np.empty((len(pictures), 3 * facts.keypoints), np.float32)
        for number, picture in enumerate(pictures):
            given = {name: values[number] for name, values in extras.items()}
            with _naming(picture, names[number]):
                triples = _triples(given["keypoints"])
                size = self._add_picture(picture, images[number, : facts.colors])
                self._add_maps(given, triples, size, images[number, facts.colors :])
                if facts.keypoints:
                    # Places as parts of the picture, from its middle; confidence from that of 0 and 1.
                    points[number] = (triples / (*size[::-1], 1) - 0.5).ravel()
        return images, points

    def _add_picture(self, picture: Any, made: Array) -> tuple[int, int]:
        """Fill the channels of a picture; returns its height and width."""
        facts = self.preprocessing
        image = as_rgb(picture, library=facts.library)
        if facts.order == "GREY":
            image = image.convert("L")
        size = image.height, image.width
        resized = self._cut(self._resized(image))
        channels = [0] if facts.order == "GREY" else map("RGB".index, facts.order)
        for number, (channel, target) in enumerate(zip(channels, made, strict=True)):
            if resized.dtype == np.uint8:
                look_up(resized, channel, table=self._tables[number], made=target)
            else:
                values = resized[:, :, channel].astype(np.float64)
                target[...] = (values - facts.mean[number]) / facts.std[number]
        return size

    def _resized(self, image: Image.Image) -> Array:
        facts = self.preprocessing
        size = _first_size((image.height, image.width), facts)
        if facts.library == "pillow" or facts.interpolation == "pilcubic":
            return np.asarray(image.resize(size[::-1], _PILLOW[facts.interpolation]))
        pixels = np.asarray(image)
        if facts.short_side:
            ratio = min(facts.size) / min(image.size)
            between = round(image.height * ratio), round(image.width * ratio)
            between = _bounded(between, (image.height, image.width))
            pixels = resize(pixels, between, kernel=facts.short_side)
        if facts.interpolation == "bilinear-float":
            return resize_floats(pixels / np.float32(LEVELS / facts.range), size)
        return resize(pixels, size, kernel=facts.interpolation)

    def _cut(self, pixels: Array) -> Array:
        """The centre, of the size that the network takes; libraries round its corner differently."""
        facts = self.preprocessing
        spare = [have - want for have, want in zip(pixels.shape, facts.size, strict=False)]
        top, left = (round(n / 2) if facts.library == "pillow" else n // 2 for n in spare)
        cut = pixels[top : top + facts.size[0], left : left + facts.size[1]]
        return cut.reshape(*facts.size, -1)

    def _add_maps(
        self, given: dict[str, Any], triples: Array, picture: tuple[int, int], made: Array
    ) -> None:
        """The original resizes maps to the picture first, and the stack of both then."""
        facts = self.preprocessing
        begin = 0
        for kind in facts.maps:
            used = None
            if kind == "segments":
                corners = triples[np.array(SEGMENT_KEYPOINTS), 2]
                used = (corners >= _CONFIDENT).all(axis=1).tolist()
            for plane in as_maps(given[kind], MAPS[kind], used=used):
                large = resize(plane, picture, kernel=facts.interpolation)
                small = resize(large, facts.size, kernel=facts.interpolation)
                look_up(small[:, :, None], 0, table=self._map_table, made=made[begin])
                begin += 1


_LIBRARY_NAMES = {"pillow": "Pillow", "opencv": "OpenCV", "mindspore": "MindSpore"}


def _table(mean: float, std: float, *, scale: float) -> Array:
    """What each of 256 grey levels becomes, by the float32 arithmetic of the originals."""
    levels = np.arange(256, dtype=np.float32) / np.float32(scale)
    return (levels - np.float32(mean)) / np.float32(std)


def _as_batch(pictures: Any) -> list[Any] | None:
    """The pictures of a batch; None for a single picture."""
    if isinstance(pictures, np.ndarray):
        return list(pictures) if pictures.ndim == 4 else None
    if isinstance(pictures, str | os.PathLike | Image.Image):
        return None
    return list(pictures) if isinstance(pictures, Iterable) else None


@contextmanager
def _naming(picture: Any, name: str) -> Iterator[None]:
    """An error about a picture says which one, if it does not begin with that."""
    name = os.fspath(picture) if isinstance(picture, str | os.PathLike) else name
    try:
        yield
    except PictureError as error:
        if not name or str(error).startswith(f"{name} "):
            raise
        msg = f"{name}: {error}"
        raise PictureError(msg) from error


def per_picture(name: str, values: Iterable[Any], count: int) -> list[Any]:
    """What is given for each of so many pictures."""
    found = list(values)
    if len(found) != count:
        msg = f"{name} are given for {len(found)} pictures, but there are {count}."
        raise PictureError(msg)
    return found


def _first_size(picture: tuple[int, int], facts: Preprocessing) -> tuple[int, int]:
    """Height and width that a picture is resized to, from which the network's are cut."""
    if not isinstance(facts.resize, int):
        return facts.resize or facts.size
    height, width = picture
    longer = _longer_side(picture, facts.resize, facts.library)
    sides = (longer, facts.resize) if width < height else (facts.resize, longer)
    return _bounded(sides, picture)


def _longer_side(picture: tuple[int, int], short: int, library: str) -> int:
    """The longer side, if the other one has so many pixels, as MindSpore's transforms round it.

    Those in C++ compute in float32, those over Pillow by way of width / height.
    """
    height, width = picture
    if library == "pillow":
        return int(short / (width / height)) if width < height else int(short * (width / height))
    longer, shorter = max(picture), min(picture)
    if library == "mindspore":
        return int(np.float32(longer) / np.float32(shorter) * np.float32(short))
    return short * longer // shorter


def _bounded(sides: tuple[int, int], picture: tuple[int, int]) -> tuple[int, int]:
    height, width = sides
    if max(sides) > _LONGEST:
        msg = (
            f"A picture of {picture[1]} x {picture[0]} pixels would become {width} x {height} "
            f"first; sides of at most {_LONGEST} are taken, so cut it."
        )
        raise PictureError(msg)
    return sides


def _triples(keypoints: Any) -> Array:
    """Keypoints as `(36, 3)` float64; zeros where there are none."""
    if keypoints is None:
        return np.zeros((KEYPOINTS, 3))
    try:
        values = np.asarray(keypoints, np.float64)
    except (TypeError, ValueError) as error:
        msg = f"Keypoints must be numbers, x, y and confidence of each: {error}."
        raise PictureError(msg) from error
    if values.shape not in {(KEYPOINTS, 3), (3 * KEYPOINTS,)}:
        msg = (
            f"Keypoints must be ({KEYPOINTS}, 3) or ({3 * KEYPOINTS},), x, y and confidence of "
            f"each, but are {values.shape}."
        )
        raise PictureError(msg)
    if not np.isfinite(values).all():
        msg = "Keypoints must be finite numbers, x, y and confidence of each, but some are not."
        raise PictureError(msg)
    return values.reshape(KEYPOINTS, 3)

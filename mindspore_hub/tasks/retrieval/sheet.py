"""Contact sheets: queries, each beside its nearest gallery images, as PNG or HTML."""

from __future__ import annotations

import itertools
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError
from mindspore_hub.gallery.features import Features
from mindspore_hub.tasks.pictures import sheet as page
from mindspore_hub.tasks.pictures.sheet import MOST, shown
from mindspore_hub.tasks.retrieval.matches import Matches, Nearest

logger = logging.getLogger(__name__)

FORMATS = (".png", ".html")

TITLE = "Nearest images"

_QUERIES, _GALLERY = " of the queries", " of the gallery"

_DISTANCES = {"dot": "negative inner product", "euclidean": "squared Euclidean"}


@dataclass(frozen=True)
class Tile(page.Tile):
    """A picture of a sheet: what is known of it if it is not a query; whether a query has a match."""

    nearest: Nearest | None = None
    match: bool | None = None


@dataclass(frozen=True)
class Sheet:
    """What a sheet shows: lines about the search, and in each row a query and its nearest images.

    Right and wrong are known if it is marked.
    """

    facts: tuple[str, ...]
    marked: bool
    rows: tuple[tuple[Tile, ...], ...]

    @property
    def tiles(self) -> list[Tile]:
        """Every picture."""
        return list(itertools.chain(*self.rows))


def save(
    matches: Matches,
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    gallery_images: str | os.PathLike[str] | None = None,
    queries: int = 20,
) -> None:
    """Write a contact sheet; see `Matches.save_sheet`. A file that is there is replaced as a whole."""
    path = Path(path)
    if path.suffix.lower() not in FORMATS:
        msg = (
            f"{path} must end in {' or '.join(FORMATS)}, since that says what to write; rename it."
        )
        raise FeaturesError(msg)
    made = plan(matches, images=images, gallery_images=gallery_images, queries=queries)
    if path.suffix.lower() == ".png":
        from mindspore_hub.tasks.retrieval.sheet_png import draw

        content = draw(made)
    else:
        template = "sheet.html.jinja"
        content = page.as_html(__package__ or "", template, made.tiles, sheet=made, title=TITLE)
    _files.replace(path, content)
    logger.info("%s written", path)
    page.warn_unread(path, made.tiles)


def plan(
    matches: Matches,
    *,
    images: str | os.PathLike[str] | None,
    gallery_images: str | os.PathLike[str] | None,
    queries: int,
) -> Sheet:
    """Choose what a sheet shows; arguments and errors are those of `save`."""
    places = page.chosen(len(matches.query), queries, what="query")
    pictures = len(places) * (matches.indices.shape[1] + 1)
    if pictures > MOST:
        msg = (
            f"{len(places)} queries with {matches.indices.shape[1]} neighbours each are {pictures:,} "
            f"pictures, but a sheet holds at most {MOST:,}; show fewer queries, or lower k."
        )
        raise FeaturesError(msg)
    for side, features in (("queries", matches.query), ("gallery", matches.gallery)):
        if features.paths is None:
            msg = (
                f"The features of the {side} lack `paths`, without which no picture is found; "
                "store the paths of the images with them."
            )
            raise FeaturesError(msg)
    root = _root(images, matches.query, _QUERIES, "images")
    other = _root(gallery_images or images, matches.gallery, _GALLERY, "gallery_images")
    rows = [
        (
            _tile(root, matches.name(query), match=matches.is_match(query)),
            *(_tile(other, item.name, item) for item in matches.nearest(query)),
        )
        for query in places
    ]
    page.require_there([row[0] for row in rows], root, argument=_named("images"), side=_QUERIES)
    nearest = [tile for row in rows for tile in row[1:]]
    page.require_there(nearest, other, argument=_named("gallery_images"), side=_GALLERY)
    facts = tuple(_facts(matches, len(places)))
    return Sheet(facts, matches.correct is not None, tuple(rows))


def _root(
    given: str | os.PathLike[str] | None, features: Features, side: str, argument: str
) -> Path:
    return page.root_of(
        given, features.about, argument=_named(argument), what="features", side=side
    )


def _named(argument: str) -> str:
    return f"`--{argument.replace('_', '-')} DIR`, or `{argument}=` in Python"


def _tile(
    root: Path, name: str, nearest: Nearest | None = None, *, match: bool | None = None
) -> Tile:
    return Tile(shown(name), page.file_of(root, name), nearest, match)


def _facts(matches: Matches, queries: int) -> Iterator[str]:
    cards = [features.about.get("card") for features in (matches.query, matches.gallery)]
    names = sorted({shown(card) for card in cards if card is not None})
    if names:
        yield f"Features of {' and '.join(names)}"
    every = len(matches.query)
    which = "" if queries == every else f" of {every:,}, evenly spread"
    among = matches.gallery is matches.query
    others = f"the other {every - 1:,}" if among else f"{matches.images:,} in the gallery"
    yield f"Queries: {queries:,}{which}; nearest: {matches.indices.shape[1]} of {others}"
    yield _how(matches)
    if matches.where is not None:
        yield f"Only gallery images that fit: {shown(matches.where)}"
    if matches.calibration is not None:
        rate, limit = matches.calibration.false_match_rate, matches.calibration.threshold
        yield f"No match beyond {limit:#.4g}, for a false match rate of {rate:g}"
    if matches.correct is not None and matches.correct.size:
        first = int(np.count_nonzero(matches.correct[:, 0]))
        yield f"The nearest image has the label of the query for {first:,} of {every:,} queries"


def _how(matches: Matches) -> str:
    if matches.rerank is not None:
        options = ", ".join(f"{name} {value:g}" for name, value in matches.rerank.items())
        return f"Distance: k-reciprocal re-ranking ({options})"
    index = f"; found by the faiss index {matches.index}" if matches.index is not None else ""
    if matches.how and matches.how["kind"] != "exact":
        index = f"; found by an index, {matches.how['kind']}, whose recall is {matches.how['recall']:.1%}"
    return f"Distance: {_DISTANCES[matches.distance]}, lower is nearer{index}"

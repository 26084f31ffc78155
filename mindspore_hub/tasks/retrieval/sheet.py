"""Contact sheets: queries, each beside its nearest gallery images, as PNG or HTML.

Right and wrong are told apart by a sign and by a colour: blue and vermilion, which people who do not
see red and green as others do can tell apart, too (Okabe and Ito, Color Universal Design, 2008). The
vermilion is a little darker than theirs, so that white on it is legible.
"""

from __future__ import annotations

import base64
import functools
import io
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from mindspore_hub import _files
from mindspore_hub._text import count, printable
from mindspore_hub.errors import DatasetError, FeaturesError, PictureError
from mindspore_hub.tasks.pictures.decode import as_rgb
from mindspore_hub.tasks.retrieval.features import Features
from mindspore_hub.tasks.retrieval.matches import Matches, Nearest

logger = logging.getLogger(__name__)

FORMATS = (".png", ".html")

TITLE = "Nearest images"

MOST = 1000
"""Pictures of a sheet."""

SIDE = 160
"""Pixels of the longer side of a picture on a sheet, at most."""

RIGHT, WRONG = "#0072b2", "#c05000"

_LONGEST = 200
"""Characters of a name; without a bound, the file of features would say how wide a sheet is."""

_NAMED = 5

_DISTANCES = {"dot": "negative inner product", "euclidean": "squared Euclidean"}

_NARROWEST = 112
"""Pixels of a picture's field, for captions that are wrapped."""


@dataclass(frozen=True)
class Tile:
    """A picture of a sheet: its path below its root, its file, and what is known of it if it is not a query."""

    name: str
    file: Path
    nearest: Nearest | None = None

    @functools.cached_property
    def thumbnail(self) -> Image.Image | str:
        """The picture with sides of at most `SIDE` pixels; why, if it cannot be read."""
        try:
            picture = as_rgb(self.file, library="opencv")
        except PictureError as error:
            reason = str(error).removeprefix(f"{self.file} ")
            reason = reason.removeprefix("cannot be read as a picture: ")
            return _shown(f"not read: {reason.partition('; ')[0].rstrip('.')}")
        scale = min(1, SIDE / max(picture.size))
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        return picture.resize(size, Image.Resampling.LANCZOS)


@dataclass(frozen=True)
class Sheet:
    """What a sheet shows: lines about the search, and in each row a query and its nearest images.

    Right and wrong are known if it is marked.
    """

    facts: tuple[str, ...]
    marked: bool
    rows: tuple[tuple[Tile, ...], ...]

    def largest(self, *, narrowest: int) -> tuple[int, int]:
        """Width, at least the narrowest, and height that every picture fits into."""
        found = [tile.thumbnail for row in self.rows for tile in row]
        sizes = [picture.size for picture in found if not isinstance(picture, str)]
        widest, highest = (max(sides) for sides in zip(*(sizes or [(SIDE, SIDE)]), strict=True))
        return max(narrowest, widest), max(64, highest)


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
        content = _html(made).encode()
    _files.replace(path, content)
    logger.info("%s written", path)
    unread = (t.name for row in made.rows for t in row if isinstance(t.thumbnail, str))
    failed = list(dict.fromkeys(unread))
    if failed:
        more = f" and {len(failed) - _NAMED} more" if len(failed) > _NAMED else ""
        logger.warning(
            "%s: %s cannot be read, and grey fields stand for them: %s%s",
            *(path, count(len(failed), "picture"), ", ".join(failed[:_NAMED]), more),
        )


def plan(
    matches: Matches,
    *,
    images: str | os.PathLike[str] | None,
    gallery_images: str | os.PathLike[str] | None,
    queries: int,
) -> Sheet:
    """Choose what a sheet shows; arguments and errors are those of `save`."""
    shown = _chosen(len(matches.query), queries)
    pictures = len(shown) * (matches.indices.shape[1] + 1)
    if pictures > MOST:
        msg = (
            f"{len(shown)} queries with {matches.indices.shape[1]} neighbours each are {pictures:,} "
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
    root = _root(images, matches.query, "queries", "images")
    other = _root(gallery_images or images, matches.gallery, "gallery", "gallery_images")
    rows = [
        (
            _tile(root, matches.name(query)),
            *(_tile(other, item.name, item) for item in matches.nearest(query)),
        )
        for query in shown
    ]
    _check_there([row[0] for row in rows], root, "queries", "images")
    _check_there([tile for row in rows for tile in row[1:]], other, "gallery", "gallery_images")
    facts = tuple(_facts(matches, len(shown)))
    return Sheet(facts, matches.correct is not None, tuple(rows))


def _chosen(all_: int, wanted: int) -> list[int]:
    """Places of queries, evenly spread over all."""
    if wanted < 1:
        msg = f"A sheet shows at least 1 query, but {wanted} were asked for."
        raise FeaturesError(msg)
    shown = min(wanted, all_)
    return [place * all_ // shown for place in range(shown)]


def _root(
    given: str | os.PathLike[str] | None, features: Features, side: str, argument: str
) -> Path:
    said = features.about.get("root")
    root = given or (said if isinstance(said, str) else None)
    if root is None:
        fault = f"The features of the {side} do not say in which folder their pictures are"
        raise DatasetError(_with_remedy(fault, argument))
    if not Path(root).is_dir():
        fault = f"The pictures of the {side} are expected in {root}, which is not a folder"
        raise DatasetError(_with_remedy(fault, argument))
    return Path(root)


def _check_there(tiles: list[Tile], root: Path, side: str, argument: str) -> None:
    if tiles and not any(tile.file.exists() for tile in tiles):
        fault = f"None of the pictures of the {side} is below {root}, such as {tiles[0].name}"
        raise DatasetError(_with_remedy(fault, argument))


def _with_remedy(fault: str, argument: str) -> str:
    option = f"--{argument.replace('_', '-')}"
    return (
        f"{fault}; name the folder that their paths are below, with `{option} DIR`, or "
        f"`{argument}=` in Python."
    )


def _tile(root: Path, name: str, nearest: Nearest | None = None) -> Tile:
    return Tile(_shown(name), Path(os.path.normpath(root / name)), nearest)


def _shown(text: object) -> str:
    """Text as a sheet can show it, and no more than fits."""
    legible = printable(str(text))
    return legible if len(legible) <= _LONGEST else f"{legible[:_LONGEST]}..."


def _facts(matches: Matches, shown: int) -> Iterator[str]:
    cards = [features.about.get("card") for features in (matches.query, matches.gallery)]
    names = sorted({_shown(card) for card in cards if card is not None})
    if names:
        yield f"Features of {' and '.join(names)}"
    every = len(matches.query)
    which = "" if shown == every else f" of {every:,}, evenly spread"
    among = matches.gallery is matches.query
    others = f"the other {every - 1:,}" if among else f"{len(matches.gallery):,} in the gallery"
    yield f"Queries: {shown:,}{which}; nearest: {matches.indices.shape[1]} of {others}"
    yield _how(matches)
    if matches.correct is not None and matches.correct.size:
        first = int(np.count_nonzero(matches.correct[:, 0]))
        yield f"The nearest image has the label of the query for {first:,} of {every:,} queries"


def _how(matches: Matches) -> str:
    if matches.rerank is not None:
        options = ", ".join(f"{name} {value:g}" for name, value in matches.rerank.items())
        return f"Distance: k-reciprocal re-ranking ({options})"
    index = f"; found by the faiss index {matches.index}" if matches.index is not None else ""
    return f"Distance: {_DISTANCES[matches.distance]}, lower is nearer{index}"


def _html(sheet: Sheet) -> str:
    """One HTML file that needs no other, and asks nobody for anything."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mindspore_hub.tasks.retrieval"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["uri"] = _uri
    width, height = sheet.largest(narrowest=_NARROWEST)
    template = environment.get_template("sheet.html.jinja")
    return template.render(
        sheet=sheet, title=TITLE, width=width, height=height, right=RIGHT, wrong=WRONG
    )


def _uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"

"""Pages of pictures, each with the classes that it shows most probably."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError
from mindspore_hub.tasks.classification.predictions import Guess, Predictions
from mindspore_hub.tasks.pictures import sheet as page
from mindspore_hub.tasks.pictures.sheet import MOST, shown

logger = logging.getLogger(__name__)

ENDING = ".html"

TITLE = "Classes"


@dataclass(frozen=True)
class Tile(page.Tile):
    """A picture of a page, and its most probable classes."""

    guesses: tuple[Guess, ...] = ()


@dataclass(frozen=True)
class Sheet:
    """What a page shows: lines about the classification, and pictures."""

    facts: tuple[str, ...]
    tiles: tuple[Tile, ...]


def save(
    predictions: Predictions,
    path: Path,
    *,
    images: str | os.PathLike[str] | None = None,
    pictures: int = 50,
) -> None:
    """Write a page; see `Predictions.save_sheet`."""
    if path.suffix.lower() != ENDING:
        msg = f"{path} must end in {ENDING}; rename it."
        raise FeaturesError(msg)
    made = plan(predictions, images=images, pictures=pictures)
    template = "classes.html.jinja"
    content = page.as_html(__package__ or "", template, made.tiles, sheet=made, title=TITLE)
    _files.replace(path, content)
    logger.info("%s written", path)
    page.warn_unread(path, made.tiles)


def plan(
    predictions: Predictions, *, images: str | os.PathLike[str] | None, pictures: int
) -> Sheet:
    """Choose what a page shows; arguments and errors are those of `Predictions.save_sheet`."""
    places = page.chosen(len(predictions), pictures, what="picture")
    if len(places) > MOST:
        msg = f"A sheet holds at most {MOST:,} pictures, but {len(places):,} were asked for."
        raise FeaturesError(msg)
    if predictions.paths is None:
        msg = "The pictures of a sheet are files, but these have no paths; classify files."
        raise FeaturesError(msg)
    root = page.root_of(images, predictions.about, argument="`images=`", what="predictions")
    tiles = tuple(
        Tile(
            shown(predictions.name(picture)),
            page.file_of(root, predictions.name(picture)),
            tuple(predictions.guesses(picture)),
        )
        for picture in places
    )
    page.require_there(tiles, root, argument="`images=`")
    return Sheet(tuple(_facts(predictions, len(places))), tiles)


def _facts(predictions: Predictions, pictures: int) -> Iterator[str]:
    if card := predictions.about.get("card"):
        yield f"Classes by {shown(card)}"
    every = len(predictions)
    yield f"Pictures: {pictures:,}" + ("" if pictures == every else f" of {every:,}, evenly spread")
    k, classes = predictions.classes.shape[1], len(predictions.labels)
    yield f"Shown: the {k} most probable of {classes:,} classes; all of them sum up to 100 %"

"""A contact sheet as one HTML file that needs no other, and asks nobody for anything."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

from PIL import Image

from mindspore_hub.tasks.retrieval.matching.sheet import RIGHT, WRONG, Pictures, Sheet, largest

_QUALITY = 88
_NARROWEST = 112
"""Pixels of a picture's field, for captions that are wrapped."""


@dataclass(frozen=True)
class _Thumbnail:
    """A picture to be embedded, and its size in pixels."""

    uri: str
    width: int
    height: int


def render(sheet: Sheet, pictures: Pictures) -> str:
    """Make the page.

    Args:
        sheet: What it shows.
        pictures: Reads its pictures.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("mindspore_hub.tasks.retrieval.matching"),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found = pictures.rows(sheet)
    width, height = largest(found, narrowest=_NARROWEST)
    rows = [
        list(zip(tiles, map(_embedded, row), strict=True))
        for tiles, row in zip(sheet.rows, found, strict=True)
    ]
    template = environment.get_template("sheet.html.jinja")
    return template.render(
        sheet=sheet, rows=rows, width=width, height=height, right=RIGHT, wrong=WRONG
    )


def _embedded(picture: Image.Image | str) -> _Thumbnail | str:
    if isinstance(picture, str):
        return picture
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=_QUALITY)
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return _Thumbnail(f"data:image/jpeg;base64,{data}", *picture.size)

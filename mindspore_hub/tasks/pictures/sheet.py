"""What sheets of pictures share: their tiles, their colours, and the page they are written on.

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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from mindspore_hub._text import and_more, count, printable
from mindspore_hub.errors import DatasetError, FeaturesError, PictureError
from mindspore_hub.tasks.pictures.decode import as_rgb

logger = logging.getLogger(__name__)

MOST = 1000
"""Pictures of a sheet."""

SIDE = 160
"""Pixels of the longer side of a picture on a sheet, at most."""

RIGHT, WRONG = "#0072b2", "#c05000"

_LONGEST = 200
"""Characters of a name; without a bound, the file of features would say how wide a sheet is."""

_NAMED = 5

_NARROWEST = 112
"""Pixels of a picture's field, for captions that are wrapped."""


@dataclass(frozen=True)
class Tile:
    """A picture of a sheet: its path below its root as it can be shown, and its file."""

    name: str
    file: Path

    @functools.cached_property
    def thumbnail(self) -> Image.Image | str:
        """The picture with sides of at most `SIDE` pixels; why, if it cannot be read."""
        try:
            picture = as_rgb(self.file, library="opencv")
        except PictureError as error:
            reason = str(error).removeprefix(f"{self.file} ")
            reason = reason.removeprefix("cannot be read as a picture: ")
            return shown(f"not read: {reason.partition('; ')[0].rstrip('.')}")
        scale = min(1, SIDE / max(picture.size))
        size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
        return picture.resize(size, Image.Resampling.LANCZOS)


def largest(tiles: Iterable[Tile], *, narrowest: int = _NARROWEST) -> tuple[int, int]:
    """Width, at least the narrowest, and height in pixels that every picture fits into."""
    found = [tile.thumbnail for tile in tiles]
    sizes = [picture.size for picture in found if not isinstance(picture, str)]
    widest, highest = (max(sides) for sides in zip(*(sizes or [(SIDE, SIDE)]), strict=True))
    return max(narrowest, widest), max(64, highest)


def chosen(count: int, wanted: int, *, what: str) -> list[int]:
    """Places of what a sheet shows, such as a query, evenly spread over all."""
    if wanted < 1:
        msg = f"A sheet shows at least 1 {what}, but {wanted} were asked for."
        raise FeaturesError(msg)
    shown = min(wanted, count)
    return [place * count // shown for place in range(shown)]


def file_of(root: Path, name: str) -> Path:
    """The file of a picture whose path is below a folder."""
    return Path(os.path.normpath(root / name))


def shown(text: object) -> str:
    """Text as a sheet can show it, and no more than fits."""
    legible = printable(str(text))
    return legible if len(legible) <= _LONGEST else f"{legible[:_LONGEST]}..."


def root_of(
    given: str | os.PathLike[str] | None,
    about: Mapping[str, Any],
    *,
    argument: str,
    what: str,
    side: str = "",
) -> Path:
    """The folder that the paths of pictures are below: what is given, or what `about` says.

    Raises:
        DatasetError: Neither names a folder. The message says with which argument to name one, of what
            the pictures are, such as `features`, and of which side, such as ` of the queries`.
    """
    said = about.get("root")
    root = given or (said if isinstance(said, str) else None)
    if root is None:
        fault = f"The {what}{side} do not say in which folder their pictures are"
        raise DatasetError(_with_remedy(fault, argument))
    if not Path(root).is_dir():
        fault = f"The pictures{side} are expected in {root}, which is not a folder"
        raise DatasetError(_with_remedy(fault, argument))
    return Path(root)


def require_there(tiles: Sequence[Tile], root: Path, *, argument: str, side: str = "") -> None:
    """Raise a DatasetError if none of the pictures is a file; arguments are those of `root_of`."""
    if tiles and not any(tile.file.exists() for tile in tiles):
        fault = f"None of the pictures{side} is below {root}, such as {tiles[0].name}"
        raise DatasetError(_with_remedy(fault, argument))


def _with_remedy(fault: str, argument: str) -> str:
    return f"{fault}; name the folder that their paths are below, with {argument}."


def as_html(package: str, template: str, tiles: Iterable[Tile], **values: Any) -> bytes:
    """One HTML file that needs no other, and asks nobody for anything.

    Args:
        package: Package whose template extends the page `page.html.jinja` of this one.
        template: Name of the template.
        tiles: Every picture on it.
        values: What the template shows: `title`, and `sheet` with its lines of `facts`.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    packages = (package, __package__ or "")
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(name) for name in packages]),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["uri"] = _uri
    width, height = largest(tiles)
    made = environment.get_template(template)
    return made.render(width=width, height=height, right=RIGHT, wrong=WRONG, **values).encode()


def warn_unread(path: Path, tiles: Iterable[Tile]) -> None:
    """Say which pictures of a sheet that was written cannot be read."""
    failed = list(dict.fromkeys(tile.name for tile in tiles if isinstance(tile.thumbnail, str)))
    if failed:
        logger.warning(
            "%s: %s cannot be read, and grey fields stand for them: %s",
            *(path, count(len(failed), "picture"), and_more(failed, _NAMED)),
        )


def _uri(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=88)
    return f"data:image/jpeg;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"

"""A contact sheet as a PNG file, drawn with Pillow and the font that it brings."""

from __future__ import annotations

import functools
import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from mindspore_hub.reid.matching.sheet import RIGHT, WRONG, Pictures, Sheet, Tile, largest

_PAGE, _GROUND, _UNREAD, _LINE = "#ffffff", "#e4e4e4", "#c4c4c4", "#d0d0d0"
_TEXT, _MUTED = "#1b1b1b", "#595959"

_MARGIN, _GAP, _FRAME, _PADDING = 24, 14, 4, 5
_TITLE, _BODY, _SMALL = 24, 15, 12
_LEADING = 19
_NARROWEST = 124
"""Pixels of a picture's field, for captions that are not wrapped."""

_BADGE = 14

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_SCALE = 4
"""Badges are drawn so many times larger, since Pillow draws lines without smooth edges."""

_CHECK = ((0.22, 0.54), (0.42, 0.74), (0.78, 0.28))
_CROSS = ((0.27, 0.27), (0.73, 0.73), (0.5, 0.5), (0.27, 0.73), (0.73, 0.27))


@dataclass(frozen=True)
class _Layout:
    """Where things are on a sheet, in pixels.

    Attributes:
        box: Width and height that every picture fits into.
        head: Height of the heading.
    """

    box: tuple[int, int]
    head: int

    @property
    def field(self) -> tuple[int, int]:
        """Width and height of a picture with its frame."""
        border = 2 * (_FRAME + _PADDING)
        return self.box[0] + border, self.box[1] + border

    def corner(self, row: int, column: int) -> tuple[int, int]:
        """Where a picture begins; queries stand apart from the others."""
        width, height = self.field
        x = _MARGIN + column * (width + _GAP) + (_GAP if column else 0)
        return x, self.head + row * (height + 3 * _LEADING + 2 * _GAP)


def draw(sheet: Sheet, pictures: Pictures) -> bytes:
    """Draw the sheet.

    Args:
        sheet: What it shows.
        pictures: Reads its pictures.

    Returns:
        The PNG file.
    """
    thumbnails = pictures.rows(sheet)
    layout = _Layout(largest(thumbnails, narrowest=_NARROWEST), _MARGIN + _head_height(sheet))
    image = Image.new("RGB", _size(sheet, layout), _PAGE)
    pen = ImageDraw.Draw(image)
    _draw_head(image, pen, sheet)
    for row, (tiles, found) in enumerate(zip(sheet.rows, thumbnails, strict=True)):
        y = layout.corner(row, 0)[1] - _GAP
        pen.line((_MARGIN, y, image.width - _MARGIN, y), _LINE)
        for column, (tile, thumbnail) in enumerate(zip(tiles, found, strict=True)):
            x, y = layout.corner(row, column)
            _draw_picture(image, pen, tile, thumbnail, (x, y), layout.field)
            _draw_caption(image, pen, tile, (x, y + layout.field[1] + 5), layout.field[0])
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _head_height(sheet: Sheet) -> int:
    lines = len(sheet.facts) + sheet.marked
    return _TITLE + 12 + lines * _LEADING + 3 * _GAP


def _size(sheet: Sheet, layout: _Layout) -> tuple[int, int]:
    columns = max(map(len, sheet.rows))
    text = max(_font(_BODY).getlength(_plain(fact)) for fact in sheet.facts)
    right = max(layout.corner(0, columns)[0] - _GAP, _MARGIN + int(text) + 1)
    return right + _MARGIN, layout.corner(len(sheet.rows), 0)[1] + _MARGIN - 2 * _GAP


@functools.cache
def _font(size: int) -> _Font:
    return ImageFont.load_default(size)


def _plain(text: str) -> str:
    """A text in characters that the font has, and on one line."""
    return text.encode("unicode_escape").decode("ascii")


def _draw_head(image: Image.Image, pen: ImageDraw.ImageDraw, sheet: Sheet) -> None:
    pen.text((_MARGIN, _MARGIN), _plain(sheet.title), _TEXT, _font(_TITLE))
    y = _MARGIN + _TITLE + 12
    for fact in sheet.facts:
        pen.text((_MARGIN, y), _plain(fact), _MUTED, _font(_BODY))
        y += _LEADING
    if sheet.marked:
        x = _MARGIN
        for correct, meaning in (
            (True, "right: label of the query"),
            (False, "wrong: another label"),
        ):
            image.paste(_badge(correct), (x, y + 2))
            pen.text((x + _BADGE + 6, y), meaning, _MUTED, _font(_BODY))
            x += _BADGE + 6 + int(_font(_BODY).getlength(meaning)) + 24


def _draw_picture(
    image: Image.Image,
    pen: ImageDraw.ImageDraw,
    tile: Tile,
    thumbnail: Image.Image | None,
    corner: tuple[int, int],
    field: tuple[int, int],
) -> None:
    x, y = corner
    area = (x, y, x + field[0] - 1, y + field[1] - 1)
    pen.rectangle(area, _GROUND if thumbnail else _UNREAD, _color(tile), _FRAME)
    if thumbnail is None:
        middle = (x + field[0] // 2, y + field[1] // 2)
        pen.text(middle, "not read", _TEXT, _font(_BODY), anchor="mm")
        return
    left = x + (field[0] - thumbnail.width) // 2
    image.paste(thumbnail, (left, y + (field[1] - thumbnail.height) // 2))


def _color(tile: Tile) -> str:
    if tile.nearest is None or tile.nearest.correct is None:
        return _MUTED
    return RIGHT if tile.nearest.correct else WRONG


def _draw_caption(
    image: Image.Image,
    pen: ImageDraw.ImageDraw,
    tile: Tile,
    corner: tuple[int, int],
    width: int,
) -> None:
    """Mark, rank and distance; name of the file; its folder."""
    x, y = corner
    item = tile.nearest
    if item is None:
        pen.text((x, y), "query", _TEXT, _font(_BODY))
    else:
        left = x
        if item.correct is not None:
            image.paste(_badge(item.correct), (x, y + 2))
            left += _BADGE + 6
        pen.text((left, y), str(item.rank), _TEXT, _font(_BODY))
        pen.text((x + width, y), f"{item.distance:#.4g}", _TEXT, _font(_BODY), anchor="ra")
    folder, _, file = _plain(tile.name).rpartition("/")
    for line, (text, color) in enumerate(((file, _TEXT), (folder, _MUTED)), 1):
        pen.text((x, y + line * _LEADING), _shortened(text, width), color, _font(_SMALL))


def _shortened(text: str, width: int) -> str:
    """The end of a text, as much as fits; what tells files apart is at the end of their names."""
    font = _font(_SMALL)
    if font.getlength(text) <= width:
        return text
    return next(
        f"…{text[start:]}"
        for start in range(1, len(text) + 1)
        if font.getlength(f"…{text[start:]}") <= width
    )


@functools.cache
def _badge(correct: bool) -> Image.Image:
    """A check mark or a cross on a ground of its colour."""
    side = _BADGE * _SCALE
    badge = Image.new("RGB", (side, side), RIGHT if correct else WRONG)
    points = [(x * side, y * side) for x, y in (_CHECK if correct else _CROSS)]
    ImageDraw.Draw(badge).line(points, "#ffffff", 2 * _SCALE, joint="curve")
    return badge.resize((_BADGE, _BADGE), Image.Resampling.LANCZOS)

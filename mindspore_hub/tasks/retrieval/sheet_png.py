"""A contact sheet as a PNG file, drawn with Pillow and the font that it brings, or one of the system."""

from __future__ import annotations

import functools
import io
import os
from collections.abc import Iterator
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from mindspore_hub.tasks.pictures.sheet import RIGHT, WRONG, largest
from mindspore_hub.tasks.retrieval.sheet import TITLE, Sheet, Tile

_PAGE, _GROUND, _UNREAD, _LINE = "#ffffff", "#e4e4e4", "#c4c4c4", "#d0d0d0"
_TEXT, _MUTED = "#1b1b1b", "#595959"

_MARGIN, _GAP, _FRAME, _PADDING = 24, 14, 4, 5
_TITLE, _BODY, _SMALL = 24, 15, 12
_LEADING = 19
_NARROWEST = 124
"""Pixels of a picture's field, for captions that are not wrapped."""

_BADGE = 14

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_FOLDERS = (
    *(".local/share/fonts", ".fonts", "/usr/local/share/fonts", "/usr/share/fonts"),
    *("Library/Fonts", "/Library/Fonts", "/System/Library/Fonts", "C:/Windows/Fonts"),
)
"""Where systems have their fonts, from the user's folder on."""

_NAMES = (
    *("DejaVuSans.ttf", "NotoSans-Regular.ttf", "LiberationSans-Regular.ttf", "segoeui.ttf"),
    *("NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "SourceHanSansSC-Regular.otf"),
    *("wqy-microhei.ttc", "wqy-zenhei.ttc", "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf"),
    *("PingFang.ttc", "Hiragino Sans GB.ttc", "Arial Unicode.ttf", "msyh.ttc", "malgun.ttf"),
    *("YuGothR.ttc", "NotoSansArabic-Regular.ttf", "NotoSansDevanagari-Regular.ttf"),
    *("NotoSansThai-Regular.ttf", "unifont.otf", "unifont.ttf"),
)
"""Fonts with many characters, by their files; the first that has all of a text draws it."""

_NOBODYS = chr(0x10FFFE)
"""No character by definition."""

_SCALE = 4
"""Badges are drawn so many times larger, since Pillow draws lines without smooth edges."""

_CHECK = ((0.22, 0.54), (0.42, 0.74), (0.78, 0.28))
_CROSS = ((0.27, 0.27), (0.73, 0.73), (0.5, 0.5), (0.27, 0.73), (0.73, 0.27))


def draw(sheet: Sheet) -> bytes:
    """The sheet as a PNG file."""
    box = largest(sheet.tiles, narrowest=_NARROWEST)
    width, height = (side + 2 * (_FRAME + _PADDING) for side in box)
    head = _MARGIN + _TITLE + 12 + (len(sheet.facts) + sheet.marked) * _LEADING + 3 * _GAP

    def corner(row: int, column: int) -> tuple[int, int]:
        """Where a picture begins; queries stand apart from the others."""
        x = _MARGIN + column * (width + _GAP) + (_GAP if column else 0)
        return x, head + row * (height + 3 * _LEADING + 2 * _GAP)

    written = [_legible(fact, _BODY) for fact in sheet.facts]
    text = max(int(font.getlength(legible)) for legible, font in written)
    right = max(corner(0, max(map(len, sheet.rows)))[0] - _GAP, _MARGIN + text + 1)
    bottom = corner(len(sheet.rows), 0)[1] - 2 * _GAP
    image = Image.new("RGB", (right + _MARGIN, bottom + _MARGIN), _PAGE)
    _draw_head(image, sheet)
    for row, tiles in enumerate(sheet.rows):
        y = corner(row, 0)[1] - _GAP
        ImageDraw.Draw(image).line((_MARGIN, y, image.width - _MARGIN, y), _LINE)
        for column, tile in enumerate(tiles):
            x, y = corner(row, column)
            _draw_picture(image, tile, (x, y), (width, height))
            _draw_caption(image, tile, (x, y + height + 5), width)
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


@functools.cache
def _font(size: int) -> _Font:
    return ImageFont.load_default(size)


@functools.lru_cache(4096)
def _legible(text: str, size: int) -> tuple[str, _Font]:
    """A text on one line, and a font that has its characters; their codes where no font has them."""
    if text.isprintable():
        for font in _fonts(size):
            if all(_has(font, character) for character in text):
                return text, font
    return text.encode("unicode_escape").decode("ascii"), _font(size)


def _fonts(size: int) -> Iterator[_Font]:
    """Pillow's font, then those of the system."""
    yield _font(size)
    for path in _system_fonts():
        font = _system_font(path, size)
        if font is not None:
            yield font


@functools.cache
def _system_fonts() -> list[Path]:
    """Where the fonts of `_NAMES` are, in their order."""
    there = {
        name: Path(parent, name)
        for folder in _FOLDERS
        for parent, _, names in os.walk(Path(os.environ.get("HOME", "/"), folder))
        for name in names
    }
    return [there[name] for name in _NAMES if name in there]


@functools.cache
def _system_font(path: Path, size: int) -> _Font | None:
    try:
        return ImageFont.truetype(path, size)
    except OSError:  # damaged, or for systems with bitmaps only
        return None


@functools.lru_cache(65536)
def _has(font: _Font, character: str) -> bool:
    """Whether a font draws something else for a character than for one that nobody has."""
    one, other = font.getmask(character), font.getmask(_NOBODYS)
    return character == " " or (one.size, bytes(one)) != (other.size, bytes(other))


def _draw_head(image: Image.Image, sheet: Sheet) -> None:
    pen = ImageDraw.Draw(image)
    pen.text((_MARGIN, _MARGIN), TITLE, _TEXT, _font(_TITLE))
    y = _MARGIN + _TITLE + 12
    for fact in sheet.facts:
        legible, font = _legible(fact, _BODY)
        pen.text((_MARGIN, y), legible, _MUTED, font)
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
    image: Image.Image, tile: Tile, corner: tuple[int, int], field: tuple[int, int]
) -> None:
    pen = ImageDraw.Draw(image)
    x, y = corner
    area = (x, y, x + field[0] - 1, y + field[1] - 1)
    correct = tile.nearest.correct if tile.nearest else None
    color = _MUTED if correct is None else RIGHT if correct else WRONG
    thumbnail = tile.thumbnail
    pen.rectangle(area, _UNREAD if isinstance(thumbnail, str) else _GROUND, color, _FRAME)
    if isinstance(thumbnail, str):
        _draw_reason(pen, thumbnail, corner, field)
        return
    left = x + (field[0] - thumbnail.width) // 2
    image.paste(thumbnail, (left, y + (field[1] - thumbnail.height) // 2))


def _draw_reason(
    pen: ImageDraw.ImageDraw, reason: str, corner: tuple[int, int], field: tuple[int, int]
) -> None:
    """Why a picture is not there, in as many lines as fit into its field."""
    legible, font = _legible(reason, _SMALL)
    border = 2 * (_FRAME + _PADDING)
    lines = _wrapped(legible, font, field[0] - border)
    most = (field[1] - border) // _LEADING
    if len(lines) > most:
        lines[most - 1 :] = [f"{lines[most - 1]}..."]
    x, y = corner[0] + field[0] // 2, corner[1] + (field[1] - len(lines) * _LEADING) // 2
    for number, line in enumerate(lines):
        pen.text((x, y + number * _LEADING), line, _TEXT, font, anchor="ma")


def _wrapped(text: str, font: _Font, width: int) -> list[str]:
    """Lines of whole words; one that is wider than a line is broken."""
    lines = [""]
    for word in text.split(" "):
        if lines[-1] and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
            continue
        lines += [""] if lines[-1] else []
        for character in word:
            if lines[-1] and font.getlength(lines[-1] + character) > width:
                lines.append("")
            lines[-1] += character
    return lines


def _draw_caption(image: Image.Image, tile: Tile, corner: tuple[int, int], width: int) -> None:
    """Mark, rank and distance; name of the file; its folder."""
    pen = ImageDraw.Draw(image)
    x, y = corner
    item = tile.nearest
    if item is None:
        pen.text((x, y), "query: no match" if tile.match is False else "query", _TEXT, _font(_BODY))
    else:
        left = x
        if item.correct is not None:
            image.paste(_badge(item.correct), (x, y + 2))
            left += _BADGE + 6
        pen.text((left, y), str(item.rank), _TEXT, _font(_BODY))
        pen.text((x + width, y), f"{item.distance:#.4g}", _TEXT, _font(_BODY), anchor="ra")
    folder, _, file = tile.name.rpartition("/")
    for line, (text, color) in enumerate(((file, _TEXT), (folder, _MUTED)), 1):
        legible, font = _legible(text, _SMALL)
        pen.text((x, y + line * _LEADING), _shortened(legible, font, width), color, font)


def _shortened(text: str, font: _Font, width: int) -> str:
    """The end of a text, as much as fits; what tells files apart is at the end of their names."""
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

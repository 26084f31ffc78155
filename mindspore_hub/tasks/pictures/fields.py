"""How pictures are prepared for a network, as the card's key `preprocessing` says it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from operator import eq
from typing import Any

from mindspore_hub.hub.fields import (
    Check,
    Field,
    field_problems,
    one_of,
    read_fields,
    some_of,
    stated_fields,
    typed,
    unchecked,
)
from mindspore_hub.hub.findings import Problem
from mindspore_hub.hub.values import NOTHING, Shape, YamlList, YamlMapping, YamlNode, as_argument

INTERPOLATIONS = {
    "pillow": ("bilinear", "bicubic", "lanczos"),
    "opencv": ("bilinear", "bicubic", "lanczos4", "bilinear-float"),
    "mindspore": ("bilinear", "bicubic", "pilcubic"),
}
"""Libraries, and their interpolations: one name means other numbers in another library.

`bilinear-float` resizes values of float32, which are not rounded to grey levels; `pilcubic` is Pillow's
bicubic interpolation, which takes all pixels that a smaller one covers into account.
"""

LEVELS = 255
"""Value of white where a card says `range`."""

ORDERS = ("RGB", "BGR", "GREY")
LAYOUTS = ("CHW",)
MODALITIES = ("visible", "infrared", "thermal")
MAPS = {"heatmaps": 36, "segments": 13}
"""Kinds of grey pictures that follow the colours of a picture, and how many there are of each."""

KEYPOINTS = 36
"""Keypoints of a vehicle; segments have their corners among them."""

OPTIONAL = ("resize", "range", "short-side", "modality", "maps", "keypoints")
"""Fields that most networks do without."""


@dataclass(frozen=True)
class Preprocessing:
    """What is done to a picture, in this order.

    Attributes:
        library: Whose decoding and interpolation the values are. `pillow` takes pictures of three
            channels only and as they are stored; `mindspore` makes any picture one of three
            channels; `opencv` also turns it upright as its orientation tag says.
        size: Height and width that the network takes, in pixels.
        interpolation: How it is resized to them; the aspect ratio is not kept.
        order: Order of the channels, RGB or BGR; GREY for a single one.
        mean: What is subtracted from the values of each channel in that order.
        std: What they are divided by then.
        layout: Order of the axes, CHW.
        resize: What it is resized to instead, before `size` is cut from its centre: the length of the
            short side, with the aspect ratio kept, or height and width.
        range: Value of white before mean is subtracted: 1, so that grey levels are divided by 255, or
            255, so that they stay what they are.
        modality: Kinds of pictures that the network was trained on; empty where the card does not say.
        short_side: How the short side is resized first, with the aspect ratio kept, if it is.
        maps: Kinds of grey pictures that follow the colours, see `MAPS`; normalised with the
            averages of mean and std.
        keypoints: Number of triples x, y, confidence that are a second input.
    """

    library: str
    size: tuple[int, int]
    interpolation: str
    order: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    layout: str
    resize: int | tuple[int, int] | None = None
    range: int = 1
    modality: tuple[str, ...] = ()
    short_side: str = ""
    maps: tuple[str, ...] = ()
    keypoints: int = 0

    @property
    def colors(self) -> int:
        """Channels of a picture: three, or a grey one."""
        return _colors(self.order)

    @property
    def channels(self) -> int:
        """Channels of the first input: those of the picture and the maps."""
        return self.colors + sum(MAPS[kind] for kind in self.maps)

    @property
    def extras(self) -> set[str]:
        """What the network takes beside pictures: kinds of maps, and key points."""
        takes_points = self.keypoints or "segments" in self.maps
        return {*self.maps, *(("keypoints",) if takes_points else ())}

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """Shape of each input for one sample."""
        picture = (self.channels, *self.size)
        return (picture, (3 * self.keypoints,)) if self.keypoints else (picture,)

    def as_json(self) -> dict[str, Any]:
        """The fields under the names they have in a card, without those that say nothing."""
        return stated_fields(self)


def _colors(order: str | None) -> int:
    return 1 if order == "GREY" else 3


def as_preprocessing(node: YamlNode | None) -> Preprocessing | None:
    """What a `preprocessing` mapping says; None where it says nothing, or something else."""
    known = fields(node) if isinstance(node, YamlMapping) else {}
    values = read_fields("preprocessing", node, known)
    return Preprocessing(**values) if values else None


def problems(node: YamlNode) -> Iterator[Problem]:
    """What is wrong with the value of `preprocessing`, field by field."""
    if not isinstance(node, YamlMapping):
        yield Problem(node.place, "preprocessing is not a mapping", _HELP)
        return
    yield from field_problems("preprocessing", node, fields(node))


_HELP = "write `{library: ..., size: [H, W], ...}`; `mshub card rule H909` shows all fields"


_SIZE = {"type": "integer", "minimum": 1}
_SIDES = {"type": "array", "items": _SIZE, "minItems": 2, "maxItems": 2}
_MEAN = {"type": "number", "minimum": 0, "maximum": LEVELS}
_STD = {"type": "number", "exclusiveMinimum": 0, "maximum": LEVELS}
_SIZE_HELP = "write height and width in pixels, such as `[288, 144]`"
_HELP_OF = "write one per channel, for values of 0 to {}, such as `[{}]`"
_MEANS = {
    1: _HELP_OF.format(1, "0.485, 0.456, 0.406"),
    LEVELS: _HELP_OF.format(LEVELS, "123.675, 116.28, 103.53"),
}
_STDS = {
    1: _HELP_OF.format(1, "0.229, 0.224, 0.225"),
    LEVELS: _HELP_OF.format(LEVELS, "58.395, 57.12, 57.375"),
}
_PER_CHANNEL = {"type": "array", "minItems": 1, "maxItems": 3}


def fields(node: YamlMapping = NOTHING) -> dict[str, Field]:
    """The fields of `preprocessing`, by what others of them say; their schemas hold for any."""
    library = (node.text("library") or "").lower()
    every = sorted({word for words in INTERPOLATIONS.values() for word in words})
    known = INTERPOLATIONS.get(library)
    interpolation = one_of(known) if known else unchecked(enum=every)
    first = tuple(word for word in known or () if word != "bilinear-float")
    colors = _colors(node.text("order"))
    white = LEVELS if node.text("range") else 1
    found = {
        "library": one_of(tuple(INTERPOLATIONS)),
        "size": Field(_list_of(2, _is_count, "whole numbers above 0", _SIZE_HELP), _SIDES),
        "interpolation": interpolation,
        "order": one_of(ORDERS),
        "mean": Field(
            _list_of(colors, partial(_is_mean, white), f"numbers from 0 to {white}", _MEANS[white]),
            {**_PER_CHANNEL, "items": _MEAN},
        ),
        "std": Field(
            _list_of(
                colors,
                partial(_is_std, white),
                f"numbers above 0 and at most {white}",
                _STDS[white],
            ),
            {**_PER_CHANNEL, "items": _STD},
        ),
        "layout": one_of(LAYOUTS),
        "resize": Field(_resize(node), {"anyOf": [_SIZE, _SIDES]}),
        "range": typed(partial(eq, LEVELS), _RANGE, f"`{LEVELS}`, or remove it", const=LEVELS),
        "modality": some_of(MODALITIES),
        "short-side": one_of(first) if known else interpolation,
        "maps": some_of(tuple(MAPS)),
        "keypoints": Field(_keypoints, {"const": KEYPOINTS}),
    }
    if library == "pillow":
        lacking = {name: found[name]._replace(check=_not_pillow) for name in ("short-side", "maps")}
        found.update(lacking)
    return {name: field._replace(optional=name in OPTIONAL) for name, field in found.items()}


_RANGE = f"{LEVELS}, the value of white where grey levels stay what they are"


def _resize(preprocessing: YamlMapping) -> Check:
    """The short side, or height and width, from which `size` can be cut."""

    def check(name: str, node: YamlNode) -> Iterator[Problem]:
        others = [
            other for other in ("short-side", "maps", "keypoints") if other in preprocessing.names
        ]
        if others:
            message = f"{name} does not go together with {', '.join(others)}"
            yield Problem(node.place, message, "remove one of them")
        sides, size = _sides(node), _sides(preprocessing.get("size"))
        if sides is None:
            message = f"{name} is not a whole number above 0, nor a list of 2"
            help_ = "write the short side in pixels, such as `256`, or height and width"
            yield Problem(node.place, message, help_)
        elif size and (sides[0] < size[0] or sides[1] < size[1]):
            message = f"{name} makes pictures that are smaller than size"
            yield Problem(node.place, message, "write what `size` can be cut from")

    return check


def _sides(node: YamlNode | None) -> tuple[int, ...] | None:
    """Height and width that a value says at least; None if it says neither."""
    items = node.items if isinstance(node, YamlList) else (node, node)
    values = [as_argument(item) for item in items if item is not None]
    sides = tuple(value for value in values if isinstance(value, int) and _is_count(value))
    return sides if len(sides) == len(items) == 2 else None


def _not_pillow(name: str, node: YamlNode) -> Iterator[Problem]:
    yield Problem(node.place, f"{name} is not known of pillow", "write another library")


def _list_of(count: int, fits: Callable[[object], bool], kind: str, example: str) -> Check:
    def check(name: str, node: YamlNode) -> Iterator[Problem]:
        items = node.items if isinstance(node, YamlList) else ()
        if len(items) != count or not all(fits(as_argument(item)) for item in items):
            number = kind if count > 1 else kind.replace("numbers", "number")
            message = f"{name} is not a list of {count} {number}"
            yield Problem(node.place, message, example)

    return check


def _keypoints(name: str, node: YamlNode) -> Iterator[Problem]:
    value = as_argument(node)
    if type(value) is not int or value != KEYPOINTS:
        help_ = f"write {KEYPOINTS}, the only number there is so far, or remove it"
        yield Problem(node.place, f"{name} is not {KEYPOINTS}", help_)


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _is_mean(white: int, value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= white


def _is_std(white: int, value: object) -> bool:
    return _is_mean(white, value) and value != 0

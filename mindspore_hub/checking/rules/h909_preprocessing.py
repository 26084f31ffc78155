"""How pictures are prepared is not said in the way that `transforms` takes.

What: `preprocessing` of an asset is a mapping with the fields `library` (`pillow`, `opencv` or
`mindspore`), `size` (height and width), `interpolation` (one that the library has), `order` (`RGB`,
`BGR`, or `GREY` for one channel), `mean` and `std` (one per channel, for values of 0 to 1) and `layout`
(`CHW`). Where they are needed, it has `resize` (the picture is resized to that, and `size` is cut from
its centre: the short side, such as `256`, with the aspect ratio kept, or `[256, 256]`), `range: 255`
(grey levels are not divided by 255, and `mean` and `std` are for values of 0 to 255), `modality` (any
of `visible`, `infrared`, `thermal`: what the network was trained on), `short-side` (interpolation of a
first resize that keeps the aspect ratio), `maps` (`heatmaps`, `segments`) and `keypoints` (their number).
It fits `input-shape`. `bilinear-float` of OpenCV resizes values that are not rounded to grey levels, and
`pilcubic` of MindSpore is Pillow's bicubic interpolation.

Why: `mindspore_hub.transforms` does what stands here. What is missing or wrong would be guessed, and
a network that gets other pictures than it was trained on is wrong without a word.

Example: `preprocessing: {library: pillow, size: 288 x 144, interpolation: antialias, order: rgb}`

Instead: `preprocessing: {library: pillow, size: [288, 144], interpolation: lanczos, order: RGB,
mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], layout: CHW, modality: visible}`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._asset_mapping import mapping_problems
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlMapping, YamlNode, as_shapes
from mindspore_hub.tasks.pictures.fields import as_preprocessing, problems

SEVERITY = Severity.ERROR
HUB_ONLY = True
FIXABLE = True

_KEY = "preprocessing"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report fields that are missing, unknown or wrong, and a misplaced key."""
    return mapping_problems(document, _KEY, _problems)


def _problems(node: YamlNode, asset: YamlMapping, document: Document) -> Iterator[Problem]:
    yield from problems(node)
    facts = as_preprocessing(node)
    shapes = as_shapes(document.front_matter.get("input-shape"))
    if facts and shapes and facts.input_shapes != shapes:
        made = ", ".join(str(list(shape)) for shape in facts.input_shapes)
        message = f"{_KEY} makes {made}, which is not the input-shape"
        yield Problem(asset.place_of(_KEY), message, "correct the one that is wrong")

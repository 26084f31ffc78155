"""A shape is not a list of sizes.

What: `input-shape` and `output-shape` are the shape of one sample, a list of positive whole
numbers, or a list of such lists where the network has several inputs or outputs. `input`, which says
dtypes too, is a list of mappings with `shape`, and where they differ from float32 with `dtype`
(float32, float16, int32, int64 or bool) and for integers `high`, which they are below. Its shapes are
those of `input-shape`.

Why: The loader checks pictures against it, and `mshub info` prints it; another form is passed over.

Example: `input-shape: 3 x 288 x 144`

Instead: `input-shape: [3, 288, 144]`, or `input: [{shape: [128], dtype: int32, high: 30522}]`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import Hub
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.front_matter import Mapping
from mindspore_hub.hub.values import (
    as_inputs,
    as_shapes,
    wrong_part_of_inputs,
    wrong_part_of_shape,
)

CODE = "H904"
NAME = "bad-shape"
SEVERITY = Severity.ERROR
ONE_CARD = True

_HELP = "write `[3, 288, 144]`, or one such list per tensor, without the batch axis"


def check_hub(hub: Hub) -> Iterator[tuple[Document, Problem]]:
    """Report the first part of each shape that is no size."""
    for document in hub.documents.values() if hub.root else ():
        for key in ("input-shape", "output-shape"):
            node = document.front_matter.get(key)
            wrong = wrong_part_of_shape(node) if node is not None else None
            if wrong is not None:
                message = f"{key} is not a list of positive whole numbers, or of such lists"
                yield document, Problem(wrong.place, message, _HELP)
        for problem in _input_problems(document.front_matter):
            yield document, problem


def _input_problems(front_matter: Mapping) -> Iterator[Problem]:
    node = front_matter.get("input")
    if node is None:
        return
    if wrong := wrong_part_of_inputs(node):
        message = "input is not a list of mappings with shape, dtype and high"
        yield Problem(wrong.place, message, "write `[{shape: [128], dtype: int32, high: 30522}]`")
        return
    shapes = tuple(item.shape for item in as_inputs(node))
    if as_shapes(front_matter.get("input-shape")) not in ((), shapes):
        message = "input and input-shape have different shapes"
        yield Problem(node.place, message, "correct one of them, or leave out input-shape")

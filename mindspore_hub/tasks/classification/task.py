"""The task `classification`: which class a picture shows.

The network gives each picture a score for every class; the softmax of the scores is how probable each
class is. Networks that give logarithms of probabilities are the same case.

Fields, where they are needed: `labels` names the classes in the order of the scores, `imagenet1k`,
`cifar10`, `cifar100` or `mnist`; without it, classes are numbers. `unused` is the count of last scores
that belong to no class: networks of ImageNet that were trained with 1001 outputs have `unused: 1`,
since no picture ever had the last label; it is dropped before the softmax. No label is shifted by it.
`output` is the place, from 0, of the output that has the scores, 0 if it is left out.

`mindspore_hub.classify` does what stands here. Another order of the classes, or one that begins with
a background, gives wrong names without a word.

`mindspore_hub.embed` takes a network of this task as well: built with no classes (`num_classes=0`), its
output is the feature, which is divided by its norm, so that `dot` ranks by the cosine.

Instead of `task: {name: classification, labels: imagenet}`, write
`task: {name: classification, labels: imagenet1k, unused: 1}`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from mindspore_hub.hub.card import Card
from mindspore_hub.hub.fields import Field, one_of, typed
from mindspore_hub.tasks.registry import Task

LABEL_SETS = {"imagenet1k": 1000, "cifar10": 10, "cifar100": 100, "mnist": 10}
"""Sets of labels by name, each with the count of its classes; `labels` reads them."""


def _is_count(value: object) -> bool:
    return type(value) is int and value > 0


def _is_place(value: object) -> bool:
    return type(value) is int and value >= 0


_UNUSED = typed(_is_count, "a whole number above 0", "`1`", type="integer", minimum=1)
_KIND = "the place of an output, counted from 0"
_PLACE = typed(_is_place, _KIND, "a whole number, such as `1`", type="integer", minimum=0)


@dataclass(frozen=True)
class Classification(Task):
    """What the scores of a network mean.

    Attributes:
        labels: Name of the set of labels, one of `LABEL_SETS`; empty where the classes have no names.
        unused: Count of last scores that belong to no class.
        output: Place, from 0, of the output that has the scores.
    """

    EXAMPLE: ClassVar[str] = "{name: classification, labels: imagenet1k}"
    HAS_HEAD: ClassVar[bool] = True
    PUBLIC: ClassVar[Mapping[str, str]] = {"classify": "", "Predictions": "predictions"}
    FIELDS: ClassVar[Mapping[str, Field]] = {
        "labels": one_of(tuple(LABEL_SETS))._replace(optional=True),
        "unused": _UNUSED._replace(optional=True),
        "output": _PLACE._replace(optional=True),
    }

    labels: str = ""
    unused: int = 0
    output: int = 0

    @property
    def places(self) -> tuple[int, ...]:
        """Place of the output that is needed."""
        return (self.output,)

    def contradictions(self, card: Card) -> Iterator[tuple[str, str]]:
        """Scores that are more or fewer than the classes and the unused ones together."""
        yield from super().contradictions(card)
        shapes = card.output_shapes
        if not self.labels or self.output >= len(shapes):
            return
        classes, scores = LABEL_SETS[self.labels], shapes[self.output]
        if scores != (classes + self.unused,):
            unused = f" and {self.unused} unused" if self.unused else ""
            message = (
                f"labels {self.labels} are {classes}{unused}, but output {self.output} has the "
                f"shape {list(scores)}"
            )
            yield message, "correct labels, unused (the last scores without a class) or output"


TASK = Classification

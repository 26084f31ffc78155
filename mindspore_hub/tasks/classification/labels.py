"""Names of classes, in the order of the scores of a network.

`label_sets/` has a text file for each set, with a line for each class. Those of ImageNet begin with
the id of the synset in WordNet; the folders of the data set have these ids for names, and the classes
are in their order. All lemmas of a synset are its name, and two classes have the name `crane`: ids, or
numbers, tell classes apart.

Source: names and ids of WordNet 3.0, of which ILSVRC 2012 (arXiv:1409.0575) took a thousand; label files
of CIFAR-10 and CIFAR-100, whose order is alphabetical; digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from mindspore_hub.errors import UnknownNameError
from mindspore_hub.tasks.classification.task import LABEL_SETS

_FOLDER = Path(__file__).parent / "label_sets"

_WITH_IDS = frozenset({"imagenet1k"})


@dataclass(frozen=True)
class Labels:
    """Classes in the order of scores.

    Attributes:
        names: Name of each class, such as `tench, Tinca tinca`.
        ids: Id of each class, such as `n01440764`; empty where the set has none.
    """

    names: Sequence[str]
    ids: Sequence[str] = ()

    def __len__(self) -> int:
        return len(self.names)


@cache
def labels_of(name: str) -> Labels:
    """The set of that name.

    Raises:
        UnknownNameError: There is none.
    """
    if name not in LABEL_SETS:
        msg = f"There is no set of labels {name!r}; there are {', '.join(LABEL_SETS)}."
        raise UnknownNameError(msg)
    lines = (_FOLDER / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    if name not in _WITH_IDS:
        return Labels(tuple(lines))
    pairs = [line.split(" ", 1) for line in lines]
    return Labels(tuple(text for _, text in pairs), tuple(synset for synset, _ in pairs))


def numbered(count: int) -> Labels:
    """Labels of classes that have no names: their numbers, from 0."""
    return Labels(tuple(map(str, range(count))))

"""The data set is another than in the name of the file.

What: `train-dataset` and the data set in the file name are the same, or one contains the other.

Why: One of the two is wrong, or misspelt.

Example: `train-dataset: Multi30k` beside a file `gru_ascend_v190_muti30k_official_nlp.ckpt`

Instead: publish the file under the name of its data set.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.metrics import FileName
from mindspore_hub.hub.vocabulary import plain

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each file of another data set."""
    dataset = document.card.text("train-dataset")
    if not dataset:
        return
    for asset in document.card.assets:
        name = asset.name
        if isinstance(name, FileName) and not _same(dataset, name.dataset):
            place = document.front_matter.place_of("train-dataset")
            message = f"train-dataset is {dataset}, the file is of {name.dataset}"
            yield Problem(place, message, "correct the data set, or link the other file")


def _same(stated: str, published: str) -> bool:
    if stated.lower() == published:
        return True
    first, second = plain(stated.replace("'s", "")), plain(published)
    return first in second or second in first

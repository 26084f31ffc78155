"""Cards of one file name different data sets.

What: Wherever cards have the same `asset-sha256`, they have the same `train-dataset`; case and
punctuation do not count.

Why: A file was trained once; one of the cards sends its readers to the wrong data.

Example: `train-dataset: imagenet2012` in one release and `train-dataset: Oxford-IIIT Pet` in the
next.

Instead: the data set that the file was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules.x701_checkpoint_contradiction import data_set
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report every card of a file whose cards name several data sets."""
    for documents in hub.copies:
        named = [document for document in documents if data_set(document)]
        by_name = {data_set(document): document.card.text("train-dataset") for document in named}
        for document in named if len(by_name) > 1 else ():
            place = document.front_matter.place_of("train-dataset")
            message = f"cards of this file name the data sets {', '.join(sorted(by_name.values()))}"
            yield document, Problem(place, message, "name the one that the file was trained on")

"""A metric has another value than in the name of the file.

What: `evaluation`, or `accuracy`, repeats the metrics that the file name states, or rounds them.

Why: One of the two is wrong, and the card promises what its file does not do.

Example: `evaluation: rank1acc86` beside a file `…_rank1acc68_mAP61.ckpt`

Instead: `evaluation: rank1acc68 | mAP61`
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import Asset
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.metrics import common_name, parse_metric, same_value

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first metric that contradicts a file name."""
    card = document.card
    pairs = (pair for item in card.comparisons for pair in item.values)
    for metric, published in islice(pairs, 1):
        message = f"{metric.text} here, {published.text} in the name of the file"
        yield Problem(metric.place, message, "correct the value, or link the other file")
        return
    accuracy = card.text("accuracy")
    for asset in card.assets if accuracy else ():
        yield from _of_accuracy(document, accuracy, asset)


def _of_accuracy(document: Document, accuracy: str, asset: Asset) -> Iterator[Problem]:
    """An accuracy may be a fraction, as in older cards."""
    published = [item for item in asset.metrics if common_name(item.name or "") == "acc"]
    stated = parse_metric(accuracy)
    if not stated or stated.name or not published:
        return
    if not any(_same_share(stated.value, item.value) for item in published):
        message = f"accuracy is {accuracy}, the name of the file has {published[0].text}"
        place = document.front_matter.place_of("accuracy")
        yield Problem(place, message, "correct the value, or link the other file")


def _same_share(stated: str, published: str) -> bool:
    fraction = float(stated) <= 1 < float(published)
    return same_value(f"{float(stated) * 100:.6g}" if fraction else stated, published)

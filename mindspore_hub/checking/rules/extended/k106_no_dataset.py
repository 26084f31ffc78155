"""The card does not say what the network was trained on.

What: A card has `train-dataset`.

Why: What a checkpoint can do, and who may use it, depends on its training data.

Example: `train-dataset: N/A`

Instead: `train-dataset: sysumm01`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.values import YamlText

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report an absent value, and `N/A`."""
    value = document.values.get("train-dataset")
    named = value is not None
    if isinstance(value, YamlText):
        named = value.text.strip().lower() not in {"", "n/a"}
    if not named and document.values and document.translation is None:
        place = document.front_matter.place_of("train-dataset") if value else None
        help_ = "write `train-dataset: <name>`"
        yield Problem(place or Place(document.rules[0]), "no data set is named", help_)

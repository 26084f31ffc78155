"""`train-dataset` is not in the vocabulary of data sets.

What: `train-dataset` names data sets of `datasets.txt` or `datasets-published.txt` in
`mindspore_hub/hub/vocabulary/`, with `_` between several.

Why: The upstream checker refuses the card, and readers do not find it by its data.

Example: `train-dataset: regdbx`

Instead: `train-dataset: regdb`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import single_values
from mindspore_hub.hub.vocabulary import is_known_dataset, listed, proposal

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report names that are unknown in any spelling; `N/A` is for K106."""
    for value in single_values(document.values.get("train-dataset")):
        text = value.text.strip()
        if text and text.lower() != "n/a" and not is_known_dataset(text):
            near = proposal(text, listed("datasets"))
            help_ = f"did you mean {near}?" if near else "write the usual name of the data set"
            yield Problem(value.place, f"unknown data set {text}", help_)

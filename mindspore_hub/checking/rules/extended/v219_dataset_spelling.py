"""`train-dataset` is spelt in a way that the vocabulary does not have.

What: Data sets are spelt as in `mindspore_hub/hub/vocabulary/datasets.txt`.

Why: The upstream checker compares letter by letter, and refuses `ChineseNER` for `chineseNer`.

Example: `train-dataset: SYSU_MM01`

Instead: `train-dataset: sysumm01`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import single_values
from mindspore_hub.hub.vocabulary import (
    accepted_dataset,
    is_accepted_dataset,
    is_recognised_dataset,
)

SEVERITY = Severity.INFO
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report names that are known only without case and punctuation."""
    for value in single_values(document.values.get("train-dataset")):
        text = value.text.strip()
        if text and not is_accepted_dataset(text) and is_recognised_dataset(text):
            new = accepted_dataset(text)
            edits = document.edit_value(value, new) if new else ()
            help_ = f"write {new}" if new else "write a name that the list has"
            yield Problem(value.place, f"{text} is not spelt as in the list", help_, edits)

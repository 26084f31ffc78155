"""A required key is absent.

What: Every card has the keys that `mindspore_hub/hub/keys.py` calls required.

Why: Loaders and the hub's pages read them.

Example: a card without `model-name`.

Instead: `model-name: MVD`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.keys import REQUIRED

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each required key that a readable front matter lacks."""
    present = document.values
    missing = [key for key in REQUIRED if key not in present] if present else []
    if missing and document.translation is None:
        for key in sorted(missing):
            place = Place(document.rules[0])
            yield Problem(place, f"the key {key} is missing", f"add `{key}: <value>`")

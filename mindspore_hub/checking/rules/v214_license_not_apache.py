"""The license is not Apache 2.0.

What: Cards are published under Apache 2.0, by whichever of its usual names.

Why: The contribution guide asks for it; a user who trusts that may break another license.

Example: `license: MIT`

Instead: `license: Apache2.0`, if the authors grant it.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.vocabulary import APACHE, bare_license

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report any other license."""
    text = document.card.text("license")
    if text and text != "Apache2.0" and bare_license(text) != APACHE:
        value = document.values.get("license")
        place = value.place if value else document.front_matter.place
        yield Problem(place, f"the license is {text}", "publish under Apache 2.0")

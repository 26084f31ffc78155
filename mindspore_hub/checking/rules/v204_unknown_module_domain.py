"""The domain of `module-type` is unknown.

What: The first part of `module-type` is one of `mindspore_hub/hub/vocabulary/domains.txt`.

Why: The hub's pages sort cards by it; one in no domain is not found.

Example: `module-type: vision`

Instead: `module-type: cv`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.values import YamlText
from mindspore_hub.hub.vocabulary import listed, proposal

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a domain that is not listed."""
    value = document.values.get("module-type")
    if isinstance(value, YamlText) and value.text and not fits("module-type", value.text):
        domain = value.text.partition("-")[0].strip().lower()
        meant = proposal(domain, listed("domains"))
        near = [meant] if meant else listed("domains")
        yield Problem(
            value.place, f"unknown domain {domain or value.text}", f"write {', '.join(near)}"
        )

"""A card has not all the sections that a reader needs, or has them in another order.

What: The sections of a card (`##`) are Introduction, Usage, Inputs, Outputs, Training and
fine-tuning, Evaluation, Limits, Citation, License and Disclaimer, in this order and no others.

Why: Whoever has read one card finds things in all of them, and a section that is not there is one
that nobody thought of.

Example: a card without Limits.

Instead: `## Limits`, with what the data of the training did not hold.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.WARNING
HUB_ONLY = True

SECTIONS = (
    *("Introduction", "Usage", "Inputs", "Outputs", "Training and fine-tuning", "Evaluation"),
    *("Limits", "Citation", "License", "Disclaimer"),
)


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report sections that are missing or unknown, and the first that is not where it belongs."""
    headings = [heading for heading in document.body.all_headings if heading.level == 2]
    present = [heading.text for heading in headings]
    for name in SECTIONS:
        if name not in present:
            help_ = f"add `## {name}`"
            yield Problem(Place(), f"there is no section {name}", help_, whole=True)
    expected = iter([name for name in SECTIONS if name in present])
    for heading in headings:
        if heading.text not in SECTIONS:
            message = f"{heading.text} is not a section of a card"
            yield Problem(heading.place, message, f"there are {', '.join(SECTIONS)}")
        elif heading.text != (name := next(expected, "none")):
            message = f"the section {heading.text} stands where {name} belongs"
            yield Problem(heading.place, message, f"the order is {', '.join(SECTIONS)}")
            return

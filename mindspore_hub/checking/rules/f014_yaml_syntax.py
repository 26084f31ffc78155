"""The front matter is not YAML.

What: Front matter is YAML.

Why: No key of such a card can be trusted; readers stop at the first error.

Example: `summary: MVD: a network`, where the second `: ` stands in a plain value.

Instead: `summary: MVD, a network`. Quotes make it YAML as well, but the upstream client refuses a
colon in most values even then.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the place where YAML breaks; a translation is for readers only."""
    if document.problems and document.translation is None:
        yield from document.problems_of("F014")

"""A line of the front matter is neither a key nor an item of a list.

What: The front matter holds keys with their values, lists, comments and empty lines.

Why: YAML readers stop at such a line, or join it to the value before it.

Example: a line `see the paper` between two keys.

Instead: the same words in the body, or `# see the paper`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each such line; a translation is for readers only."""
    if document.problems and document.translation is None:
        yield from document.problems_of("F017")

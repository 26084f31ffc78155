"""No `key: value` pair can be read from the front matter.

What: The front matter is a mapping of keys to values.

Why: A list, a sentence, or keys with full-width colons declare nothing.

Example: `model-name：MVD`, with the colon of Chinese text.

Instead: `model-name: MVD`.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report front matter that is delimited, is YAML, and holds no key."""
    if len(document.rules) < 2 or document.syntax_error or document.front_matter.entries:
        return
    if document.translation is None:
        help_ = "write one `key: value` per line"
        yield Problem(document.front_matter.place, "the front matter holds no key", help_)

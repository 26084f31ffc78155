"""A comment that asks to ignore findings names no rule.

What: `<!-- mshub: ignore CODES -->` and `<!-- mshub: ignore-file CODES -->` name rules by their
codes, prefixes of codes of at least a letter and a digit, or ALL, DEFAULT, EXTENDED. What follows
the codes is a reason.

Why: A comment with a mistake in it ignores nothing, and nobody sees why.

Example: `<!-- mshub: ignore V2O7 -->`

Instead: `<!-- mshub: ignore V207 a domain of our own -->`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.suppress import comments
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING

_HELP = "write `<!-- mshub: ignore CODE -->`; `mshub card rule` lists the codes"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report comments without codes, and codes that no rule has."""
    for comment in comments(document):
        for word in comment.unknown:
            yield Problem(comment.place, f"there is no rule {word}", _HELP)
        if comment.mistake:
            yield Problem(comment.place, comment.mistake, _HELP)

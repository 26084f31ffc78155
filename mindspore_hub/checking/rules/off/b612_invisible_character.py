"""A character of the text cannot be seen.

What: Text holds no no-break blanks and no characters without width.

Why: They come along from web pages; words with them are not found by a search, and commands with
them fail.

Example: `batch size` with a no-break blank (U+00A0) between the words.

Instead: an ordinary blank, or nothing for a character without width.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Edit, Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.INFO
FIXABLE = True

# A zero-width joiner or non-joiner between other than ASCII characters is part of an emoji or word.
_INVISIBLE = pattern(
    "[\u00a0\u202f\u200b\u2060\ufeff]|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)
_BLANKS = "\u00a0\u202f"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each line of prose with such characters."""
    if document.text.isascii():
        return
    for number, line in document.body.prose:
        matches = list(_INVISIBLE.finditer(line)) if not line.isascii() else []
        if matches:
            edits = tuple(_edit(number, match) for match in matches)
            names = ", ".join(sorted({f"U+{ord(match[0]):04X}" for match in matches}))
            help_ = "replace it by a blank, or remove it"
            yield Problem(edits[0].place, f"invisible: {names}", help_, edits)


def _edit(number: int, match: re.Match[str]) -> Edit:
    place = Place(number, match.start() + 1)
    return Edit(place, match[0], " " if match[0] in _BLANKS else "")

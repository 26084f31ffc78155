"""The folder of a card names another release than the card.

What: A card for release 1.9 lies in `assets/<publisher>/1.9/`.

Why: The folder is part of the uid, by which users choose a release.

Example: `mindspore-version: 1.8` in `assets/mindspore/1.9/mvd_infraredtovisible_regdb.md`

Instead: move the card, or correct the version.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.cards.findings import Problem, Severity
from mindspore_hub.cards.parse import Document
from mindspore_hub.cards.patterns import pattern

CODE = "C502"
NAME = "folder-version-mismatch"
SEVERITY = Severity.ERROR

_VERSION = pattern(r"\d+(?:\.\d+)+")


def check_card(document: Document) -> Iterator[Problem]:
    """Report a card whose uid and version disagree."""
    version = document.front_matter.text("mindspore-version")
    parts = document.uid.split("/")
    folder = parts[-2] if len(parts) > 1 else ""
    known = len(parts) > 2 or _VERSION.fullmatch(folder)
    if version and known and folder != version:
        message = f"mindspore-version is {version}, the folder {folder}"
        place = document.front_matter.place_of("mindspore-version")
        yield Problem(place, message, f"move the card to {version}/, or correct the version")

"""The folder of a card names another release than the card.

What: A card for release 1.9 lies in `assets/<publisher>/1.9/`.

Why: The folder is part of the uid, by which users choose a release.

Example: `mindspore-version: 1.8` in `assets/mindspore/1.9/mvd_infraredtovisible_regdb.md`

Instead: move the card, or correct the version.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a card whose uid and version disagree; one in any other folder has no uid."""
    version = document.front_matter.text("mindspore-version")
    parts = document.published_uid.split("/") if version else ()
    if len(parts) > 1 and parts[-2] != version:
        message = f"mindspore-version is {version}, the folder {parts[-2]}"
        place = document.front_matter.place_of("mindspore-version")
        yield Problem(place, message, f"move the card to {version}/, or correct the version")

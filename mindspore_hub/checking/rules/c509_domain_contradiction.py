"""Domain or kind differ between the card, the code and the file.

What: The domain of `module-type` is that of the folder in `repo-link` and of the file name, and
both lie under `official` or both under `research`.

Why: One of them is of another network.

Example: `module-type: nlp` beside `repo-link: <…/research/cv/MVD>`

Instead: `module-type: cv`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import RepoLink
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.metrics import FileName

SEVERITY = Severity.ERROR

_KINDS = ("official", "research")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first contradiction."""
    card = document.card
    path = _parts(card.repo_link)
    for asset in card.assets or ():
        name = asset.name
        file = (name.kind, name.domain) if isinstance(name, FileName) else None
        if path and file and path != file:
            place = document.front_matter.place_of("repo-link")
            message = f"the code is in {'/'.join(path)}, the file of {'/'.join(file)}"
            yield Problem(place, message, "correct the link that is of another network")
            return
        path = path or file
    if path and card.domain and card.domain != path[1]:
        place = document.front_matter.place_of("module-type")
        message = f"module-type is {card.domain}, code and file are {path[1]}"
        yield Problem(place, message, f"write `module-type: {path[1]}`, or correct the links")


def _parts(link: RepoLink | None) -> tuple[str, str] | None:
    """Kind and domain that a path such as `research/cv/MVD` states."""
    parts = (link.path or "").removeprefix("model_zoo/").split("/") if link else []
    return (parts[0], parts[1]) if len(parts) > 2 and parts[0] in _KINDS else None

"""`repo-link` points at a branch that moves on.

What: `repo-link` names the branch of a release, or a tag.

Why: The code on `master` changes; one day the checkpoint does not fit it.

Example: `repo-link: <https://gitee.com/mindspore/models/tree/master/research/cv/MVD>`

Instead: `repo-link: <https://gitee.com/mindspore/models/tree/r1.9/research/cv/MVD>`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.vocabulary import words

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a link to such a branch."""
    link = document.card.repo_link
    if link and link.ref in words("moving-branches"):
        value = document.values.get("repo-link")
        place = value.place if value else document.front_matter.place
        help_ = "name the branch of the release, or a tag"
        yield Problem(place, f"the branch {link.ref} moves on", help_)

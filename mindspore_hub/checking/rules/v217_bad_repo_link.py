"""`repo-link` does not lead to a folder of a repository.

What: `repo-link` is `https://HOST/OWNER/REPO`, perhaps with `/tree/REF/PATH` or `/blob/REF/PATH`.

Why: Loaders clone the repository and look for the code at that path.

Example: `repo-link: git@gitee.com:mindspore/models.git`

Instead: `repo-link: <https://gitee.com/mindspore/models/tree/r1.9/research/cv/MVD>`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a link of another form."""
    if document.card.repo_link is None:
        value = document.values.get("repo-link")
        text = document.card.text("repo-link")
        if text and value:
            help_ = "write https://HOST/OWNER/REPO/tree/REF/PATH"
            yield Problem(value.place, f"{text} is not a folder of a repository", help_)

"""The introduction names another folder than `repo-link`.

What: The folder in the first sentence of the introduction is that of `repo-link`.

Why: One of them is out of date, or of another network.

Example: `at model_zoo/official/cv/MVD` beside `repo-link: <…/tree/r1.9/research/cv/MVD>`

Instead: `at research/cv/MVD`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report another folder; `model_zoo/` is where the repository was before."""
    link = document.card.repo_link
    if not link or not link.path:
        return
    stated = document.body.implementation
    if stated and stated.path and _inside(stated.path) != _inside(link.path):
        message = f"the introduction says {stated.path}, repo-link {link.path}"
        yield Problem(stated.place, message, "name the folder that repo-link links")


def _inside(path: str) -> str:
    return path.strip("/").removeprefix("model_zoo/")

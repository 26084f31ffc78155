"""A link leads to the code of another release.

What: A card of 1.9 links the branch `r1.9`, in `repo-link` and wherever its text links the same
repository.

Why: The code of another release may build another network than the file is for.

Example: `repo-link: <https://gitee.com/mindspore/models/tree/r1.8/research/cv/MVD>` in a card of 1.9

Instead: the same folder in `r1.9`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import RepoLink
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each link to the branch of another release."""
    card = document.card
    link, version = card.repo_link, card.version
    if not link or not version:
        return
    if _is_other_release(link.ref or "", version):
        place = document.front_matter.place_of("repo-link")
        yield _problem(place, link.ref or "", version)
    if _has_other_branch(document.body.text, link, version):
        yield from _of_body(document, link, version)


def _has_other_branch(text: str, link: RepoLink, version: str) -> bool:
    """Whether there is more to the repository than links to the release: a look without lines."""
    repository = _address(link)
    start = text.find(repository)
    while start >= 0:
        start += len(repository)
        branch = text.startswith(("tree/r", "blob/r"), start)
        if branch and not text.startswith(f"r{version}/", start + 5):
            return True
        start = text.find(repository, start)
    return False


def _address(link: RepoLink) -> str:
    return f"{link.host}/{link.owner}/{link.repo}/"


def _of_body(document: Document, link: RepoLink, version: str) -> Iterator[Problem]:
    branch = re.compile(rf"{re.escape(_address(link))}(?:tree|blob)/(r\d[\w.]*)")
    for number, line in enumerate(document.body.lines, document.body.first_line):
        for match in branch.finditer(line):
            if _is_other_release(match[1], version):
                yield _problem(Place(number, match.start(1) + 1), match[1], version)


def _is_other_release(ref: str, version: str) -> bool:
    return ref != f"r{version}" and bool(re.fullmatch(r"r\d+(\.\d+)+", ref))


def _problem(place: Place, ref: str, version: str) -> Problem:
    return Problem(place, f"the link is to {ref}, the card of {version}", f"link r{version}")

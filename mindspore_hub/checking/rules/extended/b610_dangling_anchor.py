"""A link leads to a heading that the card does not have.

What: The target of `[text](#anchor)` is a heading of the card, in the form in which Gitee and GitHub
make anchors of headings, or the `id` of an HTML tag.

Why: Tables of contents outlive the headings they were made from; a click does nothing.

Example: `[results](#4-results)` in a card whose heading is `## Results`.

Instead: `[results](#results)`
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from urllib.parse import unquote

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.body import Heading
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.patterns import pattern

SEVERITY = Severity.WARNING

_ANCHOR = pattern(r"\]\(\s*<?#|\]:\s*<?#|=\s*[\"']#")
_TAG = pattern(r"<[^>]{0,200}>")
_HTML_ID = pattern(r"<[^>]{0,200}?\s(?:id|name)\s*=\s*[\"']?([^\"'\s>]{1,200})", re.IGNORECASE)
_LINK = pattern(r"!?\[([^\]]{0,200})\]\([^)]{0,200}\)")
_DROPPED = pattern(r"[^\w\- ]")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each link to an anchor of the card that is not there."""
    if not document.body.has_odd_links or not _ANCHOR.search(document.body.text):
        return
    links = [link for link in document.body.links if link.target.startswith("#")]
    known = _anchors(document) if links else set()
    for link in links:
        anchor = unquote(link.target[1:]).lower()
        if anchor and not {anchor, anchor.removeprefix("user-content-")} & known:
            from difflib import get_close_matches

            near = get_close_matches(anchor, sorted(known), 1) if len(known) < 1000 else []
            help_ = f"write #{near[0]}" if near else "correct the anchor, or add the heading"
            yield Problem(link.place, f"no heading has the anchor {link.target}", help_)


def _anchors(document: Document) -> set[str]:
    """Anchors of the title, the headings and the HTML tags, in lower case."""
    headings = [heading.text for heading in document.body.all_headings if not _is_title(heading)]
    seen: Counter[str] = Counter()
    found = {"top", *(name.lower() for name in _HTML_ID.findall(document.body.text))}
    for text in [document.title or "", *headings]:
        slug = _slug(text)
        suffix = f"-{seen[slug]}" if seen[slug] else ""
        seen[slug] += 1
        # Gitee makes one dash of several, GitHub keeps them.
        found |= {slug + suffix, re.sub("-+", "-", slug).strip("-") + suffix}
    return found


def _is_title(heading: Heading) -> bool:
    """Whether it is the title of a card whose front matter is not delimited."""
    return heading.level == 1 and heading.place.line == 1


def _slug(text: str) -> str:
    """Anchor of a heading: its visible text in lower case, without marks, with dashes for blanks."""
    from html import unescape

    visible = unescape(_TAG.sub("", _LINK.sub(r"\1", text)))
    return _DROPPED.sub("", visible.strip().lower()).replace(" ", "-")

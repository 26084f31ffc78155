"""A card and its translation state different facts.

What: `<card>.md` and `<card>_cn.md` agree in all that is not language: numbers, dates, links and
digests, and the values of keys that both have.

Why: Both are pages of one checkpoint; readers of one of them read something wrong.

Example: `accuracy: 73.9` in a card and `accuracy: 72.9` in its translation.

Instead: the same value in both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import asset_items
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import YamlText, iso_date, link_text

SEVERITY = Severity.WARNING

_SUFFIX = "_cn"
_PROSE = frozenset({"summary", "author", "license", "user-id"})
_NUMBER = pattern(r"[-+]?\d+(?:\.\d+)*\s*%?")
_DIGEST = pattern(r"[0-9a-fA-F]{32,64}")


class _Fact(NamedTuple):
    key: str
    kind: str
    value: str
    place: Place


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report each fact of a translation that its original contradicts."""
    for uid, document in hub.documents.items():
        original = hub.documents.get(uid.removesuffix(_SUFFIX)) if uid.endswith(_SUFFIX) else None
        if original:
            for problem in _contradictions(document, original):
                yield document, problem


def _contradictions(translation: Document, original: Document) -> Iterator[Problem]:
    """Compare values of a key that both have; else, as keys are translated too, of a kind."""
    ours, theirs = _facts(translation), _facts(original)
    shared = {fact.key for fact in ours} & {fact.key for fact in theirs}
    groups = {_group(fact, shared) for fact in ours} - {"text"}
    for group in sorted(groups):
        stated = Counter(fact.value for fact in ours if _group(fact, shared) == group)
        known = Counter(fact.value for fact in theirs if _group(fact, shared) == group)
        wrong = stated - known if known - stated else Counter()
        for fact in ours:
            if fact.value in wrong and _group(fact, shared) == group:
                message = f"{original.uid} has another {group} than {fact.value}"
                yield Problem(fact.place, message, "give both cards the same value")


def _group(fact: _Fact, shared: set[str]) -> str:
    return fact.key if fact.key in shared else fact.kind


def _facts(document: Document) -> list[_Fact]:
    found = []
    front_matter = document.front_matter
    for mapping in (front_matter, *asset_items(front_matter)):
        for key, value in mapping.entries:
            if isinstance(value, YamlText) and value.text and key.text not in _PROSE:
                kind, normal = _kind(link_text(value.text).strip())
                found.append(_Fact(key.text, kind, normal, value.place))
    return found


def _kind(text: str) -> tuple[str, str]:
    """Kind of a value, and the value in one spelling."""
    date = iso_date(text.replace("/", "-").replace(".", "-"))
    if date:
        return "date", date
    if _DIGEST.fullmatch(text):
        return "digest", text.lower()
    if _NUMBER.fullmatch(text):
        return "number", text.rstrip("% ")
    if text.startswith(("http://", "https://")):
        return "link", text
    return "text", " ".join(text.lower().split())

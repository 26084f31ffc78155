"""A key is neither in the template nor read by any loader.

What: Cards have the keys of the template; `mshub card new` writes one that has them all.

Why: What stands under an unknown key is lost; often it is a known one with a slip.

Example: `auhtor: MindSpore team`

Instead: `author: MindSpore team`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import ASSET, TOP, are_known, meant_key, nearest_key
from mindspore_hub.hub.values import YamlMapping
from mindspore_hub.tasks.registry import hint

SEVERITY = Severity.WARNING


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report each key that is neither known nor another spelling of a known one (K104)."""
    if not are_known(document.values) and document.translation is None:
        yield from _problems(document.front_matter, TOP)
    for asset in document.card.assets:
        if not are_known(asset.node.names, ASSET):
            yield from _problems(asset.node, ASSET)


def _problems(mapping: YamlMapping, known: frozenset[str]) -> Iterator[Problem]:
    for name, _ in mapping.entries:
        if not are_known((name.text,), known) and not meant_key(name.text, known):
            near = nearest_key(name.text, known)
            help_ = f"did you mean {near}?" if near else "remove it, or say it in the body"
            help_ = (known is ASSET and hint(name.text)) or help_
            yield Problem(name.place, f"unknown key {name.text}", help_)

"""A card leaves out what others have to measure.

What: A card states `input-shape` and `output-shape`, and each of its assets `asset-size`, and
`network-args` for the arguments that the default card of its model states.

Why: These stand in the table of models, and `mshub info` prints them before anything is downloaded.
Two files of one model that differ in an argument are distinguished by it.

Example: a card without `output-shape`.

Instead: `output-shape: [[2048], [2048]]`, one list per tensor, without the batch axis.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import asset_items
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import as_argument, as_arguments

SEVERITY = Severity.WARNING
HUB_ONLY = True


def check_hub(hub: HubCards) -> Iterator[tuple[Document, Problem]]:
    """Report each fact that is absent."""
    arguments = _arguments(hub)
    for document in hub.documents.values():
        for problem in _problems(document, arguments.get(document.card.model_name, set())):
            yield document, problem


def _arguments(hub: HubCards) -> dict[str | None, set[str]]:
    """Names of the arguments that the default card of each model states."""
    return {
        document.card.model_name: {
            name
            for asset in asset_items(document.front_matter)
            for name in as_arguments(asset.get("network-args"))
        }
        for document in hub.documents.values()
        if as_argument(document.front_matter.get("default")) is True
    }


def _problems(document: Document, arguments: set[str]) -> Iterator[Problem]:
    for key in ("input-shape", "output-shape"):
        if document.front_matter.get(key) is None:
            help_ = f"write `{key}: [3, 288, 144]`, or one such list per tensor"
            yield Problem(document.front_matter.place, f"{key} is not stated", help_)
    for asset in asset_items(document.front_matter):
        if asset.get("asset-size") is None:
            yield Problem(asset.place, "asset-size is not stated", "write it as `329 MB`")
        for name in sorted(arguments - as_arguments(asset.get("network-args")).keys()):
            message = f"{name} is not stated, as by the default card"
            yield Problem(asset.place_of("network-args"), message, "add it to network-args")

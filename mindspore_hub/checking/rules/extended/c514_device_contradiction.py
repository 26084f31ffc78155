"""The card names different devices.

What: `train-backend`, the folder of the device in the uid, the file name and the code of the Usage
section name a device in common; the code may also be for a device of `infer-backend`.

Why: Readers run the code on a device that the file is not for.

Example: `train-backend: gpu` beside code with `device_target="Ascend"`

Instead: `device_target="GPU"`
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.card import Asset
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.metrics import FileName
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.values import split_items

SEVERITY = Severity.WARNING

_DEVICES = frozenset({"ascend", "gpu", "cpu"})

_IN_FILE = pattern(r"(?:^|[_-])(ascend|gpu|cpu)(?=[_.-])")
_TARGET = pattern(r"""device_target\s*=\s*["'](\w+)["']""")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first two statements that have no device in common."""
    card = document.card
    trained = split_items(card.text("train-backend"))
    stated = {
        "train-backend": trained,
        "the folder": document.uid.lower().split("/")[1:-2],
        "the file name": [device for asset in card.assets for device in _in_file(asset)],
        "the code": _targets(document, split_items(card.text("infer-backend"))),
    }
    known = [
        (name, found) for name, items in stated.items() if (found := _DEVICES.intersection(items))
    ]
    for (first, devices), (second, others) in combinations(known, 2):
        if not devices & others:
            place = _place(document, bool(trained))
            message = f"{first} says {_listed(devices)}, {second} {_listed(others)}"
            yield Problem(place, message, "name the device that the file is for")
            return


def _in_file(asset: Asset) -> list[str]:
    name = asset.name
    return (
        [name.device] if isinstance(name, FileName) else _IN_FILE.findall(asset.file_name.lower())
    )


def _targets(document: Document, inferred: list[str]) -> list[str]:
    """Devices of the code, unless it is for inference elsewhere than on what trained the file."""
    text = document.body.text
    start = text.find("device_target")
    if start < 0:
        return []
    found = [device.lower() for device in _TARGET.findall(text, start)]
    return [] if set(found) & set(inferred) else found


def _place(document: Document, has_backend: bool) -> Place:
    if has_backend or not document.card.assets:
        return document.front_matter.place_of("train-backend")
    return document.card.assets[0].node.place_of("asset-link")


def _listed(devices: frozenset[str]) -> str:
    return ", ".join(sorted(devices))

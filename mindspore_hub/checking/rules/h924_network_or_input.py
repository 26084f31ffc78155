"""A card names its network or its inputs in a form that nobody reads.

What: `network` is a module of `models/` and the class in it, with a dot between them. `input` is a
list with the shape of a sample and the type of its numbers for each input.

Why: `load` imports the class by `network`, and inputs that are drawn at random, as by `mshub load`,
have the type that `input` says.

Example: `network: resnet50`

Instead: `network: resnet.resnet50`, and `input: [{shape: [128], dtype: int32}]`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.fields import input_problems
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.values import YamlText, is_null

SEVERITY = Severity.ERROR
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a network without its module, and each input that is not one."""
    network, inputs = document.values.get("network"), document.values.get("input")
    if isinstance(network, YamlText) and not is_null(network) and not fits("network", network.text):
        message = f"network is {network.text!r}, not a module and a class"
        yield Problem(network.place, message, "write `resnet.resnet50`, or remove it")
    if inputs is not None:
        yield from input_problems(inputs)

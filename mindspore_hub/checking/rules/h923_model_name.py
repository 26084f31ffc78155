"""No network can have this model-name.

What: `model-name` is not a word that Python keeps for itself.

Why: The network is a class of that name, and `class class` is not Python.

Example: `model-name: lambda`

Instead: `model-name: LambdaNet`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.keys import fits
from mindspore_hub.hub.values import YamlText

SEVERITY = Severity.ERROR


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a keyword; what else is not a name of a class, H902 reports in a hub."""
    value = document.values.get("model-name")
    if isinstance(value, YamlText) and value.text.strip() and not fits("model-name", value.text):
        message = f"{value.text} is a word of Python, which no class can be called"
        yield Problem(value.place, message, "rename the model")

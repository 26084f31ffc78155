"""The license is not an SPDX identifier.

What: Licenses are written as in the SPDX list.

Why: Tools that gather licenses know them by these names.

Example: `license: Apache2.0`

Instead: `license: Apache-2.0`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlText
from mindspore_hub.hub.vocabulary import bare_license, listed, words

SEVERITY = Severity.INFO
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report any other spelling, with the identifier that it means if that is sure."""
    value = document.values.get("license")
    if isinstance(value, YamlText) and value.text and value.text not in words("licenses"):
        bare = bare_license(value.text)
        meant = [name for name in listed("licenses") if bare_license(name) == bare]
        edits = document.edit_value(value, meant[0]) if meant else ()
        help_ = f"write {meant[0]}" if meant else "write its identifier of spdx.org/licenses"
        yield Problem(value.place, f"{value.text} is not an SPDX identifier", help_, edits)

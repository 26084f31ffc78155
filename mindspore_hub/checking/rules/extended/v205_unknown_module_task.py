"""The task of `module-type` is not documented for its domain.

What: The second part of `module-type` is one of those that
`mindspore_hub/hub/vocabulary/tasks.txt` lists for the first.

Why: Cards of one task can be compared only when they name it alike.

Example: `module-type: cv-reid`

Instead: `module-type: cv-metric_learning`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlText
from mindspore_hub.hub.vocabulary import listed, proposal, words

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a task that is not listed; a dash in place of a `_` is for V206."""
    value = document.values.get("module-type")
    if not isinstance(value, YamlText) or "-" not in value.text:
        return
    domain, _, task = value.text.lower().partition("-")
    known_domain = domain in words("domains")
    if known_domain and f"{domain}-{task.replace('-', '_')}" not in words("tasks"):
        start = f"{domain}-"
        known = [word.removeprefix(start) for word in listed("tasks") if word.startswith(start)]
        near = proposal(task, known)
        help_ = f"did you mean {near}?" if near else f"leave it at `{domain}`"
        yield Problem(value.place, f"{task} is not a documented task of {domain}", help_)

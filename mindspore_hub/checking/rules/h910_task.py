"""What a checkpoint is for is not said in the way that its task takes.

What: `task` of an asset is a mapping with the field `name` and the fields of that task. What it says
agrees with the other keys: every output that it names is one of `output-shape`. `mshub card rule H910`
prints all tasks and their fields.

Why: The functions and commands of a task, such as `mindspore_hub.embed` and `mshub eval`, do what stands
here. What is wrong gives other numbers than the published ones without a word.

Example: `task: {name: retreival, outputs: 4, distance: cosine}`

Instead: `task: {name: retrieval, outputs: [0, 1, 2, 3], distance: dot}`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._asset_mapping import mapping_problems
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlMapping, YamlNode
from mindspore_hub.tasks import registry

SEVERITY = Severity.ERROR
HUB_ONLY = True
FIXABLE = True

details = registry.explanations

_KEY = "task"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report an unknown task, fields that are missing, unknown or wrong, and a misplaced key."""
    return mapping_problems(document, _KEY, _problems)


def _problems(node: YamlNode, asset: YamlMapping, document: Document) -> Iterator[Problem]:
    yield from registry.task_problems(node)
    task = registry.read_task(node)
    for message, help_ in task.contradictions(document.card) if task else ():
        yield Problem(asset.place_of(_KEY), message, help_)

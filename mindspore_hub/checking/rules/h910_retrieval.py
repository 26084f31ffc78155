"""What becomes of the outputs in retrieval is not said in the way that `embed` takes.

What: `retrieval` of an asset is a mapping with the fields `outputs` (places, from 0, of the outputs
that make the feature, side by side) and `distance` (`dot` or `euclidean`). Where they are needed, it
has `mirrored: True` (the feature of the mirrored picture is added), `normalised: True` (the feature
is divided by its norm), and `colors` and `types` (places of outputs that score these). Every place is
one of `output-shape`.

Why: `mindspore_hub.embed` does what stands here. A network has several outputs, and to rank by another
one, or without the mirrored picture, gives other numbers than the published ones without a word.

Example: `retrieval: {outputs: 4, distance: cosine}`

Instead: `retrieval: {outputs: [0, 1, 2, 3], distance: dot}`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._asset_mapping import mapping_problems
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlMapping, YamlNode, as_shapes
from mindspore_hub.tasks.retrieval.fields import as_retrieval, retrieval_problems

SEVERITY = Severity.ERROR
HUB_ONLY = True
FIXABLE = True

_KEY = "retrieval"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report fields that are missing, unknown or wrong, and a misplaced key."""
    return mapping_problems(document, _KEY, _problems)


def _problems(node: YamlNode, asset: YamlMapping, document: Document) -> Iterator[Problem]:
    yield from retrieval_problems(node)
    facts = as_retrieval(node)
    shapes = as_shapes(document.front_matter.get("output-shape"))
    if facts and shapes and max(facts.places) >= len(shapes):
        message = f"{_KEY} names output {max(facts.places)}, but output-shape has {len(shapes)}"
        yield Problem(asset.place_of(_KEY), message, "count outputs from 0")

"""The protocol is none that `mshub eval` knows, or does not measure what the card publishes.

What: `protocol` of an asset is a mapping with the field `name` (`regdb`, `sop`, `sysu`, `vehiclenet`
or `veri`) and the options of that protocol: `direction` (`visible-to-infrared` or
`infrared-to-visible`) for `regdb`, `part` (`half` or `all`) for `sop`, `search` (`all` or `indoor`)
for `sysu`. It measures every metric of `evaluation`.

Why: `mshub eval` repeats the published measurement and puts both numbers side by side. One and the
same network has other numbers under another protocol.

Example: `protocol: {name: sysu, search: outdoor}`

Instead: `protocol: {name: sysu, search: indoor}`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.checking.rules._asset_mapping import mapping_problems
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.values import YamlMapping, YamlNode
from mindspore_hub.tasks.retrieval.fields import KINDS, as_protocol, protocol_problems

SEVERITY = Severity.ERROR
HUB_ONLY = True
FIXABLE = True

_KEY = "protocol"


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report fields that are missing, unknown or wrong, a misplaced key, and other metrics."""
    return mapping_problems(document, _KEY, _problems)


def _problems(node: YamlNode, asset: YamlMapping, document: Document) -> Iterator[Problem]:
    yield from protocol_problems(node)
    facts = as_protocol(node)
    if not facts:
        return
    known = KINDS[facts.name].metrics
    for metric in document.card.metrics:
        if metric.name and metric.name not in known:
            message = f"the protocol {facts.name} does not measure {metric.name}"
            help_ = f"write one of {', '.join(known)} in evaluation, or another protocol"
            yield Problem(asset.place_of(_KEY), message, help_)

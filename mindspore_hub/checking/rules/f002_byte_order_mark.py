"""The file begins with a byte order mark.

What: A card begins with `# Title`, without a mark before it.

Why: UTF-8 needs no mark, and readers that keep it do not see the title.

Example: the bytes `EF BB BF` before `# MVD`.

Instead: `# MVD` as the first bytes.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Rewrite, Severity

SEVERITY = Severity.WARNING
FIXABLE = True


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the mark."""
    if document.byte_order_mark:
        edits = (Rewrite.NO_BYTE_ORDER_MARK,)
        yield Problem(Place(), "the file begins with a byte order mark", "remove it", edits)

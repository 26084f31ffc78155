"""The name of the card does not end in its data set.

What: A card is called `<model>_<data set>.md`.

Why: Variants of a model are distinguished by the data set in the uid.

Example: `gru_muti30k.md` with `train-dataset: Multi30k`

Instead: `gru_multi30k.md`
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Place, Problem, Severity
from mindspore_hub.hub.vocabulary import plain

SEVERITY = Severity.INFO


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report a name with another data set, or without one."""
    dataset = document.card.text("train-dataset")
    if not dataset or dataset.upper() == "N/A":
        return
    name = document.uid.rpartition("/")[2].removesuffix("_cn")
    if name.lower().endswith(f"_{dataset.lower()}"):
        return
    wanted = plain(dataset.replace("'s", ""))
    if wanted not in plain(name) and not _ends_in_part_of(name, wanted):
        message = f"{document.name} does not end in the data set {dataset}"
        yield Problem(Place(), message, f"call it <model>_{wanted}.md", whole=True)


def _ends_in_part_of(name: str, wanted: str) -> bool:
    """Whether what follows an underscore is in the data set: `squad` for `SQuAD1.1`."""
    parts = [plain(part) for part in name.split("_")]
    endings = ("".join(parts[index:]) for index in range(1, len(parts)))
    return any(len(ending) > 2 and ending in wanted for ending in endings)

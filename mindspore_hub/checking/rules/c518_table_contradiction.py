"""The table of the card shows other numbers for the file.

What: The row of a table that links the asset has the numbers of `evaluation`.

Why: One of the two is of another file or of another training.

Example: `evaluation: top1acc79.28` where the row with the link has 79.67

Instead: the numbers of the row.
"""

from __future__ import annotations

from collections.abc import Iterator

from mindspore_hub.checking.rules import HubCards
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Problem, Severity
from mindspore_hub.hub.metrics import Metric, common_name, numbers_in, same_value
from mindspore_hub.hub.patterns import pattern
from mindspore_hub.hub.vocabulary import plain

SEVERITY = Severity.ERROR

_CELLS = pattern(r"(?<!\\)\|")


def check_card(document: Document, hub: HubCards) -> Iterator[Problem]:
    """Report the first row that contradicts the metrics."""
    metrics = [metric for metric in document.card.metrics if metric.name]
    text = document.body.text
    for asset in document.card.assets:
        if not metrics or len(asset.file_name) < 5 or asset.file_name not in text:
            continue
        for number, heads, cells in _rows(document, asset.file_name):
            differing = _differing(metrics, heads, cells)
            if differing:
                message = f"{differing.text} is not in the row of the file, line {number}"
                yield Problem(differing.place, message, "take the numbers of the linked file")
                return


def _rows(document: Document, file: str) -> Iterator[tuple[int, list[str], list[str]]]:
    """Line, heads and cells of each row that links a file."""
    heads: list[str] = []
    previous = ""
    for number, line in document.body.prose:
        if "|" in line and not line.strip(" |:-\t"):
            heads = [plain(cell) for cell in _cells(previous)]
        elif "|" in line and file in line:
            yield number, heads, _cells(line)
        elif not line.strip():
            heads = []
        previous = line


def _cells(line: str) -> list[str]:
    return _CELLS.split(line.strip().strip("|"))


def _differing(metrics: list[Metric], heads: list[str], cells: list[str]) -> Metric | None:
    """First metric that its column contradicts; without columns, one of those all absent."""
    columns = [(metric, _column(metric, heads, cells)) for metric in metrics]
    known = [(metric, numbers) for metric, numbers in columns if numbers]
    for metric, numbers in known:
        if not _has(numbers, metric.value):
            return metric
    every = [number for cell in cells if "://" not in cell for number in numbers_in(cell)]
    if known or not every or any(_has(every, metric.value) for metric in metrics):
        return None
    return metrics[0]


def _column(metric: Metric, heads: list[str], cells: list[str]) -> list[str]:
    """Numbers in the columns of a metric."""
    name = common_name(metric.name or "")
    wanted = ("top1", "acc") if name == "acc" else (name.removesuffix("acc") or name,)
    for word in wanted:
        found = [cell for head, cell in zip(heads, cells, strict=False) if word in head]
        if found and len(word) > 2:
            return numbers_in(" ".join(found))
    return []


def _has(numbers: list[str], value: str) -> bool:
    shares = (f"{float(number) * 100:.6g}" for number in numbers if float(number) <= 1)
    return any(same_value(number, value) for number in [*numbers, *shares])

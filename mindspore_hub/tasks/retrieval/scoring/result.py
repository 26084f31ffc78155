"""What an evaluation found, as plain data."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

SCHEMA = 1
"""Version of the JSON report, which `docs/reid.md` describes."""


@dataclass(frozen=True)
class Result:
    """Numbers of one evaluation, all of them shares between 0 and 1.

    Attributes:
        protocol: Name of the protocol.
        options: How it was asked to evaluate.
        metrics: `rank1`, `mAP`, `mINP`, `recall@1`, `color_accuracy` and others, by name.
        counts: How many queries, gallery items and queries without a match there were.
        cmc: Cumulative matching characteristic from rank 1 on; empty where a protocol has none.
    """

    protocol: str
    options: dict[str, Any]
    metrics: dict[str, float]
    counts: dict[str, int]
    cmc: tuple[float, ...] = field(default=())

    def to_json(self) -> str:
        """The report as JSON, one metric per line."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=2)


def ranks_of(curve: tuple[float, ...]) -> dict[str, float]:
    """The points of a CMC curve that are usually quoted, as far as it goes."""
    return {f"rank{k}": curve[k - 1] for k in (1, 5, 10, 20) if k <= len(curve)}


def mean_of(results: list[Result]) -> Result:
    """Mean over trials: of the metrics that all have, and of the curve as far as all go.

    The counts are those of the first.

    Args:
        results: At least one, of the same protocol and options.
    """
    first, trials = results[0], len(results)
    shared = set.intersection(*(set(result.metrics) for result in results))
    metrics = {
        name: sum(result.metrics[name] for result in results) / trials
        for name in first.metrics
        if name in shared
    }
    length = min(len(result.cmc) for result in results)
    cmc = tuple(sum(result.cmc[k] for result in results) / trials for k in range(length))
    return dataclasses.replace(
        first, metrics=metrics, cmc=cmc, counts={**first.counts, "trials": trials}
    )

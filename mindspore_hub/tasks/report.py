"""What a card claims beside what was measured, whatever the task."""

from __future__ import annotations

import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mindspore_hub.hub.card import Card

SCHEMA = 1
"""Version of the JSON report, which `docs/reid.md` and `docs/classification.md` describe."""

_PACKAGES = (
    "mindspore-hub", "mindspore", "onnxruntime", "openvino", "numpy", "pillow",
    "opencv-python-headless", "opencv-python",
)  # fmt: skip
"""Packages that outputs depend on."""


@dataclass(frozen=True)
class Table:
    """Rows to print below a header."""

    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    title: str = ""


@dataclass(frozen=True)
class Result:
    """Numbers of one evaluation.

    Attributes:
        protocol: Name of the protocol.
        options: How it was asked to evaluate.
        metrics: What was measured, by name: shares between 0 and 1.
        counts: How much there was of what.
    """

    protocol: str
    options: dict[str, Any]
    metrics: dict[str, float]
    counts: dict[str, int]

    def interval(self, metric: str) -> tuple[float, float] | None:
        """Between which shares a metric lies with 95 % confidence; None where nobody knows."""
        return None

    def tables(self) -> list[Table]:
        """What there is to print besides the metrics."""
        return []

    def notes(self) -> list[str]:
        """What a reader of the numbers has to know, a sentence each."""
        return []

    def to_json(self) -> str:
        """The result as JSON, one metric per line."""
        return json.dumps({"schema": SCHEMA, **dataclasses.asdict(self)}, indent=2)


@dataclass(frozen=True)
class Claim:
    """One published metric, in per cent.

    Attributes:
        published: The metric as the card states it: `rank1acc71`.
        metric: What the protocol calls it: `rank1`.
        claimed: Its value.
        measured: What was measured; None where it could not be.
    """

    published: str
    metric: str
    claimed: float
    measured: float | None

    @property
    def difference(self) -> float | None:
        """Measured less claimed."""
        return None if self.measured is None else self.measured - self.claimed


@dataclass(frozen=True)
class Report:
    """One evaluation.

    Attributes:
        card: Uid of the card; None where features do not name one.
        result: What was measured.
        claims: What the card publishes for this very protocol; empty for any other.
        weights: `published` if the card's checkpoint was measured, `other` if features are of
            another file; None where there is no card, or the caller brought the network.
        about: What made the features or scores, and of which data: digests, versions, settings.
        versions: Versions of what the metrics were computed with.
        unclaimed: Why there is no claim, a sentence; empty where there is one.
    """

    card: str | None
    result: Result
    claims: tuple[Claim, ...]
    weights: str | None
    about: dict[str, Any]
    versions: dict[str, str]
    unclaimed: str = ""

    @property
    def metrics(self) -> dict[str, float]:
        """What was measured, by name: shares between 0 and 1."""
        return self.result.metrics

    def worst(self) -> float:
        """Largest difference between a claim and what was measured, in points of a per cent.

        Infinite for a claim that could not be measured, 0 if nothing is claimed.
        """
        differences = [claim.difference for claim in self.claims]
        return max((float("inf") if d is None else abs(d) for d in differences), default=0.0)

    def to_json(self) -> str:
        """The report as JSON; `docs/reid.md` and `docs/classification.md` describe it."""
        claims = [{**dataclasses.asdict(c), "difference": c.difference} for c in self.claims]
        found = {
            "schema": SCHEMA,
            "card": self.card,
            "weights": self.weights,
            "claims": claims,
            **dataclasses.asdict(self.result),
            "about": self.about,
            "versions": self.versions,
        }
        return json.dumps(found, indent=2)

    def tables(self) -> list[Table]:
        """What people read of it, numbers in per cent: the metrics, and what belongs to the task."""
        claims = {claim.metric: claim for claim in self.claims}
        shown = any(map(self.result.interval, self.metrics))
        between = ("95 % interval",) if shown else ()
        rows = []
        for name, share in self.metrics.items():
            interval = (spread(self.result.interval(name)),) if shown else ()
            rows.append((name, percent(share), *interval, *_beside(claims.get(name))))
        header = ("Metric (%)", "Measured", *between, "Published", "Difference")
        return [Table(header, rows), *self.result.tables()]


def claims_of(card: Card, result: Result, names: Mapping[str, str]) -> tuple[Claim, ...]:
    """What a card publishes, beside what was measured by the protocol of the card.

    Args:
        card: The card.
        result: What was measured.
        names: What the protocol calls each metric that a card may publish.
    """
    found = []
    for published in card.metrics:
        name = names.get(published.name or "")
        if name:
            share, number = result.metrics.get(name), published.number
            measured = None if share is None else 100 * share
            claimed = round(100 * number, 9) if number <= 1 else number  # a few cards state shares
            found.append(Claim(published.text, name, claimed, measured))
    return tuple(found)


def percent(share: float) -> str:
    """A share between 0 and 1, in per cent."""
    return f"{100 * share:.2f}"


def spread(interval: tuple[float, float] | None) -> str:
    """Two shares, in per cent; empty for none."""
    return "" if interval is None else " to ".join(map(percent, interval))


def _beside(claim: Claim | None) -> tuple[str, str]:
    if claim is None or claim.difference is None:
        return "", ""
    return f"{claim.claimed:g}", f"{claim.difference:+.2f}"


def versions() -> dict[str, str]:
    """Versions of what a network's outputs depend on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found

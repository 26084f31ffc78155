"""What a card claims beside what was measured, as data, as JSON and as a picture of the CMC curve."""

from __future__ import annotations

import dataclasses
import json
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError, MissingDependencyError
from mindspore_hub.hub.card import Card
from mindspore_hub.tasks.retrieval.metrics import SCHEMA, Result
from mindspore_hub.tasks.retrieval.task import KINDS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FORMATS = (".png", ".svg", ".pdf")


@dataclass(frozen=True)
class Claim:
    """One published metric, in per cent as it was published.

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
        weights: `published` if the features are of the card's checkpoint, `other` if they are of
            another file; None where there is no card, or the caller brought the network.
        features: What made the features, and of which data: digests, versions, settings.
        versions: Versions of what the metrics were computed with.
    """

    card: str | None
    result: Result
    claims: tuple[Claim, ...]
    weights: str | None
    features: dict[str, Any]
    versions: dict[str, str]

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
        """The report as JSON; `docs/reid.md` describes it."""
        claims = [{**dataclasses.asdict(c), "difference": c.difference} for c in self.claims]
        found = {
            "schema": SCHEMA,
            "card": self.card,
            "weights": self.weights,
            "claims": claims,
            **dataclasses.asdict(self.result),
            "features": self.features,
            "versions": self.versions,
        }
        return json.dumps(found, indent=2)


def claims_of(card: Card, result: Result) -> tuple[Claim, ...]:
    """What a card publishes, beside what was measured by the protocol of the card."""
    names = KINDS[result.protocol].metrics
    found = []
    for published in card.metrics:
        name = names.get(published.name or "")
        if name:
            share = result.metrics.get(name)
            measured = None if share is None else 100 * share
            found.append(Claim(published.text, name, published.number, measured))
    return tuple(found)


def check_plot(path: str | os.PathLike[str]) -> None:
    """Refuse a plot that could not be drawn, before anything is computed for it.

    Raises:
        FeaturesError: The name has no ending that is known.
        MissingDependencyError: Matplotlib is not installed.
    """
    if Path(path).suffix.lower() not in _FORMATS:
        msg = f"{path} must end in one of {', '.join(_FORMATS)}, which decides the format."
        raise FeaturesError(msg)
    try:
        import matplotlib  # noqa: F401 - only whether it is there is asked
    except ImportError as error:
        msg = f"Plots need Matplotlib ({error}); `pip install matplotlib`."
        raise MissingDependencyError(msg) from error


def draw_cmc(report: Report, path: str | os.PathLike[str]) -> None:
    """Draw the CMC curve of a report, with what is claimed as points beside it.

    Raises:
        FeaturesError: The protocol has no CMC curve.
        StoreError: The file cannot be written (an OSError).
    """
    if not report.result.cmc:
        msg = f"The protocol {report.result.protocol!r} has no CMC curve; leave out the plot."
        raise FeaturesError(msg)
    figure = _cmc_figure(report)
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _cmc_figure(report: Report) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    ranks = range(1, len(report.result.cmc) + 1)
    precision = report.metrics.get("mAP")
    label = "measured" if precision is None else f"measured, mAP {100 * precision:.2f} %"
    axes.plot(ranks, [100 * share for share in report.result.cmc], marker=".", label=label)
    for claim in report.claims:
        if claim.metric.startswith("rank"):
            place = int(claim.metric.removeprefix("rank"))
            label = f"published {claim.published}"
            axes.plot([place], [claim.claimed], "D", fillstyle="none", label=label)
    title = f"{report.card or 'features'} · {report.result.protocol}"
    axes.set_title(textwrap.fill(title, 50), parse_math=False)
    axes.set(xlabel="Rank", ylabel="Queries with a match up to this rank (%)", ylim=(0, 101))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.grid(alpha=0.3)
    # A curve may run through any part of the axes, so the legend is below them.
    figure.legend(loc="outside lower center", ncols=2)
    return figure

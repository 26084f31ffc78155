"""Pictures: the CMC curve of a report, and what a calibration measured."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError, MissingDependencyError
from mindspore_hub.tasks.report import Report
from mindspore_hub.tasks.retrieval.metrics import Result

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from mindspore_hub.tasks.retrieval.calibration import Calibration

_FORMATS = (".png", ".svg", ".pdf")


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


def cmc_of(report: Report) -> Sequence[float]:
    """The CMC curve of a report; empty where its protocol has none."""
    return report.result.cmc if isinstance(report.result, Result) else ()


def draw_cmc(report: Report, path: str | os.PathLike[str]) -> None:
    """Draw the CMC curve of a report, with what is claimed as points beside it.

    Raises:
        FeaturesError: The protocol has no CMC curve.
        StoreError: The file cannot be written (an OSError).
    """
    curve = cmc_of(report)
    if not curve:
        msg = f"The protocol {report.result.protocol!r} has no CMC curve; leave out the plot."
        raise FeaturesError(msg)
    figure = _cmc_figure(report, curve)
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _cmc_figure(report: Report, curve: Sequence[float]) -> Figure:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    axes = figure.add_subplot()
    ranks = range(1, len(curve) + 1)
    precision = report.metrics.get("mAP")
    label = "measured" if precision is None else f"measured, mAP {100 * precision:.2f} %"
    axes.plot(ranks, [100 * share for share in curve], marker=".", label=label)
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


def draw_calibration(found: Calibration, path: str | os.PathLike[str]) -> None:
    """Draw the DET curve of a calibration, and histograms of distances; see `Calibration.save_plot`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    curve, bars = figure.subplots(1, 2)
    rates = [
        [100 * share for share in found.det[name]]
        for name in ("false_match_rate", "false_non_match_rate")
    ]
    curve.plot(*rates, label="DET curve")
    point = [100 * found.false_match_rate], [100 * found.false_non_match_rate]
    low, high = (100 * share for share in found.false_non_match_interval)
    errors = [[max(0.0, point[1][0] - low)], [max(0.0, high - point[1][0])]]
    label = f"threshold {found.threshold:.4g}, {found.confidence:.0%} interval"
    curve.errorbar(*point, yerr=errors, fmt="o", capsize=3, label=label)
    curve.set(xscale="log", ylim=(0, None))
    curve.set(xlabel="False match rate (%)", ylabel="False non-match rate (%)")
    curve.grid(alpha=0.3)
    edges = found.histograms["edges"]
    for name, label in (("non_mated", "of two identities"), ("mated", "of one identity")):
        counts = found.histograms[name]
        shares = [100 * count / max(1, sum(counts)) for count in counts]
        bars.stairs(shares, edges, fill=True, alpha=0.5, label=label)
    bars.axvline(found.threshold, color="black", linestyle="--", label="threshold")
    bars.axvspan(*found.threshold_interval, color="black", alpha=0.15, linewidth=0)
    bars.set(xlabel=f"Distance ({found.distance})", ylabel="Comparisons (%)")
    for axes in (curve, bars):
        axes.legend(loc="best")
    numbers = found.counts
    title = f"{found.about.get('card', 'features')} · {numbers['identities']:,} identities"
    figure.suptitle(textwrap.fill(title, 80), parse_math=False)
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)

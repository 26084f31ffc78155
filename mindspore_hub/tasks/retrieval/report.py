"""A picture of the CMC curve of a report."""

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

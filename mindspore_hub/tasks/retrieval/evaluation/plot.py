"""The CMC curve of an evaluation as a picture."""

from __future__ import annotations

import os
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError, MissingDependencyError
from mindspore_hub.tasks.retrieval.evaluation.report import Report

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FORMATS = (".png", ".svg", ".pdf")

_LINE = 50
"""Characters of a title that fit beside each other."""


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

    Args:
        report: The report.
        path: The file to write; its ending decides the format.

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
    axes.plot(
        ranks, [100 * share for share in report.result.cmc], marker=".", label=_legend(report)
    )
    for claim in report.claims:
        if claim.metric.startswith("rank"):
            place = int(claim.metric.removeprefix("rank"))
            label = f"published {claim.published}"
            axes.plot([place], [claim.claimed], "D", fillstyle="none", label=label)
    title = f"{report.card or 'features'} · {report.result.protocol}"
    axes.set_title(textwrap.fill(title, _LINE), parse_math=False)
    axes.set(xlabel="Rank", ylabel="Queries with a match up to this rank (%)", ylim=(0, 101))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10], min_n_ticks=1))
    axes.grid(alpha=0.3)
    # A curve may run through any part of the axes, so the legend is below them.
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def _legend(report: Report) -> str:
    precision = report.metrics.get("mAP")
    return "measured" if precision is None else f"measured, mAP {100 * precision:.2f} %"

"""The CMC curve of an evaluation as a picture."""

from __future__ import annotations

import os
from pathlib import Path

from mindspore_hub import _files
from mindspore_hub.errors import FeaturesError, MissingDependencyError
from mindspore_hub.reid.evaluation.report import Report

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
    from matplotlib.figure import Figure

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
    axes.set(
        title=f"{report.card or 'features'} · {report.result.protocol}",
        xlabel="Rank",
        ylabel="Queries with a match up to this rank (%)",
    )
    axes.set_ylim(top=101)
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=150)


def _legend(report: Report) -> str:
    precision = report.metrics.get("mAP")
    return "measured" if precision is None else f"measured, mAP {100 * precision:.2f} %"

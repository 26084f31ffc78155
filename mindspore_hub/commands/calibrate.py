"""The command `mshub calibrate`. What it needs, it imports when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mindspore_hub._text import printable_json
from mindspore_hub.commands._options import (
    EXISTING_FILE,
    FILE,
    false_matches_option,
    force_option,
    format_option,
    output_option,
    refuse_existing,
)
from mindspore_hub.commands._output import echo, print_facts
from mindspore_hub.tasks.retrieval.task import DISTANCES

if TYPE_CHECKING:
    from mindspore_hub.tasks.retrieval.calibration import Calibration, Interval


@click.command()
@click.argument("labelled", metavar="LABELLED.npz", type=EXISTING_FILE)
@output_option("The JSON file to write; `mshub match --calibration` and `mshub serve` take it.")
@false_matches_option(required=True)
@click.option(
    "--confidence",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    default=0.95,
    show_default=True,
    help="Probability that an interval holds what it is for.",
)
@click.option(
    "--distance",
    type=click.Choice(DISTANCES),
    help="What ranks; by default what the features say, else dot.",
)
@click.option("--plot", type=FILE, help="Draw DET curve and histograms, as .png, .svg or .pdf.")
@force_option
@format_option
def calibrate(
    labelled: Path,
    output: Path,
    false_matches: float,
    confidence: float,
    distance: str | None,
    plot: Path | None,
    force: bool,
    style: str,
) -> None:
    """Find how far an image may be to be a match, with labelled features.

    All pairs of labelled images are compared. The threshold is the distance within which the wanted share
    of the pairs of two identities lies. Intervals are found by drawing identities (bootstrap).
    """
    refuse_existing(output, plot, force=force)
    from mindspore_hub.tasks.retrieval import calibrate as measure

    if plot:
        from mindspore_hub.tasks.retrieval.report import check_plot

        check_plot(plot)
    found = measure(
        labelled, false_match_rate=false_matches, confidence=confidence, distance=distance
    )
    found.save(output)
    if plot:
        found.save_plot(plot)
    if style == "json":
        echo(printable_json(found.to_json()))
    else:
        _print(found)


def _print(found: Calibration) -> None:
    threshold = f"{found.threshold:#.5g}"
    cost = f"{found.false_non_match_rate:.4f}"
    print_facts(
        {
            "threshold": f"{threshold} ({_between(found.threshold_interval)})",
            "false match rate": f"{found.false_match_rate:g}",
            "false non-match rate": f"{cost} ({_between(found.false_non_match_interval)})",
            "confidence of intervals": f"{found.confidence:g}",
            "distance": found.distance,
            **{name.replace("_", "-"): f"{count:,}" for name, count in found.counts.items()},
        }
    )


def _between(interval: Interval) -> str:
    return " to ".join(f"{value:#.4g}" for value in interval)

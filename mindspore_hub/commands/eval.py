"""The command `mshub eval`. What it needs, it imports when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import printable_json
from mindspore_hub.commands._options import (
    FILE,
    batch_size_option,
    checkpoint_option,
    force_option,
    format_option,
    hub_option,
    interruptible,
    progress_of_command,
    refuse_existing,
    runtime_options,
    skip_bad_option,
)
from mindspore_hub.commands._output import echo, print_table

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.report import Report


@click.command("eval")
@click.argument("name", required=False)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Folder of the data set, in the layout in which it is published.",
)
@click.option(
    "--features",
    type=FILE,
    help="Score this file of features instead: no images and no network are needed.",
)
@click.option("--protocol", help="Follow this protocol instead of the card's.")
@click.option(
    "--option",
    "options",
    metavar="KEY=VALUE",
    multiple=True,
    help="An option of the protocol or of the data set, such as search=indoor.",
)
@click.option(
    "--trials",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Splits of RegDB or drawn galleries of SYSU-MM01 to average; published numbers are of 1.",
)
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(min=1),
    help="Measure N pictures only, drawn with --option seed=0; for classification.",
)
@click.option(
    "--open-set",
    metavar="RATE",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    multiple=True,
    help="Measure the open-set identification rate (DIR) at this false alarm rate, too, such as 0.01; may "
    "be given again. For retrieval.",
)
@batch_size_option(16)
@runtime_options
@skip_bad_option
@checkpoint_option
@click.option(
    "--save-features",
    type=FILE,
    help="Keep the features in this npz file; a call that was stopped goes on where it was.",
)
@click.option(
    "--save-predictions",
    type=FILE,
    help="For classification, keep what was predicted of each picture in this CSV file, likewise.",
)
@click.option("--report", type=FILE, help="Write the report as JSON.")
@click.option("--plot", type=FILE, help="Draw the CMC curve, as .png, .svg or .pdf.")
@click.option(
    "--within",
    metavar="POINTS",
    type=click.FloatRange(min=0),
    help="Exit with 1 if a metric is further from its claim than so many points.",
)
@force_option
@hub_option(trust=True)
@format_option
def eval_(
    name: str | None,
    data: Path | None,
    features: Path | None,
    protocol: str | None,
    options: tuple[str, ...],
    trials: int,
    limit: int | None,
    open_set: tuple[float, ...],
    batch_size: int,
    runtime: str | None,
    precision: str,
    threads: int | None,
    skip_bad: bool,
    checkpoint: Path | None,
    save_features: Path | None,
    save_predictions: Path | None,
    report: Path | None,
    plot: Path | None,
    within: float | None,
    force: bool,
    hub: Hub,
    style: str,
) -> None:
    """Measure the network NAME as its card says, and compare with what it claims.

    With --features, NAME is needed only if the file does not say which card made it.
    """
    saved = save_features or save_predictions
    if (data is None) == (features is None) or (data and not name):
        msg = "give NAME and --data DIR, or --features FILE"
        raise click.UsageError(msg)
    if features and (saved or trials != 1 or limit or skip_bad or checkpoint):
        msg = f"{_FOR_DATA} are for --data; features are as they are"
        raise click.UsageError(msg)
    _check_saved(save_features, save_predictions)
    refuse_existing(save_predictions, report, plot, force=force)
    from mindspore_hub import _files
    from mindspore_hub.tasks.evaluation import evaluate

    if plot:
        from mindspore_hub.tasks.retrieval.report import check_plot

        check_plot(plot)
    progress_of_command()
    with interruptible(resumable=saved is not None):
        found = evaluate(
            name,
            data,
            features=features,
            protocol=protocol,
            options=dict(map(_option, options)),
            trials=trials,
            limit=limit,
            open_set=open_set,
            batch_size=batch_size,
            skip_bad=skip_bad,
            checkpoint=checkpoint,
            output=saved,
            hub=hub,
            runtime=runtime,
            precision=precision,
            threads=threads,
        )
    echo(printable_json(found.to_json())) if style == "json" else _print(found)
    if report:
        _files.replace(report, f"{found.to_json()}\n")
    if plot:
        _draw(found, plot)
    if within is not None:
        _check(found, within)


_FOR_DATA = "--save-features, --save-predictions, --trials, --limit, --skip-bad and --checkpoint"


def _check_saved(features: Path | None, predictions: Path | None) -> None:
    if features and predictions:
        msg = "give --save-features for retrieval, or --save-predictions for classification"
        raise click.UsageError(msg)
    if features and features.exists():
        msg = f"{features} exists; score it with --features, or give another name."
        raise click.UsageError(msg)


def _option(text: str) -> tuple[str, Any]:
    """Name and value: numbers are numbers, commas make a tuple of them, and nothing an empty one."""
    name, equals, value = text.partition("=")
    if not (name and equals):
        msg = f"--option takes KEY=VALUE, such as search=indoor, but got {text!r}"
        raise click.UsageError(msg)
    parts = [_value(part.strip()) for part in value.split(",")] if value else []
    return name, parts[0] if len(parts) == 1 else tuple(parts)


def _value(text: str) -> int | float | str | None:
    if text.lower() == "none":
        return None
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _print(found: Report) -> None:
    result = found.result
    counts = ", ".join(
        f"{number:,} {name.replace('_', ' ')}" for name, number in result.counts.items()
    )
    echo(f"{found.card or 'features'}, protocol {result.protocol}: {counts}")
    for table in found.tables():
        if table.title:
            echo(f"\n{table.title}")
        print_table(table.header, table.rows)
    for note in found.result.notes():
        echo(note, err=True)
    if not found.claims:
        echo(found.unclaimed, err=True)
    elif found.weights == "other":
        echo("The features are of other weights than those the card publishes.", err=True)


def _draw(found: Report, plot: Path) -> None:
    from mindspore_hub.tasks.retrieval.report import cmc_of, draw_cmc

    if cmc_of(found):
        draw_cmc(found, plot)
    else:
        echo(f"{found.result.protocol} has no CMC curve; {plot} was not written.", err=True)


def _check(found: Report, within: float) -> None:
    if not found.claims:
        echo("mshub: nothing is claimed, so nothing can be within anything", err=True)
        sys.exit(1)
    if not found.worst() <= within:
        echo(f"mshub: {found.worst():.2f} points from a claim, more than {within:g}", err=True)
        sys.exit(1)

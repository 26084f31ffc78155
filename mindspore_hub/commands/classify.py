"""The command `mshub classify`. What it needs, it imports when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count, one_line, printable_json
from mindspore_hub.commands._options import (
    FILE,
    batch_size_option,
    force_option,
    format_option,
    hub_option,
    interruptible,
    progress_of_work,
    refuse_existing,
    runtime_options,
    skip_bad_option,
)
from mindspore_hub.commands._output import echo, print_json, print_table

if TYPE_CHECKING:
    from mindspore_hub._progress import Progress
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.classification.predictions import Predictions

_PICTURES = 100
"""How many pictures the table shows; there may be very many."""


@click.command()
@click.argument("name")
@click.argument("images", metavar="DIR|FILE", type=click.Path(exists=True, path_type=Path))
@click.option(
    "-k", type=click.IntRange(min=1), default=5, show_default=True, help="Classes of each."
)
@click.option(
    "-o",
    "--output",
    metavar="FILE.csv|FILE.json",
    type=FILE,
    help="Write classes and probabilities; docs/classification.md describes both.",
)
@click.option(
    "--sheet",
    metavar="FILE.html",
    type=FILE,
    help="Write a page of the pictures with their classes.",
)
@click.option(
    "--sheet-pictures",
    type=click.IntRange(min=1),
    default=50,
    show_default=True,
    help="Pictures on a sheet, evenly spread over all.",
)
@batch_size_option(16)
@runtime_options
@skip_bad_option
@force_option
@hub_option(trust=True)
@format_option
def classify(
    name: str,
    images: Path,
    k: int,
    output: Path | None,
    sheet: Path | None,
    sheet_pictures: int,
    batch_size: int,
    skip_bad: bool,
    force: bool,
    style: str,
    hub: Hub,
    **options: Any,
) -> None:
    """Say which classes pictures show, by network NAME.

    A folder is searched at every depth; its pictures are taken in the order of their paths. Until the
    output is whole, its parts are kept beside it, and the same command goes on where it was stopped.
    Without an output, the classes are printed.
    """
    _check_endings(output, sheet)
    refuse_existing(output, sheet, force=force)
    title = output.name if output else name
    with interruptible(resumable=output is not None), progress_of_work(title, style) as progress:
        made = _classify(
            name, images, output, k=k, batch_size=batch_size, skip_bad=skip_bad, hub=hub,
            progress=progress, **options,
        )  # fmt: skip
    if output:
        print_json(_facts(output, made)) if style == "json" else echo(_text(output, made))
    elif style == "json":
        echo(printable_json(_json(made)))
    else:
        _print(made)
    if sheet:
        made.save_sheet(sheet, pictures=sheet_pictures)


def _check_endings(output: Path | None, sheet: Path | None) -> None:
    """Refuse files of another kind before the network is there, which takes long."""
    for path, endings in ((output, (".csv", ".json")), (sheet, (".html",))):
        if path and path.suffix.lower() not in endings:
            msg = f"{path} must end in {' or '.join(endings)}, since that says what to write."
            raise click.UsageError(msg)


def _classify(
    name: str,
    images: Path,
    output: Path | None,
    *,
    k: int,
    batch_size: int,
    skip_bad: bool,
    hub: Hub,
    progress: Progress | None,
    **options: Any,
) -> Predictions:
    from mindspore_hub.tasks import required_by

    with required_by("Classification"):
        from mindspore_hub.tasks.classification.classifier import Classifier
        from mindspore_hub.tasks.pictures.samples import list_samples
    classifier = Classifier(
        name, batch_size=batch_size, skip_bad=skip_bad, hub=hub, progress=progress, **options
    )
    pictures = list_samples(images)
    if output is None:
        return classifier.predictions(pictures, k=k)
    return classifier.write(pictures, output, k=k)


def _json(made: Predictions) -> str:
    import json

    return json.dumps(made.to_json(), indent=2)


def _print(made: Predictions) -> None:
    shown = min(len(made), _PICTURES)
    header = ("Picture", "Rank", "Class", "Label", "Probability")
    print_table(header, (row for picture in range(shown) for row in _rows(made, picture)))
    if shown < len(made):
        echo(f"{len(made) - shown:,} more pictures; `-o FILE.csv` has all.", err=True)


def _rows(made: Predictions, picture: int) -> Iterator[tuple[str, ...]]:
    for guess in made.guesses(picture):
        name = made.name(picture) if guess.rank == 1 else ""
        facts = (str(guess.rank), guess.id or str(guess.number), guess.label)
        yield tuple(map(one_line, (name, *facts, f"{guess.probability:.4f}")))


def _facts(output: Path, made: Predictions) -> dict[str, object]:
    return {
        "path": str(output),
        "card": made.about["card"],
        "pictures": len(made),
        "classes": made.classes.shape[1],
        "skipped": made.about.get("skipped", {}),
    }


def _text(output: Path, made: Predictions) -> str:
    return (
        f"{output}: {count(len(made), 'picture')}, {made.classes.shape[1]} classes each, by "
        f"{made.about['card']}; {len(made.about.get('skipped', {}))} skipped"
    )

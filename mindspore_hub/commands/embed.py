"""The command `mshub embed`. What it needs, it imports when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count
from mindspore_hub.commands._options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    batch_size_option,
    checkpoint_option,
    force_option,
    format_option,
    hub_option,
    interruptible,
    output_option,
    progress_of_work,
    refuse_existing,
    runtime_options,
    skip_bad_option,
)
from mindspore_hub.commands._output import echo, print_json

if TYPE_CHECKING:
    from mindspore_hub._progress import Progress
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.retrieval.embedding import Written


@click.command()
@click.argument("name")
@click.argument("images", metavar="DIR|FILE", type=click.Path(exists=True, path_type=Path))
@output_option("The npz file to write; docs/reid.md describes it.")
@click.option("--modality", metavar="KIND", help="visible, infrared or thermal; noted and checked.")
@batch_size_option(16)
@runtime_options
@skip_bad_option
@checkpoint_option
@click.option(
    "--pattern",
    metavar="REGEX",
    help=r"Searched in the path of each picture, such as '(?P<label>-?\d+)_c(?P<camera>\d+)': the "
    "group label, and camera if there is one, are whole numbers that are stored beside the features.",
)
@click.option(
    "--heatmaps", type=EXISTING_FOLDER, help="Holds a folder STEM/ of maps for each picture."
)
@click.option("--segments", type=EXISTING_FOLDER, help="As --heatmaps, for segments.")
@click.option(
    "--keypoints",
    type=EXISTING_FILE,
    help="CSV file: the name of a picture and 108 numbers in each line.",
)
@force_option
@hub_option(trust=True)
@format_option
def embed(
    name: str,
    images: Path,
    output: Path,
    pattern: str | None,
    force: bool,
    style: str,
    **options: Any,
) -> None:
    """Write the features that network NAME makes of pictures.

    A folder is searched at every depth; its pictures are taken in the order of their paths. Until the
    output is whole, its parts are kept beside it, and the same command goes on where it was stopped.
    """
    refuse_existing(output, force=force)
    with interruptible(resumable=True), progress_of_work(output.name, style) as progress:
        written = _write(name, images, output, pattern=pattern, progress=progress, **options)
    if style == "json":
        print_json(_facts(output, written))
    else:
        echo(_text(output, written))


def _write(
    name: str,
    images: Path,
    output: Path,
    *,
    pattern: str | None,
    progress: Progress | None,
    modality: str | None,
    batch_size: int,
    skip_bad: bool,
    checkpoint: Path | None,
    hub: Hub,
    runtime: str | None,
    precision: str,
    threads: int | None,
    **extras: Path | None,
) -> Written:
    from mindspore_hub.tasks import required_by

    with required_by("Embedding"):
        from mindspore_hub.tasks.pictures.samples import known_of, list_samples
        from mindspore_hub.tasks.retrieval.embedding import Embedding
    embedding = Embedding(
        name,
        hub=hub,
        modality=modality,
        batch_size=batch_size,
        skip_bad=skip_bad,
        checkpoint=checkpoint,
        progress=progress,
        runtime=runtime,
        precision=precision,
        threads=threads,
    )
    pictures = list_samples(images, **extras)
    return embedding.write(pictures, output, known=known_of(pictures, pattern))


def _facts(output: Path, written: Written) -> dict[str, Any]:
    return {
        "path": str(output),
        "card": written.about["card"],
        "pictures": written.pictures,
        "dimension": written.dimension,
        "skipped": written.about.get("skipped", {}),
    }


def _text(output: Path, written: Written) -> str:
    skipped = len(written.about.get("skipped", {}))
    return (
        f"{output}: {count(written.pictures, 'picture')}, {written.dimension} values each, by "
        f"{written.about['card']}; {skipped} skipped"
    )

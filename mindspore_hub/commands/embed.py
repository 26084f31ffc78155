"""The command `mshub embed`. What it needs, it imports when it runs."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count
from mindspore_hub.commands._options import (
    batch_size_option,
    checkpoint_option,
    extras_options,
    force_option,
    format_option,
    hub_option,
    interruptible,
    modality_option,
    output_option,
    pattern_option,
    progress_of_work,
    refuse_existing,
    runtime_options,
    skip_bad_option,
)
from mindspore_hub.commands._output import echo, print_json
from mindspore_hub.errors import PictureError

if TYPE_CHECKING:
    from mindspore_hub._progress import Progress
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.retrieval.parts import Written

logger = logging.getLogger(__name__)


@click.command(context_settings={"allow_extra_args": True})
@click.argument("name", required=False)
@click.argument(
    "images", metavar="DIR|FILE", type=click.Path(exists=True, path_type=Path), required=False
)
@output_option("The npz file to write; docs/reid.md describes it.")
@modality_option
@batch_size_option(16)
@runtime_options
@skip_bad_option
@checkpoint_option
@pattern_option()
@extras_options
@click.option(
    "--shard",
    metavar="N/COUNT|auto",
    help="Compute one of COUNT parts only, such as 3/16; auto asks Slurm, Kubernetes or MPI "
    "(docs/clusters.md).",
)
@click.option(
    "--merge", metavar="PATTERN", help="Make one file of the parts of all shards, 'part-*.npz'."
)
@click.option(
    "--on",
    metavar="ADDRESS",
    help="Let others compute: dask://HOST:PORT, a Dask cluster, or local:4, so many processes here.",
)
@force_option
@hub_option(trust=True)
@format_option
def embed(
    name: str | None,
    images: Path | None,
    output: Path,
    merge: str | None,
    shard: str | None,
    force: bool,
    style: str,
    **options: Any,
) -> None:
    """Write the features that network NAME makes of pictures.

    A folder is searched at every depth; its pictures are taken in the order of their paths. Until the
    output is whole, its parts are kept beside it, and the same command goes on where it was stopped.
    """
    _check_arguments(click.get_current_context(), merge)
    if merge is not None:
        refuse_existing(output, force=force)
        written = _merge(merge, output)
    else:
        if shard is None:
            refuse_existing(output, force=force)
        elif options["on"] is not None:
            msg = "--shard and --on exclude each other: a cluster that --on names needs no parts."
            raise click.UsageError(msg)
        with interruptible(resumable=True), progress_of_work(output.name, style) as progress:
            written = _write(
                name or "", images or Path(), output, shard=shard, force=force, progress=progress,
                **options,
            )  # fmt: skip
    if style == "json":
        print_json(_facts(output, written))
    else:
        echo(_text(output, written))


def _check_arguments(context: click.Context, merge: str | None) -> None:
    """NAME and pictures are wanted, unless parts are merged; a shell may have made files of a pattern."""
    given = [name for name in ("name", "images") if context.params[name] is not None]
    if merge is not None and (given or context.args):
        msg = (
            "--merge takes a pattern alone, without NAME and DIR; quote it, so that the shell leaves it as it "
            "is: --merge 'part-*.npz'."
        )
        raise click.UsageError(msg)
    if merge is not None and context.params["shard"] is not None:
        msg = "--merge takes the parts of all shards; leave --shard out."
        raise click.UsageError(msg)
    if context.args:
        msg = f"Got unexpected extra arguments ({' '.join(context.args)})"
        raise click.UsageError(msg)
    if merge is None and len(given) < 2:
        named = {"name": "NAME", "images": "DIR|FILE"}
        msg = f"Missing argument {next(text for key, text in named.items() if key not in given)!r}."
        raise click.UsageError(msg)


def _merge(pattern: str, output: Path) -> Written:
    from glob import glob

    from mindspore_hub.errors import FeaturesError
    from mindspore_hub.tasks import required_by

    with required_by("Merging"):
        from mindspore_hub.tasks.retrieval.parts import merge
    paths = sorted(glob(pattern))  # noqa: PTH207 - the pattern may be an absolute one
    if not paths:
        msg = f"No file fits {pattern!r}, so there is no part to merge; correct the pattern."
        raise FeaturesError(msg)
    return merge(paths, output)


def _write(
    name: str,
    images: Path,
    output: Path,
    *,
    shard: str | None,
    on: str | None,
    force: bool,
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
        from mindspore_hub.tasks.pictures.cluster import Engine
        from mindspore_hub.tasks.pictures.samples import known_of, list_samples
        from mindspore_hub.tasks.pictures.shards import Shard
        from mindspore_hub.tasks.retrieval.embedding import Embedding
    try:
        part = None if shard is None else Shard.of(shard)
        engine = None if on is None else Engine.of(on)
    except PictureError as error:
        raise click.UsageError(str(error)) from error
    embedding = Embedding(
        name,
        on=engine,
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
    known = known_of(pictures, pattern)
    if part is not None and not force:
        found = embedding.finished(pictures, output, known=known, shard=part)
        if found is not None:
            logger.info("%s: this part is there already; nothing is computed", output)
            return found
        refuse_existing(output, force=force)
    return embedding.write(pictures, output, known=known, shard=part)


def _facts(output: Path, written: Written) -> dict[str, Any]:
    shard = written.about.get("shard")
    return {
        "path": str(output),
        "card": written.about["card"],
        "pictures": written.pictures,
        "dimension": written.dimension,
        "skipped": written.about.get("skipped", {}),
        **({"shard": f"{shard['number']}/{shard['count']}"} if shard else {}),
    }


def _text(output: Path, written: Written) -> str:
    skipped = len(written.about.get("skipped", {}))
    shard = written.about.get("shard")
    part = f", part {shard['number']}/{shard['count']}" if shard else ""
    return (
        f"{output}{part}: {count(written.pictures, 'picture')}, {written.dimension} values each, by "
        f"{written.about['card']}; {skipped} skipped"
    )

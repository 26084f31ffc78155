"""The commands `mshub gallery ...`. What a command needs, it imports when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count
from mindspore_hub.commands._options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    Group,
    batch_size_option,
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
    where_option,
)
from mindspore_hub.commands._output import echo, print_facts, print_json, print_table

if TYPE_CHECKING:
    from mindspore_hub._progress import Progress
    from mindspore_hub.gallery.features import Features
    from mindspore_hub.gallery.gallery import Gallery
    from mindspore_hub.gallery.index import Measured
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.retrieval.embedding import Enrolled

_SHOWN = 30
"""How many rows a terminal shows without being asked for more."""

_gallery_argument = click.argument("path", metavar="GALLERY")


@click.group(cls=Group)
def gallery() -> None:
    """Keep features that grow, and that `mshub match` and `mshub serve` search.

    GALLERY is an npz file, or a folder of LanceDB (or its address, s3://...) whose name ends in .lance;
    the extra `gallery` has what that needs. docs/gallery.md says which to take.
    """


@gallery.command()
@_gallery_argument
@click.option("--features", type=EXISTING_FILE, help="Begin with the features of this npz file.")
@click.option(
    "--root",
    type=EXISTING_FOLDER,
    help="Folder of all pictures to come; by default that of the first ones that are added.",
)
@format_option
def create(path: str, features: Path | None, root: Path | None, style: str) -> None:
    """Make a gallery, which is empty unless features are given."""
    from mindspore_hub.gallery.features import load
    from mindspore_hub.tasks import required_by

    with required_by("A gallery"):
        from mindspore_hub.gallery.gallery import Gallery
    found = None if features is None else load(features, mapped=True)
    made = Gallery.create(path, root=root)
    if found is not None:
        _add_features(made, found)
    _report(style, path, rows=len(made), text=f"{path}: {count(len(made), 'row')}")


@gallery.command()
@_gallery_argument
@click.argument("source", metavar="DIR|FILE", type=click.Path(exists=True, path_type=Path))
@click.option("--name", metavar="NAME", help="The card whose network makes features of pictures.")
@modality_option
@pattern_option()
@batch_size_option(16)
@runtime_options
@skip_bad_option
@extras_options
@hub_option(trust=True)
@format_option
def add(
    path: str, source: Path, name: str | None, pattern: str | None, style: str, **options: Any
) -> None:
    """Add pictures, or the features of an npz file, that are not in GALLERY yet.

    A picture is known by the content of its file: of pictures, only those that are not there are
    embedded. Whatever stops the command, what was written stays, and the same command goes on.
    """
    found = _open(path, writable=True)
    if source.suffix.lower() == ".npz":
        from mindspore_hub.gallery.features import load

        added = _add_features(found, load(source, mapped=True))
        text = f"{path}: {count(added, 'row')} added; {len(found):,} in all"
        _report(style, path, added=added, rows=len(found), text=text)
        return
    if name is None:
        msg = "pictures need --name NAME, the card whose network makes their features"
        raise click.UsageError(msg)
    with interruptible(resumable=True), progress_of_work(Path(path).name, style) as progress:
        made = _enrol(found, name, source, pattern=pattern, progress=progress, **options)
    text = (
        f"{path}: {count(made.added, 'picture')} added, by {made.about['card']}; {made.before:,} were "
        f"there, {len(made.skipped)} skipped; {len(found):,} in all"
    )
    facts = {"added": made.added, "before": made.before, "skipped": made.skipped}
    _report(style, path, **facts, rows=len(found), text=text)


@gallery.command()
@_gallery_argument
@where_option
@click.option("--id", "ids", type=int, multiple=True, help="Remove this row; may be given again.")
@format_option
def rm(path: str, where: str | None, ids: tuple[int, ...], style: str) -> None:
    """Remove the rows that fit a filter, or those of ids."""
    if (where is None) == (not ids):
        msg = "give --where FILTER, or --id ID"
        raise click.UsageError(msg)
    found = _open(path, writable=True)
    removed = found.remove(where, ids=ids or None)
    text = f"{path}: {count(removed, 'row')} removed; {len(found):,} are left"
    _report(style, path, removed=removed, rows=len(found), text=text)


@gallery.command()
@_gallery_argument
@where_option
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"Show at most so many, 0 for all; by default {_SHOWN} in a table, and all as JSON.",
)
@format_option
def ls(path: str, where: str | None, limit: int | None, style: str) -> None:
    """List rows."""
    found = _open(path)
    most = limit if limit is not None else _SHOWN if style == "human" else 0
    every = found.count(where)
    rows = list(_listed(found.parts(where), most or every))
    if style == "json":
        print_json(rows)
        return
    header = ("Id", "Label", "Camera", "Path")
    print_table(header, [tuple(str(row[name.lower()]) for name in header) for row in rows])
    if len(rows) < every:
        echo(f"The first {len(rows)} of {every:,} rows; --limit 0 shows all.", err=True)


@gallery.command()
@_gallery_argument
@format_option
def info(path: str, style: str) -> None:
    """Show how many rows there are, what made them, and what index there is."""
    facts = _open(path).info()
    if style == "json":
        print_json(facts)
    else:
        about = facts.pop("about")
        print_facts({key: value for key, value in {**facts, **about}.items() if value is not None})


@gallery.command()
@_gallery_argument
@output_option("The npz file to write; docs/reid.md describes it.")
@where_option
@force_option
@format_option
def export(path: str, output: Path, where: str | None, force: bool, style: str) -> None:
    """Write rows as an npz file of features, for `mshub match`, `mshub eval` and NumPy."""
    refuse_existing(output, force=force)
    rows = _open(path).export(output, where=where)
    _report(style, str(output), rows=rows, text=f"{output}: {count(rows, 'row')}")


@gallery.command()
@_gallery_argument
@click.option(
    "--partitions",
    type=click.IntRange(min=1),
    help="Lists of the index; by default the square root of the number of rows.",
)
@click.option(
    "--recall",
    type=click.FloatRange(0, 1, min_open=True),
    default=0.95,
    show_default=True,
    help="Share of the nearest rows that a search is to find.",
)
@format_option
def index(path: str, partitions: int | None, recall: float, style: str) -> None:
    """Make an index (IVF), which searches use from then on; measure what it finds, and say so.

    Without an index, a search is exact. Rows that are added later are compared one by one until
    `mshub gallery compact`.
    """
    made = _open(path, writable=True).index(partitions=partitions, recall=recall)
    _report(style, path, **vars(made), text=f"{path}: {_index_text(made)}")


@gallery.command()
@_gallery_argument
@click.option(
    "--now",
    is_flag=True,
    help="Remove old versions at once, and all traces of removed rows; nobody else may use it then.",
)
@format_option
def compact(path: str, now: bool, style: str) -> None:
    """Tidy up after many changes: few large files, new rows in the index, no old versions."""
    found = _open(path, writable=True)
    found.compact(now=now)
    size = found.info().get("bytes")
    text = f"{path}: {count(len(found), 'row')}" + (f", {size:,} bytes" if size else "")
    _report(style, path, rows=len(found), bytes=size, text=text)


def _open(path: str, *, writable: bool = False) -> Gallery:
    from mindspore_hub.tasks import required_by

    with required_by("A gallery"):
        from mindspore_hub.gallery.gallery import Gallery
    return Gallery(path, writable=writable)


def _add_features(found: Gallery, features: Features) -> int:
    """Add many features, a part at a time where that is no more work."""
    import numpy as np

    size = len(features) if found.kind == "npz" else 8192
    starts = range(0, len(features), size)
    places = np.arange(len(features))
    if len(starts) == 1:
        return found.add(features)
    from mindspore_hub.gallery.origin import digests_of

    digests = digests_of(
        features
    )  # as those of the whole file; equal rows are told apart by their turn
    parts = (places[start : start + size] for start in starts)
    from dataclasses import replace

    return sum(found.add(replace(features.take(part), digests=digests[part])) for part in parts)


def _enrol(
    found: Gallery,
    name: str,
    source: Path,
    *,
    pattern: str | None,
    progress: Progress | None,
    modality: str | None,
    batch_size: int,
    skip_bad: bool,
    hub: Hub,
    runtime: str | None,
    precision: str,
    threads: int | None,
    **extras: Path | None,
) -> Enrolled:
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
        progress=progress,
        runtime=runtime,
        precision=precision,
        threads=threads,
    )
    pictures = list_samples(source, **extras)
    return embedding.enrol(pictures, found, known=known_of(pictures, pattern))


def _listed(parts: Iterator[Features], most: int) -> Iterator[dict[str, Any]]:
    from mindspore_hub.gallery.origin import digests_of, ids_of

    for part in parts:
        ids = ids_of(digests_of(part)).tolist()
        columns = [part.known(name).tolist() for name in ("labels", "cameras", "paths", "digests")]
        for row in zip(ids, *columns, strict=True):
            if not most:
                return
            most -= 1
            yield dict(zip(("id", "label", "camera", "path", "digest"), row, strict=True))


def _index_text(made: Measured) -> str:
    return (
        f"{made.kind} with {made.partitions} lists. A search looks at {made.probes} of them and finds "
        f"{made.recall:.1%} of the nearest {made.k}; with a filter, at {made.filtered_probes} and "
        f"{made.filtered_recall:.1%} (measured with {made.sample} of {made.rows:,} rows)"
    )


def _report(style: str, path: str, *, text: str, **facts: Any) -> None:
    if style == "json":
        print_json({"path": path, **facts})
    else:
        echo(text)

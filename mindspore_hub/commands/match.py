"""The command `mshub match`. What it needs, it imports when it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import one_line, printable_json
from mindspore_hub.commands._options import (
    EXISTING_FILE,
    EXISTING_FOLDER,
    FILE,
    calibration_option,
    false_matches_option,
    force_option,
    format_option,
    refuse_existing,
    where_option,
)
from mindspore_hub.commands._output import echo, print_table
from mindspore_hub.tasks.retrieval.task import DISTANCES

if TYPE_CHECKING:
    from mindspore_hub.tasks.retrieval.calibration import Calibration
    from mindspore_hub.tasks.retrieval.matches import Matches

_QUERIES = 100
"""How many queries the table shows; there may be very many."""


@click.command()
@click.argument("query", metavar="QUERY.npz", type=EXISTING_FILE)
@click.argument("gallery", metavar="[GALLERY]", type=click.Path(path_type=str), required=False)
@click.option("-k", type=click.IntRange(min=1), default=10, show_default=True, help="Neighbours.")
@click.option(
    "--distance",
    type=click.Choice(DISTANCES),
    help="What ranks; by default what the features say, else dot.",
)
@click.option("--rerank", is_flag=True, help="Rank again by k-reciprocal encoding.")
@click.option("--k1", type=int, help="With --rerank: neighbours that may be reciprocal, 20.")
@click.option("--k2", type=int, help="With --rerank: neighbours that are averaged over, 6.")
@click.option(
    "--original-share", type=float, help="With --rerank: share of the distance before, 0.3."
)
@click.option(
    "--index",
    metavar="TEXT",
    help="Search with faiss: Flat, HNSW32, 'IVF1024,Flat;nprobe=32', ...",
)
@where_option
@click.option("--exact", is_flag=True, help="Leave the index of a gallery of LanceDB alone.")
@click.option(
    "--calibrate",
    "labelled",
    metavar="LABELLED.npz",
    type=EXISTING_FILE,
    help="Say where there is no match: beyond a threshold that is found with these labelled features "
    "and --false-matches.",
)
@false_matches_option(required=False)
@calibration_option
@click.option(
    "--sheet",
    "sheets",
    metavar="FILE.png|FILE.html",
    type=FILE,
    multiple=True,
    help="Write a contact sheet; may be given again.",
)
@click.option(
    "--sheet-queries",
    type=click.IntRange(min=1),
    default=20,
    show_default=True,
    help="Queries on a sheet, evenly spread over all.",
)
@click.option("--images", type=EXISTING_FOLDER, help="Folder of the pictures, for a sheet.")
@click.option(
    "--gallery-images", type=EXISTING_FOLDER, help="That of the gallery, if it is another one."
)
@force_option
@format_option
def match(
    query: Path,
    gallery: str | None,
    k: int,
    distance: str | None,
    index: str | None,
    where: str | None,
    exact: bool,
    labelled: Path | None,
    false_matches: float | None,
    calibration: Path | None,
    sheets: tuple[Path, ...],
    sheet_queries: int,
    images: Path | None,
    gallery_images: Path | None,
    force: bool,
    style: str,
    **rerank: Any,
) -> None:
    """Find the nearest gallery images of each query, and write contact sheets of them.

    QUERY.npz is features, such as `mshub embed` writes; GALLERY is another such file, or a gallery
    (`mshub gallery`). Without one, images are looked up among themselves; a file with roles, such as that of an evaluation, holds queries
    and gallery of its own, and its first trial is taken.
    """
    from mindspore_hub.tasks.retrieval import match as find

    _check_endings(sheets)
    if not sheets and (images or gallery_images):
        msg = "--images and --gallery-images mean nothing without --sheet; add it."
        raise click.UsageError(msg)
    if gallery is not None and "://" not in gallery and not Path(gallery).exists():
        msg = f"{gallery} does not exist."
        raise click.BadParameter(msg, param_hint="[GALLERY]")
    refuse_existing(*sheets, force=force)
    options = _rerank(**rerank)
    found = find(
        query,
        gallery,
        k=k,
        distance=distance,
        rerank=options,
        index=index,
        where=where,
        exact=exact,
        calibration=_calibration(labelled, false_matches, calibration, distance),
    )
    if style == "json":
        echo(printable_json(found.to_json()))
    else:
        _print(found)
    for sheet in sheets:
        found.save_sheet(sheet, images=images, gallery_images=gallery_images, queries=sheet_queries)


def _calibration(
    labelled: Path | None, rate: float | None, file: Path | None, distance: str | None
) -> Calibration | Path | None:
    if (labelled is None) != (rate is None) or (labelled and file):
        msg = "give --calibrate LABELLED.npz with --false-matches RATE, or --calibration FILE"
        raise click.UsageError(msg)
    if labelled is None or rate is None:
        return file
    from mindspore_hub.tasks.retrieval import calibrate

    return calibrate(labelled, false_match_rate=rate, distance=distance)


def _check_endings(sheets: tuple[Path, ...]) -> None:
    """Refuse a sheet of another kind before the search, which takes long."""
    for sheet in sheets:
        if sheet.suffix.lower() not in {".png", ".html"}:
            msg = f"{sheet} must end in .png or .html, since that says what to write."
            raise click.UsageError(msg)


def _rerank(*, rerank: bool, **options: float | None) -> bool | dict[str, float]:
    given = {name: value for name, value in options.items() if value is not None}
    if given and not rerank:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        msg = f"{names} means nothing without --rerank; add it."
        raise click.UsageError(msg)
    return given or rerank


def _print(found: Matches) -> None:
    shown = min(len(found.query), _QUERIES)
    known = (("Right",) if found.correct is not None else ()) + (
        ("Match",) if found.calibration is not None else ()
    )
    header = ("Query", "Rank", "Nearest", "Distance", *known)
    print_table(header, (row for query in range(shown) for row in _rows(found, query)))
    if shown < len(found.query):
        echo(f"{len(found.query) - shown:,} more queries; --format json lists all.", err=True)
    for note in _notes(found):
        echo(note, err=True)


def _notes(found: Matches) -> Iterator[str]:
    """How the search was made, where that is not by comparing all; what is no match."""
    if found.how and found.how["kind"] != "exact":
        yield (
            f"Found by an index, {found.how['kind']}, whose recall is {found.how['recall']:.1%} "
            f"({found.how['measured']}); --exact compares with every row."
        )
    if found.calibration is not None:
        lacking = sum(not found.is_match(query) for query in range(len(found.query)))
        yield (
            f"{lacking:,} of {len(found.query):,} queries have no match within "
            f"{found.calibration.threshold:#.4g} (false match rate {found.calibration.false_match_rate:g})."
        )


def _rows(found: Matches, query: int) -> Iterator[tuple[str, ...]]:
    for item in found.nearest(query):
        name = found.name(query) if item.rank == 1 else ""
        marks = [_mark(mark) for mark in (item.correct, item.match) if mark is not None]
        if item.rank == 1 and item.match is False:
            marks[-1] = "no match"
        cells = (name, str(item.rank), item.name, f"{item.distance:#.4g}", *marks)
        yield tuple(map(one_line, cells))


def _mark(value: bool) -> str:
    return "✓" if value else "✗"

"""`mshub search`, and `mshub index`, which writes what it searches."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mindspore_hub.commands._options import EXISTING_FOLDER, FILE, Group, format_option, hub_option
from mindspore_hub.commands._output import echo, print_json, print_table

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.search import PublishedFile

_SHOWN = 30
"""How many files a terminal shows without being asked for more."""


@click.command()
@click.argument("words", nargs=-1)
@click.option("--dataset", help="Data set of a card, such as imagenet2012.")
@click.option("--task", help="Task of a card; most published cards state none.")
@click.option("--model", help="Name of the model, or its begin.")
@click.option("--release", help="MindSpore release of a card, such as 1.9.")
@click.option("--metric", help="Metric of a card, such as mIoU; sorts what fits alike, best first.")
@click.option("--loadable", is_flag=True, help="Only files that `mshub load` makes a network of.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    help=f"Show at most so many, 0 for all; by default {_SHOWN} in a table, and all as JSON.",
)
@hub_option()
@format_option
def search(
    words: tuple[str, ...],
    dataset: str | None,
    task: str | None,
    model: str | None,
    release: str | None,
    metric: str | None,
    loadable: bool,
    limit: int | None,
    hub: Hub,
    style: str,
) -> None:
    """Search all published files by WORDS: names, models, data sets, tasks, metrics, releases.

    Every word must be there; case and punctuation do not matter, and a part of a word is enough.
    """
    from mindspore_hub.hub.search import search as find

    files = find(
        words,
        dataset=dataset,
        task=task,
        model=model,
        release=release,
        metric=metric,
        loadable=loadable,
        hub=hub,
    )
    show_files(files, style, _SHOWN if limit is None and style == "human" else limit or 0)


def show_files(files: list[PublishedFile], style: str, limit: int = 0) -> None:
    """Print published files, at most `limit` of them unless that is 0."""
    from mindspore_hub._text import count

    shown = files[:limit] if limit else files
    if style == "json":
        print_json([file.to_dict() for file in shown])
        return
    if not files:
        echo("No published file fits. Try fewer words, or fewer letters of them.", err=True)
        return
    rows = [
        (file.name, file.use, file.entry.dataset, file.entry.evaluation, ", ".join(file.releases))
        for file in shown
    ]
    print_table(("Name", "Use", "Data set", "Published metric", "Releases"), rows, optional=1)
    if len(shown) < len(files):
        echo(
            f"The first {len(shown)} of {count(len(files), 'file')}; --limit 0 shows all.", err=True
        )


_USES = {
    "loads": "`mshub load` makes its network",
    "weights": "weights only: there is no network for it here",
    "reference": "reference only: it publishes no checkpoint that could be verified",
}


def facts_of(file: PublishedFile) -> dict[str, object]:
    """What `mshub info` shows of a published file beside the facts of its card."""
    entry = file.entry
    where = {"repository": entry.repo, "branch": entry.ref, "folder": entry.path}
    releases = [
        "  ".join(part for part in (item.release, item.uid, item.asset.get("link")) if part)
        for item in file.entries
    ]
    return {
        "code": {key: value for key, value in where.items() if value},
        "releases": releases,
        "use": _USES[file.use],
        "command": file.command,
    }


@click.group(cls=Group)
def index() -> None:
    """The index of published cards, which a hub may have beside its own."""


@index.command()
@click.argument("folder", type=EXISTING_FOLDER)
@click.option(
    "-o",
    "--output",
    type=FILE,
    default=Path("index.jsonl.xz"),
    show_default=True,
    help="File to write; a hub has it as assets/index.jsonl.xz.",
)
@click.option("--check", is_flag=True, help="Write nothing; print the diff and exit with 1.")
def build(folder: Path, output: Path, check: bool) -> None:
    """Write the index of all cards in FOLDER, a hub root or any folder of cards."""
    from mindspore_hub._files import replace
    from mindspore_hub.authoring.index import build as build_index
    from mindspore_hub.authoring.index import differences

    data = build_index(folder)
    if not check:
        replace(output, data)
        echo(str(output))
        return
    found = differences(output, data)
    echo(found, nl=False)
    if found:
        echo(f"{output} is stale; run `mshub index build` without --check.", err=True)
        sys.exit(1)

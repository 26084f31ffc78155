"""The command `mshub generate`: what follows from the cards of a hub."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from mindspore_hub.commands._output import echo


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; print the diff and exit with 1.")
@click.option(
    "--root",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Hub root; the current folder by default.",
)
def generate(check: bool, root: Path) -> None:
    """Write the entry points and the README's table of models from the cards."""
    from mindspore_hub.authoring import generate as generator

    if not (root / "assets").is_dir():
        msg = f"{root.absolute()} has no folder of cards, assets; give the hub root with --root."
        raise click.UsageError(msg)
    if check:
        diff = "".join(generator.differences(root))
        echo(diff, nl=False)
        if diff:
            echo("Generated files are stale; run `mshub generate`.", err=True)
            sys.exit(1)
        return
    for path in generator.write(root):
        echo(str(path))

"""Print the sha256 that a card needs: `python -m tools.get_sha256 FILE...`, like sha256sum."""

from pathlib import Path

import click

from mindspore_hub._output import echo
from mindspore_hub.cli import run
from mindspore_hub.store.cache import digest


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False))
def get_sha256(files: tuple[str, ...]) -> None:
    """Print the sha256 of each file, as `asset-sha256` wants it."""
    for name in files:
        with Path(name).open("rb") as file:
            echo(f"{digest(file)}  {name}")


if __name__ == "__main__":
    run(get_sha256)

"""Print the sha256 that a card needs: `python -m tools.get_sha256 FILE...`, like sha256sum.

Upstream's `--file FILE` is the same as FILE.
"""

import click

from mindspore_hub import _files
from mindspore_hub.commands._output import echo
from mindspore_hub.commands.main import run
from mindspore_hub.files.store import digest

_FILE = click.Path(exists=True, dir_okay=False)


@click.command()
@click.argument("files", nargs=-1, type=_FILE)
@click.option("--file", "named", multiple=True, type=_FILE, help="The same as FILES.")
def get_sha256(files: tuple[str, ...], named: tuple[str, ...]) -> None:
    """Print the sha256 of each file, as `asset-sha256` wants it."""
    if not files and not named:
        msg = "Give at least one file."
        raise click.UsageError(msg)
    for name in (*files, *named):
        try:
            file = _files.open_regular(name)
        except OSError as error:
            msg = f"{name} cannot be read: {error.strerror}."
            raise click.UsageError(msg) from error
        with file:
            echo(f"{digest(file)}  {name}")


if __name__ == "__main__":
    run(get_sha256)

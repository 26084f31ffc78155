"""The command `mshub generate`: what follows from the cards of a hub."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mindspore_hub.commands._options import hub_option
from mindspore_hub.commands._output import echo

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; print the diff and exit with 1.")
@hub_option(here=True)
def generate(check: bool, hub: Hub) -> None:
    """Write entry points, tables of models and bodies that families share from the cards."""
    from mindspore_hub.authoring import generate as generator

    if check:
        diff = "".join(generator.differences(hub.root))
        echo(diff, nl=False)
        if diff:
            echo("Generated files are stale; run `mshub generate`.", err=True)
            sys.exit(1)
        return
    for path in generator.write(hub.root):
        echo(str(path))

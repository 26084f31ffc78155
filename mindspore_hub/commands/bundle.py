"""The commands `mshub bundle ...`. What a command needs, it imports when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mindspore_hub._text import count
from mindspore_hub.commands._options import (
    Group,
    dry_run_option,
    force_option,
    format_option,
    hub_option,
    settings_of_command,
)
from mindspore_hub.commands._output import echo, print_json

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub

_Folder = click.Path(path_type=Path)


class _Bundle(Group):
    """A group whose first word is a card unless it is a command: `mshub bundle MVD folder`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if args and args[0] not in {*self.commands, *ctx.help_option_names}:
            args = ["create", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_Bundle, subcommand_metavar="NAME DIR | verify DIR")
def bundle() -> None:
    """Make a folder that upstream's client loads without this package, or verify one.

    NAME is any name or path of a card. `mshub bundle create --help` and `mshub bundle verify
    --help` say more.
    """


@bundle.command()
@click.argument("name")
@click.argument("folder", metavar="DIR", type=_Folder)
@click.option("--checkpoint", is_flag=True, help="With the checkpoint and golden outputs.")
@force_option
@dry_run_option
@hub_option(trust=True)
@format_option
def create(
    name: str, folder: Path, checkpoint: bool, force: bool, dry_run: bool, hub: Hub, style: str
) -> None:
    """Write the bundle of the card NAME to the new folder DIR.

    It holds the card, its entry point, and the network with all that it imports. The checkpoint is
    taken from the store, or downloaded into it, and written under the names of the network.
    """
    from mindspore_hub.authoring import bundle as making
    from mindspore_hub.networks.classes import find_network

    card, hub = find_network(name, hub)
    names = making.file_names(card, hub, checkpoint=checkpoint)
    making.check_target(folder, force=force)
    if not dry_run:
        settings = settings_of_command()
        making.create(card, hub, folder, checkpoint=checkpoint, force=force, settings=settings)
    if style == "json":
        facts = {"uid": card.uid, "folder": str(folder), "files": names, "dry_run": dry_run}
        print_json(facts)
        return
    for file in names:
        echo(str(folder / file))
    verb = "Would write" if dry_run else "Wrote"
    echo(f"{verb} {count(len(names), 'file')} for {card.uid}", err=True)


@bundle.command()
@click.argument("folder", metavar="DIR", type=_Folder)
@click.option("--trust", is_flag=True, help="Run its code even if this package would write other.")
@format_option
def verify(folder: Path, trust: bool, style: str) -> None:
    """Verify the bundle DIR, offline.

    Every file is compared with its sha256, and the network is created. With a checkpoint, every
    parameter is loaded strictly, and outputs for a drawn sample are compared with those recorded
    when the bundle was made, in PyNative and GRAPH mode.
    """
    from dataclasses import asdict

    from mindspore_hub.authoring.bundle_verify import verify as prove

    proof = prove(folder, trust=trust)
    if style == "json":
        print_json(asdict(proof))
        return
    echo(f"{proof.uid}: {count(proof.files, 'file')} as made, {proof.network} created")
    if not proof.deviations:
        echo("It has no checkpoint, so nothing was loaded or computed.")
        return
    echo(f"{count(proof.parameters, 'parameter')} loaded, none missing, none left over")
    for mode, deviation in proof.deviations.items():
        echo(f"Outputs in {mode} mode differ by {deviation:.1e} of the largest value")

"""The commands `mshub list` and `mshub info`: what the cards of the hub say."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mindspore_hub.commands._options import format_option, hub_option
from mindspore_hub.commands._output import print_facts, print_json, print_table

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub


@click.command("list")
@click.argument("version", required=False)
@click.option("--all", "everything", is_flag=True, help="List all files of the index as well.")
@hub_option()
@format_option
def list_(version: str | None, everything: bool, hub: Hub, style: str) -> None:
    """List the cards of the hub, of one VERSION (1.9) or of all."""
    if everything:
        _list_files(version, hub, style)
        return
    from mindspore_hub.info import to_json
    from mindspore_hub.list import cards_of

    cards = cards_of(version, hub)
    if style == "json":
        print_json([to_json(card) for card in cards])
        return
    rows = [
        (
            card.short_name,
            card.text("evaluation"),
            card.asset_text("asset-size"),
            card.uid,
        )
        for card in cards
    ]
    print_table(("Name", "Published metric", "Download", "Uid"), rows, optional=1)


def _list_files(version: str | None, hub: Hub, style: str) -> None:
    """List all published files of a release, or all."""
    from mindspore_hub.commands.index_search import show_files
    from mindspore_hub.hub.search import search

    files = search(release=None if version == "master" else version, hub=hub)
    show_files(sorted(files, key=lambda file: file.name.lower()), style)


@click.command()
@click.argument("name")
@hub_option()
@format_option
def info(name: str, hub: Hub, style: str) -> None:
    """Show the facts of the card that NAME means."""
    from mindspore_hub.info import info as card_info

    found = card_info(name, hub=hub)
    if style == "json":
        print_json(found.to_dict())
        return
    facts = {key: value for key, value in vars(found).items() if key not in {"_card", "published"}}
    if found.published:
        from mindspore_hub.commands.index_search import facts_of

        facts.update(facts_of(found.published))
    print_facts({key: value for key, value in facts.items() if value not in (None, "", [], {})})

"""The commands `mshub cache ...` and `mshub verify`. What a command needs, it imports when it runs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count, size
from mindspore_hub.commands._options import (
    Group,
    dry_run_option,
    format_option,
    hub_option,
    settings_of_command,
)
from mindspore_hub.commands._output import echo, print_json, print_table
from mindspore_hub.errors import IntegrityError

if TYPE_CHECKING:
    from mindspore_hub.files.store import Store
    from mindspore_hub.files.upkeep import Checked, Entry
    from mindspore_hub.hub.hub import Hub

_SECONDS = {"h": 3600, "d": 86400, "w": 604800}


def _seconds(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """A time span such as 12h, 30d or 2w, in seconds."""
    if value is None:
        return None
    match = re.fullmatch(r"([0-9]{1,6})([hdw])", value)
    if not match:
        msg = f"{value!r} is not a time span; write 12h, 30d or 2w."
        raise click.BadParameter(msg)
    return float(match[1]) * _SECONDS[match[2]]


@click.group(cls=Group)
def cache() -> None:
    """See what the store holds, and free space."""


@cache.command("dir")
def dir_() -> None:
    """Print the folder of the store."""
    echo(str(settings_of_command().home.absolute()))


@cache.command()
@hub_option()
@format_option
def ls(hub: Hub, style: str) -> None:
    """List what the store holds: files, unfinished downloads and damaged files.

    A file that is "not verified" is hashed at its next use, like every new or changed one.
    """
    from mindspore_hub.files.upkeep import foreign_size

    store, entries = _survey(hub)
    taken, foreign = sum(entry.size for entry in entries), foreign_size(store.home)
    if style == "json":
        facts = [_facts(entry) for entry in entries]
        print_json({"home": str(store.home), "entries": facts, "size": taken, "foreign": foreign})
        return
    if entries:
        print_table(("Name", "Size", "Last use", "State"), map(_row, entries))
        echo()
    echo(f"{count(len(entries), 'file')}, {size(taken)} in {store.home}")
    if foreign:
        echo(f"Other programs' files there, which are left alone: {size(foreign)}")


@cache.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@dry_run_option
@hub_option()
@format_option
def rm(names: tuple[str, ...], dry_run: bool, hub: Hub, style: str) -> None:
    """Remove the files of cards, and all that is known of them.

    NAME may also be a sha256 or its beginning (8 digits or more). Cards may share a
    file: it goes for all of them, and the next load downloads it again. What is not in the store
    is not an error; what is being downloaded is.
    """
    from mindspore_hub.errors import StoreError
    from mindspore_hub.files.upkeep import meant

    store, entries = _survey(hub)
    digests = {name: meant(name, entries, hub) for name in names}
    stored = {entry.sha256 for entry in entries}
    for name in (name for name, found in digests.items() if not found & stored):
        echo(f"{name} is not in the store.", err=True)
    chosen = [entry for entry in entries if entry.sha256 in set().union(*digests.values())]
    removed = _remove(store, chosen, style, dry_run=dry_run)
    left = [entry for entry in chosen if entry not in removed and entry.paths[0].exists()]
    if left:
        files = ", ".join(str(entry.paths[0]) for entry in left)
        msg = (
            f"Left alone, because a download may be writing there: {files}. Try again when it has "
            "ended."
        )
        raise StoreError(msg)


@cache.command()
@click.option(
    "--older-than",
    callback=_seconds,
    metavar="AGE",
    help="Remove files, too, that were not used for so long: 12h, 30d, 2w.",
)
@click.option("--keep-default", is_flag=True, help="Keep files of default cards however old.")
@dry_run_option
@hub_option()
@format_option
def prune(
    older_than: float | None, keep_default: bool, dry_run: bool, hub: Hub, style: str
) -> None:
    """Remove what is not needed.

    That is: downloads that ended unfinished, damaged files, and files that no card names any more
    and nothing used for a day. What is being downloaded is left alone.
    """
    import time

    from mindspore_hub.files.upkeep import prunable

    # The file of a card that is left out would look unwanted.
    store, entries = _survey(hub.complete())
    defaults = {card.asset.sha256 for card in hub.cards if card.is_default and card.asset}
    kept = defaults if keep_default else set()
    chosen = prunable(entries, now=time.time(), older_than=older_than, kept=kept)
    _remove(store, chosen, style, dry_run=dry_run)


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@hub_option()
@format_option
def verify(names: tuple[str, ...], hub: Hub, style: str) -> None:
    """Hash the stored files of cards, or all files of the store, and move damaged ones away.

    Files are hashed whether or not they were hashed before; those of extra caches are hashed, too,
    and stay where they are. Exits with 4 if any is damaged, else with 6 if that of a NAME is not
    stored.
    """
    from mindspore_hub.errors import OfflineError
    from mindspore_hub.files.checkpoint import loadable_asset
    from mindspore_hub.files.store import stores_of
    from mindspore_hub.files.upkeep import owners_of

    settings = settings_of_command()
    named = {name: hub.resolve(name) for name in names}
    digests = {name: loadable_asset(card).sha256 for name, card in named.items()}
    owners = {
        sha256: tuple(sorted({named[name].uid for name in names if digests[name] == sha256}))
        for sha256 in digests.values()
    }
    if not names:
        owners = owners_of(hub.cards)
        owners |= {entry.sha256: entry.uids for entry in _survey(hub)[1] if entry.is_file}
    checked = _check(stores_of(settings), owners, style)
    stored = {item.sha256 for item in checked}
    advice = "{0} is not in the store; `mshub download {0}` brings it."
    absent = [name for name, sha256 in digests.items() if sha256 not in stored]
    errors = [*(item.error for item in checked if item.error)]
    errors += [OfflineError(advice.format(name)) for name in absent]
    if errors:
        gravest = min(errors, key=lambda error: error.exit_code != IntegrityError.exit_code)
        raise type(gravest)("\n".join(map(str, errors)))


def _survey(hub: Hub) -> tuple[Store, list[Entry]]:
    """The store, and what it holds of the cards of a hub and others."""
    from mindspore_hub.files.store import Store
    from mindspore_hub.files.upkeep import inventory

    store = Store(settings_of_command().home)
    return store, inventory(store, hub.cards)


def _remove(store: Store, chosen: Sequence[Entry], style: str, *, dry_run: bool) -> list[Entry]:
    """Remove entries, and print what is gone even if not all of them can go."""
    import time

    from mindspore_hub.files.upkeep import discard

    removed: list[Entry] = []
    try:
        removed.extend(discard(store, chosen, now=time.time(), dry_run=dry_run))
    finally:
        _print_removed(removed, style, dry_run=dry_run)
    return removed


def _print_removed(removed: Sequence[Entry], style: str, *, dry_run: bool) -> None:
    freed = sum(entry.size for entry in removed)
    if style == "json":
        facts = [_facts(entry) for entry in removed]
        print_json({"removed": facts, "freed": freed, "dry_run": dry_run})
        return
    if removed:
        print_table(("Name", "Size", "Last use", "State"), map(_row, removed))
        echo()
    verb = "Would free" if dry_run else "Freed"
    echo(f"{verb} {size(freed)} of {count(len(removed), 'file')}")


def _check(
    stores: Sequence[Store], owners: Mapping[str, tuple[str, ...]], style: str
) -> list[Checked]:
    """Hash files, and print which are whole."""
    from mindspore_hub._progress import bar, lines
    from mindspore_hub.files.upkeep import check

    show = lines if style == "json" else bar
    with show("Verifying", shown=settings_of_command().progress) as progress:
        checked = list(check(stores, owners, progress=progress))
    if style == "json":
        print_json([_checked_facts(item, owners[item.sha256]) for item in checked])
        return checked
    rows = [
        (_name(owners[item.sha256], item.sha256), size(item.size), _verdict(item))
        for item in checked
    ]
    whole = sum(item.error is None for item in checked)
    if rows:
        print_table(("Name", "Size", "State"), rows)
        echo()
    echo(f"Verified {whole} of {count(len(checked), 'stored file')}")
    return checked


def _checked_facts(item: Checked, uids: Sequence[str]) -> dict[str, Any]:
    return {
        "uids": list(uids),
        "sha256": item.sha256,
        "path": str(item.path),
        "size": item.size,
        "state": _verdict(item),
    }


def _verdict(item: Checked) -> str:
    if item.error is None:
        return "verified"
    return "damaged" if isinstance(item.error, IntegrityError) else "unreadable"


def _facts(entry: Entry) -> dict[str, Any]:
    from datetime import datetime, timezone

    return {
        "uids": list(entry.uids),
        "sha256": entry.sha256,
        "path": str(entry.paths[0]),
        "size": entry.size,
        "total": entry.total,
        "used": datetime.fromtimestamp(entry.used, timezone.utc).isoformat(timespec="seconds"),
        "state": entry.state.value,
    }


def _row(entry: Entry) -> tuple[str, ...]:
    import time

    state = entry.state.value
    if state == "unfinished":
        total = "unknown size" if entry.total is None else size(entry.total)
        state = f"{state}, {size(entry.size)} of {total}"
    used = time.strftime("%Y-%m-%d", time.localtime(entry.used))
    return _name(entry.uids, entry.sha256), size(entry.size), used, state


def _name(uids: Sequence[str], sha256: str) -> str:
    """What `mshub cache rm` takes for it."""
    return "\n".join(uids) or sha256[:12]

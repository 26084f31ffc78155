"""The command `mshub demo`: the whole way from cards to matched pictures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from shutil import disk_usage
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import size
from mindspore_hub.commands._output import echo
from mindspore_hub.errors import NetworkError, OfflineError, StoreError
from mindspore_hub.hub.hub import Hub
from mindspore_hub.settings import Settings

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.hub.card import Card

MODEL = "MVD"
SAMPLES = Path(__file__).parents[1] / "samples"

Say = Callable[[str], Any]


@click.command()
def demo() -> None:
    """Check cards and entry points, load MVD, and match bundled sample images with it."""
    sys.exit(run(echo))


def run(say: Say) -> int:
    """Check the hub, load MVD and match the bundled pictures with it; `say` takes each line of output.

    Gives the exit code, 1 if a card or an entry point is not as it should be.
    """
    from mindspore_hub.authoring.generate import differences
    from mindspore_hub.checking.check import check_paths
    from mindspore_hub.commands.load_download import describe

    root = Hub.of().root
    findings, cards = check_paths([root])
    say(f"{cards} cards checked, {len(findings)} findings")
    stale = "".join(differences(root))
    say(f"entry points {'stale' if stale else 'up to date'}")
    if findings or stale:
        say("\n".join([*map(str, findings), stale]))
        return 1
    network = load_network(say)
    say(
        f"{MODEL} loaded: {describe(network, Hub.of().resolve(MODEL).inputs)['parameters']:,} parameters"
    )
    for line in _match(network):
        say(line)
    return 0


def load_network(say: Say) -> nn.Cell:
    """MVD with its published checkpoint, or with random weights where that cannot be reached.

    `say` is told so in one line.
    """
    from mindspore_hub.networks.build import build

    published = Hub.of().resolve(MODEL)
    settings = Settings.from_environment()
    try:
        hasty = replace(settings, timeout=min(10, settings.timeout), retries=0)
        return build(published, Hub.of(), settings=hasty)
    except (NetworkError, OfflineError):
        say(
            "The published checkpoint cannot be reached from here. The weights below are RANDOM: "
            "a stand-in with the published names, fetched, verified and loaded the same way; which "
            "picture is nearest means nothing."
        )
    with TemporaryDirectory(prefix="mshub-demo-") as name:
        folder = Path(name)
        card = write_stand_in(published, folder)
        mirrors = (str(folder / "mirror"),)
        settings = replace(settings, home=folder / "store", mirrors=mirrors)
        return build(card, Hub.of(), settings=settings)


def write_stand_in(published: Card, folder: Path) -> Card:
    """Write a folder `mirror` with a random checkpoint of the published structure, and a card for it.

    A StoreError says that there is no room for the checkpoint and for a store's copy of it.
    """
    import mindspore

    from mindspore_hub.files.checkpoint import loadable_asset
    from mindspore_hub.files.store import digest
    from mindspore_hub.hub.card import read_card
    from mindspore_hub.networks.build import create

    asset = loadable_asset(published)
    network = create(published, Hub.of())
    _require_space(folder, 2 * sum(parameter.nbytes for parameter in network.get_parameters()))
    file = folder / "mirror" / asset.file_name
    file.parent.mkdir()
    mindspore.save_checkpoint(
        [
            {"name": _published_name(name, parameter), "data": parameter}
            for name, parameter in network.parameters_and_names()
        ],
        str(file),
    )
    with file.open("rb") as stream:
        text = published.path.read_text(encoding="utf-8").replace(asset.sha256, digest(stream))
    card = folder / f"{published.name}.md"
    card.write_text(text, encoding="utf-8")
    return read_card(card, published.uid)


def _require_space(folder: Path, needed: int) -> None:
    free = disk_usage(folder).free
    if free < needed:
        msg = (
            f"The stand-in takes {size(needed)} in {folder.parent}, where {size(free)} are free; "
            "set TMPDIR to a folder with more space."
        )
        raise StoreError(msg)


def _published_name(name: str, parameter: Any) -> str:
    """Training left one prefix on what it trains and another on running statistics."""
    return f"{'optimizer' if parameter.requires_grad else 'network'}._backbone.{name}"


def _match(network: nn.Cell) -> Iterator[str]:
    """For each infrared picture, the visible picture whose feature is nearest."""
    from mindspore_hub.tasks.retrieval import embed, match

    infrared, visible = (sorted(SAMPLES.glob(f"*-{kind}.png")) for kind in ("infrared", "visible"))
    query, gallery = (embed(MODEL, paths, network=network) for paths in (infrared, visible))
    found = match(query, gallery, k=1)
    for path, (index,), (distance,) in zip(infrared, found.indices, found.distances, strict=True):
        nearest = visible[index].stem
        yield f"{path.stem}: nearest is {nearest} (similarity {-distance:.4f} of at most 4)"

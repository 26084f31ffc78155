"""The commands `mshub load` and `mshub download`: a card's network, and its checkpoint alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import size
from mindspore_hub.commands._output import (
    echo,
    explain_name,
    format_option,
    print_facts,
    print_json,
    settings_of_command,
)

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.hub.values import Input

_force_reload = click.option(
    "--force-reload", is_flag=True, help="Download again even if it is in the store."
)


@click.command()
@click.argument("name")
@explain_name
@click.option("--no-pretrained", is_flag=True, help="Build only; load no checkpoint.")
@_force_reload
@click.option(
    "--trust",
    is_flag=True,
    help="Run the networks of the hub of --hub or MSHUB_HUB, or of the one at the path NAME.",
)
@format_option
def load(name: str, no_pretrained: bool, force_reload: bool, trust: bool, style: str) -> None:
    """Build the network NAME, load its checkpoint, and run it on one random sample.

    With --trust, NAME may also be the path of a hub root with one model, and the network is that of
    the hub that the card is in, whose code runs.
    """
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.load import load as load_network

    path = Path(name).expanduser()
    if trust and path.is_dir():
        path = Hub.of(path).complete().only_card().path
        name = str(path)
    network = load_network(
        name,
        source="local" if trust and path.suffix == ".md" else "gitee",
        pretrained=not no_pretrained,
        force_reload=force_reload,
        trust=trust,
    )
    facts = describe(network, Hub.of().resolve(name).inputs)
    if style == "json":
        print_json(facts)
        return
    facts.update(parameters=f"{facts['parameters']:,}", size=size(facts["size"]))
    for key in ("inputs", "outputs"):
        facts[key] = [f"{tuple(item['shape'])} {item['dtype']}" for item in facts[key]]
    print_facts(facts)


@click.command()
@click.argument("name")
@explain_name
@_force_reload
@format_option
def download(name: str, force_reload: bool, style: str) -> None:
    """Download the checkpoint of NAME into the store, verify it, and print its path."""
    from mindspore_hub._progress import lines
    from mindspore_hub.files.checkpoint import checkpoint, loadable_asset
    from mindspore_hub.files.download import memo_of
    from mindspore_hub.hub.hub import Hub

    hub, settings = Hub.of(), settings_of_command()
    card = hub.resolve(name)
    asset = loadable_asset(card)
    with lines(asset.file_name, shown=settings.progress) as report:
        progress = report if style == "json" else None
        with checkpoint(
            card, hub, settings=settings, force=force_reload, progress=progress
        ) as stored:
            stored.verify(memo_of(settings))
    if style == "json":
        print_json({"uid": card.uid, "path": str(stored.path), "sha256": asset.sha256})
    else:
        echo(str(stored.path))


def describe(network: nn.Cell, stated: Sequence[Input]) -> dict[str, Any]:
    """Facts of a network, with what goes in and comes out for one random sample.

    Numbers are numbers, and `size` is in bytes; `shape` is a list.

    Args:
        network: A network in inference mode.
        stated: Its inputs as its card states them.
    """
    from mindspore_hub.networks import golden

    inputs = golden.draw(golden.inputs_of(network, stated))
    outputs = golden.compute(network, inputs)
    parameters = list(network.get_parameters())
    return {
        "network": type(network).__name__,
        "parameters": sum(parameter.size for parameter in parameters),
        "tensors": len(parameters),
        "size": sum(parameter.nbytes for parameter in parameters),
        "inputs": [_signature(value) for value in inputs],
        "outputs": [_signature(value) for value in outputs],
    }


def _signature(array: Any) -> dict[str, Any]:
    return {"shape": list(array.shape), "dtype": str(array.dtype)}

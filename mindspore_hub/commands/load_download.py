"""The commands `mshub load` and `mshub download`: a card's network, and its checkpoint alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import size
from mindspore_hub.commands._options import (
    checkpoint_option,
    force_reload_option,
    format_option,
    hub_option,
    no_pretrained_option,
    settings_of_command,
)
from mindspore_hub.commands._output import echo, print_facts, print_json

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.values import Input


@click.command()
@click.argument("name")
@no_pretrained_option
@checkpoint_option
@force_reload_option
@hub_option(trust=True)
@format_option
def load(
    name: str,
    no_pretrained: bool,
    checkpoint: Path | None,
    force_reload: bool,
    hub: Hub,
    style: str,
) -> None:
    """Build the network NAME, load its checkpoint, and run it on one random sample.

    With --trust, NAME may also be the path of a hub root with one model.
    """
    if checkpoint and (no_pretrained or force_reload):
        msg = "--checkpoint does not go together with --no-pretrained or --force-reload."
        raise click.UsageError(msg)
    from mindspore_hub.hub.hub import Hub, existing
    from mindspore_hub.load import load as load_network

    path = existing(name)
    if hub.trust and path and path.is_dir():
        hub = Hub.of(path, trust=True).complete()
        name = str(hub.only_card().path)
    network = load_network(
        name,
        hub=hub,
        pretrained=not no_pretrained,
        force_reload=force_reload,
        trust=hub.trust,
        checkpoint=checkpoint,
    )
    facts = describe(network, hub.resolve(name).inputs)
    if style == "json":
        print_json(facts)
        return
    facts.update(parameters=f"{facts['parameters']:,}", size=size(facts["size"]))
    for key in ("inputs", "outputs"):
        facts[key] = [f"{tuple(item['shape'])} {item['dtype']}" for item in facts[key]]
    print_facts(facts)


@click.command()
@click.argument("name")
@click.option(
    "--pin",
    is_flag=True,
    help="Take a file of which only the first digits of the sha256 are published, and pin it to its "
    "whole sha256, which counts from then on.",
)
@force_reload_option
@hub_option()
@format_option
def download(name: str, pin: bool, force_reload: bool, hub: Hub, style: str) -> None:
    """Download the checkpoint of NAME into the store, verify it, and print its path."""
    from mindspore_hub._progress import lines
    from mindspore_hub.files.checkpoint import checkpoint

    settings, card = settings_of_command(), hub.resolve(name)
    file_name = card.asset.file_name if card.asset else ""
    with lines(file_name, shown=settings.progress) as report:
        progress = report if style == "json" else None
        with checkpoint(
            card, hub, settings=settings, force=force_reload, pin=pin, progress=progress
        ) as stored:
            stored.verify()
    if style == "json":
        print_json({"uid": card.uid, "path": str(stored.path), "sha256": stored.sha256})
    else:
        echo(str(stored.path))


def describe(network: nn.Cell, stated: Sequence[Input]) -> dict[str, Any]:
    """Facts of a network in inference mode, with what goes in and comes out for one random sample.

    Numbers are numbers, `size` is in bytes, `shape` a list; `stated` are the inputs that its card states.
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

"""The command `mshub convert`. What it needs, it imports when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count, size
from mindspore_hub.commands._options import (
    force_option,
    format_option,
    hub_option,
    network_option,
    output_option,
    read_file_or_name,
    refuse_existing,
)
from mindspore_hub.commands._output import echo, json_number, print_json
from mindspore_hub.tensors.write import FORMATS

if TYPE_CHECKING:
    from mindspore_hub.hub.card import Card
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.networks.convert import Converted
    from mindspore_hub.networks.examine import Examination
    from mindspore_hub.networks.fit import Fit

_NETWORKS = ("mindir", "onnx")


def _batch_size(_: click.Context, __: click.Parameter, value: str) -> int | None:
    """A number of samples; None for any."""
    if value.lower() == "any":
        return None
    if not value.isdecimal() or int(value) < 1:
        msg = f"{value!r} is not a whole number of at least 1, nor any."
        raise click.BadParameter(msg)
    return int(value)


@click.command()
@click.argument("source", metavar="FILE|NAME")
@click.option("--to", "target", type=click.Choice([*FORMATS, *_NETWORKS]), required=True)
@output_option("The file to write.")
@click.option(
    "--names",
    type=click.Choice(["file", "network"]),
    default="file",
    show_default=True,
    help="Keep all tensors under the names of the file, or write the parameters of the network "
    "under its own; for ckpt and safetensors.",
)
@network_option("Network of a FILE; a NAME has one.")
@click.option(
    "--batch-size",
    metavar="N|any",
    callback=_batch_size,
    default="1",
    show_default=True,
    help="Samples that the written network takes at once. For onnx, any: what is written then is the "
    "derived file that `embed`, `classify` and `eval` compute with, of the outputs that the task of the "
    "card NAME needs.",
)
@click.option(
    "--headless",
    is_flag=True,
    help="With --batch-size any, leave out what tells classes: `embed` needs it so of a classifier.",
)
@force_option
@hub_option(trust=True)
@format_option
def convert(
    source: str,
    target: str,
    output: Path,
    names: str,
    network: str | None,
    batch_size: int | None,
    headless: bool,
    force: bool,
    hub: Hub,
    style: str,
) -> None:
    """Write a checkpoint file in another format, and compare what was written with it.

    FILE and NAME are as in `mshub inspect`. ckpt and safetensors hold the same bytes afterwards.
    mindir and onnx hold the network, too, and their outputs are compared with its own; ONNX needs
    onnxruntime for that. Nothing is kept that differs.
    """
    from mindspore_hub.networks.convert import convert_network, convert_tensors

    refuse_existing(output, force=force)
    if batch_size is None or headless:
        if target != "onnx" or batch_size is not None or network is not None:
            msg = (
                "--batch-size any and --headless go together with --to onnx and the NAME of a card"
            )
            raise click.UsageError(msg)
        _derive(source, hub, output, headless=headless, style=style)
        return
    facts, card = read_file_or_name(source, hub)
    if target in _NETWORKS:
        fit = _fit(source, facts, card, hub, network, needed_by=f"--to {target}")
        done = convert_network(facts, fit, output, format=target, batch_size=batch_size)
    else:
        chosen = None
        if names == "network":
            chosen = _fit(source, facts, card, hub, network, needed_by="--names network").names
        done = convert_tensors(facts, output, format=target, names=chosen)
    if style == "json":
        print_json(_json(done))
    else:
        echo(_text(done))
    if target == "onnx" and done.difference is None:
        echo(
            "The outputs were not compared: `pip install onnxruntime` brings what computes them.",
            err=True,
        )


def _derive(name: str, hub: Hub, output: Path, *, headless: bool, style: str) -> None:
    """Write the derived file of a card, as the store would keep it."""
    from mindspore_hub._files import replacing
    from mindspore_hub.networks.classes import find_network
    from mindspore_hub.networks.convert import Converted
    from mindspore_hub.runtimes.derived import identity, key_of
    from mindspore_hub.runtimes.export import write_sealed
    from mindspore_hub.tasks.needs import needed_by

    wanted = needed_by(*find_network(name, hub), headless=headless)
    with replacing(output) as temporary:
        difference, shapes = write_sealed(wanted, key_of(identity(wanted)), temporary)
        written = temporary.stat().st_size
    inputs: list[tuple[int | str, ...]] = [("any", *shape) for shape in shapes]
    done = Converted(output, "onnx", written, inputs=tuple(inputs), difference=difference)
    print_json(_json(done)) if style == "json" else echo(_text(done))


def _fit(
    name: str,
    facts: Examination,
    card: Card | None,
    hub: Hub,
    network: str | None,
    *,
    needed_by: str,
) -> Fit:
    from mindspore_hub.networks.fit import cards_named, fit

    if network is not None:
        return fit(facts, cards_named(network, hub), hub)
    if card is None:
        msg = (
            f"{needed_by} needs the network: add --network MODEL. `mshub inspect {name} "
            "--network any` says which one fits."
        )
        raise click.UsageError(msg)
    return fit(facts, [card], hub)


def _json(done: Converted) -> dict[str, Any]:
    facts: dict[str, Any] = {"path": str(done.path), "format": done.format, "size": done.size}
    if done.tensors is not None:
        return {**facts, "tensors": done.tensors}
    difference = None if done.difference is None else json_number(done.difference)
    return {**facts, "inputs": done.inputs, "difference": difference}


def _text(done: Converted) -> str:
    written = f"{done.path}: {done.format}, {size(done.size)}"
    if done.tensors is not None:
        return f"{written}, {count(done.tensors, 'tensor')}, every byte compared"
    inputs = ", ".join(map(str, done.inputs)).replace("'", "")
    compared = ""
    if done.difference is not None:
        compared = f", outputs equal within {done.difference:.1e} of the largest value"
    return f"{written}, takes {inputs}{compared}"

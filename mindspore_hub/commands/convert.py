"""The command `mshub convert`. What it needs, it imports when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub._text import count, size
from mindspore_hub.commands._output import echo, format_option, print_json
from mindspore_hub.commands.cli_source import read
from mindspore_hub.networks.words import number

if TYPE_CHECKING:
    from mindspore_hub.networks.convert import Converted
    from mindspore_hub.networks.fit import Fit
    from mindspore_hub.networks.source import Source

_TENSORS = ("ckpt", "safetensors")
_NETWORKS = ("mindir", "onnx")


@click.command()
@click.argument("source", metavar="FILE|NAME")
@click.option("--to", "target", type=click.Choice([*_TENSORS, *_NETWORKS]), required=True)
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write.",
)
@click.option(
    "--names",
    type=click.Choice(["file", "network"]),
    default="file",
    show_default=True,
    help="Keep all tensors under the names of the file, or write the parameters of the network "
    "under its own; for ckpt and safetensors.",
)
@click.option("--network", metavar="MODEL", help="Network of a FILE; a NAME has one.")
@click.option(
    "--batch-size",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Samples that mindir and onnx take at once.",
)
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@format_option
def convert(
    source: str,
    target: str,
    output: Path,
    names: str,
    network: str | None,
    batch_size: int,
    force: bool,
    style: str,
) -> None:
    """Write a checkpoint file in another format, and compare what was written with it.

    FILE and NAME are as in `mshub inspect`. ckpt and safetensors hold the same bytes afterwards.
    mindir and onnx hold the network, too, and their outputs are compared with its own; ONNX needs
    onnxruntime for that. Nothing is kept that differs.
    """
    from mindspore_hub.networks.convert import convert_network, convert_tensors

    if output.exists() and not force:
        msg = f"{output} exists; --force replaces it."
        raise click.UsageError(msg)
    found = read(source)
    if target in _NETWORKS:
        fit = _fit(source, found, network, needed_by=f"--to {target}")
        done = convert_network(found.facts, fit, output, format=target, batch_size=batch_size)
    else:
        kept = None
        if names == "network":
            kept = _fit(source, found, network, needed_by="--names network").names
        done = convert_tensors(found.facts, output, format=target, names=kept)
    if style == "json":
        print_json(_json(done))
    else:
        echo(_text(done))
    if target == "onnx" and done.difference is None:
        echo(
            "The outputs were not compared: `pip install onnxruntime` brings what computes them.",
            err=True,
        )


def _fit(name: str, source: Source, network: str | None, *, needed_by: str) -> Fit:
    from mindspore_hub.networks.fit import cards_named, fit

    if network is not None:
        return fit(source.facts, cards_named(network))
    if source.card is None:
        msg = (
            f"{needed_by} needs the network: add --network MODEL. `mshub inspect {name} "
            "--network any` says which one fits."
        )
        raise click.UsageError(msg)
    return fit(source.facts, [source.card])


def _json(done: Converted) -> dict[str, Any]:
    facts: dict[str, Any] = {"path": str(done.path), "format": done.format, "size": done.size}
    if done.tensors is not None:
        return {**facts, "tensors": done.tensors}
    difference = None if done.difference is None else number(done.difference)
    return {**facts, "inputs": done.inputs, "difference": difference}


def _text(done: Converted) -> str:
    written = f"{done.path}: {done.format}, {size(done.size)}"
    if done.tensors is not None:
        return f"{written}, {count(done.tensors, 'tensor')}, every byte compared"
    inputs = ", ".join(map(str, done.inputs))
    compared = ""
    if done.difference is not None:
        compared = f", outputs equal within {done.difference:.1e} of the largest value"
    return f"{written}, takes {inputs}{compared}"

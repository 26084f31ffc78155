"""`mshub fit`: whether a network of an installed package takes the parameters of a published file."""

from __future__ import annotations

import importlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub.commands._options import EXISTING_FILE, format_option, hub_option
from mindspore_hub.commands._output import print_facts, print_json
from mindspore_hub.errors import TrustError, UnknownNameError

if TYPE_CHECKING:
    from mindspore import nn

    from mindspore_hub.hub.hub import Hub


@click.command()
@click.argument("network", metavar="CLASS")
@click.argument("name")
@click.option(
    "--argument",
    "arguments",
    metavar="KEY=VALUE",
    multiple=True,
    help="Argument of CLASS, such as num_classes=1001; may be given several times.",
)
@click.option(
    "--rename",
    type=EXISTING_FILE,
    help="JSON file with names of the network by those of the file, as an error proposes them.",
)
@click.option(
    "--trust",
    is_flag=True,
    help="Run code of the installed package that CLASS is in; needed each time.",
)
@hub_option()
@format_option
def fit(
    network: str,
    name: str,
    arguments: tuple[str, ...],
    rename: Path | None,
    trust: bool,
    hub: Hub,
    style: str,
) -> None:
    """Set every parameter of CLASS from the file of NAME, strictly, to see whether it fits.

    CLASS is an import path, such as mindcv.models.resnet50; NAME may be the path of a file. What fits
    does not have to compute the same.
    """
    if not trust:
        msg = (
            f"{network} is code of an installed package, which building the network runs; it is not "
            "part of any hub, and nothing of it is checked. If you trust that package, add --trust."
        )
        raise TrustError(msg)
    from mindspore_hub.load import fit as fit_network

    given = dict(map(_argument, arguments))
    names = _names(rename) if rename else None
    fitted = fit_network(_build(network, given), name, rename=names, hub=hub)
    facts = {"network": network, "file": fitted.file, "fits": True, "parameters": len(fitted.names)}
    if style == "json":
        print_json({**facts, "names": fitted.names, "left_out": list(fitted.left_out)})
        return
    if fitted.left_out:
        facts["left out"] = f"{len(fitted.left_out)} tensors of the file"
    facts["fits"] = "yes, with all parameters; whether it computes the same is not known"
    print_facts(facts)


def _build(path: str, arguments: dict[str, Any]) -> nn.Cell:
    """The network that an import path names."""
    from mindspore_hub.networks.framework import require_mindspore

    require_mindspore()
    from mindspore import nn

    module, _, name = path.rpartition(".")
    if not module:
        msg = f"{path!r} is not an import path, such as mindcv.models.resnet50."
        raise click.UsageError(msg)
    try:
        network = getattr(importlib.import_module(module), name)(**arguments)
    except Exception as error:  # whatever its code raises
        msg = f"{path} cannot be built: {type(error).__name__}: {error}"
        raise UnknownNameError(msg) from error
    if not isinstance(network, nn.Cell):
        msg = f"{path} builds a {type(network).__name__}, which is not an nn.Cell."
        raise UnknownNameError(msg)
    return network


def _argument(text: str) -> tuple[str, Any]:
    """Name and value of `num_classes=1001`; what is not JSON is a text."""
    key, separator, value = text.partition("=")
    if not (separator and key.isidentifier()):
        msg = f"--argument {text!r} is not of the form KEY=VALUE."
        raise click.UsageError(msg)
    try:
        return key, json.loads(value)
    except ValueError:
        return key, value


def _names(path: Path) -> dict[str, str | None]:
    try:
        names = json.loads(path.read_bytes())
    except ValueError as error:
        msg = f"{path} is not JSON: {error}."
        raise click.UsageError(msg) from error
    if not isinstance(names, dict) or not all(
        isinstance(name, str | None) for name in names.values()
    ):
        msg = f"{path} is not an object of names, or null for what is left out."
        raise click.UsageError(msg)
    return names

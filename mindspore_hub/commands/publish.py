"""The command `mshub publish`. What it needs, it imports when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mindspore_hub.authoring.facts import KEYS, check_keys, missing, read_facts
from mindspore_hub.commands._options import (
    EXISTING_FILE,
    FILE,
    dry_run_option,
    format_option,
    hub_option,
)
from mindspore_hub.commands._output import echo, print_json, print_table

if TYPE_CHECKING:
    from mindspore_hub.authoring.plan import Request
    from mindspore_hub.authoring.publish import Publication
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.hub.values import Argument

_Command = TypeVar("_Command", bound=Callable[..., Any])


def _fact_options(command: _Command) -> _Command:
    for key, text in reversed(KEYS.items()):
        command = click.option(f"--{key}", help=text)(command)
    return command


@click.command()
@click.argument("checkpoint", metavar="CKPT", type=EXISTING_FILE)
@click.option("--model", required=True, help="Name of the network, which `load` takes.")
@_fact_options
@click.option(
    "--from", "source", type=EXISTING_FILE, help="YAML file of facts; options go before it."
)
@click.option("--network-file", type=EXISTING_FILE, help="File of the network of a new model.")
@click.option(
    "--network-arg",
    "arguments",
    multiple=True,
    metavar="NAME=VALUE",
    help="Constructor argument that the file does not tell.",
)
@click.option(
    "--golden",
    type=FILE,
    help="Outputs to compare with, or to record if there are none.",
)
@dry_run_option
@hub_option(here=True)
@format_option
def publish(
    checkpoint: Path,
    model: str,
    source: Path | None,
    network_file: Path | None,
    arguments: tuple[str, ...],
    golden: Path | None,
    dry_run: bool,
    hub: Hub,
    style: str,
    **options: str | None,
) -> None:
    """Publish the checkpoint CKPT: try it, and write its card and what is generated from it.

    The file is loaded strictly and computes in PyNative and GRAPH mode, which runs the code of the
    network. Nothing is written before everything has passed. What the name of the file and other
    cards of the model do not say is asked for on a terminal, and is an error elsewhere.
    """
    from mindspore_hub.authoring.plan import Request
    from mindspore_hub.authoring.publication import run

    facts, network_args = read_facts(source) if source else ({}, {})
    facts.update({key.replace("_", "-"): value for key, value in options.items() if value})
    check_keys(facts)
    request = Request(
        checkpoint=checkpoint,
        model=model,
        root=hub.root,
        facts=facts,
        network_args={**network_args, **dict(map(_argument, arguments))},
        network=network_file,
        golden=golden,
    )
    if sys.stdin.isatty():
        facts.update(_ask(request))
    publication = run(request, dry_run=dry_run)
    _show(publication, style=style, dry_run=dry_run)


def _argument(text: str) -> tuple[str, Argument]:
    """A constructor argument, typed as a card types it."""
    from mindspore_hub.hub.findings import Place
    from mindspore_hub.hub.values import YamlText, as_argument

    name, separator, value = text.partition("=")
    typed = as_argument(YamlText(value, Place(), True))
    if not separator or not name.isidentifier() or typed is None:
        msg = f"--network-arg is NAME=VALUE, but is {text!r}."
        raise click.UsageError(msg)
    return name, typed


def _ask(request: Request) -> Mapping[str, str]:
    """Ask for what is missing; questions go to stderr."""
    from mindspore_hub.authoring.plan import draft

    _, _, known = draft(request)
    return {key: click.prompt(f"{KEYS[key]}\n{key}", err=True).strip() for key in missing(known)}


def _show(publication: Publication, *, style: str, dry_run: bool) -> None:
    if style == "json":
        print_json(asdict(publication))
        return
    for remark in publication.remarks:
        echo(remark, err=True)
    if dry_run:
        echo(publication.diff, nl=False)
        return
    from mindspore_hub.settings import shown_address

    facts = {
        "name": publication.name,
        "uid": publication.uid,
        "changed": "\n".join(publication.files),
        "network-args": ", ".join(f"{k}={v}" for k, v in publication.network_args.items()),
        "sha256": publication.sha256,
        "to be put at": shown_address(publication.link),
        "PyNative and GRAPH differ by": f"{publication.deviation:.1e} of the largest value",
        "golden outputs": publication.golden,
    }
    print_table(("Fact", "Value"), [(key, value) for key, value in facts.items() if value])
    echo(f"Load it with: {publication.load}")  # in one line, to be copied

"""The command `mshub bench`: how fast a network loads and computes on this machine.

Each step runs in a process of its own: MindSpore's mode and oneDNN's choice of instructions are those
of a process, and so is what a first load has warmed. `python -m mindspore_hub.commands.bench` is such a step.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub.commands._options import (
    batch_size_option,
    format_option,
    hub_option,
    no_pretrained_option,
    settings_of_command,
)
from mindspore_hub.commands._output import echo, print_json, print_table

if TYPE_CHECKING:
    from mindspore import Tensor, nn

    from mindspore_hub.hub.card import Card
    from mindspore_hub.hub.hub import Hub

_PASSES = 5
"""Forward passes after the first one; their median is reported."""


@click.command()
@click.argument("name")
@batch_size_option(1)
@no_pretrained_option
@hub_option(trust=True)
@format_option
def bench(name: str, batch_size: int, no_pretrained: bool, hub: Hub, style: str) -> None:
    """Measure how fast NAME loads, and its forward pass in PyNative and GRAPH mode."""
    from mindspore_hub.files.checkpoint import checkpoint
    from mindspore_hub.networks.classes import find_network

    card, hub = find_network(name, hub)
    if not no_pretrained:  # in the store already, so that no download is measured
        checkpoint(card, hub, settings=settings_of_command()).file.close()
    options = [name, "--batch-size", str(batch_size)]
    options += ["--no-pretrained"] * no_pretrained + ["--trust"] * hub.trust
    # Whoever loads first leaves a note that the file was hashed, which the memo is about.
    forward = {mode: _run(mode, options) for mode in ("pynative", "graph")}
    ways = ["built"] if no_pretrained else ["hashed", "memo"]
    loads = {way: _run(way, options) for way in ways}
    setup = forward["pynative"].pop("setup")
    forward["graph"].pop("setup")
    report = {
        "uid": card.uid,
        "network": card.model_name,
        "batch_size": batch_size,
        "load": loads,
        "forward": forward,
        "setup": setup,
    }
    if style == "json":
        print_json(report)
        return
    print_table(("Fact", "Value"), list(_rows(report)))


def _run(step: str, options: list[str]) -> dict[str, Any]:
    """Run a step in a fresh process; if it fails, it has said why, and this process fails alike."""
    verify = {"hashed": "always", "memo": "memo"}.get(step)
    done = subprocess.run(  # noqa: S603 - a command of ours
        [sys.executable, "-m", __name__, step, *options],
        env={**os.environ, "MSHUB_VERIFY": verify} if verify else None,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        sys.exit(done.returncode)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


def _rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """What is reported, in words."""
    titles = {"built": "Build", "hashed": "Load, hashed", "memo": "Load, hashed before"}
    modes = {"pynative": "PyNative", "graph": "GRAPH"}
    return [
        ("Card", report["uid"]),
        *((titles[way], f"{took['seconds']:.3f} s") for way, took in report["load"].items()),
        *(
            (
                f"Forward, {modes[mode]}",
                f"{took['ms_per_sample']:.1f} ms per sample, first call {took['first_ms']:.0f} ms",
            )
            for mode, took in report["forward"].items()
        ),
        ("Samples per call", str(report["batch_size"])),
        *((name, str(value)) for name, value in report["setup"].items()),
    ]


@click.command()
@click.argument("step", type=click.Choice(["built", "hashed", "memo", "pynative", "graph"]))
@click.argument("name")
@batch_size_option(1)
@no_pretrained_option
@hub_option(trust=True)
def _measure(step: str, name: str, batch_size: int, no_pretrained: bool, hub: Hub) -> None:
    """Measure one step, and print the figures as JSON."""
    from mindspore_hub.load import load
    from mindspore_hub.networks.framework import require_mindspore

    require_mindspore()
    begin = time.perf_counter()
    network = load(name, hub=hub, pretrained=not no_pretrained)
    figures: dict[str, Any] = {"seconds": time.perf_counter() - begin}
    if step in ("pynative", "graph"):
        figures = {**_forward(network, hub.resolve(name), step, batch_size), "setup": _setup()}
    echo(json.dumps(figures))


def _forward(network: nn.Cell, card: Card, mode: str, batch_size: int) -> dict[str, float]:
    """Milliseconds of the first call, which compiles in GRAPH mode, and of later ones per sample."""
    import mindspore

    from mindspore_hub.networks import golden

    mindspore.set_context(mode=getattr(mindspore, f"{mode.upper()}_MODE"))
    inputs = golden.inputs_of(network, card.inputs)
    samples = list(map(mindspore.Tensor, golden.draw(inputs, batch_size=batch_size)))
    first, *later = (_milliseconds(network, samples) for _ in range(1 + _PASSES))
    return {"first_ms": first, "ms_per_sample": statistics.median(later) / batch_size}


def _milliseconds(network: nn.Cell, inputs: list[Tensor]) -> float:
    """Time of one call, with its result in memory."""
    begin = time.perf_counter()
    outputs = network(*inputs)
    for output in outputs if isinstance(outputs, tuple) else (outputs,):
        output.asnumpy()
    return (time.perf_counter() - begin) * 1e3


def _setup() -> dict[str, str | int | None]:
    """What decides how fast this process computes."""
    import mindspore

    from mindspore_hub.networks.framework import VARIABLE

    return {
        "MindSpore": mindspore.__version__,
        "Device": mindspore.get_context("device_target"),
        VARIABLE: os.environ.get(VARIABLE, "not set"),
        "Threads": mindspore.get_context("runtime_num_threads"),
        "Processors": os.cpu_count(),
    }


if __name__ == "__main__":
    from mindspore_hub.commands.main import run

    run(_measure)

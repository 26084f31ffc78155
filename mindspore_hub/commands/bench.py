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
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mindspore_hub.commands._options import (
    FILE,
    batch_size_option,
    checkpoint_option,
    format_option,
    hub_option,
    no_pretrained_option,
    runtime_options,
    settings_of_command,
    threads_option,
)
from mindspore_hub.commands._output import echo, print_json, print_table
from mindspore_hub.runtimes import RUNTIMES

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
@checkpoint_option
@threads_option
@hub_option(trust=True)
@format_option
def bench(
    name: str,
    batch_size: int,
    no_pretrained: bool,
    checkpoint: Path | None,
    threads: int | None,
    hub: Hub,
    style: str,
) -> None:
    """Measure how fast NAME loads, and computes in each mode and runtime that is installed.

    MindSpore loads the network, and computes it in PyNative and GRAPH mode. Then each runtime computes what
    the task of the card needs, with the published checkpoint, for 1, 8 and 32 samples at once. With
    --checkpoint, MindSpore alone is measured.
    """
    from mindspore_hub.files import checkpoint as published
    from mindspore_hub.networks.classes import find_network
    from mindspore_hub.networks.trust import check_trusted
    from mindspore_hub.runtimes.choice import installed

    card, hub = find_network(name, hub)
    if not (hub.is_own or card.is_indexed):  # before anything is brought or started
        check_trusted(hub, card.uid)
    there = installed()
    loads = not (no_pretrained or checkpoint)
    if loads and "mindspore" in there:  # in the store, so that no download is measured
        published.checkpoint(card, hub, settings=settings_of_command()).file.close()
    options = [name, "--batch-size", str(batch_size)]
    options += ["--no-pretrained"] * no_pretrained + ["--trust"] * hub.trust
    options += ["--checkpoint", str(checkpoint)] if checkpoint else []
    report: dict[str, Any] = {"uid": card.uid, "network": card.model_name, "batch_size": batch_size}
    if "mindspore" in there or not loads:
        report |= _of_mindspore(options, is_published=loads)
    if loads:
        report["runtimes"] = _of_runtimes(name, card, hub, there, threads)
    if style == "json":
        print_json(report)
        return
    print_table(("Fact", "Value"), list(_rows(report)))
    if report.get("runtimes"):
        echo()
        print_table(_HEADER, map(_runtime_row, report["runtimes"]))


def _of_mindspore(options: list[str], *, is_published: bool) -> dict[str, Any]:
    """How fast MindSpore loads and computes."""
    # Whoever loads first leaves a note that the file was hashed, which the memo is about.
    forward = {mode: _run(mode, options) for mode in ("pynative", "graph")}
    ways = ["hashed", "memo"] if is_published else ["built"]
    loads = {way: _run(way, options) for way in ways}
    setup = forward["pynative"].pop("setup")
    forward["graph"].pop("setup")
    return {"load": loads, "forward": forward, "setup": setup}


def _of_runtimes(
    name: str, card: Card, hub: Hub, there: frozenset[str], threads: int | None
) -> list[dict[str, Any]]:
    """How fast each runtime computes, and how much its outputs differ from those of the first one."""
    import tempfile

    from mindspore_hub.runtimes.derived import derive
    from mindspore_hub.runtimes.measure import differences
    from mindspore_hub.runtimes.processor import computes_bf16
    from mindspore_hub.tasks.needs import needed_by

    ways = [(runtime, "f32") for runtime in RUNTIMES if runtime in there]
    ways += [("openvino", "bf16")] * ("openvino" in there and computes_bf16())
    if there - {"mindspore"}:  # made already, so that this is not measured
        derive(needed_by(card, hub))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for runtime, precision in ways:
            outputs = Path(folder, f"{runtime}-{precision}.npz")
            options = [name, "--runtime", runtime, "--precision", precision]
            options += ["--outputs", str(outputs)] + ["--trust"] * hub.trust
            options += ["--threads", str(threads)] if threads else []
            figures = _run("runtime", options)
            found.append({"runtime": runtime, "precision": precision, **figures})
            first = Path(folder, "-".join(ways[0])).with_suffix(".npz")
            found[-1] |= differences(outputs, first)
    return found


def _run(step: str, options: list[str]) -> dict[str, Any]:
    """Run a step in a fresh process; if it fails, it has said why, and this process fails alike."""
    verify = {"hashed": "always", "memo": "memo"}.get(step)
    done = subprocess.run(  # noqa: S603 - a command of ours
        [sys.executable, "-m", "mindspore_hub.commands.bench", step, *options],
        env={**os.environ, "MSHUB_VERIFY": verify} if verify else None,
        stdout=subprocess.PIPE,
        check=False,
    )
    if done.returncode:
        sys.exit(done.returncode)
    measured: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return measured


_HEADER = (
    "Runtime", "Load", "First sample", "1 at once", "8", "32", "Memory", "Difference", "Cosine",
)  # fmt: skip


def _runtime_row(figures: dict[str, Any]) -> tuple[str, ...]:
    """What is reported of a runtime; rates are samples a second."""
    return (
        f"{figures['runtime']} {figures['precision']}",
        f"{figures['load_seconds']:.2f} s",
        f"{figures['first_seconds']:.2f} s",
        *(f"{rate:.1f} /s" for rate in figures["per_second"].values()),
        f"{figures['megabytes'] or 0:.0f} MB",
        f"{figures['difference']:.1e}",
        f"{figures['cosine']:.7f}",
    )


def _rows(report: dict[str, Any]) -> list[tuple[str, str]]:
    """What is reported, in words."""
    titles = {"built": "Build", "hashed": "Load, hashed", "memo": "Load, hashed before"}
    modes = {"pynative": "PyNative", "graph": "GRAPH"}
    return [
        ("Card", report["uid"]),
        *(
            (titles[way], f"{took['seconds']:.3f} s")
            for way, took in report.get("load", {}).items()
        ),
        *(
            (
                f"Forward, {modes[mode]}",
                f"{took['ms_per_sample']:.1f} ms per sample, first call {took['first_ms']:.0f} ms",
            )
            for mode, took in report.get("forward", {}).items()
        ),
        ("Samples per call", str(report["batch_size"])),
        *((name, str(value)) for name, value in report.get("setup", {}).items()),
    ]


@click.command()
@click.argument(
    "step", type=click.Choice(["built", "hashed", "memo", "pynative", "graph", "runtime"])
)
@click.argument("name")
@batch_size_option(1)
@no_pretrained_option
@checkpoint_option
@runtime_options
@click.option("--outputs", type=FILE)
@hub_option(trust=True)
def _measure(
    step: str,
    name: str,
    batch_size: int,
    no_pretrained: bool,
    checkpoint: Path | None,
    runtime: str,
    precision: str,
    threads: int | None,
    outputs: Path,
    hub: Hub,
) -> None:
    """Measure one step, and print the figures as JSON."""
    if step == "runtime":
        from mindspore_hub.networks.classes import find_network
        from mindspore_hub.runtimes.choice import Choice
        from mindspore_hub.runtimes.measure import measure
        from mindspore_hub.tasks.needs import needed_by

        wanted = needed_by(*find_network(name, hub))
        choice = Choice(runtime, precision, "it is measured")
        echo(json.dumps(measure(wanted, choice, threads=threads, outputs=outputs)))
        return
    from mindspore_hub.load import load
    from mindspore_hub.networks.framework import require_mindspore

    require_mindspore()
    begin = time.perf_counter()
    network = load(name, hub=hub, pretrained=not no_pretrained, checkpoint=checkpoint)
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

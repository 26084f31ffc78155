"""The command `mshub finetune`. What it needs, it imports when it runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mindspore_hub.commands._options import (
    EXISTING_FOLDER,
    FILE,
    checkpoint_option,
    extras_options,
    force_option,
    format_option,
    hub_option,
    interruptible,
    no_pretrained_option,
    output_option,
    pattern_option,
    progress_of_work,
    refuse_existing,
    skip_bad_option,
)
from mindspore_hub.commands._output import echo, print_json

if TYPE_CHECKING:
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.retrieval.training.run import Finetuned

_Command = TypeVar("_Command", bound=Callable[..., Any])

_OPTIONS: dict[str, tuple[Any, Any, str]] = {
    "steps": (int, 2000, "Updates of the weights."),
    "identities": (int, 16, "Identities of a batch."),
    "pictures": (int, 4, "Pictures of each identity in a batch."),
    "accumulate": (int, 1, "Batches whose gradients are averaged for a step; for small memories."),
    "holdout": (float, 0.2, "Share of the identities that is held out and measured."),
    "optimizer": (click.Choice(["adam", "sgd"]), "adam", "Optimizer."),
    "learning-rate": (float, 3.5e-4, "Largest learning rate."),
    "weight-decay": (float, 5e-4, "Weight decay."),
    "frozen-steps": (int, 0, "Steps at the beginning in which only the new head learns."),
    "smoothing": (float, 0.1, "Label smoothing of the identity loss."),
    "margin": (float, 0.3, "Margin of the triplet loss."),
    "triplet-weight": (float, 1.0, "Weight of the triplet loss; 0 leaves it out."),
    "flip": (float, 0.5, "Probability that a picture is mirrored."),
    "crop": (int, 10, "Pixels by which a picture is shifted at most."),
    "erase": (float, 0.5, "Probability that a part of a picture is erased."),
    "seed": (int, 0, "Seed of all that is drawn."),
    "evaluate-every": (int, 100, "Steps between two measurements."),
    "patience": (int, 0, "Stop after so many measurements without progress; 0 for never."),
    "snapshot-every": (int, 50, "Steps between two snapshots."),
    "batch-size": (int, 16, "Held-out pictures that the network sees at once."),
}
"""Options of training: type, default and help; a test compares them with `Options`."""


def _training_options(command: _Command) -> _Command:
    for name, (kind, usual, text) in reversed(_OPTIONS.items()):
        command = click.option(f"--{name}", type=kind, default=usual, show_default=True, help=text)(
            command
        )
    return command


@click.command()
@click.argument("name")
@click.argument("images", metavar="DIR", type=EXISTING_FOLDER)
@pattern_option(required=True)
@output_option("The checkpoint to write; its note and its log lie beside it.")
@_training_options
@click.option("--graph", is_flag=True, help="Compile a step, which makes each faster.")
@click.option("--mixed", is_flag=True, help="Compute in float16; for Ascend and GPU.")
@no_pretrained_option
@checkpoint_option
@click.option("--plot", type=FILE, help="Draw loss and metrics, as .png, .svg or .pdf.")
@click.option("--tensorboard", type=click.Path(path_type=Path), help="Write events to this folder.")
@skip_bad_option
@extras_options
@force_option
@hub_option(trust=True)
@format_option
def finetune(
    name: str,
    images: Path,
    output: Path,
    no_pretrained: bool,
    plot: Path | None,
    force: bool,
    hub: Hub,
    style: str,
    **options: Any,
) -> None:
    """Fine-tune network NAME on pictures of identities, and measure it on some that are held out.

    Until the output is whole, snapshots are kept beside it, and the same command goes on where it was
    stopped, with the same weights as if it never was. The output is the best checkpoint by the mAP of the
    held-out identities; `load`, `embed`, `eval` and others take it with --checkpoint.
    """
    refuse_existing(output, force=force)
    if no_pretrained and options["checkpoint"]:
        msg = "--checkpoint says what to begin with; leave out --no-pretrained."
        raise click.UsageError(msg)
    from mindspore_hub.tasks.retrieval.training import finetune as run

    with interruptible(resumable=True), progress_of_work(output.name, style) as progress:
        found = run(
            name,
            images,
            output,
            pretrained=not no_pretrained,
            plot=plot,
            force=force,
            hub=hub,
            progress=progress,
            **options,
        )
    if style == "json":
        print_json(_facts(found))
    else:
        echo(_text(found))


def _facts(found: Finetuned) -> dict[str, Any]:
    return {
        "path": str(found.path),
        "last": str(found.last),
        "step": found.step,
        "metrics": dict(found.metrics),
        "before": dict(found.before),
        "train": found.note["train"],
        "held_out": found.note["held_out"],
    }


def _text(found: Finetuned) -> str:
    before, now = (
        f"rank-1 {100 * metrics['rank1']:.1f} %, mAP {100 * metrics['mAP']:.1f} %"
        for metrics in (found.before, found.metrics)
    )
    identities = len(found.note["held_out"]["identities"])
    return (
        f"{found.path}: step {found.step}, {now}\n"
        f"before: {before}\nmeasured on {identities} identities that did not train"
    )

"""Try a network with its file in each mode of MindSpore, each time in a process of its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindspore_hub.authoring.publishing.plan import Plan
from mindspore_hub.authoring.publishing.process import ask
from mindspore_hub.hub.values import Argument, Shape
from mindspore_hub.networks import golden

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Trial:
    """What a network did with a file.

    Attributes:
        network_args: Constructor arguments that the card states.
        classes: Name of the one that counts classes, or an empty string.
        parameters: How many parameters were set, all of them from the file.
        inputs: Shape of each input for one sample.
        outputs: Outputs for one drawn sample.
    """

    network_args: Mapping[str, Argument]
    classes: str
    parameters: int
    inputs: tuple[Shape, ...]
    outputs: list[golden.Array]

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """Shape of each output for one sample."""
        return tuple(tuple(output.shape[1:]) for output in self.outputs)


def try_out(plan: Plan, hub: Path, mode: str, *, seed: int, card: Path | None = None) -> Trial:
    """Build the network of a hub, load the file strictly, and compute one drawn sample.

    Args:
        plan: What is to be published.
        hub: Hub root with the network.
        mode: `pynative` or `graph`.
        seed: What the input is drawn from.
        card: The card to go by, once it is written; its entry point is used then.

    Raises:
        HubError: The file does not fit, or the network does not compute.
    """
    import tempfile

    logger.info("Building %s and computing in %s mode", plan.model, mode)
    with tempfile.TemporaryDirectory(prefix="mshub-trial-") as name:
        folder = Path(name)
        outputs = folder / "outputs.npz"
        answer = ask(
            plan,
            hub,
            folder,
            task=mode,
            seed=seed,
            card=str(card or ""),
            outputs=str(outputs),
            **_arguments(plan),
        )
        return Trial(
            network_args=answer["arguments"],
            classes=answer["classes"],
            parameters=answer["parameters"],
            inputs=tuple(tuple(shape) for shape in answer["inputs"]),
            outputs=golden.read(outputs),
        )


def _arguments(plan: Plan) -> dict[str, Any]:
    """What the network is built and fed with, as far as it was given."""
    usual = {name for card in plan.siblings if card.asset for name in card.asset.network_args}
    return {
        "arguments": dict(plan.request.network_args),
        "stated": sorted(usual),
        "inputs": plan.inputs,
    }

"""A card of LeNet-5, a file that it loads over a mirror, and pictures for it."""

import os
from collections.abc import Callable
from pathlib import Path

import checkpoints
import fill
import manifests
import numpy as np
from PIL import Image

from mindspore_hub.networks.construct import build_uninitialised

PREPROCESSING = (
    "{library: mindspore, size: [32, 32], interpolation: bilinear, order: GREY, "
    "mean: [0.1307], std: [0.3081], layout: CHW}"
)
TASK = "{name: classification, labels: mnist}"
HEAD = ("fc3.weight", "fc3.bias")

CARD = """\
# LeNet

---

model-name: lenet5

network: lenet.lenet5

train-dataset: mnist

asset:

-
    file-format: ckpt
    asset-link: <https://download.mindspore.cn/lenet_digits.ckpt>
    asset-sha256: {sha256}
    network-args: {{num_classes: 10}}
    preprocessing: {preprocessing}
    task: {task}

---
"""

Change = Callable[[dict[str, np.ndarray]], None]


def card(
    folder: Path,
    *,
    sha256: str = "0" * 64,
    task: str = TASK,
    preprocessing: str = PREPROCESSING,
) -> str:
    """A card outside any hub, whose network is that of this package."""
    path = folder / "lenet_digits.md"
    text = CARD.format(sha256=sha256, task=task, preprocessing=preprocessing)
    path.write_text(text, encoding="utf-8")
    return str(path)


def tensors(**arguments: int) -> dict[str, np.ndarray]:
    """What a file holds: values that anybody can draw again, by name."""
    network = build_uninitialised(
        checkpoints.import_network(checkpoints.ROOT, "lenet", "lenet5"), arguments
    )
    return {
        name: fill.parameter(name, tuple(parameter.shape))
        for name, parameter in network.parameters_and_names()
    }


def published(folder: Path, held: dict[str, np.ndarray] | None = None) -> str:
    """A card whose file lies in a folder, which is to be a mirror (`MSHUB_MIRRORS`)."""
    held = tensors() if held is None else held
    stored = [
        manifests.Tensor(name, name, "net", "float32", value.shape) for name, value in held.items()
    ]
    file = folder / "lenet_digits.ckpt"
    sha256 = checkpoints.write(file, stored, value=lambda tensor: held[tensor.name])
    return card(folder, sha256=sha256)


def draw(folder: Path, count: int) -> Path:
    """Pictures of noise `0000.png` and so on, each of its own, of 28 x 28 pixels."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 256, (28, 28), np.uint8)
        Image.fromarray(noise).save(folder / f"{number:04}.png")
    return folder


def environment(folder: Path) -> dict[str, str]:
    """What lets a process load the file of a card in this folder, and no other."""
    names = {"MSHUB_MIRRORS": str(folder), "MSHUB_HOME": str(folder / "store")}
    return {**names, "MSHUB_OFFLINE": "", "PATH": os.environ["PATH"]}

"""A network that takes pictures of 4 x 6 pixels, its card, its hub, and pictures for it."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import checkpoints
import fill
import manifests
import numpy as np
from mindspore import Tensor, nn
from PIL import Image

from mindspore_hub.hub.hub import Hub

SIZE = (4, 6)
WIDTH = 5

PREPROCESSING = (
    "{library: pillow, size: [4, 6], interpolation: bilinear, order: RGB, "
    "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], layout: CHW, "
    "modality: [visible, thermal]}"
)
TASK = "{name: retrieval, outputs: [0], distance: dot, protocol: {name: sop, part: half}}"

SOURCE = f'''"""A network of one layer."""

from mindspore import nn

from ._checkpoint import Checkpoint


class Tiny(nn.Cell):
    """One layer over all pixels."""

    checkpoint = Checkpoint(class_argument="", head=())

    def __init__(self):
        super().__init__()
        self.input_shapes = ((3, {SIZE[0]}, {SIZE[1]}),)
        self.layer = nn.Dense({3 * SIZE[0] * SIZE[1]}, {WIDTH})

    def construct(self, x):
        return self.layer(x.reshape(x.shape[0], -1))
'''


class Tiny(nn.Cell):
    """One layer over all pixels, with values that anybody can draw again.

    Args:
        width: Values of a feature.
        called: Called with the pictures of a batch; for networks that are not compiled.
    """

    def __init__(self, width: int = WIDTH, called: Callable[[Tensor], None] | None = None) -> None:
        super().__init__()
        self.layer = nn.Dense(3 * SIZE[0] * SIZE[1], width)
        self.called = called
        fill_in(self)
        self.set_train(False)

    def construct(self, x: Tensor) -> Tensor:
        if self.called is not None:
            self.called(x)
        return self.layer(x.reshape(x.shape[0], -1))


def fill_in(network: nn.Cell) -> nn.Cell:
    """Give a network values that anybody can draw again."""
    for name, parameter in network.parameters_and_names():
        held = manifests.Tensor(name, name, "net", "float32", parameter.shape)
        parameter.set_data(Tensor(checkpoints.random_value(held)))
    return network


def feature(pixels: np.ndarray) -> np.ndarray:
    """What `Tiny` makes of prepared pictures, in NumPy."""
    weight = fill.parameter("layer.weight", (WIDTH, 3 * SIZE[0] * SIZE[1]))
    return pixels.reshape(len(pixels), -1) @ weight.T + fill.parameter("layer.bias", (WIDTH,))


def card(folder: Path, **changes: str | None) -> str:
    """A card of the network, outside any hub; `None` takes a key of its asset away."""
    text = Hub.of().resolve("metric_learn").path.read_text(encoding="utf-8")
    facts: dict[str, str | None] = {"preprocessing": PREPROCESSING, "task": TASK}
    for key, value in {**facts, **changes}.items():
        line = "" if value is None else f"    {key}: {value}\n"
        text = re.sub(rf"^    {key}: .*\n", lambda _, line=line: line, text, flags=re.MULTILINE)
    path = folder / "tiny_pixels.md"
    path.write_text(text, encoding="utf-8")
    return str(path)


def hub(folder: Path, link: str, sha256: str) -> Path:
    """A copy of the package whose only network is this one."""
    checkpoints.copy_hub(folder)
    for path in [*(folder / "assets").rglob("*.md"), *(folder / "models").glob("[a-z]*.py")]:
        path.unlink()
    (folder / "models" / "tiny.py").write_text(SOURCE, encoding="utf-8")
    path = folder / "assets" / "botany" / "1.0"
    path.mkdir(parents=True)
    made = checkpoints.publish(Path(card(path)), link, sha256)
    text = made.read_text(encoding="utf-8").replace("metric_learn", "Tiny")
    text = re.sub(r"^    network-args: .*\n", "", text, flags=re.MULTILINE)
    made.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "mindspore_hub", "generate"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return folder


def draw(folder: Path, *names: str) -> Path:
    """Pictures of noise, each of its own; names may lead into folders."""
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels(name)).save(folder / name)
    return folder


def numbered(folder: Path, count: int) -> Path:
    """That many pictures, in the order of their names."""
    return draw(folder, *(f"{number:04}.png" for number in range(count)))


def pixels(name: str) -> np.ndarray:
    """The pixels of a picture `(7, 5, 3)`."""
    random = np.random.default_rng(list(name.encode()))
    made: Any = random.integers(0, 256, (7, 5, 3), np.uint8)
    return made

"""Drawn people whose identity shows in colours and shapes, a small network that learns them, and its hub."""

import re
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
SIZE = (32, 16)
PATTERN = r"(?P<label>\d+)_c(?P<camera>\d+)"

SOURCE = '''"""A small network for people of 32 x 16 pixels."""

from mindspore import nn

from ._checkpoint import Argument, Checkpoint
from ._training import Training


class Walker(nn.Cell):
    """Three convolutions, a feature, and a head."""

    checkpoint = Checkpoint(
        class_argument="num_class",
        head=("classifier.*",),
        arguments=(Argument("num_class", "classifier.weight", 0),),
    )
    training_outputs = Training(features=(0,), logits=(1,))

    def __init__(self, num_class=10, drop=0.1):
        super().__init__()
        self.input_shapes = ((3, 32, 16),)
        self.conv1 = nn.Conv2d(3, 16, 3, 2)
        self.bn1 = nn.BatchNorm2d(16)
        self.conv2 = nn.Conv2d(16, 32, 3, 2)
        self.bn2 = nn.BatchNorm2d(32)
        self.relu = nn.ReLU()
        self.dense = nn.Dense(32 * 8 * 4, 64)
        self.bn3 = nn.BatchNorm1d(64)
        self.dropout = nn.Dropout(p=drop)
        self.classifier = nn.Dense(64, num_class)

    def construct(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.relu(self.bn2(self.conv2(x)))
        feature = self.bn3(self.dense(x.reshape(x.shape[0], -1)))
        return (feature, self.classifier(self.dropout(feature))) if self.training else feature
'''

PREPROCESSING = (
    "{library: pillow, size: [32, 16], interpolation: bilinear, order: RGB, "
    "mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], layout: CHW}"
)
TASK = "{name: retrieval, outputs: [0], normalised: True, distance: dot}"


def draw(folder: Path, identities: int, pictures: int, *, cameras: int = 2, first: int = 0) -> Path:
    """Draw people; the light is of the camera, place and background of the picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for identity in range(first, first + identities):
        for number in range(pictures):
            camera = number % cameras + 1
            name = f"{identity:04}_c{camera}_{number}.png"
            Image.fromarray(_person(identity, camera, number)).save(folder / name)
    return folder


def _person(identity: int, camera: int, number: int) -> np.ndarray:
    own = np.random.default_rng([identity, 1])
    coat, legs, bag = own.integers(20, 236, (3, 3))
    wide, hips, side = own.integers(4, 8), own.integers(15, 20), own.integers(2)
    chance = np.random.default_rng([identity, number, 2])
    picture = np.ones((*SIZE, 3)) * chance.integers(0, 256, (SIZE[0] // 8, SIZE[1] // 8, 3)).repeat(
        8, 0
    ).repeat(8, 1)
    top, middle = chance.integers(2, 6), SIZE[1] // 2 + chance.integers(-2, 3)
    picture[top : top + 5, middle - 2 : middle + 2] = (200, 160, 130)
    picture[top + 5 : hips, middle - wide // 2 - 1 : middle + wide // 2 + 1] = coat
    picture[hips:30, middle - 3 : middle + 3] = legs
    picture[hips - 6 : hips, middle + (3 if side else -5) : middle + (5 if side else -3)] = bag
    light = np.random.default_rng([camera, 3]).uniform(0.7, 1.2, 3) * chance.uniform(0.7, 1.2)
    return np.clip(picture * light + chance.normal(0, 10, picture.shape), 0, 255).astype(np.uint8)


def hub(folder: Path) -> Path:
    """A hub whose only network is `Walker`; nobody has published a file of it."""
    import tiny  # which imports MindSpore

    models, assets = folder / "models", folder / "assets" / "botany" / "1.0"
    models.mkdir(parents=True)
    assets.mkdir(parents=True)
    (folder / "mindspore_hub_conf").mkdir()
    for name in ("__init__", "_checkpoint", "_training", "_entry"):
        shutil.copy(ROOT / "models" / f"{name}.py", models)
    (models / "walker.py").write_text(SOURCE, encoding="utf-8")
    made = Path(tiny.card(assets, preprocessing=PREPROCESSING, task=TASK))
    text = made.read_text(encoding="utf-8").replace("metric_learn", "Walker")
    text = re.sub(
        r"^    network-args: .*$", "    network-args: {num_class: 10}", text, flags=re.MULTILINE
    )
    (assets / "walker_people.md").write_text(text, encoding="utf-8")
    made.unlink()
    return folder

"""Checkpoint files with exactly the tensors of a published one, and hubs whose cards name them."""

import hashlib
import math
import random
import shutil
import zlib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import fill
import manifests
import numpy as np
import wire

from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.classes import import_network
from mindspore_hub.networks.construct import build_uninitialised
from mindspore_hub.networks.weights import Weight, name_weights

ROOT = Path(__file__).parents[1]

MANIFESTS = {
    "mvd_allresearch_sysumm01": "mvd_sysu",
    "mvd_indoorsearch_sysumm01": "mvd_sysu",
    "mvd_infraredtovisible_regdb": "mvd_regdb",
    "mvd_visibletoinfrared_regdb": "mvd_regdb",
    "ddag_allresearch_sysumm01": "ddag_sysu",
    "ddag_indoorsearch_sysumm01": "ddag_sysu",
    "ddag_infraredtovisible_regdb": "ddag_regdb",
    "ddag_visibletoinfrared_regdb": "ddag_regdb",
    "vehiclenet_vehiclenetdataset": "vehiclenet_stage2_veri575",
    "resnet50_triplet_sop": "metric_learn_triplet",
    "resnet50triplet_sop": "metric_learn_triplet",
    "resnet50_quadruplet_sop": "metric_learn_quadruplet",
    "resnet50quadruplet_sop": "metric_learn_quadruplet",
    "multitasknet_veri": "multitasknet_heatmap575",
}
"""What the published file of a card holds, where that is known."""

MVD = '''"""A network with the inputs and outputs of MVD, but of two layers."""

from mindspore import nn

from ._checkpoint import Argument, Checkpoint
from ._crossmodal import INPUT_SHAPE, unit


class MVD(nn.Cell):
    checkpoint = Checkpoint(
        class_argument="num_class",
        head=("classifier.*",),
        arguments=(Argument("num_class", "classifier.weight", 0),),
    )

    def __init__(self, num_class=395):
        super().__init__()
        self.input_shapes = (INPUT_SHAPE,)
        self.pool = nn.AvgPool2d(36, 36)
        self.layer = nn.Dense(3 * 8 * 4, 2048)
        self.classifier = nn.Dense(2048, num_class)

    def construct(self, x):
        feature = unit(self.layer(self.pool(x).reshape(x.shape[0], -1)))
        return feature, -feature, feature, -feature
'''
"""What computes in a moment in the place of `models/mvd.py`, where only its shapes matter."""


def file_of(card: Card) -> str:
    """Name of our file for a card; cards whose files hold the same tensors share one."""
    return MANIFESTS.get(card.name, card.name)


def tensors_of(card: Card) -> list[manifests.Tensor]:
    """What the file of a card holds: as published, else just what its network has."""
    if card.name in MANIFESTS:
        return manifests.read(MANIFESTS[card.name])
    return tensors_in(network_class(card.model_name), card.asset.network_args)


def tensors_in(cell: Any, arguments: Mapping[str, Any]) -> list[manifests.Tensor]:
    """What a network has."""
    network = build_uninitialised(cell, arguments)
    return [
        manifests.Tensor(name, name, "net", str(item.dtype).lower(), tuple(item.shape))
        for name, item in network.parameters_and_names()
    ]


_RAMP = np.arange(997, dtype=np.float32) / 997


def value(tensor: manifests.Tensor) -> np.ndarray:
    """Value of a tensor in our files: a ramp that begins at a number made from its name."""
    start = zlib.crc32(tensor.name.encode()) % 1000
    return np.asarray(np.resize(_RAMP, tensor.shape) + start, tensor.dtype)


_NORMAL = np.random.RandomState(0).standard_normal(65_521).astype(np.float32)


def random_value(tensor: manifests.Tensor) -> np.ndarray:
    """Value of a tensor in files whose networks are to compute something.

    Large ones repeat some values, which takes a tenth of the time that drawing them would.
    """
    name = tensor.canonical or tensor.name
    count = math.prod(tensor.shape)
    if count <= _NORMAL.size:
        drawn = fill.parameter(name, tensor.shape)
    else:
        turned = np.roll(_NORMAL, zlib.crc32(name.encode()) % _NORMAL.size)
        drawn = np.resize(turned, tensor.shape) * math.sqrt(tensor.shape[0] / count)
    return drawn.astype(tensor.dtype).reshape(tensor.shape)


def write(
    path: Path,
    tensors: Iterable[manifests.Tensor],
    *,
    value: Callable[[manifests.Tensor], np.ndarray] = value,
) -> str:
    """Write a checkpoint file with these tensors in any order; return its sha256.

    It has the bytes that MindSpore would write, in a third of the time.
    """
    shuffled = list(tensors)
    random.Random(len(shuffled)).shuffle(shuffled)
    path.parent.mkdir(parents=True, exist_ok=True)
    sha256 = hashlib.sha256()
    with path.open("wb") as file:
        for item in shuffled:
            data = value(item)
            held = wire.tensor(data.tobytes(), data.shape, dtype=data.dtype.name.title())
            encoded = wire.value(item.name, held)
            sha256.update(encoded)
            file.write(encoded)
    return sha256.hexdigest()


def save(path: Path, held: Mapping[str, np.ndarray], **options: Any) -> Path:
    """Write a checkpoint file with these values; options are those of MindSpore."""
    import mindspore

    entries = [{"name": name, "data": mindspore.Tensor(data)} for name, data in held.items()]
    mindspore.save_checkpoint(entries, str(path), **options)
    return path


def digest(path: Path) -> str:
    """Digest of a file, 64 hexadecimal digits."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found.update(block)
    return found.hexdigest()


def network_class(model: str) -> Any:
    """Class of the network of a model of the hub."""
    return import_network(ROOT, *Hub.of().resolve(model).network)


def copy_hub(folder: Path, *, families: bool = False) -> Path:
    """Copy the package and its hub into a folder, as a bare checkout.

    Args:
        folder: Where to.
        families: With the cards that a family writes, most of all, which take seconds to check and to generate.
    """
    for name in ("mindspore_hub", "assets", "models", "mindspore_hub_conf"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    if not families:
        shutil.rmtree(folder / "assets" / "families")
        for card in Hub.of(folder).cards:
            if card.text("family"):
                card.path.unlink()
                shutil.rmtree(folder / "mindspore_hub_conf" / card.model_name, ignore_errors=True)
    return folder


def named(stored: Iterable[Weight], facts: Any) -> Mapping[str, Weight]:
    """Tensors of a file by the names that a network gives them, as its facts say."""
    return name_weights({it.file_name: partial(_same, it) for it in stored}, facts)


def _same(weight: Weight) -> Weight:
    return weight


def publish(card: Path, link: str, sha256: str) -> Path:
    """Let a card name another file."""
    lines = [
        f"    asset-link: <{link}>"
        if line.startswith("    asset-link:")
        else f"    asset-sha256: {sha256}"
        if line.startswith("    asset-sha256:")
        else line
        for line in card.read_text(encoding="utf-8").splitlines()
    ]
    card.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return card

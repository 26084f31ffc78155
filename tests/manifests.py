"""What the published checkpoint files hold: `data/manifests/<name>.tsv.xz`.

The first line of a manifest is a JSON object: the network, its constructor arguments and the size
of the file in bytes. Each further line is a tensor of the file, in file order: its name there, the
parameter it belongs to or "-", its kind, its dtype and its shape ("64x3x7x7" or "scalar").
"""

import json
import lzma
from functools import cache
from pathlib import Path
from typing import NamedTuple

_FOLDER = Path(__file__).with_name("data") / "manifests"

NAMES = tuple(sorted(path.name.removesuffix(".tsv.xz") for path in _FOLDER.glob("*.tsv.xz")))


class Tensor(NamedTuple):
    """One tensor of a checkpoint file.

    Attributes:
        name: Name in the file.
        canonical: Parameter of the network it belongs to, None for what training left behind.
        kind: "net", "head" (of metric_learn, stored under bare names) or "extra".
        dtype: "float32" or "int32".
        shape: Shape, `()` for a scalar.
    """

    name: str
    canonical: str | None
    kind: str
    dtype: str
    shape: tuple[int, ...]


class Source(NamedTuple):
    """The network that wrote a checkpoint file.

    Attributes:
        network: Class name.
        arguments: Constructor arguments.
        bytes: Size of the file.
    """

    network: str
    arguments: dict[str, object]
    bytes: int


def source(name: str) -> Source:
    """Network and arguments of the manifest `name`."""
    return Source(**json.loads(_lines(name)[0]))


@cache
def read(name: str) -> list[Tensor]:
    """Tensors of the manifest `name`."""
    return [_tensor(line) for line in _lines(name)[1:]]


@cache
def published() -> dict[str, list[Tensor]]:
    """What published files of other families hold, by network; most without shapes.

    A line of `data/published.tsv.xz` is a tensor: network, name in the file, name of the parameter or
    "-", and shape. `moments.*` stands for one of each parameter that is trained.
    """
    packed = (_FOLDER.parent / "published.tsv.xz").read_bytes()
    files: dict[str, list[Tensor]] = {}
    for line in lzma.decompress(packed).decode().splitlines():
        network, *facts = line.split("\t")
        tensor = _tensor("\t".join([*facts[:2], "net", "float32", facts[2] or "2"]))
        tensors = files.setdefault(network, [])
        trained = [
            item.canonical
            for item in tensors
            if item.canonical and not item.canonical.endswith(("moving_mean", "moving_variance"))
        ]
        slot, star, _ = tensor.name.partition("*")
        names = [f"{slot}{name}" for name in trained] if star else [tensor.name]
        tensors += [tensor._replace(name=name) for name in names]
    return files


@cache
def _lines(name: str) -> list[str]:
    return lzma.decompress((_FOLDER / f"{name}.tsv.xz").read_bytes()).decode().splitlines()


def _tensor(line: str) -> Tensor:
    name, canonical, kind, dtype, shape = line.split("\t")
    sizes = () if shape == "scalar" else tuple(int(size) for size in shape.split("x"))
    return Tensor(name, None if canonical == "-" else canonical, kind, dtype, sizes)

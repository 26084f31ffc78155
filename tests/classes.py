"""Small data sets of classes, drawn in the layouts in which the real ones are published."""

import gzip
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy.io import savemat

from mindspore_hub.tasks.classification.labels import labels_of

SYNSETS = labels_of("imagenet1k").ids

TRUTH = "ILSVRC2012_validation_ground_truth.txt"


def official(synset: str) -> int:
    """Number of a class in the development kit as it is drawn here: from 1, in reverse order."""
    return 1000 - SYNSETS.index(synset)


def pixels(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    """Pictures of noise."""
    made: Any = np.random.default_rng(seed).integers(0, 256, (count, *shape), np.uint8)
    return made


def folders(root: Path, synsets: Sequence[str], *, each: int = 1) -> Path:
    """ImageNet with a folder for each class; two classes may have pictures of the same name."""
    for number, synset in enumerate(synsets):
        folder = root / "val" / synset
        folder.mkdir(parents=True)
        for turn, picture in enumerate(pixels(each, 9, 12, 3, seed=number)):
            Image.fromarray(picture).save(folder / f"{turn}.png")
    return root


def flat(root: Path, synsets: Sequence[str]) -> Path:
    """ImageNet with all pictures in one folder, one of each of these classes; there is no list."""
    folder = root / "val"
    folder.mkdir(parents=True)
    for number, picture in enumerate(pixels(len(synsets), 9, 12, 3), 1):
        Image.fromarray(picture).save(folder / f"ILSVRC2012_val_{number:08}.JPEG")
    return root


def kit(root: Path, synsets: Sequence[str]) -> Path:
    """The list of the development kit, and the file that has its numbers of classes."""
    folder = root / "ILSVRC2012_devkit_t12" / "data"
    folder.mkdir(parents=True)
    (folder / TRUTH).write_text("".join(f"{official(synset)}\n" for synset in synsets))
    # Groups of classes have numbers beyond 1,000.
    rows = [(official(synset), synset) for synset in SYNSETS] + [(1001, "n00004475")]
    kinds: Any = [("ILSVRC2012_ID", object), ("WNID", object)]
    savemat(folder / "meta.mat", {"synsets": np.array(rows, kinds)[:, None]}, do_compression=True)
    return folder / TRUTH


def cifar_records(labels: Sequence[int], pictures: np.ndarray, superclass: bytes = b"") -> bytes:
    """The binary version of pictures `(N, 32, 32, 3)`; each record begins with a superclass, or not."""
    planes = cifar_rows(pictures)
    rows = zip(labels, planes, strict=True)
    return b"".join(superclass + bytes([label]) + plane.tobytes() for label, plane in rows)


def cifar_rows(pictures: np.ndarray) -> np.ndarray:
    """The rows of the Python version of pictures `(N, 32, 32, 3)`."""
    return pictures.transpose(0, 3, 1, 2).reshape(len(pictures), 3072)


def python2(value: Any) -> bytes:
    """A pickle as Python 2 wrote it, which is how CIFAR is published."""
    return b"\x80\x02" + _opcodes(value) + b"."


def _opcodes(value: Any) -> bytes:
    if isinstance(value, dict):
        items = b"".join(_opcodes(part) for item in value.items() for part in item)
        return b"}(" + items + b"u"
    if isinstance(value, list):
        return b"](" + b"".join(map(_opcodes, value)) + b"e"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, str):
        return b"T" + struct.pack("<i", len(value)) + value.encode("latin1")
    begin = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
    shape = b"(" + b"".join(map(_opcodes, value.shape)) + b"t"
    kind = b"cnumpy\ndtype\nU\x02" + value.dtype.str[1:].encode() + b"K\x00K\x01\x87R"
    state = b"(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
    data = value.tobytes()
    return begin + shape + kind + state + b"\x89T" + struct.pack("<i", len(data)) + data + b"tb"


def idx(values: np.ndarray) -> bytes:
    """An idx file of bytes."""
    head = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    return head + values.astype(np.uint8).tobytes()


def mnist(root: Path, labels: Sequence[int], *, packed: bool = False, folder: str = "") -> Path:
    """The two files of the test pictures of MNIST."""
    (root / folder).mkdir(parents=True, exist_ok=True)
    arrays = {"images-idx3": pixels(len(labels), 28, 28), "labels-idx1": np.array(labels)}
    for name, values in arrays.items():
        content = gzip.compress(idx(values)) if packed else idx(values)
        end = ".gz" if packed else ""
        (root / folder / f"t10k-{name}-ubyte{end}").write_bytes(content)
    return root

"""Data sets of classes as they are published, and what is said of damaged ones."""

import os
import pickle
import re
import struct
from contextlib import suppress
from pathlib import Path

import classes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mindspore_hub.errors import DatasetError, UnknownNameError
from mindspore_hub.tasks.classification.datasets import dataset, names
from mindspore_hub.tasks.classification.datasets._pickled import read_pickled
from mindspore_hub.tasks.classification.labels import labels_of
from mindspore_hub.tasks.classification.task import LABEL_SETS

SYNSETS = ["n01440764", "n02123045", "n15075141"]
"""The first class, one between, and the last one."""

NUMBERS = [0, 281, 999]

LABELS = [3, 9, 0, 3]


def cifar_file(name: str, version: str) -> str:
    """Path of the test pictures of a version."""
    return {
        ("cifar10", "binary"): "cifar-10-batches-bin/test_batch.bin",
        ("cifar10", "python"): "cifar-10-batches-py/test_batch",
        ("cifar100", "binary"): "cifar-100-binary/test.bin",
        ("cifar100", "python"): "cifar-100-python/test",
    }[name, version]


def cifar_content(name: str, version: str, labels: list[int] = LABELS) -> bytes:
    pictures = classes.pixels(len(labels), 32, 32, 3)
    if version == "binary":
        return classes.cifar_records(labels, pictures, b"" if name == "cifar10" else b"\x07")
    key = "labels" if name == "cifar10" else "fine_labels"
    facts = {"coarse_labels": [7] * len(labels)} if name == "cifar100" else {}
    data = {"batch_label": "testing batch 1 of 1", key: labels, **facts}
    return classes.python2({**data, "data": classes.cifar_rows(pictures)})


def put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_every_set_of_labels_has_a_reader() -> None:
    assert names() == sorted(LABEL_SETS)


@pytest.mark.parametrize("version", ["binary", "python"])
@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("inside", [False, True])
def test_cifar_is_read_in_both_versions(
    name: str, version: str, inside: bool, tmp_path: Path
) -> None:
    path = put(tmp_path / cifar_file(name, version), cifar_content(name, version))
    found = dataset(name, path.parent if inside else tmp_path).pictures()
    assert found.labels.tolist() == LABELS
    drawn = [sample.picture for sample in found.samples.samples]
    np.testing.assert_array_equal(np.stack(drawn), classes.pixels(4, 32, 32, 3))
    assert not found.samples.are_files
    part = found.part(np.array([1, 3]))
    assert part.labels.tolist() == [9, 3]
    assert part.samples.states() == [found.samples.states()[number] for number in (1, 3)]


def test_cifar_that_python_3_pickled_again_is_read(tmp_path: Path) -> None:
    data = {b"labels": LABELS, b"data": classes.cifar_rows(classes.pixels(4, 32, 32, 3))}
    for protocol in (2, 4):
        put(tmp_path / "test_batch", pickle.dumps(data, protocol))
        assert dataset("cifar10", tmp_path).pictures().labels.tolist() == LABELS


@pytest.mark.parametrize(
    ("packed", "folder"), [(False, ""), (True, ""), (False, "test"), (True, "MNIST/raw")]
)
def test_mnist_is_read_plain_and_packed(packed: bool, folder: str, tmp_path: Path) -> None:
    classes.mnist(tmp_path, LABELS, packed=packed, folder=folder)
    found = dataset("mnist", tmp_path).pictures()
    assert found.labels.tolist() == LABELS
    drawn = np.stack([sample.picture for sample in found.samples.samples])
    np.testing.assert_array_equal(drawn, classes.pixels(4, 28, 28))
    assert len(found.files) == 2


def test_a_folder_that_is_missing_shifts_no_label(tmp_path: Path) -> None:
    classes.folders(tmp_path, SYNSETS, each=2)
    (tmp_path / "val" / ".cache").mkdir()
    found = dataset("imagenet1k", tmp_path).pictures()
    assert found.labels.tolist() == [number for number in NUMBERS for _ in range(2)]
    paths = [sample.path for sample in found.samples.samples]
    assert paths == [f"{synset}/{turn}.png" for synset in SYNSETS for turn in range(2)]
    again = dataset("imagenet1k", tmp_path / "val").pictures()
    assert again.labels.tolist() == found.labels.tolist()


LISTS = {
    "val.txt": lambda synset, n: f"ILSVRC2012_val_{n:08}.JPEG {classes.SYNSETS.index(synset)}",
    "mine.txt": lambda synset, n: f"val/ILSVRC2012_val_{n:08}.JPEG {synset}",
    "LOC_val_solution.csv": lambda synset, n: f"ILSVRC2012_val_{n:08},{synset} 1 2 30 40 ",
}
"""Lists that others than the development kit have."""


@pytest.mark.parametrize("name", [*LISTS, "kit"])
def test_a_flat_folder_has_its_labels_from_a_list(name: str, tmp_path: Path) -> None:
    synsets = ["n15075141", "n01440764", "n02123045", "n15075141"]
    classes.flat(tmp_path, synsets)
    if name == "kit":
        classes.kit(tmp_path, synsets)
    else:
        lines = [LISTS[name](synset, number) for number, synset in enumerate(synsets, 1)]
        head = ["ImageId,PredictionString"] if name.endswith("csv") else []
        (tmp_path / name).write_text("\n".join([*head, *lines]))
    options = {"labels": name} if name == "mine.txt" else {}
    found = dataset("imagenet1k", tmp_path, **options).pictures()
    assert found.labels.tolist() == [999, 0, 281, 999]
    assert found.samples.samples[1].path == "ILSVRC2012_val_00000002.JPEG"
    assert len(found.files) == 1


def of_folders(root: Path) -> None:
    classes.folders(root, SYNSETS)


def with_a_folder(name: str):
    def draw(root: Path) -> None:
        classes.folders(root, SYNSETS)
        (root / "val" / name).mkdir()

    return draw


def beside_folders(root: Path) -> None:
    classes.folders(root, SYNSETS)
    (root / "val" / SYNSETS[0] / "0.png").rename(root / "val" / "0.png")


def without_list(root: Path) -> None:
    classes.flat(root, SYNSETS)


def with_list(text: str, name: str = "val.txt"):
    def draw(root: Path) -> None:
        classes.flat(root, SYNSETS)
        (root / name).write_text(text)

    return draw


def with_meta(content: bytes):
    def draw(root: Path) -> None:
        classes.flat(root, SYNSETS)
        classes.kit(root, SYNSETS).with_name("meta.mat").write_bytes(content)

    return draw


IMAGE = "ILSVRC2012_val_00000001.JPEG"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda root: None, f"{classes.TRUTH} is missing. ImageNet (ILSVRC 2012) is expected"),
        (
            with_a_folder("n01440765"),
            "is not the folder of a class: n01440765 is not the id of one of the 1,000 synsets. Did",
        ),
        (with_a_folder("other"), "val/other is not the folder of a class"),
        (lambda root: (root / "val" / "tench").mkdir(parents=True), "no list of classes: tench is"),
        (beside_folders, "val/0.png lies beside the folders of the classes"),
        (without_list, f"{classes.TRUTH} is missing"),
        (with_list(f"{IMAGE} 1000"), "val.txt, entry 1 has the label '1000': expected 'name label"),
        (with_list(f"{IMAGE} -1"), "val.txt, entry 1 has the label '-1'"),
        (with_list(f"{IMAGE} n99999999"), "n99999999 is not the id of one of the 1,000 synsets"),
        (with_list("absent.JPEG 0"), "1 of 1 pictures of"),
        (with_list(""), "val.txt is empty"),
        (with_list("5\n6\n7\n", classes.TRUTH), "meta.mat is missing. The numbers"),
        (with_meta(b"MATLAB 5.0"), "meta.mat does not say the numbers of the 1,000 synsets"),
    ],
)
def test_a_wrong_imagenet_is_refused(draw, message: str, tmp_path: Path) -> None:
    draw(tmp_path)
    with pytest.raises(DatasetError, match=re.escape(message)):
        dataset("imagenet1k", tmp_path).pictures()


def test_a_number_that_the_kit_does_not_have_is_refused(tmp_path: Path) -> None:
    classes.flat(tmp_path, SYNSETS)
    path = classes.kit(tmp_path, SYNSETS)
    path.write_text("1\n0\n1\n")
    with pytest.raises(DatasetError, match="entry 2 has the label '0'"):
        dataset("imagenet1k", tmp_path).pictures()


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
@pytest.mark.parametrize("version", ["binary", "python"])
def test_a_damaged_cifar_is_refused(name: str, version: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"is missing\. CIFAR-10+ is expected to hold"):
        dataset(name, tmp_path).pictures()
    path = tmp_path / cifar_file(name, version)
    whole, classes_of_it = cifar_content(name, version), len(labels_of(name))
    put(path, whole[:-1])
    with pytest.raises(DatasetError, match=re.escape(str(path))):
        dataset(name, tmp_path).pictures()
    put(path, cifar_content(name, version, [0, classes_of_it]))
    message = f"picture 1 (from 0) has the label {classes_of_it}, but {name} has the classes 0 to"
    with pytest.raises(DatasetError, match=re.escape(message)):
        dataset(name, tmp_path).pictures()
    put(path, cifar_content(name, version, []))
    with pytest.raises(DatasetError, match="holds no picture"):
        dataset(name, tmp_path).pictures()


def test_a_file_of_another_data_set_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "test_batch.bin", cifar_content("cifar100", "binary"))
    with pytest.raises(DatasetError, match="no multiple of 3073, the size of a record of CIFAR-10"):
        dataset("cifar10", tmp_path).pictures()
    put(tmp_path / "test", cifar_content("cifar10", "python"))
    with pytest.raises(DatasetError, match="`fine_labels` must be a list of 4 numbers"):
        dataset("cifar100", tmp_path).pictures()


ROWS = classes.cifar_rows(classes.pixels(1, 32, 32, 3))


class Evil:
    def __reduce__(self) -> object:
        return os.mkdir, ("ran",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"labels": Evil()}, 2), "it names posix.mkdir, which could run code"),
        (pickle.dumps({"data": np.array([None])}, 2), "whose type is not uint8"),
        (pickle.dumps({"data": np.ones((1, 3072))}, 2), "whose type is not uint8"),
        (pickle.dumps([1, 2], 2), "it holds a list, not a mapping"),
        (b"\x80\x02}r\xff\xff\xff\xff.", "it asks for more memory than its size explains"),
        (
            classes.python2({"labels": [0], "data": ROWS})[:-10],
            "cannot be read as a pickled mapping",
        ),
        (b"", "cannot be read as a pickled mapping"),
        (
            classes.python2({"labels": [0], "data": ROWS[:, 1:]}),
            "must be an array (N, 3072), but is",
        ),
        (classes.python2({"labels": [0]}), "must be an array (N, 3072), but is NoneType"),
        (classes.python2({"labels": [0, 1], "data": ROWS}), "must be a list of 1 numbers"),
        (classes.python2({"labels": ["0"], "data": ROWS}), "must be a list of 1 numbers"),
        (classes.python2({"data": ROWS}), "`labels` must be a list"),
    ],
)
def test_a_pickle_is_read_without_running_anything(
    content: bytes, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    put(tmp_path / "test_batch", content)
    with pytest.raises(DatasetError, match=re.escape(message)):
        dataset("cifar10", tmp_path).pictures()
    assert not (tmp_path / "ran").exists()


SMALL = classes.python2({"labels": [1, 2], "data": np.zeros((2, 3), np.uint8)})


@given(st.integers(0, len(SMALL) - 1), st.binary(min_size=1, max_size=3))
def test_a_damaged_pickle_ends_in_an_error_or_a_mapping(place: int, new: bytes) -> None:
    content = SMALL[:place] + new + SMALL[place + len(new) :]
    # Whatever else it raised would end the test.
    with suppress(DatasetError):
        assert isinstance(read_pickled(content, Path("batch")), dict)


IMAGES = classes.idx(classes.pixels(2, 28, 28))


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (classes.idx(np.array([1, 2])), [1, 2], "begins with 00000801, but an idx file of 3 axes"),
        (b"", [1, 2], "begins with nothing, but"),
        (IMAGES[:9], [1, 2], "but an idx file of 3 axes of bytes with 00000803"),
        (IMAGES[:-1], [1, 2], "says that it holds 2 x 28 x 28 values, but has fewer"),
        (IMAGES + b"0", [1, 2], "but has more"),
        (IMAGES, [1, 2, 3], "holds 2 pictures, but"),
        (IMAGES, [1, 10], "picture 1 (from 0) has the label 10, but mnist has the classes 0 to 9"),
        (classes.idx(classes.pixels(2, 20, 20)), [1, 2], "but those of MNIST are (28, 28)"),
        (b"\x1f\x8b\x08\x00cut", [1, 2], "cannot be unpacked"),
        (struct.pack(">4B3I", 0, 0, 8, 3, *[2**32 - 1] * 3), [1], "values, but has fewer"),
    ],
)
def test_a_damaged_mnist_is_refused(
    images: bytes, labels: list[int], message: str, tmp_path: Path
) -> None:
    classes.mnist(tmp_path, labels)
    (tmp_path / "t10k-images-idx3-ubyte").write_bytes(images)
    with pytest.raises(DatasetError, match=re.escape(message)):
        dataset("mnist", tmp_path).pictures()


def test_a_missing_file_of_mnist_is_named(tmp_path: Path) -> None:
    classes.mnist(tmp_path, LABELS)
    (tmp_path / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(
        DatasetError, match=r"t10k-labels-idx1-ubyte is missing\. MNIST is expected"
    ):
        dataset("mnist", tmp_path).pictures()


def test_a_data_set_names_what_it_does_not_know(tmp_path: Path) -> None:
    with pytest.raises(UnknownNameError, match="There is no data set 'svhn'; there are cifar10"):
        dataset("svhn", tmp_path)
    with pytest.raises(DatasetError, match="has no option 'part'; it has labels"):
        dataset("imagenet1k", tmp_path, part="train")

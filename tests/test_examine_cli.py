"""`mshub inspect` and `mshub diff` as users start them."""

import json
import os
from pathlib import Path

import checkpoints
import manifests
import numpy as np
import pytest
import wire
from commands import run

from mindspore_hub.files.store import Store
from mindspore_hub.hub.hub import Hub

pytestmark = pytest.mark.slow

ARRAYS = {
    "network.a.weight": np.arange(12, dtype=np.float32).reshape(3, 4),
    "network.a.bias": np.ones(3, np.float32),
    "network.b.0.bias": np.ones(3, np.float32),
    "network.b.1.bias": np.array([1, 2, 3], np.float32),
    "network.b.2.bias": np.array([1, 2, 3], np.float32),
    "moments.network.a.bias": np.arange(3, dtype=np.float32),
    "step": np.array(7, np.int32),
}

SHOWN = """\
Fact              Value
file              {path}
format            ckpt, {size} bytes
float32           6 tensors, 27 elements, 108 bytes
int32             1 tensor, 1 elements, 4 bytes
prefix network.   5 parameters
optimizer state   2 tensors, 4 elements, 16 bytes: moments.*, step
text note         two words
duplicates        network.b.1.bias
                  network.b.2.bias
duplicates        2 tensors of one number each, as if untrained

network                 5 tensors, 24 elements, 96 bytes
  a                     2 tensors, 15 elements, 60 bytes
    weight              float32 3x4, 48 bytes
    bias                float32 3, 12 bytes
  b                     3 tensors, 9 elements, 36 bytes
    0.bias              float32 3, 12 bytes
    1.bias              float32 3, 12 bytes
    2.bias              float32 3, 12 bytes
moments.network.a.bias  float32 3, 12 bytes
step                    int32 scalar, 4 bytes
note                    str scalar, 36 bytes
"""


def store(name: str, data: bytes) -> str:
    """Put a file into the store as that of a card; return the path of the card."""
    home = Path(os.environ["MSHUB_HOME"])
    file = home.parent / "x.ckpt"
    file.write_bytes(data)
    digest = checkpoints.digest(file)
    card = home.parent / f"{name}.md"
    card.write_bytes(Hub.of().resolve("metric_learn").path.read_bytes())
    checkpoints.publish(card, "https://download.mindspore.cn/x.ckpt", digest)
    made = Store(home)
    made.prepare()
    made.add(file, digest)
    return str(card)


def test_a_file_is_shown_as_facts_and_a_tree(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS, append_dict={"note": "two words"})
    done = run("inspect", path)
    expected = SHOWN.format(path=path, size=path.stat().st_size)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines(keepends=True)
    assert "".join(line for line in lines if not line.startswith("─")) == expected


def test_every_tensor_is_listed_on_request(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    lines = run("inspect", path, "--all").stdout.split("\n\n")[1].splitlines()
    assert [line.split()[0] for line in lines] == list(ARRAYS)
    assert lines[0].split() == ["network.a.weight", "float32", "3x4", "48", "bytes"]
    assert lines[-1].split() == ["step", "int32", "scalar", "4", "bytes", "optimizer"]


def test_texts_of_a_header_and_new_types_are_shown(tmp_path: Path) -> None:
    entries = {
        "w": {"dtype": "F8_E4M3", "shape": [2, 2], "data_offsets": [0, 4]},
        "v": {"dtype": "F4", "shape": [8], "data_offsets": [4, 8]},
        "u": {"dtype": "F6_E2M3", "shape": [4], "data_offsets": [8, 11]},
    }
    path = tmp_path / "a.safetensors"
    metadata = {"format": "pt", "license": "apache-2.0"}
    path.write_bytes(wire.safetensors({"__metadata__": metadata, **entries}, bytes(11)))
    shown = run("inspect", path).stdout
    for line in ("metadata format    pt", "metadata license   apache-2.0", "F4 8, 4 bytes"):
        assert line in shown
    assert "F8_E4M3            1 tensor, 4 elements, 4 bytes" in shown
    facts = json.loads(run("inspect", path, "--format", "json").stdout)
    assert facts["metadata"] == metadata
    assert facts["dtypes"]["F6_E2M3"] == {"tensors": 1, "elements": 4, "nbytes": 3}


def test_json_holds_everything(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.safetensors", ARRAYS, format="safetensors")
    facts = json.loads(run("inspect", path, "--format", "json").stdout)
    assert (facts["format"], facts["size"]) == ("safetensors", path.stat().st_size)
    assert {item["name"]: tuple(item["shape"]) for item in facts["tensors"]} == {
        name: array.shape for name, array in ARRAYS.items()
    }
    assert facts["dtypes"]["float32"] == {"tensors": 6, "elements": 27, "nbytes": 108}
    assert facts["prefixes"] == {"network.": 5}
    assert sorted(facts["optimizer"]) == ["moments.network.a.bias", "step"]
    assert {(frozenset(item["names"]), item["constant"]) for item in facts["duplicates"]} == {
        (frozenset({"network.a.bias", "network.b.0.bias"}), True),
        (frozenset({"network.b.1.bias", "network.b.2.bias"}), False),
    }
    assert "networks" not in facts


def test_the_file_of_a_card_is_found_in_the_store_or_said_to_be_missing(tmp_path: Path) -> None:
    missing = run("inspect", "MVD")
    assert (missing.returncode, missing.stdout) == (6, "")
    assert missing.stderr == (
        "mshub: error: The file of MVD is not in the store; `mshub download MVD` brings it.\n"
    )
    card = store("card", checkpoints.save(tmp_path / "a.ckpt", ARRAYS).read_bytes())
    done = run("inspect", card, "--format", "json")
    assert len(json.loads(done.stdout)["tensors"]) == len(ARRAYS)


def test_a_damaged_file_of_a_card_is_not_read(tmp_path: Path) -> None:
    card = store("card", checkpoints.save(tmp_path / "a.ckpt", ARRAYS).read_bytes())
    (blob,) = Path(os.environ["MSHUB_HOME"]).glob("blobs/sha256/*/*")
    blob.chmod(0o644)
    blob.write_bytes(b"other")
    done = run("inspect", card)
    assert (done.returncode, done.stdout) == (4, "")
    assert "is damaged" in done.stderr


def damaged(folder: Path) -> dict[str, tuple[str, int, str]]:
    """What users may give by mistake: path, exit code, a part of the message."""
    whole = wire.value("a.b", wire.tensor(bytes(8), (2,)))
    files = {
        "empty.ckpt": b"",
        "truncated.ckpt": whole[:-1],
        "page.ckpt": b"<html>not found</html>",
        "twice.ckpt": whole + wire.value("c", wire.tensor(b"", (0,))) + whole,
        "huge.safetensors": wire.safetensors(b'{"a":' + b"[" * 5000),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "pipe")
    return {
        "empty": (str(folder / "empty.ckpt"), 1, "it is an empty file"),
        "truncated": (
            str(folder / "truncated.ckpt"),
            1,
            "not a MindSpore checkpoint, or a damaged",
        ),
        "page": (str(folder / "page.ckpt"), 1, "not a MindSpore checkpoint"),
        "twice": (str(folder / "twice.ckpt"), 1, "a.b at byte"),
        "huge": (str(folder / "huge.safetensors"), 1, "its header is not JSON"),
        "folder": (str(folder), 2, "is a folder"),
        "pipe": (str(folder / "pipe"), 2, "is not a regular file"),
        "unknown user": ("~nobody-by-this-name/x", 2, "'~nobody-by-this-name/x' does not exist"),
        "missing": (str(folder / "none.ckpt"), 2, "does not exist"),
        "relative": ("none.safetensors", 2, "does not exist"),
        "name": ("nothing", 3, "names no model card"),
    }


def test_what_is_no_checkpoint_is_refused_with_the_exit_code_of_its_kind(tmp_path: Path) -> None:
    for kind, (path, code, problem) in damaged(tmp_path).items():
        for command in (("inspect", path), ("diff", path, path)):
            done = run(*command)
            assert (done.returncode, done.stdout) == (code, ""), (kind, done)
            assert problem in done.stderr
            assert "Traceback" not in done.stderr


def test_a_text_cannot_talk_to_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    text = "\x1b[2J\x9bhi\n" + "x" * 1000
    path.write_bytes(wire.value("note", wire.tensor(text.encode("utf-32-le"), (0,), dtype="str")))
    shown = run("inspect", path).stdout
    assert "\\x1b[2J\\x9bhi\\n" in shown
    assert not any(character in shown for character in "\x1b\x9b")
    assert max(map(len, shown.splitlines())) < 200
    assert json.loads(run("inspect", path, "--format", "json").stdout)["texts"] == {"note": text}


def test_a_tree_of_very_many_or_very_deep_names_stays_small(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    deep = "a." * 1500
    empty = wire.tensor(b"", (0,))
    names = [*(f"n{index}" for index in range(20_000)), *(f"{deep}{index}" for index in range(50))]
    path.write_bytes(b"".join(wire.value(name, empty) for name in names))
    done = run("inspect", path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) < 100
    assert "... and 19961 more" in done.stdout


def test_equal_files_are_equal_whatever_their_format(tmp_path: Path) -> None:
    left = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    right = checkpoints.save(tmp_path / "b.safetensors", ARRAYS, format="safetensors")
    done = run("diff", left, right)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "7 tensors equal, 0 different, 0 in one file only\n"


def test_differences_are_shown_and_end_with_1(tmp_path: Path) -> None:
    changed = {**ARRAYS, "network.a.weight": ARRAYS["network.a.weight"].copy()}
    changed["network.a.weight"][0, 0] = 5.5
    changed["network.a.weight"][2, 3] = np.nan
    changed["network.b.0.bias"] = np.ones((3, 1), np.float32)
    changed["new"] = changed.pop("step")
    left, right = (
        checkpoints.save(tmp_path / "a.ckpt", ARRAYS),
        checkpoints.save(tmp_path / "b.ckpt", changed),
    )
    done = run("diff", left, right)
    assert (done.returncode, done.stderr) == (1, "")
    assert f"only in {left}: step\nonly in {right}: new\n" in done.stdout
    assert "float32 (3,) -> float32 (3, 1)" in done.stdout
    assert (
        "16.667% of 12 elements differ, by 5.5 at most (0.5 of the largest), 1 NaN on one side"
        in done.stdout
    )
    assert done.stdout.endswith("4 tensors equal, 2 different, 2 in one file only\n")
    facts = json.loads(run("diff", left, right, "--format", "json").stdout)
    assert (facts["equal"], facts["only_left"], facts["only_right"]) == (4, ["step"], ["new"])
    change = {item["name"]: item for item in facts["changes"]}
    assert change["network.b.0.bias"] == {
        "name": "network.b.0.bias",
        "kind": "shape",
        "left": {"dtype": "float32", "shape": [3]},
        "right": {"dtype": "float32", "shape": [3, 1]},
    }
    assert change["network.a.weight"]["values"] == {
        "elements": 12,
        "differing": 2,
        "nan": 1,
        "largest": 5.5,
        "relative": 0.5,
    }


def test_what_differs_in_very_many_tensors_is_shown_in_part(tmp_path: Path) -> None:
    def write(name: str, data: bytes, prefix: str) -> Path:
        names = [*(f"n{index}" for index in range(130)), *(f"{prefix}{i}" for i in range(120))]
        tensor = wire.tensor(data, (1,))
        path = tmp_path / name
        path.write_bytes(b"".join(wire.value(name, tensor) for name in names))
        return path

    left, right = write("a.ckpt", bytes(4), "l"), write("b.ckpt", b"\0\0\0@", "r")
    shown = run("diff", left, right).stdout
    assert f"only in {left}: l99\nonly in {left}: 20 more\n" in shown
    assert "30 more" in shown
    assert "n99 " in shown
    assert "n100" not in shown
    assert shown.endswith("0 tensors equal, 130 different, 240 in one file only\n")
    facts = json.loads(run("diff", left, right, "--format", "json").stdout)
    assert (len(facts["only_right"]), len(facts["changes"])) == (120, 130)


def test_json_says_infinity_as_text(tmp_path: Path) -> None:
    left = checkpoints.save(tmp_path / "a.ckpt", {"a": np.zeros(2, np.float32)})
    right = checkpoints.save(tmp_path / "b.ckpt", {"a": np.array([0, np.inf], np.float32)})
    facts = json.loads(run("diff", left, right, "--format", "json").stdout)
    values = facts["changes"][0]["values"]
    assert (values["largest"], values["relative"]) == ("inf", "inf")


def test_files_are_compared_under_the_names_of_a_network(tmp_path: Path) -> None:
    published = {
        "weight": np.ones((2, 3), np.float32),
        "net.conv1.weight": np.ones(4, np.float32),
        "moments.weight": np.ones(3, np.float32),
    }
    clean = {
        "head.weight": np.ones((2, 3), np.float32),
        "conv1.weight": np.ones(4, np.float32),
    }
    left, right = (
        checkpoints.save(tmp_path / "a.ckpt", published),
        checkpoints.save(tmp_path / "b.ckpt", clean),
    )
    assert run("diff", left, right).returncode == 1
    done = run("diff", left, right, "--network", "metric_learn")
    assert (done.returncode, done.stdout) == (
        0,
        "2 tensors equal, 0 different, 0 in one file only\n",
    )


def test_the_network_that_fits_is_found(tmp_path: Path) -> None:
    tensors = [
        item for item in manifests.read("vehiclenet_stage2_veri575") if item.canonical is not None
    ]
    path = tmp_path / "a.ckpt"
    checkpoints.write(path, tensors)
    assert (
        "VehicleNet(class_num=575); shapes tell class_num"
        in run("inspect", path, "--network", "vehiclenet").stdout
    )
    facts = json.loads(run("inspect", path, "--network", "any", "--format", "json").stdout)
    (network,) = facts["networks"]
    assert (network["model"], network["derived"]) == ("VehicleNet", {"class_num": 575})
    assert len(network["names"]) == len(tensors)


def test_a_network_that_does_not_fit_is_an_error(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    wrong = run("inspect", path, "--network", "MVD")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert "does not fit MVD" in wrong.stderr


def test_a_file_that_fits_no_network_says_so(tmp_path: Path) -> None:
    path = checkpoints.save(tmp_path / "a.ckpt", ARRAYS)
    assert "network           none of the hub" in run("inspect", path, "--network", "any").stdout

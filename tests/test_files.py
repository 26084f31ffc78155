"""How outputs are written: links, pipes, devices, modes, and what is said if they cannot be."""

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import disks
import numpy as np
import pytest
import sheets
from commands import start
from safetensors.numpy import save_file

import mindspore_hub
from mindspore_hub import _files
from mindspore_hub.errors import OutputError, StoreError
from mindspore_hub.gallery import features
from mindspore_hub.networks.convert import convert_tensors
from mindspore_hub.networks.examine import examine
from mindspore_hub.tasks.retrieval.datasets import dataset
from mindspore_hub.tasks.retrieval.report import check_plot, draw_cmc
from mindspore_hub.tasks.retrieval.sheet import save

Write = Callable[[Path, bytes], None]


def by_block(path: Path, content: bytes) -> None:
    with _files.replacing(path) as temporary:
        temporary.write_bytes(content)
        temporary.chmod(0o400)  # as some libraries leave what they write


@pytest.fixture(params=[_files.replace, by_block])
def write(request: pytest.FixtureRequest) -> Write:
    function: Write = request.param
    return function


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("target", ["real", "sub/real", "new", "sub/new"])
def test_a_link_stays_and_its_target_is_written(write: Write, folder: Path, target: str) -> None:
    for name in ("real", "sub/real"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(b"old")
    Path("link").symlink_to(target)
    Path("chain").symlink_to(folder / "link")
    write(Path("chain"), b"new")
    assert (Path("chain").is_symlink(), Path("link").is_symlink()) == (True, True)
    assert Path(target).read_bytes() == b"new"
    assert not any(path.name.startswith(".") for path in folder.rglob("*"))


def test_a_link_to_itself_is_an_error_and_stays(write: Write, folder: Path) -> None:
    Path("loop").symlink_to("loop")
    with pytest.raises(StoreError, match="loop cannot be written: Too many levels of symbolic"):
        write(Path("loop"), b"new")
    assert [path.name for path in folder.iterdir()] == ["loop"]


def test_a_pipe_gets_the_content_and_stays(write: Write, folder: Path) -> None:
    os.mkfifo("pipe")
    content = bytes(range(256)) * 1000  # more than a pipe holds
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(Path("pipe").read_bytes()))
    reader.start()
    while True:  # until the reader has opened it
        try:
            write(Path("pipe"), content)
            break
        except OutputError:
            continue
    reader.join()
    assert read == [content]
    assert stat.S_ISFIFO(Path("pipe").stat().st_mode)
    assert [path.name for path in folder.iterdir()] == ["pipe"]


@pytest.mark.parametrize("kind", ["pipe", "socket", "folder", "link"])
def test_what_cannot_take_an_output_is_named_and_stays(
    write: Write, folder: Path, kind: str
) -> None:
    import socket

    with socket.socket(socket.AF_UNIX) as listener:
        if kind == "socket":
            listener.bind("x")
        elif kind == "pipe":
            os.mkfifo("x")
        else:
            Path("x" if kind == "folder" else "y").mkdir()
            if kind == "link":
                Path("x").symlink_to("y")
        before = Path("x").lstat()
        with pytest.raises(OutputError, match=r"^x is ") as caught:
            write(Path("x"), b"new")
        assert caught.value.exit_code == 2
    assert Path("x").lstat().st_ino == before.st_ino


def test_a_device_is_written_to_and_stays(write: Write, folder: Path) -> None:
    try:
        os.mknod("null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    except OSError as error:
        pytest.skip(f"no device can be made here: {error}")
    write(Path("null"), b"new")
    assert stat.S_ISCHR(Path("null").stat().st_mode)


def test_a_full_disk_is_named_and_what_was_there_stays(write: Write, tmp_path: Path) -> None:
    with disks.small_disk(tmp_path / "disk", "64k") as disk:
        (disk / "file").write_bytes(b"old")
        with pytest.raises(StoreError, match=r"file cannot be written: No space left on device"):
            write(disk / "file", bytes(100_000))
        assert (disk / "file").read_bytes() == b"old"
        assert [path.name for path in disk.iterdir()] == ["file"]


PROGRAM = """
import sys
from pathlib import Path
from mindspore_hub import _files
print("before", flush=True)
_files.replace(Path(sys.argv[1]), b"content\\n")
with _files.replacing(Path(sys.argv[1])) as temporary:
    temporary.write_bytes(b"more\\n")
print("after")
"""


@pytest.mark.parametrize(
    "name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1", "link"]
)
def test_open_files_of_the_process_are_added_to(folder: Path, name: str) -> None:
    Path("link").symlink_to("/dev/stdout")
    output = folder / "out.txt"
    output.write_bytes(b"earlier\n")
    lines = "before\ncontent\nmore\nafter\n"
    with output.open("ab") as file:
        subprocess.run([sys.executable, "-c", PROGRAM, name], stdout=file, check=True)
    assert output.read_text() == f"earlier\n{lines}"
    assert start(sys.executable, "-c", PROGRAM, name, cwd=folder).stdout == lines


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o022, 0o027, 0o077])
def test_a_new_file_has_what_the_umask_leaves(write: Write, folder: Path, umask: int) -> None:
    os.umask(umask)
    write(Path("deep/new"), b"new")
    assert mode(Path("deep/new")) == 0o666 & ~umask


@pytest.mark.parametrize("known", [0o600, 0o640, 0o666, 0o755])
def test_a_file_that_is_there_keeps_its_mode(write: Write, folder: Path, known: int) -> None:
    Path("file").touch()
    Path("file").chmod(known)
    os.umask(0o077)
    write(Path("file"), b"new")
    assert (mode(Path("file")), Path("file").read_bytes()) == (known, b"new")


@pytest.mark.parametrize("name", ["f" * 255, "猫" * 85])
def test_a_name_may_be_as_long_as_the_file_system_takes(
    write: Write, folder: Path, name: str
) -> None:
    write(Path(name), b"new")
    assert [path.name for path in folder.iterdir()] == [name]


@pytest.mark.parametrize("name", ["/dev/full", "file/below", "/proc/none/file"])
def test_an_output_that_cannot_be_written_is_named(write: Write, folder: Path, name: str) -> None:
    Path("file").write_bytes(b"old")
    with pytest.raises(StoreError) as caught:
        write(Path(name), b"new")
    assert str(caught.value).startswith(f"{name} cannot be written: ")
    assert caught.value.exit_code == 9
    assert Path("file").read_bytes() == b"old"


class Given:
    """A path of somebody else's class."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __fspath__(self) -> str:
        return str(self.path)


@pytest.mark.parametrize("kind", [str, Path, Given])
def test_every_path_of_the_interface_is_a_text_or_a_path(
    tmp_path: Path, kind: Callable[[Path], str | os.PathLike[str]]
) -> None:
    save_file({"weight": np.ones((2, 3), np.float32)}, tmp_path / "a.safetensors")
    convert_tensors(
        examine(kind(tmp_path / "a.safetensors")), kind(tmp_path / "a.ckpt"), format="ckpt"
    )
    query, gallery = sheets.sides(tmp_path / "pictures")
    query.save(kind(tmp_path / "q.npz"))
    gallery.save(kind(tmp_path / "g.npz"))
    assert len(features.load(kind(tmp_path / "q.npz"))) == len(query)
    found = mindspore_hub.match(kind(tmp_path / "q.npz"), kind(tmp_path / "g.npz"), k=1)
    found.save_sheet(kind(tmp_path / "sheet.png"), images=kind(tmp_path / "pictures"))
    save(found, kind(tmp_path / "sheet.html"), images=kind(tmp_path / "pictures"))
    places = {"labels": np.array([0, 0]), "cameras": np.array([3, 1])}
    whole = features.Features(np.eye(2), **places, roles=np.array([[1], [2]]))
    whole.save(kind(tmp_path / "whole.npz"))
    report = mindspore_hub.evaluate(features=kind(tmp_path / "whole.npz"), protocol="regdb")
    check_plot(kind(tmp_path / "cmc.png"))
    draw_cmc(report, kind(tmp_path / "cmc.png"))
    assert dataset("sop", kind(tmp_path)).root == tmp_path
    written = {"a.ckpt", "sheet.png", "sheet.html", "cmc.png"}
    assert written <= {path.name for path in tmp_path.iterdir()}

"""`embed --on`: workers of a Dask cluster make the file of one process, and what they lack is said.

Workers compute with the network of `placed`, so that none of them has to import MindSpore.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import placed
import pytest

from mindspore_hub._progress import Progress
from mindspore_hub.errors import ClusterError, HubError, NetworkError, PictureError
from mindspore_hub.gallery import features
from mindspore_hub.tasks.pictures.cluster import Engine
from mindspore_hub.tasks.pictures.samples import list_samples

distributed = pytest.importorskip("distributed")

pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
SIZE = 4
PICTURES = 150


@pytest.fixture(scope="module")
def scheduler() -> Iterator["distributed.LocalCluster"]:
    """A scheduler without workers, which this process can look into."""
    with distributed.LocalCluster(
        n_workers=0, host="127.0.0.1", protocol="tcp", dashboard_address=None, processes=False
    ) as cluster:
        yield cluster


@contextlib.contextmanager
def working(
    scheduler: "distributed.LocalCluster", count: int, cwd: Path, *paths: Path, **env: str
) -> Iterator[list["subprocess.Popen[bytes]"]]:
    """So many workers, called by their number in the list."""
    command = [
        *(sys.executable, "-m", "distributed.cli.dask_worker", scheduler.scheduler_address),
        *("--nthreads", "1", "--no-nanny", "--no-dashboard", "--memory-limit", "0"),
        *("--host", "127.0.0.1", "--local-directory", tempfile.gettempdir(), "--name"),
    ]
    path = os.pathsep.join(map(str, [*paths, TESTS.parent, TESTS]))
    found = [
        subprocess.Popen(
            [*command, str(number)],
            cwd=cwd,
            env={**os.environ, "PYTHONPATH": path, **env},
            stderr=subprocess.DEVNULL,
        )
        for number in range(count)
    ]
    try:
        yield found
    finally:
        for process in found:
            process.kill()
            process.wait()
        while scheduler.scheduler.workers:  # it may take a moment to see that they are gone
            time.sleep(0.02)


def embedding(scheduler: "distributed.LocalCluster", **options: object) -> placed.Placed:
    address = scheduler.scheduler_address.replace("tcp://", "dask://")
    return placed.Placed(
        placed.CARD, on=Engine.of(address), batch_size=SIZE, runtime="mindspore", **options
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return placed.draw(tmp_path_factory.mktemp("pictures") / "all", PICTURES)


@pytest.fixture(scope="module")
def whole(folder: Path) -> bytes:
    """The file that one process makes."""
    output = folder.with_name("whole.npz")
    placed.Placed(placed.CARD, batch_size=SIZE, runtime="mindspore").write(
        list_samples(folder), output, known={}
    )
    return output.read_bytes()


class Stopped(Exception):
    """What ends a run."""


def test_workers_make_the_file_of_one_process_whatever_becomes_of_them(
    scheduler: "distributed.LocalCluster", folder: Path, whole: bytes, tmp_path: Path
) -> None:
    """One test, since starting workers takes longer than all that they do."""
    output = tmp_path / "f.npz"
    pictures = list_samples(folder)
    with working(scheduler, 3, tmp_path, MSHUB_TEST_SECONDS="0.01") as processes:
        seen: list[int] = []

        def stop(done: int, _total: int | None) -> None:
            seen.append(done)
            if done > PICTURES // 4:
                raise Stopped

        with pytest.raises(Stopped):
            embedding(scheduler, progress=stop).write(pictures, output, known={})
        assert not output.exists()
        before = seen[-1]
        seen.clear()
        killed: list[subprocess.Popen[bytes]] = []

        def kill(done: int, _total: int | None) -> None:
            seen.append(done)
            found = scheduler.scheduler.workers.values()
            busy = [int(worker.name) for worker in found if worker.processing]
            if not killed and busy and len(found) == 3:
                killed.append(processes[busy[0]])
                killed[0].kill()

        embedding(scheduler, progress=kill).write(pictures, output, known={})
        assert len(killed) == 1
        assert before < seen[0], "what was computed before is not computed again"
        assert (sorted(seen), seen[-1]) == (seen, PICTURES)
        assert output.read_bytes() == whole
        assert [path.name for path in tmp_path.iterdir()] == ["f.npz"]
        in_memory = embedding(scheduler).features(pictures, known={})
        assert np.array_equal(in_memory.vectors, features.load(output).vectors)
        bad_pictures_are_left_out_as_ever(scheduler, tmp_path)

        # Whoever loses as many workers as the scheduler allows is told so, and goes on.
        scheduler.scheduler.allowed_failures = 0
        with pytest.raises(ClusterError, match=r"1 workers were lost, one after another, over the"):
            embedding(scheduler, progress=kill_all_but(processes, 1)).write(
                pictures, tmp_path / "g.npz", known={}
            )
        assert not (tmp_path / "g.npz").exists()
        embedding(scheduler).write(pictures, tmp_path / "g.npz", known={})
        assert (tmp_path / "g.npz").read_bytes() == whole


def kill_all_but(processes: list["subprocess.Popen[bytes]"], left: int) -> "Progress":
    """Progress that kills workers until so many are left."""

    def kill(_done: int, _total: int | None) -> None:
        alive = [process for process in processes if process.poll() is None]
        for process in alive[left:]:
            process.kill()
            process.wait()

    return kill


def bad_pictures_are_left_out_as_ever(
    scheduler: "distributed.LocalCluster", tmp_path: Path
) -> None:
    folder = placed.draw(tmp_path / "some", 9)
    (folder / "0005.png").write_bytes(b"no picture")
    pictures, output = list_samples(folder), tmp_path / "some" / "f.npz"
    with pytest.raises(PictureError, match=r"0005\.png cannot be read .*\(On the worker tcp://127"):
        embedding(scheduler).write(pictures, output, known={})
    assert not output.exists()
    embedding(scheduler, skip_bad=True).write(pictures, output, known={})
    alone = placed.Placed(placed.CARD, batch_size=SIZE, runtime="mindspore", skip_bad=True)
    alone.write(pictures, folder / "alone.npz", known={})
    assert output.read_bytes() == (folder / "alone.npz").read_bytes()


def test_what_a_worker_lacks_is_said(scheduler: "distributed.LocalCluster", tmp_path: Path) -> None:
    """A worker that neither sees the pictures nor, later, has the package."""
    placed.draw(tmp_path / "all", 9)
    here = f"/proc/{os.getpid()}/cwd/all"
    (tmp_path / "there").mkdir()
    output = tmp_path / "f.npz"
    with contextlib.chdir(tmp_path) if sys.version_info >= (3, 11) else _chdir(tmp_path):
        pictures = list_samples("/proc/self/cwd/all")
        assert Path(here).is_dir()
        with working(scheduler, 1, tmp_path / "there", MSHUB_HUB=str(TESTS.parent)):
            with pytest.raises(ClusterError, match=r"0000\.png does not exist here\. All machines"):
                embedding(scheduler).write(pictures, output, known={})
            placed.draw(tmp_path / "there" / "all", 9)
            with pytest.raises(
                ClusterError, match=r"0000\.png is not as it is on the machine that"
            ):
                embedding(scheduler).write(pictures, output, known={})
            other = embedding(scheduler, modality=None)
            other._preprocessing = placed.Placed("MVD")._preprocessing
            with pytest.raises(ClusterError, match=r"would compute otherwise .*: preprocessing \("):
                other.write(pictures, output, known={})
        fake = tmp_path / "fake" / "mindspore_hub"
        fake.mkdir(parents=True)
        (fake / "__init__.py").write_text("raise ModuleNotFoundError('No module of that name')")
        with working(scheduler, 1, tmp_path, fake.parent), pytest.raises(ClusterError) as caught:
            embedding(scheduler).write(pictures, output, known={})
    assert "lacks this package (" in str(caught.value)
    assert "No module of that name); install there what is here: pip install" in str(caught.value)
    assert not list(tmp_path.glob("f.npz*"))


@contextlib.contextmanager
def _chdir(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def test_a_scheduler_that_cannot_be_reached_is_said(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mindspore_hub.tasks.pictures.cluster._CONNECT", 0.3)
    engine = Engine.of("dask://127.0.0.1:9")
    runner = placed.Placed(placed.CARD, on=engine, batch_size=SIZE, runtime="mindspore")
    with pytest.raises(NetworkError, match=r"No Dask scheduler answers at dask://127\.0\.0\.1:9: "):
        runner.write(list_samples(folder), tmp_path / "f.npz", known={})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("dask://host:1234", Engine("host:1234")),
        ("dask://host", Engine("host:8786")),
        ("dask://host/", Engine("host:8786")),
        ("dask://[::1]:99", Engine("[::1]:99")),
        ("local:4", Engine(processes=4)),
    ],
)
def test_where_to_compute_is_read(text: str, expected: Engine) -> None:
    assert Engine.of(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("", "local", "local:", "local:0", "local:-1", "local:x", "local:99999", "local://4"),
        *("dask", "dask:", "dask://", "dask:host:1", "dask://:8786", "dask://host:port"),
        *("dask://host:99999", "dask://host:0", "dask://host/path", "dask://host:1?a=b"),
        *("dask://ho st", "dask://[::1", "spark://host", "tcp://host:8786", "host:8786"),
        "dask://user:secret@host:8786",
    ],
)
def test_no_place_to_compute_is_refused(text: str) -> None:
    with pytest.raises(PictureError, match=r"dask://HOST:PORT") as caught:
        Engine.of(text)
    assert "secret" not in str(caught.value)


def test_what_no_worker_could_read_is_refused(scheduler: "distributed.LocalCluster") -> None:
    pictures = list_samples(np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(HubError, match="Workers read files, but picture 0 is not one"):
        embedding(scheduler).features(pictures, known={})

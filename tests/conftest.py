"""What every test starts from: an empty store, and nothing from the caller's environment."""

import os
import signal

# MindSpore 2.10 runs convolutions in reference code on processors with AVX-512 unless oneDNN is
# held to AVX2 before its first operator: a test here would take minutes.
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")

import ctypes
import gc
import logging
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

# What decides whether a change lands must not depend on chance; elsewhere, chance finds more.
hypothesis.settings.register_profile("ci", derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "default")

# A shell ignores Ctrl-C for what it starts in the background, and so would every command of the tests.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).parents[1]

STATM = Path("/proc/self/statm")

TRIM = getattr(ctypes.CDLL(None), "malloc_trim", None)
"""Gives the memory that was freed back to the system, which the C library of Linux seldom does."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with slow files and end with small ones, so that workers end at about the same time."""
    tests = Counter(item.path for item in items)
    items.sort(key=lambda item: (item.get_closest_marker("slow") is None, -tests[item.path]))


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make only; all that was imported takes a second."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(
    item: pytest.Item, nextitem: pytest.Item | None
) -> Generator[None, object, object]:
    """Free what a large test leaves, or a file of tests: networks are cycles, and hold whole files.

    No fixture can do that: what fixtures made is held until all of them have ended.
    """
    before = resident()
    done = yield
    if resident() >= before + (50 << 20) or not nextitem or nextitem.path != item.path:
        give_memory_back()
    return done


def give_memory_back() -> None:
    """Free garbage, compiled graphs, and what the C library holds for later."""
    gc.collect()
    if "mindspore" in sys.modules:
        sys.modules["mindspore"].ms_memory_recycle()
    if TRIM:
        TRIM(0)


def resident() -> int:
    """Bytes of this process in memory; 0 where the system does not say."""
    if not STATM.exists():
        return 0
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(autouse=True)
def fresh_environment(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[None]:
    """An empty store of its own, no proxies, no settings but quiet ones, for each test.

    In its folder if it has one: to make one for each takes a third of the time of a small test.
    """
    own = "tmp_path" in request.fixturenames
    folder = request.getfixturevalue("tmp_path") if own else tmp_path_factory.getbasetemp()
    os.umask(0o022)
    logging.getLogger("mindspore_hub").setLevel(logging.NOTSET)  # commands in this process set it
    monkeypatch.delenv("COLUMNS", raising=False)
    for name in list(os.environ):
        if name.startswith(("MSHUB_", "GITHUB_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("MSHUB_HOME", str(folder / "store"))
    monkeypatch.setenv("MSHUB_NO_PROGRESS", "1")
    monkeypatch.setenv("MSHUB_RETRIES", "0")
    yield
    if not own:
        shutil.rmtree(folder / "store", ignore_errors=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user can reach, as `server.read_only` needs it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def no_values() -> Iterator[None]:
    """Networks without initial values, which take seconds to draw."""
    from mindspore.nn.utils import no_init_parameters

    with no_init_parameters():
        yield


@pytest.fixture
def root() -> Path:
    """The checkout under test, which is a hub root."""
    return ROOT

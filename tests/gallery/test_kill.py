"""`kill -9` while a gallery is changed: nothing acknowledged is lost, and no batch is there in part.

By default few processes are killed; MSHUB_TEST_ALL=1 kills 100 for each kind.
"""

import json
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from gallery_worker import ROWS, vectors
from sample import ALL

from mindspore_hub import Gallery

WORKER = Path(__file__).parent.parent / "gallery_worker.py"

KILLS = 100 if ALL else 2


@pytest.mark.parametrize("kind", ["npz", "lance"])
def test_no_acknowledged_row_is_lost_and_none_is_there_in_part(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"g.{kind}"
    Gallery.create(path)
    present: set[int] = set()
    during: dict[str, int] = {}
    for number in range(KILLS):
        maybe = killed(path, 1000 * number, present, during)
        check(path, present, maybe)
    print(f"{kind}: killed during {during}, {len(present)} batches left")
    assert sum(during.values()) == KILLS


def killed(path: Path, first: int, present: set[int], during: dict[str, int]) -> set[int]:
    """Let a worker begin, kill it at a moment that is drawn; labels of which nobody knows."""
    command = [sys.executable, str(WORKER), str(path), str(first), "999", "alone"]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert worker.stdout is not None
    begun: list[tuple[str, int]] = []
    timer = threading.Timer(0, lambda: None)
    for line in worker.stdout:
        what, label = json.loads(line)
        begun.append((what, label))
        if what == "ready":
            timer = threading.Timer(random.uniform(0, 1.5), worker.kill)
            timer.start()
        elif what == "added":
            present.add(label)
        elif what == "removed":
            present.discard(label)
    timer.join()
    assert worker.wait() == -signal.SIGKILL
    what, label = begun[-1]
    during[what] = during.get(what, 0) + 1
    if what == "remove":
        present.discard(label)
    return {label} if what in {"add", "remove"} else set()


def check(path: Path, present: set[int], maybe: set[int]) -> None:
    gallery = Gallery(path)
    found: dict[int, list[np.ndarray]] = {}
    for part in gallery.parts():
        assert part.labels is not None
        for label, vector in zip(part.labels.tolist(), part.vectors, strict=True):
            found.setdefault(label, []).append(vector)
    assert present <= set(found) <= present | maybe
    for label, rows in found.items():
        assert len(rows) == ROWS
        assert {row.tobytes() for row in rows} == {row.tobytes() for row in vectors(label)}
    for label in maybe & set(found):  # it is there for good, too
        present.add(label)
    assert gallery.count() == ROWS * len(found)


@pytest.mark.parametrize("kind", ["npz", "lance"])
def test_two_writers_lose_nothing(kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"g.{kind}"
    Gallery.create(path)
    steps = 24 if ALL else 8
    commands = [
        [sys.executable, str(WORKER), str(path), str(first), str(steps)] for first in (0, 1000)
    ]
    workers = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    present: set[int] = set()
    for worker in workers:
        lines = [json.loads(line) for line in worker.communicate()[0].splitlines()]
        assert lines[-1][0] == "finished"
        present |= {label for what, label in lines if what == "added"}
        present -= {label for what, label in lines if what == "removed"}
    check(path, present, set())

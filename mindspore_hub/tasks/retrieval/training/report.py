"""What a fine-tuning writes while it runs: a log of JSON lines, curves, TensorBoard."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mindspore_hub import _files
from mindspore_hub.errors import MissingDependencyError

_SMOOTH = 50
"""Points of a curve that a line has at most; more are averaged."""


class Log:
    """A log of JSON lines: one per step, and one per measurement.

    Args:
        path: The file; what is behind the bytes that a run goes on from is cut off.
        begin: These bytes.
        tensorboard: Folder of events for TensorBoard, or None.
    """

    def __init__(self, path: Path, begin: int, tensorboard: Path | None) -> None:
        self.path = path
        with _files.naming(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            known = path.stat().st_size if path.exists() else 0
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.truncate(begin if known >= begin else 0)
            self._file.seek(0, os.SEEK_END)
        self._events = _events(tensorboard) if tensorboard else None

    @property
    def size(self) -> int:
        """Bytes so far, which are in the file."""
        with _files.naming(self.path):
            self._file.flush()
        return self._file.tell()

    def add(self, step: int, facts: Mapping[str, Any]) -> None:
        """Add a line."""
        with _files.naming(self.path):
            self._file.write(f"{json.dumps({'step': step, **facts})}\n".encode())
        if self._events:
            for name, value in facts.items():
                self._events.add_scalar(name, value, step)

    def close(self) -> None:
        """Close what is open."""
        with _files.naming(self.path):
            self._file.close()
        if self._events:
            self._events.close()


def _events(folder: Path) -> Any:
    try:
        from tensorboardX import SummaryWriter
    except ImportError as error:
        msg = (
            f"TensorBoard needs tensorboardX ({error}); `pip install 'mindspore-hub[tensorboard]'`."
        )
        raise MissingDependencyError(msg) from error
    return SummaryWriter(str(folder))


def read_log(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The lines of a log."""
    return [json.loads(line) for line in _files.read_regular(path).splitlines()]


def draw_curves(log: str | os.PathLike[str], path: str | os.PathLike[str]) -> None:
    """Draw loss and metrics of a log over its steps.

    Raises:
        StoreError: The picture cannot be written.
    """
    from matplotlib.figure import Figure

    lines = read_log(log)
    figure = Figure(figsize=(7, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for name, label in (("loss", "all"), ("identity", "identity"), ("triplet", "triplet")):
        found = [(line["step"], line[name]) for line in lines if name in line]
        size = max(1, len(found) // _SMOOTH)
        parts = [found[begin : begin + size] for begin in range(0, len(found), size)]
        steps = [part[-1][0] for part in parts]
        above.plot(
            steps, [sum(value for _, value in part) / len(part) for part in parts], label=label
        )
    for name, label in (("mAP", "mAP"), ("rank1", "rank-1")):
        found = [(line["step"], 100 * line[name]) for line in lines if name in line]
        below.plot(*zip(*found, strict=True), marker=".", label=label)
    above.set_ylabel("Loss")
    below.set_ylabel("Held-out identities, %")
    below.set_xlabel("Step")
    for axes in (above, below):
        axes.legend()
        axes.grid(alpha=0.3)
    with _files.replacing(path) as temporary:
        figure.savefig(temporary, dpi=120)

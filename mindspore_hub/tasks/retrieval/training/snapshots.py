"""What a run goes on from: snapshots in a folder beside the output, each whole or not there at all.

`state.json` names the files that count, and is replaced last; whatever else lies in the folder is what an
interruption left, and is removed with the next snapshot.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub import _files
from mindspore_hub.errors import CheckpointError, StoreError
from mindspore_hub.tensors import map_file, read_index
from mindspore_hub.tensors.write import write_arrays

Array = npt.NDArray[Any]

_STATE = "state.json"


@dataclass
class State:
    """How far a run has come.

    Attributes:
        plan: What the run is of.
        step: Steps that are done.
        file: Name of the snapshot after these steps.
        best: Step, metrics and file of the best measurement; empty before the first one.
        first: Metrics before the first step.
        last: Metrics of the last measurement.
        stale: Measurements since the best one.
        log: Bytes of the log that belong to these steps.
    """

    plan: dict[str, Any]
    step: int = 0
    file: str = ""
    best: dict[str, Any] = field(default_factory=dict)
    first: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    stale: int = 0
    log: int = 0


class Snapshots:
    """The folder of a run; `state` is how far it has come.

    Args:
        output: The checkpoint that is to be written.
        plan: What decides the weights, as plain JSON. A folder of another plan is refused.
        force: Remove a folder of another plan instead.

    Raises:
        StoreError: The folder holds another run, or cannot be read or written.
    """

    def __init__(self, output: Path, plan: Mapping[str, Any], *, force: bool = False) -> None:
        self.folder = output.with_name(f"{output.name}.partial")
        self._kept: dict[str, Any] = json.loads(json.dumps(dict(plan)))
        self._force = force
        self.state = self._read()

    @property
    def begun(self) -> bool:
        """Whether there is a snapshot to go on from."""
        return bool(self.state.file)

    def _read(self) -> State:
        path = self.folder / _STATE
        if not _files.exists(path):
            return State(self._kept)
        try:
            found = State(**json.loads(_files.read_regular(path)))
        except (OSError, ValueError, TypeError) as error:
            msg = f"{path} cannot be read: {error}. Remove the folder {self.folder} to begin anew."
            raise StoreError(msg) from error
        differing = sorted(
            key for key in {*found.plan, *self._kept} if found.plan.get(key) != self._kept.get(key)
        )
        if differing and self._force:
            shutil.rmtree(self.folder)
            return State(self._kept)
        if differing:
            msg = (
                f"{self.folder} holds {found.step} steps of another run, with other {', '.join(differing)}. "
                "Give what that run was given, to go on; remove the folder, or --force, to begin anew; or "
                "give another output."
            )
            raise StoreError(msg)
        return found

    def load(self) -> dict[str, Array]:
        """The arrays of the snapshot."""
        return self._load(self.state.file)

    def best(self) -> dict[str, Array]:
        """The weights of the best measurement."""
        return self._load(self.state.best["file"])

    def keep_best(
        self, step: int, metrics: Mapping[str, float], weights: Mapping[str, Array]
    ) -> None:
        """Keep weights; they count from the next snapshot on."""
        name = f"best-{step:07}.ckpt"
        self._write(name, weights)
        self.state.best = {"step": step, "file": name, **metrics}

    def save(self, arrays: Mapping[str, Array]) -> None:
        """Write a snapshot after the step of `state`; the one before is kept until it is whole."""
        name = f"step-{self.state.step:07}.ckpt"
        self._write(name, arrays)
        self.state.file = name
        text = json.dumps(asdict(self.state), indent=1)
        _files.replace(self.folder / _STATE, f"{text}\n")
        needed = {name, _STATE, self.state.best.get("file")}
        for path in self.folder.iterdir():
            if path.name not in needed:
                _remove(path)

    def remove(self) -> None:
        """Remove the folder, when the output is written."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, arrays: Mapping[str, Array]) -> None:
        with _files.replacing(self.folder / name) as path:
            write_arrays(path, arrays)

    def _load(self, name: str) -> dict[str, Array]:
        path = self.folder / name
        try:
            with _files.open_regular(path) as file:
                index = read_index(map_file(file))
            return {key: np.array(index.array(key)) for key in index.entries}
        except (OSError, CheckpointError) as error:
            msg = f"{path} cannot be read: {error}. Remove the folder {self.folder} to begin anew."
            raise StoreError(msg) from error


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)

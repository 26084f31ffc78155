"""Code of a network runs in a process of its own; here it is started and its answer read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from mindspore_hub import errors
from mindspore_hub.authoring.publishing.plan import Plan
from mindspore_hub.errors import CardError, HubError

_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from mindspore_hub.authoring.publishing.child import main; main(sys.argv[2])"
)
"""Finds the package and MindSpore where the caller does, whatever folder it runs in."""

_TASKS = {
    "tell": "read what it says of its files",
    "pynative": "tried it in PyNative mode",
    "graph": "tried it in GRAPH mode",
}
"""What `child.py` can do."""


def ask(plan: Plan, hub: Path, folder: Path, *, task: str, **details: Any) -> dict[str, Any]:
    """Let `child.py` do something with the network of a hub and the file of a plan.

    Args:
        plan: What is to be published.
        hub: Hub root with the network.
        folder: Where the processes leave files for each other.
        task: One of `_TASKS`.
        details: What is needed for that.

    Raises:
        HubError: What went wrong there, or the process came to an end of another kind.
    """
    answer, file = folder / "answer.json", folder / "request.json"
    request = {
        "task": task,
        "answer": str(answer),
        "root": str(hub),
        "model": plan.model,
        "checkpoint": str(plan.stored.facts.path.absolute()),
        "sha256": plan.stored.sha256,
        **details,
    }
    file.write_text(json.dumps(request), encoding="utf-8")
    done = _run(file, folder)
    if not answer.is_file():
        end = done.stderr.decode("utf-8", "replace").strip()[-2000:]
        msg = (
            f"{plan.model} ended the process that {_TASKS[task]} with {done.returncode}; the end "
            f"of what it said:\n{end}"
        )
        raise CardError(msg)
    facts: dict[str, Any] = json.loads(answer.read_bytes())
    if "error" in facts:
        kind = getattr(errors, facts["error"], HubError)
        raise kind(facts["message"])
    return facts


def _run(file: Path, folder: Path) -> subprocess.CompletedProcess[bytes]:
    search_path = json.dumps([str(Path(entry or ".").absolute()) for entry in sys.path])
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", _PROGRAM, search_path, str(file)],
        cwd=folder,  # a graph that does not compile leaves files there
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )

"""The command as users start it, in processes of its own, or in that of the tests."""

import logging
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import mock

from mindspore_hub.commands.main import mshub
from mindspore_hub.commands.main import run as run_command

ROOT = Path(__file__).parents[1]
MSHUB = (sys.executable, "-m", "mindspore_hub")

CARD = """\
# metric_learn

---

model-name: metric_learn

asset:

-
    file-format: ckpt
    asset-link: <{link}>
    asset-sha256: {sha256}

---
"""
"""A card outside of the hub, for a file of any bytes."""


def run(*arguments: object, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `mshub` of this checkout."""
    return start(*MSHUB, *arguments, cwd=cwd, **env)


def start(*command: object, cwd: Path = ROOT, **env: str) -> subprocess.CompletedProcess[str]:
    """Run a program, which finds this package wherever it runs; nobody answers its questions."""
    return subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **env},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def run_here(*arguments: object, **env: str) -> subprocess.CompletedProcess[str]:
    """Run `mshub` in this process, which saves a second of imports: what it prints and its exit code."""
    words = list(map(str, arguments))
    ours, root, handler = logging.getLogger("mindspore_hub"), logging.getLogger(), signal.SIGTERM
    level, before, code = ours.level, signal.getsignal(handler), 0
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("stdout", "stderr")]
        streams = [file.open("w", encoding="utf-8") for file in files]
        with (
            mock.patch.multiple(sys, argv=["mshub", *words], stdout=streams[0], stderr=streams[1]),
            mock.patch.dict(os.environ, env),
            mock.patch.object(root, "handlers", []),
        ):
            try:
                run_command(mshub, "mshub")
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(bool(end.code))
            finally:
                ours.setLevel(level)
                signal.signal(handler, before)
                for stream in streams:
                    stream.close()
        stdout, stderr = (file.read_text(encoding="utf-8") for file in files)
    return subprocess.CompletedProcess(words, code, stdout, stderr)

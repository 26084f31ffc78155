"""The command as users start it, in processes of its own."""

import os
import subprocess
import sys
from pathlib import Path

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

"""The tutorial, word by word, with a checkpoint of random weights in place of the published one."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import checkpoints
import pytest
from PIL import Image

from mindspore_hub.hub.hub import Hub

pytestmark = pytest.mark.slow

CARD = "mvd_allresearch_sysumm01"
BLOCK = re.compile(r"```(sh|python)\n(.*?)```", re.DOTALL)
TEXT = (checkpoints.ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the tutorial leaves in the folder in which it was followed."""
    root = tmp_path_factory.mktemp("tutorial")
    hub = checkpoints.copy_hub(root / "hub")
    card = Hub.of().resolve(CARD)
    tensors = checkpoints.tensors_of(card)
    file = root / "mirror" / card.asset.file_name
    sha256 = checkpoints.write(file, tensors, value=checkpoints.random_value)
    checkpoints.publish(hub / "assets" / f"{card.uid}.md", card.asset.link, sha256)
    command = root / "bin" / "mshub"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mindspore_hub "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    (root / "bin" / "python").symlink_to(sys.executable)
    work = root / "work"
    work.mkdir()
    environment = {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(hub),
        "MSHUB_HOME": str(root / "store"),
        "MSHUB_MIRRORS": str(file.parent),
    }
    output = ""
    for language, code in BLOCK.findall(TEXT):
        if code.startswith("pip install"):
            continue
        words = ["bash", "-euc", code] if language == "sh" else [sys.executable, "-c", code]
        done = subprocess.run(
            words, cwd=work, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{code}\n{done.stderr}"
        output += done.stdout
    (work / "output.txt").write_text(output, encoding="utf-8")
    return work


def test_the_tutorial_ends_with_contact_sheets(folder: Path) -> None:
    sheet = Image.open(folder / "people.png")
    assert min(sheet.size) > 400, "three rows of a query and three pictures each"
    for name in ("people.html", "nearest.html"):
        page = (folder / name).read_text(encoding="utf-8")
        assert page.count("data:image/") == {"people.html": 12, "nearest.html": 6}[name]


def test_the_tutorial_prints_what_it_says(folder: Path) -> None:
    output = (folder / "output.txt").read_text(encoding="utf-8")
    assert re.search(r"^0001_c3\.png +1 +000\d_c1\.png .*[✓✗]$", output, re.MULTILINE)
    assert re.search(r"^rank-1 \d+%, mAP \d+%$", output, re.MULTILINE)
    assert (
        len(re.findall(r"^000\d_c3\.png is nearest to 000\d_c1\.png$", output, re.MULTILINE)) == 3
    )

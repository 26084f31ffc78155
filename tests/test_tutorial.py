"""The code of README and docs, and the tutorial word by word, with a checkpoint of random weights."""

import os
import re
import shutil
import stat
import sys
from pathlib import Path

import checkpoints
import pytest
from commands import ROOT, start
from PIL import Image

from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.classes import import_network

pytestmark = pytest.mark.slow

CARD = "mvd_allresearch_sysumm01"
BLOCK = re.compile(r"```(sh|python)\n(.*?)```", re.DOTALL)
SHAPES = "print(v.shape, found.indices.shape, found.distances.shape)"

CLASSIFIER = """\
# resnet18

---

model-name: resnet18

network: resnet.resnet18

asset:

-
    file-format: ckpt
    asset-link: <https://download.mindspore.cn/resnet18.ckpt>
    asset-sha256: {0}
    network-args: {{num_classes: 1001}}
    preprocessing: {{library: mindspore, resize: 256, size: [224, 224], interpolation: bilinear, \
order: RGB, range: 255, mean: [123.675, 116.28, 103.53], std: [58.395, 57.12, 57.375], layout: CHW}}
    task: {{name: classification, labels: imagenet1k, unused: 1}}

---
"""


def code_of(page: str, language: str) -> list[str]:
    found = BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))
    return [code for name, code in found if name == language and not code.startswith("pip install")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What pages leave in a folder: the commands of the tutorial, then all programs in one process.

    They compute with a small network in the place of MVD.
    """
    root = tmp_path_factory.mktemp("tutorial")
    hub = checkpoints.copy_hub(root / "hub")
    card = Hub.of().resolve(CARD)
    (hub / "models" / "mvd.py").write_text(checkpoints.MVD, encoding="utf-8")
    small = import_network(hub, "mvd", "MVD")
    tensors = checkpoints.tensors_in(small, card.asset.network_args)
    file = root / "mirror" / card.asset.file_name
    sha256 = checkpoints.write(file, tensors, value=checkpoints.random_value)
    paths = [hub / "assets" / f"{uid}.md" for uid in (Hub.of().resolve("MVD").uid, card.uid)]
    default, ours = paths  # the programs load MVD without more words: there, it is the same card
    default.write_text(default.read_text("utf-8").replace("default: True\n", ""), "utf-8")
    text = ours.read_text("utf-8")
    text = text.replace("license:", "default: True\n\nlicense:")
    ours.write_text(text.replace("visible, infrared]", "visible, infrared, thermal]"), "utf-8")
    checkpoints.publish(ours, card.asset.link, sha256)
    command = root / "bin" / "mshub"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mindspore_hub "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    (root / "bin" / "python").symlink_to(sys.executable)
    work = root / "work"
    samples = ROOT / "mindspore_hub" / "samples"
    for name, kind in (("query", "infrared"), ("gallery", "visible")):
        (work / name).mkdir(parents=True)
        for picture in samples.glob(f"*-{kind}.png"):
            shutil.copy(picture, work / name)
        shutil.copy(samples / f"red-coat-{kind}.png", work / f"{name}.png")
    environment = {
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(hub),
        "MSHUB_HOME": str(root / "store"),
        "MSHUB_MIRRORS": str(file.parent),
    }
    output = ""
    programs = [*code_of("README.md", "python"), *code_of("docs/python.md", "python"), SHAPES]
    programs += code_of("docs/tutorial.md", "python")
    commands = [["bash", "-euc", code] for code in code_of("docs/tutorial.md", "sh")]
    for command in [*commands, [sys.executable, "-c", "\n".join(programs)]]:
        done = start(*command, cwd=work, **environment)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        output += done.stdout
    (work / "output.txt").write_text(output, encoding="utf-8")
    return work


def test_the_code_of_readme_and_docs_runs(folder: Path) -> None:
    lines = (folder / "output.txt").read_text(encoding="utf-8").splitlines()
    assert "(2, 2048) (3, 3) (3, 3)" in lines


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


def test_the_code_about_classification_runs(tmp_path: Path) -> None:
    """With random weights for the published ones, and the pictures of the demo as photos."""
    hub = checkpoints.copy_hub(tmp_path / "hub")
    path = hub / "assets" / "botany" / "1.0" / "resnet18_imagenet2012.md"
    path.parent.mkdir(parents=True)
    resnet18 = import_network(ROOT, "resnet", "resnet18")
    held = checkpoints.tensors_in(resnet18, {"num_classes": 1001})
    file = tmp_path / "mirror" / "resnet18.ckpt"
    sha256 = checkpoints.write(file, held, value=checkpoints.random_value)
    path.write_text(CLASSIFIER.format(sha256), encoding="utf-8")
    work = tmp_path / "work"
    for folder in ("photos", "mine/coat", "mine/jacket"):
        (work / folder).mkdir(parents=True)
    for picture in (ROOT / "mindspore_hub" / "samples").glob("*-visible.png"):
        shutil.copy(picture, work / "photos")
        shutil.copy(picture, work / "mine" / ("coat" if "coat" in picture.name else "jacket"))
    code = "\n".join(code_of("docs/classification.md", "python")[:-1])  # the last needs a data set
    checks = """
assert (found.classes.shape[1], features.vectors.shape[1]) == (3, 512)
assert found.classes.max() < 1000 and len(mine.guesses(0)) == 2 and losses[-1] < losses[0]
"""
    done = start(
        *(sys.executable, "-c", code + checks),
        cwd=work,
        PYTHONPATH=str(hub),
        MSHUB_HOME=str(tmp_path / "store"),
        MSHUB_MIRRORS=str(file.parent),
    )
    assert done.returncode == 0, done.stderr
    assert "end_point.weight, end_point.bias" in done.stderr
    assert (work / "classes.csv").is_file()
    assert (work / "classes.html").is_file()

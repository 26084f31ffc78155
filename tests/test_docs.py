"""What README and docs say: links that lead somewhere, commands and settings that exist, code that runs."""

import re
import shutil
import sys
from pathlib import Path

import checkpoints
import click
import manifests
import pytest
from commands import ROOT, start

import mindspore_hub
from mindspore_hub import errors, settings
from mindspore_hub.commands.main import mshub
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.classes import import_network
from mindspore_hub.networks.construct import build_uninitialised

pytestmark = pytest.mark.slow

PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
LINK = re.compile(r"\]\(([^)#\s]+)")
QUOTED = re.compile(r"```.*?```|`[^`]*`", re.DOTALL)
CONSOLE = re.compile(r"```(?:console|sh)\n(.*?)```", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page: Path) -> None:
    links = LINK.findall(QUOTED.sub("", page.read_text(encoding="utf-8")))
    inside = [link for link in links if ":" not in link]
    assert [link for link in inside if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_exists(page: Path) -> None:
    blocks = "\n".join(CONSOLE.findall(page.read_text(encoding="utf-8")))
    named = set(re.findall(r"^(?:\w*\$ )?mshub ([a-z]+)", blocks, re.MULTILINE))
    assert named - set(mshub.list_commands(None)) == set()  # type: ignore[arg-type]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_option_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    lines = re.findall(r"^(?:\w*\$ )?mshub (.+)", "\n".join(CONSOLE.findall(text)), re.MULTILINE)
    lines += re.findall(r"`mshub ([^`\n]+)`", text)
    for line in lines:
        words = line.split(" #")[0].split()
        named = {
            word.split("=")[0].strip("[]") for word in words if re.match(r"\[?-{1,2}[a-z]", word)
        }
        assert named - options_of(words) == set(), line


def options_of(words: list[str]) -> set[str]:
    """Options of the command that these words begin with, and of the groups that it is in."""
    command: click.Command = mshub
    found = {"--help"}
    for word in [*words, ""]:
        found |= {option for parameter in command.params for option in parameter.opts}
        found |= {option for parameter in command.params for option in parameter.secondary_opts}
        if isinstance(command, click.Group):
            # Of `mshub bundle MVD`, the command that is meant is not named.
            command = command.get_command(click.Context(command), word) or command.commands.get(
                "create", command
            )
    return found


def test_the_page_of_commands_has_all_of_them() -> None:
    named = set(re.findall(r"^\| `mshub ([a-z]+)", text_of("docs/commands.md"), re.MULTILINE))
    assert named == set(mshub.list_commands(None))  # type: ignore[arg-type]


def test_the_page_of_commands_has_every_exit_code() -> None:
    known = {kind.exit_code for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    named = set(map(int, re.findall(r"^\| (\d+) \|", text_of("docs/commands.md"), re.MULTILINE)))
    assert named == known | {0, 130, 141}


def test_the_page_of_the_store_has_every_setting() -> None:
    source = Path(settings.__file__).read_text(encoding="utf-8")
    named = set(re.findall(r"^\| `(MSHUB_\w+)", text_of("docs/store.md"), re.MULTILINE))
    assert named == set(re.findall(r"MSHUB_\w+[A-Z]", source))


def test_the_page_of_python_has_every_function_and_error() -> None:
    words = set(re.findall(r"`(?:mindspore_hub\.)?(\w+)", text_of("docs/python.md")))
    assert set(mindspore_hub.__all__) - words == {"__version__"}


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


def test_the_code_about_classification_runs(tmp_path: Path) -> None:
    """With random weights for the published ones, and the pictures of the demo as photos."""
    hub = checkpoints.copy_hub(tmp_path / "hub", without="resnet18")
    path = hub / "assets" / "botany" / "1.0" / "resnet18_imagenet2012.md"
    path.parent.mkdir(parents=True)
    network = build_uninitialised(import_network(ROOT, "resnet", "resnet18"), {"num_classes": 1001})
    held = [
        manifests.Tensor(name, name, "net", "float32", tuple(parameter.shape))
        for name, parameter in network.parameters_and_names()
    ]
    file = tmp_path / "mirror" / "resnet18.ckpt"
    sha256 = checkpoints.write(file, held, value=checkpoints.random_value)
    path.write_text(CLASSIFIER.format(sha256), encoding="utf-8")
    work = tmp_path / "work"
    for folder in ("photos", "mine/coat", "mine/jacket"):
        (work / folder).mkdir(parents=True)
    for picture in (ROOT / "mindspore_hub" / "samples").glob("*-visible.png"):
        shutil.copy(picture, work / "photos")
        shutil.copy(picture, work / "mine" / ("coat" if "coat" in picture.name else "jacket"))
    page = text_of("docs/classification.md").partition("\n## Measur")[0]  # the rest needs data sets
    code = "\n".join(PYTHON.findall(page))
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


def test_the_code_of_readme_and_docs_runs(tmp_path: Path) -> None:
    """One program after the other in one process, with random weights for the published ones."""
    hub = checkpoints.copy_hub(tmp_path / "hub")
    card = Hub.of().resolve("MVD")
    file = tmp_path / "mirror" / card.asset.file_name
    sha256 = checkpoints.write(file, checkpoints.tensors_of(card), value=checkpoints.random_value)
    checkpoints.publish(hub / "assets" / f"{card.uid}.md", card.asset.link, sha256)
    work = tmp_path / "work"
    samples = ROOT / "mindspore_hub" / "samples"
    for folder, kind in (("query", "infrared"), ("gallery", "visible")):
        (work / folder).mkdir(parents=True)
        for picture in samples.glob(f"*-{kind}.png"):
            shutil.copy(picture, work / folder)
        shutil.copy(samples / f"red-coat-{kind}.png", work / f"{folder}.png")
    code = PYTHON.findall(text_of("README.md")) + PYTHON.findall(text_of("docs/python.md"))
    shapes = "print(v.shape, found.indices.shape, found.distances.shape)"
    done = start(
        *(sys.executable, "-c", "\n".join([*code, shapes])),
        cwd=work,
        PYTHONPATH=str(hub),
        MSHUB_HOME=str(tmp_path / "store"),
        MSHUB_MIRRORS=str(file.parent),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "(2, 2048) (3, 3) (3, 3)"
    assert (work / "nearest.html").is_file()

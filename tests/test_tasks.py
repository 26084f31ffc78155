"""A task is a folder: whatever lists tasks finds it there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import checkpoints
import pytest
from jsonschema import Draft202012Validator

TASK = '''"""The task `colour`: the colour of what a picture shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from mindspore_hub.hub.fields import Field, one_of
from mindspore_hub.tasks.registry import Task


@dataclass(frozen=True)
class Colour(Task):
    """The colour."""

    EXAMPLE: ClassVar[str] = "{name: colour, space: RGB}"
    PUBLIC: ClassVar[Mapping[str, str]] = {"colour": ""}
    FIELDS: ClassVar[Mapping[str, Field]] = {"space": one_of(("RGB", "HSV"))}

    space: str


TASK = Colour
'''

FUNCTIONS = '''"""Colours."""


def colour(name: str) -> str:
    """The colour space of a card."""
    from mindspore_hub.hub.hub import Hub
    from mindspore_hub.tasks.colour.task import Colour

    return Colour.of(Hub.of().resolve(name)).space
'''

CARD = "assets/mindspore/1.9/mvd_allresearch_sysumm01.md"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with a task that no file of it names."""
    folder = checkpoints.copy_hub(tmp_path_factory.mktemp("task") / "hub")
    new = folder / "mindspore_hub" / "tasks" / "colour"
    new.mkdir()
    (new / "task.py").write_text(TASK, encoding="utf-8")
    (new / "__init__.py").write_text(FUNCTIONS, encoding="utf-8")
    return folder


def python(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def mshub(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(checkout, "-m", "mindspore_hub", *arguments)


def set_task(checkout: Path, text: str) -> None:
    lines = (checkpoints.ROOT / CARD).read_text(encoding="utf-8").splitlines(keepends=True)
    new = [f"    task: {text}\n" if line.startswith("    task:") else line for line in lines]
    (checkout / CARD).write_text("".join(new), encoding="utf-8")


def test_a_card_of_a_new_task_is_checked(checkout: Path) -> None:
    set_task(checkout, "{name: colour, space: HSV}")
    done = mshub(checkout, "card", "check", CARD)
    assert (done.returncode, done.stdout) == (0, "")
    set_task(checkout, "{name: colour, space: HSL}")
    done = mshub(checkout, "card", "check", CARD, "--format", "concise")
    assert done.returncode == 1
    assert "H910 space is 'HSL'\n" in done.stdout
    set_task(checkout, "{name: color, space: RGB}")
    done = mshub(checkout, "card", "check", CARD)
    assert "H910 there is no task color\n" in done.stdout
    assert "help: did you mean colour?\n" in done.stdout


def test_a_new_task_explains_itself(checkout: Path) -> None:
    done = mshub(checkout, "card", "rule", "H910")
    assert "\nThe task `colour`: the colour of what a picture shows.\n" in done.stdout


def test_the_schema_knows_a_new_task(checkout: Path) -> None:
    schema = json.loads(mshub(checkout, "card", "schema").stdout)
    task = Draft202012Validator(schema["properties"]["asset"]["items"]["properties"]["task"])
    assert task.is_valid({"name": "colour", "space": "RGB"})
    assert not task.is_valid({"name": "colour", "space": "HSL"})
    assert not task.is_valid({"name": "colour"})


def test_a_fresh_card_takes_the_name_of_a_new_task(checkout: Path) -> None:
    path = "assets/botany/2.7/leafnet_cifar10.md"
    asset = (f"--asset-sha256={'0' * 64}", "--asset-link=https://h.org/leafnet.ckpt")
    new = ("card", "new", path, "--model", "LeafNet", *asset, "--task")
    done = mshub(checkout, *new, "colour")
    assert (done.returncode, done.stderr) == (0, "")
    text = (checkout / path).read_text(encoding="utf-8")
    (checkout / path).unlink()
    assert "\n    task: {name: colour, space: RGB}\n" in text
    done = mshub(checkout, *new, "color")
    assert done.returncode == 3
    assert "There is no task 'color' (did you mean colour?)." in done.stderr


def test_the_function_of_a_new_task_is_one_of_the_package(checkout: Path) -> None:
    set_task(checkout, "{name: colour, space: HSV}")
    program = """
import mindspore_hub
from mindspore_hub import colour
print(colour("MVD@sysumm01-all"), "colour" in dir(mindspore_hub), hasattr(mindspore_hub, "color"))
"""
    done = python(checkout, "-c", program)
    assert (done.stdout, done.stderr) == ("HSV True False\n", "")
    done = mshub(checkout, "info", "MVD@sysumm01-all", "--format", "json")
    assert json.loads(done.stdout)["asset"][0]["task"] == {"name": "colour", "space": "HSV"}


def test_a_network_of_another_task_is_refused(checkout: Path) -> None:
    set_task(checkout, "{name: colour, space: HSV}")
    program = "import mindspore_hub; mindspore_hub.embed('MVD@sysumm01-all', [])"
    done = python(checkout, "-c", program)
    assert "says no `task: {name: retrieval, ...}` that could be followed" in done.stderr

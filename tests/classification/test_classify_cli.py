"""`mshub classify`, with a network whose file comes from a mirror."""

import json
import subprocess
from pathlib import Path

import commands
import digits
import pytest

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mirror")
    digits.published(folder)
    digits.draw(folder / "all", 3)
    return folder


def run(mirror: Path, *arguments: object) -> "subprocess.CompletedProcess[str]":
    card = mirror / "lenet_digits.md"
    return commands.run(
        *("classify", card, *arguments),
        MSHUB_MIRRORS=str(mirror),
        MSHUB_HOME=str(mirror / "store"),
        MSHUB_NO_PROGRESS="1",
    )


def test_a_folder_becomes_a_file_and_a_page(mirror: Path, tmp_path: Path) -> None:
    output, page = tmp_path / "made.csv", tmp_path / "page.html"
    done = run(mirror, mirror / "all", "-o", output, "-k", "2", "--sheet", page, "-q")
    assert (done.returncode, done.stderr) == (0, "")
    uid = "lenet_digits"
    assert done.stdout.startswith(f"{output}: 3 pictures, 2 classes each, by ")
    assert uid in done.stdout
    assert done.stdout.endswith("; 0 skipped\n")
    lines = output.read_text().splitlines()
    assert len(lines) == 1 + 3 * 2
    assert lines[1].startswith("0000.png,1,")
    assert page.read_text().count("<img ") == 3
    again = run(mirror, mirror / "all", "-o", output)
    assert again.returncode == 2
    assert f"{output} exists; --force replaces it." in again.stderr


def test_classes_are_printed_without_an_output(mirror: Path) -> None:
    done = run(mirror, mirror / "all" / "0001.png", "-k", "2", "-q")
    assert (done.returncode, done.stderr) == (0, "")
    header, _, first, second = done.stdout.splitlines()
    assert header.split() == ["Picture", "Rank", "Class", "Label", "Probability"]
    assert first.split()[:2] == ["0001.png", "1"]
    assert second.split()[0] == "2"
    found = json.loads(run(mirror, mirror / "all", "--format", "json").stdout)
    assert [item["picture"] for item in found["pictures"]] == ["0000.png", "0001.png", "0002.png"]
    [label, share] = (found["pictures"][1]["classes"][0][key] for key in ("label", "probability"))
    assert first.split()[2:] == [label, label, f"{share:.4f}"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nowhere",), 2, "Path 'nowhere' does not exist"),
        (("{}", "-o", "made.txt"), 2, "made.txt must end in .csv or .json"),
        (("{}", "--sheet", "page.png"), 2, "page.png must end in .html"),
        (("{}", "-k", "0"), 2, "0 is not in the range x>=1"),
    ],
)
def test_a_wrong_call_is_explained(
    arguments: tuple[str, ...], code: int, message: str, mirror: Path
) -> None:
    done = run(mirror, *(word.format(mirror / "all") for word in arguments))
    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr

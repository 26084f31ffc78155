"""`docs/finetune.md`, from a folder of pictures to a published card, with a small network in place of MVD."""

import contextlib
import hashlib
import io
import re
import shlex
from pathlib import Path

import fill
import people
import pytest
from click.testing import CliRunner, Result
from commands import ROOT

import mindspore_hub
from mindspore_hub.commands.main import mshub
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.classes import network_class
from mindspore_hub.tensors.write import write_arrays

pytestmark = pytest.mark.slow

TEXT = (ROOT / "docs" / "finetune.md").read_text(encoding="utf-8")
FEWER = "--steps 4 --evaluate-every 2 --snapshot-every 2 --crop 2 --learning-rate 0.001"


def blocks(language: str) -> list[str]:
    found = re.findall(rf"```{language}\n(.*?)```", TEXT, re.DOTALL)
    return [block.replace("MVD", "Walker") for block in found]


def invoke(*words: str) -> Result:
    done = CliRunner().invoke(mshub, [*words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The hub of `Walker`, with a published file, which is trusted; and the usual one."""
    root = people.hub(tmp_path / "hub")
    card = Hub.of(root).resolve("Walker")
    assert card.asset is not None
    network = network_class(card, Hub.of(root, trust=True).complete())()
    file = tmp_path / "mirror" / card.asset.file_name
    file.parent.mkdir()
    values = {
        name: fill.parameter(name, item.shape) for name, item in network.parameters_and_names()
    }
    write_arrays(file, values)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    text = card.path.read_text(encoding="utf-8").replace(card.asset.sha256, sha256)
    card.path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("MSHUB_MIRRORS", str(file.parent))
    invoke("generate", "--hub", str(root))
    mindspore_hub.load("Walker", hub=root, trust=True, pretrained=False)
    monkeypatch.setenv("MSHUB_HUB", str(root))
    return root


def test_the_page_leads_from_pictures_to_a_card(hub: Path, folder: Path) -> None:
    people.draw(folder / "people", 12, 4)
    people.draw(folder / "query", 2, 2)
    lines = [line[2:] for block in blocks("console") for line in block.splitlines()]
    train, embed, _, _, _, publish = (shlex.split(line)[1:] for line in lines)
    printed = invoke(*train, *FEWER.split()).stdout
    assert re.search(r"^own\.ckpt: step \d, rank-1 \S+ %, mAP \S+ %$", printed, re.MULTILINE)
    invoke(*embed)
    program = "\n".join(blocks("python")).replace("steps=2000", "steps=2, force=True, crop=2")
    output, names = io.StringIO(), {}
    with contextlib.redirect_stdout(output):
        exec(program, names)  # noqa: S102 - what the page says
    assert "'mAP'" in output.getvalue()
    assert len(names["features"].vectors) == 48
    Path("facts.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    invoke(*publish)
    card = Hub.of(hub).resolve("botany/2.10/walker_own_market1501")
    made = names["made"]
    assert card.asset is not None
    assert card.asset.sha256 == made.note["sha256"]
    assert {metric.name: float(metric.value) for metric in card.metrics} == pytest.approx(
        {"rank1acc": 100 * made.metrics["rank1"], "mAP": 100 * made.metrics["mAP"]}, abs=0.01
    )
    assert card.asset.network_args == {"num_class": len(made.note["train"]["identities"])}
    loaded = mindspore_hub.load(card.uid, checkpoint="own.ckpt", trust=True)
    assert loaded.classifier.weight.shape[0] == card.asset.network_args["num_class"]

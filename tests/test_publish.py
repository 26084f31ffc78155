"""Publishing as somebody new to a hub would: one command, then the hub holds a model that loads."""

import hashlib
import importlib.util
import json
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import checkpoints
import commands
import mindspore
import numpy as np
import pytest
import yaml
from commands import MSHUB, ROOT
from rich.filesize import decimal
from server import FileServer

import mindspore_hub
from mindspore_hub.authoring.publishing import record
from mindspore_hub.authoring.publishing.facts import read_facts
from mindspore_hub.authoring.publishing.target import Target, hand_over
from mindspore_hub.errors import CardError, CheckpointError, MissingFactsError, SettingsError
from mindspore_hub.hub.card import read_card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.tasks.retrieval.fields import Retrieval

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
README = "# A hub\n\n<!-- models -->\n<!-- /models -->\n"


def block(language: str, index: int = 0) -> str:
    """A code block of the guide."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[index]


NETWORK = block("python")
FACTS = dict(re.findall(r"^([\w-]+): \"?(.*?)\"?$", block("yaml"), re.MULTILINE))
VARIANT = {**FACTS, "variant": "autumn", "evaluation": "acc93.1"}


def digest(folder: Path) -> dict[str, str]:
    """Every file of a folder, and all of git that a commit changes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def run(
    *arguments: object, cwd: Path, package: Path = ROOT, **env: str
) -> subprocess.CompletedProcess[str]:
    """Run `mshub` of a package."""
    return commands.run(*arguments, cwd=cwd, PYTHONPATH=str(package), **env)


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a publisher has: a network, facts, and checkpoints of 10 and of 7 classes."""
    folder = tmp_path_factory.mktemp("files")
    (folder / "leafnet.py").write_text(NETWORK, encoding="utf-8")
    (folder / "leafnet.yaml").write_text(block("yaml"), encoding="utf-8")
    package = folder / "package"
    package.mkdir()
    for name in ("__init__.py", "_checkpoint.py"):
        shutil.copyfile(ROOT / "models" / name, package / name)
    (package / "leafnet.py").write_text(NETWORK, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(
        "_leaves", package / "__init__.py", submodule_search_locations=[str(package)]
    )
    sys.modules["_leaves"] = importlib.util.module_from_spec(spec)
    cell = importlib.import_module("_leaves.leafnet").LeafNet
    mindspore.save_checkpoint(cell(), str(folder / "leafnet.ckpt"))
    mindspore.save_checkpoint(cell(), str(folder / "second.ckpt"))
    mindspore.save_checkpoint(cell(7), str(folder / "seven.ckpt"))
    mindspore.save_checkpoint(cell(), str(folder / "tensors.safetensors"), format="safetensors")
    whole = (folder / "second.ckpt").read_bytes()
    (folder / "truncated.ckpt").write_bytes(whole[: len(whole) // 2])
    return folder


def empty_hub(folder: Path) -> Path:
    """A hub under git, without any model."""
    (folder / "assets").mkdir(parents=True)
    (folder / "models").mkdir()
    for name in ("__init__.py", "_checkpoint.py"):
        shutil.copyfile(ROOT / "models" / name, folder / "models" / name)
    (folder / "assets" / ".keep").touch()
    return begin(folder)


def begin(folder: Path) -> Path:
    """Put a hub under git."""
    git(folder, "init", "-q", "-b", "main")
    git(folder, "config", "user.name", "a")
    git(folder, "config", "user.email", "a@b")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder


@pytest.fixture(scope="module")
def first(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub, and LeafNet in it by the four commands of the guide; not yet committed."""
    hub = empty_hub(tmp_path_factory.mktemp("first") / "hub")
    before = digest(hub)
    for name in ("leafnet.ckpt", "leafnet.py", "leafnet.yaml"):
        (hub.parent / name).write_bytes((files / name).read_bytes())
    for command in block("console").splitlines():
        words = [str(hub.parent / w) if "leafnet." in w else w for w in command.split()[2:]]
        done = run(*words, cwd=hub)
        assert done.returncode == 0, done.stderr
        if "--dry-run" in words:
            assert digest(hub) == before
            (hub.parent / "dry-run.diff").write_text(done.stdout, encoding="utf-8")
        elif "publish" in words:
            (hub.parent / "published.txt").write_text(done.stdout, encoding="utf-8")
    return hub


@pytest.fixture
def hub(first: Path, tmp_path: Path) -> Iterator[Path]:
    """A copy of that hub with everything committed, and a README."""
    copy = shutil.copytree(first, tmp_path / "hub")
    (copy / "README.md").write_text(README, encoding="utf-8")
    assert run("generate", cwd=copy).returncode == 0
    git(copy, "add", "-A")
    git(copy, "commit", "-q", "-m", "Publish LeafNet")
    return copy


def test_a_new_network_is_three_new_files_and_no_edit(first: Path) -> None:
    assert git(first, "status", "--short", "-uall").splitlines() == [
        "?? assets/mindspore/2.7/leafnet_cifar10.md",
        "?? mindspore_hub_conf/LeafNet/mindspore_hub_conf.py",
        "?? models/leafnet.py",
    ]
    assert (first / "models" / "leafnet.py").read_text(encoding="utf-8") == NETWORK


def test_the_command_that_publish_prints_loads_the_card_from_anywhere(
    files: Path, first: Path, tmp_path: Path
) -> None:
    words = shlex.split(
        (first.parent / "published.txt").read_text(encoding="utf-8").splitlines()[-1]
    )
    assert words[:5] == ["Load", "it", "with:", "mshub", "load"]
    assert words[5:] == [str(first / "assets/mindspore/2.7/leafnet_cifar10.md"), "--trust"]
    (tmp_path / "mirror").mkdir()
    card = read_card(Path(words[5]), "")
    shutil.copyfile(files / "leafnet.ckpt", tmp_path / "mirror" / card.asset.file_name)
    env = {"MSHUB_MIRRORS": str(tmp_path / "mirror")}
    done = run("load", words[5], cwd=tmp_path, **env)
    assert (done.returncode, done.stdout) == (7, "")
    assert "`mshub load PATH --trust`" in done.stderr
    for arguments in (words[5:], [words[5]], [str(first), "--trust", "--no-pretrained"]):
        done = run("load", *arguments, cwd=tmp_path, **env)
        assert done.returncode == 0, done.stderr
        assert "LeafNet" in done.stdout


def test_a_dry_run_prints_what_git_would_apply(first: Path, tmp_path: Path) -> None:
    hub = empty_hub(tmp_path / "hub")
    git(hub, "apply", str(first.parent / "dry-run.diff"))
    names = git(first, "ls-files", "--others").splitlines()
    assert {name: digest(hub)[name] for name in names} == {n: digest(first)[n] for n in names}


@pytest.mark.parametrize("file", ["second.ckpt", "tensors.safetensors"])
def test_what_is_published_is_clean_loads_by_its_names_and_can_be_bundled(
    file: str, files: Path, first: Path, tmp_path: Path
) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub", without="LeafNet")
    for name in git(first, "ls-files", "--others").splitlines():
        (hub / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(first / name, hub / name)
    done = run(
        *("publish", files / file, "--model", "leafnet", "--from", files / "leafnet.yaml"),
        *("--variant", "autumn", "--evaluation", "acc93.1", "--format", "json"),
        cwd=hub,
        package=hub,
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)
    assert facts["files"] == [
        "assets/mindspore/2.7/leafnet_autumn_cifar10.md",
        "mindspore_hub_conf/LeafNet/mindspore_hub_conf.py",
    ]
    assert facts["sha256"] == checkpoints.digest(files / file)
    extension = file.rpartition(".")[2]
    published = f"leafnet_autumn_ascend_v270_cifar10_research_cv_acc93.1.{extension}"
    assert facts["link"] == f"{FACTS['link-base']}/{published}"
    assert (facts["name"], facts["network_args"]) == ("LeafNet@cifar10-autumn", {"num_class": 10})
    assert run("card", "check", "assets", cwd=hub, package=hub).returncode == 0
    assert run("generate", "--check", cwd=hub, package=hub).returncode == 0
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    shutil.copyfile(files / file, mirror / published)
    for name in (facts["uid"], facts["name"]):
        loaded = run(*("load", name), cwd=tmp_path, package=hub, MSHUB_MIRRORS=str(mirror))
        assert loaded.returncode == 0, loaded.stderr
    bundle = tmp_path / "bundle"
    for command in (
        ("bundle", facts["name"], bundle, "--checkpoint"),
        ("bundle", "verify", bundle),
    ):
        done = run(*command, cwd=tmp_path, package=hub)
        assert done.returncode == 0, done.stderr
    used = use_bundle(bundle / "leafnet_autumn_cifar10.md")
    assert (used["missing"], used["left over"]) == ([], [])
    assert used["deviation"] <= 1e-5


def use_bundle(card: Path) -> dict[str, Any]:
    """Load a bundle as the upstream client does, where the package is not importable."""
    program = Path(__file__).with_name("use_bundles.py")
    command = [sys.executable, str(program), "pynative", str(card)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])[card.stem]
    return report


def run_workflow(hub: Path, **env: str) -> subprocess.CompletedProcess[str]:
    """Run the workflow of the guide as GitHub does, in a clone with the package installed."""
    (job,) = yaml.safe_load(block("yaml", 1))["jobs"].values()
    steps = [step for step in job["steps"] if "run" in step]
    assert steps.pop(0)["run"] == "pip install '.[mindspore]'"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    env |= {"PATH": path, "PYTHONPATH": str(hub), "GITHUB_BASE_REF": "main"}
    for step in steps:
        strict = ["-o", "pipefail"] if step.get("shell") == "bash" else []
        done = commands.start("bash", "-e", *strict, "-c", step["run"], cwd=hub, **env)
        if done.returncode:
            break
    return done


def test_the_workflow_of_the_guide_refuses_a_changed_card_whose_file_does_not_fit(
    files: Path, tmp_path: Path
) -> None:
    origin = begin(checkpoints.copy_hub(tmp_path / "origin", without="LeafNet"))
    hub, served = tmp_path / "hub", tmp_path / "served"
    served.mkdir()
    git(tmp_path, "clone", "-q", str(origin), str(hub))
    made = mindspore_hub.publish(
        files / "leafnet.ckpt", "LeafNet", facts=FACTS, root=hub, network=files / "leafnet.py"
    )
    file, card = served / made.link.rpartition("/")[2], hub / made.files[0]
    with FileServer(served) as server:
        environment = {"MSHUB_MIRRORS": server.url, "MSHUB_HOME": str(tmp_path / "store")}
        git(hub, "add", "-A")
        git(hub, "commit", "-q", "-m", "Publish LeafNet")
        shutil.copyfile(files / "leafnet.ckpt", file)
        done = run_workflow(hub, **environment)
        assert done.returncode == 0, done.stderr
        assert server.requests == [f"GET {urlsplit(made.link).path}", f"GET /{file.name}"]
        # A mirror that has another file than that of the card, and a card of a file that does not fit.
        shutil.copyfile(files / "seven.ckpt", file)
        shutil.rmtree(tmp_path / "store")
        done = run_workflow(hub, **environment)
        assert (done.returncode, "another file: expected sha256" in done.stderr) == (5, True)
        checkpoints.publish(card, made.link, checkpoints.digest(file))
        assert run("generate", cwd=hub, package=hub).returncode == 0
        git(hub, "commit", "-q", "-a", "-m", "Name another file")
        done = run_workflow(hub, **environment)
        assert done.returncode == 1
        assert "num_class: the card says 10, the checkpoint 7" in done.stderr


def test_a_new_variant_of_mvd_for_395_identities_is_one_command(tmp_path: Path) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub")
    file = tmp_path / "mvd_crossview_ascend_v190_sysumm01_research_cv_rank1acc61_mAP58.ckpt"
    network = checkpoints.network_class("MVD")(num_class=395)
    prefixed = [
        {"name": f"network._backbone.{name}", "data": item}
        for name, item in network.parameters_and_names()
    ]
    mindspore.save_checkpoint(prefixed, str(file))
    link = f"https://download.mindspore.cn/models/r1.9/{file.name}"
    done = run(
        *("publish", file, "--model", "mvd", "--asset-link", link, "--author", "A lab"),
        *("--license", "Apache2.0"),
        cwd=hub,
        package=hub,
    )
    assert done.returncode == 0, done.stderr
    assert "num_class=395" in done.stdout
    made = read_card(hub / "assets/mindspore/1.9/mvd_crossview_sysumm01.md", "a/b/c").asset
    other = Hub.of().resolve("MVD@sysumm01-all").asset
    assert (made.preprocessing, made.retrieval) == (other.preprocessing, other.retrieval)
    assert made.protocol is None, "the cards of this data set name different ones"
    assert run("card", "check", "assets", cwd=hub, package=hub).returncode == 0
    assert run("generate", "--check", cwd=hub, package=hub).returncode == 0
    for name in ("mindspore/1.9/mvd_crossview_sysumm01", "MVD@sysumm01-crossview"):
        loaded = run(*("load", name), cwd=tmp_path, package=hub, MSHUB_MIRRORS=str(tmp_path))
        assert loaded.returncode == 0, loaded.stderr


TOLD = """\
file: {file}
format: {format}, {size}
float32: 6 tensors, 612 elements, 2.4 kB
int32: 1 tensor, 1 elements, 4 bytes
prefix net.: 3 parameters
optimizer state: 4 tensors, 307 elements, 1.2 kB: moments.*, step
parameters: 3 tensors, 306 elements, 1.2 kB
num_class: 10 classes, by head.weight (10x8)
embedding size: 8, by head.weight (10x8)
Building LeafNet and computing in pynative mode
"""


@pytest.mark.parametrize("extension", ["ckpt", "safetensors"])
def test_what_the_file_tells_is_said_before_a_network_is_built(
    extension: str, files: Path, hub: Path, tmp_path: Path
) -> None:
    file = tmp_path / f"left.{extension}"
    cell = sys.modules["_leaves.leafnet"].LeafNet()
    held = {f"net.{name}": item for name, item in cell.parameters_and_names()}
    held |= {f"moments.{name}": mindspore.Tensor(item.asnumpy()) for name, item in held.items()}
    held |= {"step": mindspore.Tensor(3, mindspore.int32)}
    entries = [{"name": name, "data": data} for name, data in held.items()]
    mindspore.save_checkpoint(entries, str(file), format=extension)
    options = [f"--{key}={value}" for key, value in VARIANT.items()]
    command = ("publish", file, "--model", "LeafNet", *options, "--dry-run", "--format", "json")
    done = run(*command, cwd=hub)
    assert done.returncode == 0, done.stderr
    size = decimal(file.stat().st_size)
    assert done.stderr.startswith(TOLD.format(file=file, format=extension, size=size))
    inspected = json.loads(run("inspect", file, "--format", "json", cwd=hub).stdout)
    told = json.loads(done.stdout)["checkpoint"]
    head = {"tensor": "head.weight", "shape": [10, 8]}
    assert told.pop("class_argument") == "num_class"
    assert told.pop("derived") == {"num_class": {"value": 10, **head}}
    assert told.pop("embedding_size") == {"value": 8, **head}
    assert told == {key: inspected[key] for key in told}
    assert told["parameters"] == {"tensors": 3, "elements": 306, "nbytes": 1224}
    assert sorted(told["optimizer"]) == sorted({"step", *(n for n in held if n[0] == "m")})


def test_a_network_that_says_nothing_of_its_files_has_nothing_told(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    network = tmp_path / "oak.py"
    text = re.sub(r"    checkpoint = .*?\n    \)\n\n", "", NETWORK, flags=re.DOTALL)
    network.write_text(text.replace("LeafNet", "Oak"), encoding="utf-8")
    made = mindspore_hub.publish(
        files / "second.ckpt", "Oak", facts=FACTS, root=hub, network=network, dry_run=True
    )
    assert (made.checkpoint["class_argument"], made.checkpoint["derived"]) == ("", {})
    assert made.checkpoint["embedding_size"] is None
    assert made.checkpoint["parameters"]["tensors"] == 3


def test_what_the_file_tells_is_said_of_a_file_that_does_not_fit(files: Path, hub: Path) -> None:
    options = [f"--{key}={value}" for key, value in VARIANT.items()]
    more = ("--network-arg", "num_class=10")
    done = run("publish", files / "seven.ckpt", "--model", "LeafNet", *options, *more, cwd=hub)
    assert done.returncode == 1
    assert "\nnum_class: 7 classes, by head.weight (7x8)\n" in done.stderr


BAD = {
    "truncated": ("truncated.ckpt", {}, {}, 1, "truncated.ckpt cannot be published: "),
    "pipe": ("pipe.ckpt", {}, {}, 1, "it is a named pipe, not a regular file"),
    "another model": ("seven.ckpt", {}, {"model": "Oak"}, 1, "does not fit Oak"),
    "another class count": (
        "seven.ckpt",
        {},
        {"args": ["num_class=10"]},
        1,
        "num_class: the card says 10, the checkpoint 7",
    ),
    "unknown argument": ("second.ckpt", {}, {"args": ["classes=10"]}, 1, "'classes'"),
    "existing card": ("second.ckpt", {"variant": ""}, {}, 1, "leafnet_cifar10.md already"),
    "unknown data set": ("second.ckpt", {"train-dataset": "cifar11"}, {}, 1, "mean cifar10?"),
    "no metric": ("second.ckpt", {"evaluation": "good"}, {}, 1, "is no list of metrics"),
    "bad device": ("second.ckpt", {"device": "abacus"}, {}, 1, "device is ascend, gpu or cpu"),
    "bad variant": ("second.ckpt", {"variant": "../x"}, {}, 1, "cannot be part of a name"),
    "bad link": ("second.ckpt", {"link-base": "ftp://h"}, {}, 1, "A408"),
    "unknown model": ("second.ckpt", {}, {"model": "LeefNet"}, 3, "did you mean leafnet?"),
    "missing facts": (
        "second.ckpt",
        {"evaluation": "", "device": ""},
        {},
        2,
        "2 facts are missing:\n  evaluation: Metrics: `rank1acc71 | mAP66`.\n  device: ",
    ),
}

OAK = NETWORK.replace("LeafNet", "Oak").replace("self.conv", "self.bark")


@pytest.mark.parametrize("case", BAD)
def test_wrong_input_ends_before_anything_is_written(case: str, files: Path, hub: Path) -> None:
    file, facts, more, code, message = BAD[case]
    if case == "pipe":
        os.mkfifo(files / file)
    if more.get("model") == "Oak":
        (hub / "models" / "oak.py").write_text(OAK, encoding="utf-8")
        git(hub, "add", "-A")
        git(hub, "commit", "-q", "-m", "Add a network")
    options = [f"--{k}={v}" for k, v in {**VARIANT, **facts}.items() if v]
    options += [f"--network-arg={item}" for item in more.get("args", [])]
    before = digest(hub)
    done = run("publish", files / file, "--model", more.get("model", "LeafNet"), *options, cwd=hub)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert message in done.stderr
    assert digest(hub) == before


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"mindspore-version": "v2.7"}, "mindspore-version 'v2.7' cannot be part"),
        ({"mindspore-version": "2"}, "mindspore-version '2' cannot be part"),
        ({"mindspore-version": "r2.7", "asset-link": "https://h.org/x.ckpt"}, "version 'r2.7'"),
        ({"kind": "mine"}, "kind is official or research"),
        ({"module-type": "2-d"}, "module-type '2-d' does not begin with a domain"),
        ({"input-shape": "3x32"}, "input-shape is '3x32', which is no shape"),
        ({"input-shape": "[3, 0]"}, r"input-shape is '\[3, 0\]', which is no shape"),
        ({"license": "Apache 2 dot"}, "\n  license: V214 "),
        ({"module-type": "sea"}, "\n  module-type: V204 "),
        ({"repo-link": "nowhere"}, "\n  repo-link: V217 "),
        ({"update-time": "yesterday"}, "\n  update-time: V209 "),
        ({"fine-tunable": "maybe"}, "\n  fine-tunable: V203 "),
        ({"link-base": "ftp://h"}, "\n  link-base: A408 "),
        ({"asset-link": "ftp://h/x.ckpt"}, "\n  asset-link: A408 "),
        ({"evaluation": "acc191.5"}, "\n  evaluation: E308 "),
        ({"preprocessing": "{library: pillow}"}, "\n  preprocessing: H909 "),
        ({"retrieval": "{outputs: [0], distance: far}"}, "\n  retrieval: H910 "),
        ({"protocol": "{name: nonsense}"}, "\n  protocol: H911 "),
        ({"citation": "[paper](nowhere.pdf)"}, "\n  text of the card: B607 "),
        ({"model-name": "LeafNet"}, "leave it out: give it as --model"),
        ({"output-shape": "[10]"}, "leave it out: it is read off the file"),
    ],
    ids=str,
)
def test_facts_are_judged_before_mindspore_starts(
    facts: dict[str, str], message: str, files: Path, hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def started(*_: object, **__: object) -> None:
        pytest.fail("MindSpore was started")

    monkeypatch.setattr("mindspore_hub.authoring.publishing.process._run", started)
    with pytest.raises(CardError, match=message):
        mindspore_hub.publish(
            files / "second.ckpt", "LeafNet", facts={**VARIANT, **facts}, root=hub, dry_run=True
        )


def test_what_depends_on_the_network_is_not_judged_before_it_is_built(
    files: Path, hub: Path
) -> None:
    facts = {
        **VARIANT,
        "retrieval": "{outputs: [0], distance: dot}",
        "preprocessing": "{library: pillow, size: [32, 32], interpolation: bilinear, order: RGB, "
        "mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], layout: CHW, modality: [visible]}",
    }
    made = mindspore_hub.publish(
        files / "seven.ckpt", "LeafNet", facts=facts, root=hub, dry_run=True
    )
    assert made.network_args == {"num_class": 7}


def test_a_further_checkpoint_needs_only_what_the_cards_of_its_model_do_not_say(
    files: Path, hub: Path
) -> None:
    new = ("variant", "evaluation", "mindspore-version", "device", "link-base")
    made = mindspore_hub.publish(
        files / "seven.ckpt",
        "LeafNet",
        facts={key: VARIANT[key] for key in new},
        root=hub,
        dry_run=True,
    )
    for key in ("author", "license", "train-dataset"):
        assert f"+{key}: {FACTS[key]}" in made.diff
    assert "+input-shape: [3, 32, 32]" in made.diff


def test_the_input_shape_of_the_model_counts_where_the_network_says_none(
    files: Path, hub: Path
) -> None:
    network = hub / "models" / "leafnet.py"
    lines = network.read_text(encoding="utf-8").splitlines(keepends=True)
    network.write_text("".join(line for line in lines if "input_shapes" not in line))
    git(hub, "commit", "-q", "-a", "-m", "Say no shape")
    made = mindspore_hub.publish(
        files / "seven.ckpt", "LeafNet", facts=VARIANT, root=hub, dry_run=True
    )
    assert made.input_shapes == ((3, 32, 32),)


def test_a_missing_argument_is_asked_for_where_it_can_be_given(files: Path, hub: Path) -> None:
    network = hub / "models" / "leafnet.py"
    text = network.read_text(encoding="utf-8")
    network.write_text(text.replace("num_class: int = 10)", "num_class: int = 10, *, width: int)"))
    git(hub, "commit", "-q", "-a", "-m", "Ask for a width")
    with pytest.raises(CardError, match="--network-arg NAME=VALUE") as caught:
        mindspore_hub.publish(files / "seven.ckpt", "LeafNet", facts=VARIANT, root=hub)
    assert "in the card" not in str(caught.value)


def test_what_append_dict_added_is_named_with_the_remedy(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    file = tmp_path / "appended.ckpt"
    held = mindspore.load_checkpoint(str(files / "seven.ckpt"))
    parameters = [{"name": name, "data": value} for name, value in held.items()]
    mindspore.save_checkpoint(parameters, str(file), append_dict={"loss": 0.1})
    with pytest.raises(
        CheckpointError, match=r"(?s)unexpected in the file:\n    loss.*append_dict"
    ):
        mindspore_hub.publish(file, "LeafNet", facts=VARIANT, root=hub)


def test_a_metric_that_contradicts_the_name_of_the_file_is_refused(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    file = tmp_path / "leafnet_ascend_v270_cifar10_research_cv_acc91.5.ckpt"
    shutil.copyfile(files / "second.ckpt", file)
    before = digest(hub)
    options = [f"--{key}={value}" for key, value in VARIANT.items()]
    done = run("publish", file, "--model", "LeafNet", *options, cwd=hub)
    assert done.returncode == 1
    assert "evaluation has acc93.1, the name has acc91.5" in done.stderr
    assert digest(hub) == before


def test_retrieval_is_stated_as_in_a_card_and_then_taken_over(files: Path, hub: Path) -> None:
    facts = files.parent / "retrieval.yaml"
    stated = "\nretrieval: {outputs: [0], normalised: True, distance: dot}\n"
    facts.write_text(block("yaml") + stated, encoding="utf-8")
    published = {
        "second": ("second.ckpt", facts),
        "third": ("tensors.safetensors", files / "leafnet.yaml"),
    }
    for name, (file, source) in published.items():
        done = run(
            *("publish", files / file, "--model", "LeafNet", "--from", source, "--variant", name),
            cwd=hub,
        )
        assert done.returncode == 0, done.stderr
        git(hub, "add", "-A")
        git(hub, "commit", "-q", "-m", name)
        card = hub / f"assets/mindspore/2.7/leafnet_{name}_cifar10.md"
        assert read_card(card, card.stem).asset.retrieval == Retrieval((0,), "dot", normalised=True)


def test_a_wrong_retrieval_is_refused_before_anything_is_written(files: Path, hub: Path) -> None:
    before = digest(hub)
    done = run(
        *("publish", files / "second.ckpt", "--model", "LeafNet", "--variant", "second"),
        *("--from", files / "leafnet.yaml", "--retrieval", "{outputs: [3], distance: dot}"),
        cwd=hub,
    )
    assert done.returncode == 1
    assert "retrieval names output 3, but output-shape has 1" in done.stderr
    assert digest(hub) == before


def test_a_repository_that_git_refuses_to_read_is_not_written_into(files: Path, hub: Path) -> None:
    with (hub / ".git/config").open("a", encoding="utf-8") as file:
        file.write("[core\n")
    before = digest(hub)
    with pytest.raises(SettingsError, match=r"git rev-parse failed in .*: fatal: bad config line"):
        mindspore_hub.publish(files / "second.ckpt", "LeafNet", facts=VARIANT, root=hub)
    assert digest(hub) == before


@pytest.mark.parametrize("name", ["README.md", "mindspore_hub_conf/LeafNet/mindspore_hub_conf.py"])
def test_files_with_changes_of_ones_own_are_not_touched(name: str, files: Path, hub: Path) -> None:
    with (hub / name).open("a", encoding="utf-8") as file:
        file.write("\n")
    before = digest(hub)
    with pytest.raises(SettingsError, match=f"not committed:\n  {re.escape(name)}\n"):
        mindspore_hub.publish(files / "second.ckpt", "LeafNet", facts=VARIANT, root=hub)
    assert digest(hub) == before


def test_a_branch_has_one_commit_and_nothing_else_changes(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    files_before = {k: v for k, v in digest(hub).items() if not k.startswith(".git/objects/")}
    made = mindspore_hub.publish(
        files / "second.ckpt", "LeafNet", facts=VARIANT, root=hub, branch="autumn"
    )
    changed = {k: v for k, v in digest(hub).items() if not k.startswith(".git/objects/")}
    assert set(changed.items()) ^ set(files_before.items()) <= {
        item for item in changed.items() if item[0].endswith(("refs/heads/autumn", "heads/autumn"))
    }
    assert git(hub, "log", "--format=%s", "main..autumn") == "Publish LeafNet@cifar10-autumn\n"
    assert git(hub, "diff", "--name-only", "main", "autumn").splitlines() == list(made.files)
    assert "README.md" in made.files
    with pytest.raises(SettingsError, match="there is a branch autumn already"):
        mindspore_hub.publish(
            files / "second.ckpt", "LeafNet", facts=VARIANT, root=hub, branch="autumn"
        )
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "-b", "autumn", str(hub), str(clone))
    assert run("card", "check", "assets", cwd=clone).returncode == 0
    assert run("generate", "--check", cwd=clone).returncode == 0


def test_a_patch_is_the_only_file_written_and_applies(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    before, mode = digest(hub), mindspore.get_context("mode")
    patch = tmp_path / "autumn.patch"
    made = mindspore_hub.publish(
        files / "second.ckpt", "LeafNet", facts=VARIANT, root=hub, patch=patch
    )
    assert digest(hub) == before
    assert mindspore.get_context("mode") == mode
    assert patch.read_text(encoding="utf-8") == made.diff
    git(hub, "apply", str(patch))
    names = git(hub, "diff", "--name-only").splitlines()
    assert sorted([*names, *git(hub, "ls-files", "--others").splitlines()]) == list(made.files)
    assert run("generate", "--check", cwd=hub).returncode == 0


def test_golden_outputs_are_recorded_once_and_compared_then(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    golden = tmp_path / "golden.json"
    given = {"facts": VARIANT, "root": hub, "golden": golden}
    made = mindspore_hub.publish(files / "second.ckpt", "LeafNet", **given, patch=tmp_path / "p")
    assert made.golden == "recorded"
    recorded = golden.read_bytes()
    made = mindspore_hub.publish(files / "second.ckpt", "LeafNet", **given, dry_run=True)
    assert (made.golden, golden.read_bytes()) == ("compared", recorded)
    before = digest(hub)
    with pytest.raises(CheckpointError, match=r"output 0 differs from .*golden\.json by"):
        mindspore_hub.publish(files / "tensors.safetensors", "LeafNet", **given)
    assert digest(hub) == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('{\n "seed"', '[\n "seed"'),
        ('"seed": 0', '"seed": "none"'),
        ('"tolerance"', '"other"'),
        ('"3":', '"8":'),
        ('"3":', '"-1":'),
        ('"largest": ', '"largest": [], "x": '),
        ("4\n   ],", "1e999\n   ],"),
    ],
)
def test_a_golden_file_that_means_nothing_is_refused(old: str, new: str, tmp_path: Path) -> None:
    file, outputs = tmp_path / "golden.json", [np.ones((2, 4), np.float32)]
    text = record.text([(3,)], outputs)
    file.write_text(text, encoding="utf-8")
    record.compare(file, record.read(file), outputs)
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"golden\.json is no golden file .*; remove it"):
        record.read(file)


def test_a_network_that_computes_differently_in_graph_mode_is_refused(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    network = tmp_path / "oak.py"
    text = NETWORK.replace("LeafNet", "Oak").replace(
        "from mindspore", "import mindspore\nfrom mindspore", 1
    )
    text = text.replace(
        "self.conv =", 'self.mode = float(mindspore.get_context("mode"))\n        self.conv ='
    )
    network.write_text(text.replace("(x)", "(x + self.mode)"), encoding="utf-8")
    before = digest(hub)
    with pytest.raises(CheckpointError, match="in PyNative and GRAPH mode differ by"):
        mindspore_hub.publish(files / "second.ckpt", "Oak", facts=FACTS, root=hub, network=network)
    assert digest(hub) == before


def test_a_file_that_cannot_be_written_leaves_all_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("old", encoding="utf-8")
    (tmp_path / "models").write_text("a file, where there should be a folder", encoding="utf-8")
    before = digest(tmp_path)
    contents = {"assets/a/1/b.md": b"new", "README.md": b"new", "models/b.py": b"new"}
    with pytest.raises(OSError, match="models"):
        hand_over(Target(), tmp_path, contents, message="")
    assert digest(tmp_path) == before
    assert not (tmp_path / "assets").exists()


def test_every_missing_fact_is_in_one_error(files: Path, hub: Path) -> None:
    with pytest.raises(MissingFactsError) as caught:
        mindspore_hub.publish(files / "second.ckpt", "LeafNet", root=hub)
    lines = str(caught.value).splitlines()
    assert [line.strip().partition(":")[0] for line in lines[1:-1]] == [
        *("evaluation", "mindspore-version", "device", "link-base", "repo-link"),
    ]


def test_a_terminal_is_asked_for_what_is_missing(files: Path, hub: Path) -> None:
    options = [f"--{key}={VARIANT[key]}" for key in VARIANT if key not in {"device", "evaluation"}]
    command = [*MSHUB, "publish", str(files / "second.ckpt")]
    ours, theirs = pty.openpty()
    os.write(ours, b"very good\nascend\n")
    done = subprocess.run(
        [*command, "--model", "LeafNet", *options],
        cwd=hub,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=theirs,
        capture_output=True,
        text=True,
        check=False,
    )
    os.close(ours)
    os.close(theirs)
    assert "\nevaluation: " in done.stderr
    assert "ascend, gpu or cpu.\ndevice: " in done.stderr
    assert done.stderr.endswith(
        "evaluation 'very good' is no list of metrics; write them as `rank1acc71 | mAP66`.\n"
    )
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network-args: 5", "must have a mapping in `network-args`"),
        ("network-args: {num_class: [1, 2], b: 3}", "that is no single one, or a name twice"),
        ("asset:\n  asset-link: <https://a.b/c.ckpt>", "must have one item in `asset`"),
        ("author: a\nauthor: b", "a key twice|stands"),
    ],
)
def test_a_file_of_facts_that_would_be_passed_over_is_refused(
    text: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "facts.yaml"
    path.write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(CardError, match=message):
        read_facts(path)

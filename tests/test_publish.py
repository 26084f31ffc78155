"""Publishing as somebody new to a hub would: one command, then the hub holds a model that loads."""

import hashlib
import importlib.util
import json
import logging
import os
import pty
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import checkpoints
import commands
import manifests
import mindspore
import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result
from commands import MSHUB, ROOT
from rich.filesize import decimal
from server import FileServer

import mindspore_hub
from mindspore_hub import Publication
from mindspore_hub.authoring.bundle import create
from mindspore_hub.authoring.bundle_verify import verify
from mindspore_hub.authoring.facts import read_facts
from mindspore_hub.authoring.generate import differences, write
from mindspore_hub.authoring.publication import place
from mindspore_hub.authoring.trial import main
from mindspore_hub.checking.check import check_paths
from mindspore_hub.commands.main import mshub
from mindspore_hub.errors import CardError, CheckpointError, MissingFactsError, UnknownNameError
from mindspore_hub.hub.card import read_card
from mindspore_hub.hub.findings import Finding, Severity
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import golden
from mindspore_hub.networks.examine import examine
from mindspore_hub.tasks.retrieval.task import Retrieval

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "publishing.md").read_text(encoding="utf-8")
README = "# A hub\n\n<!-- models -->\n<!-- /models -->\n"


def block(language: str, index: int = 0) -> str:
    """A code block of the guide."""
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)[index]


NETWORK = block("python")
FACTS = dict(re.findall(r"^([\w-]+): \"?(.*?)\"?$", block("yaml"), re.MULTILINE))
PREPARED = (
    "{library: pillow, size: [32, 32], interpolation: bilinear, order: RGB, "
    "mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], layout: CHW, modality: [visible]}"
)
VARIANT = {**FACTS, "variant": "autumn", "evaluation": "acc93.1"}


def digest(folder: Path) -> dict[str, str]:
    """Every file of a folder."""
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


def findings(hub: Path) -> list[Finding | str]:
    """What `card check` and `generate --check` find in a hub."""
    found = check_paths([hub / "assets"])[0]
    bad = [item for item in found if item.severity is not Severity.INFO]
    return [*bad, *filter(None, differences(hub))]


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
    for name in ("__init__.py", "_checkpoint.py", "_entry.py"):
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
    for name in ("__init__.py", "_checkpoint.py", "_entry.py"):
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
        if "--dry-run" in words:
            done = invoke(*words, cwd=hub)
            assert done.exit_code == 0, done.output
            assert digest(hub) == before
            (hub.parent / "dry-run.diff").write_text(done.stdout, encoding="utf-8")
            continue
        ended = run(*words, cwd=hub)
        assert ended.returncode == 0, ended.stderr
        if "publish" in words:
            assert "\nBuilding LeafNet and computing in PyNative and GRAPH mode\n" in ended.stderr
            (hub.parent / "published.txt").write_text(ended.stdout, encoding="utf-8")
    return hub


@pytest.fixture(scope="module")
def with_readme(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that hub, with a README; the tests change copies only."""
    copy = tmp_path_factory.mktemp("with-readme") / "hub"
    shutil.copytree(first, copy, ignore=shutil.ignore_patterns(".git"))
    (copy / "README.md").write_text(README, encoding="utf-8")
    write(copy)
    return copy


@pytest.fixture
def hub(with_readme: Path, tmp_path: Path) -> Path:
    """A hub with LeafNet and a README."""
    return Path(shutil.copytree(with_readme, tmp_path / "hub"))


@contextmanager
def trials_in_this_process() -> Iterator[None]:
    """Try networks here, where MindSpore is imported already and the process is not the point."""
    mode = mindspore.get_context("mode")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mindspore_hub.authoring.trial._run", lambda command, _: main(command[-1]))
        yield
    mindspore.set_context(mode=mode)
    for name in [name for name in sys.modules if name.startswith("_mindspore_hub_published")]:
        del sys.modules[name]


@pytest.fixture
def here() -> Iterator[None]:
    with trials_in_this_process():
        yield


def invoke(*arguments: object, cwd: Path, **env: str) -> Result:
    """Run `mshub` in this process, which has MindSpore already."""
    with trials_in_this_process(), pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        return CliRunner().invoke(mshub, [*map(str, arguments)], env=env)


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
    assert words[:4] == ["Load", "it", "with:", "mshub"]
    assert words[4:] == ["--hub", str(first), "load", "LeafNet", "--trust"]
    (tmp_path / "mirror").mkdir()
    card = Hub.of(first).resolve("LeafNet")
    shutil.copyfile(files / "leafnet.ckpt", tmp_path / "mirror" / card.asset.file_name)
    env = {"MSHUB_MIRRORS": str(tmp_path / "mirror")}
    done = run(*words[4:-1], cwd=tmp_path, **env)
    assert (done.returncode, done.stdout) == (7, "")
    assert f"`mshub load {card.uid} --hub {first} --trust`" in done.stderr
    after = ["load", "LeafNet", "--hub", str(first)]
    for arguments in (
        words[4:],
        words[4:-1],
        after,
        ["load", card.path],
        ["load", first, "--trust"],
    ):
        done = run(*arguments, cwd=tmp_path, **env)
        assert done.returncode == 0, done.stderr
        assert "LeafNet" in done.stdout
    network = mindspore_hub.load(str(first), source="local", trust=True, pretrained=False)
    assert type(network).__name__ == "LeafNet"


def test_every_command_knows_a_card_that_was_published_into_a_clone(
    files: Path, hub: Path, here: None, tmp_path: Path
) -> None:
    task = "{name: retrieval, outputs: [0], distance: dot}"
    facts = {**VARIANT, "task": task, "preprocessing": PREPARED}
    made = mindspore_hub.publish(files / "second.ckpt", "LeafNet", facts=facts, hub=hub)
    name = Hub.of(hub).resolve(made.uid).short_name
    (tmp_path / "mirror").mkdir()
    shutil.copyfile(files / "second.ckpt", tmp_path / "mirror" / made.link.rpartition("/")[2])
    third = tmp_path / "third"
    third.mkdir()
    picture = ROOT / "mindspore_hub" / "samples" / "red-coat-visible.png"

    def clone(*words: object) -> subprocess.CompletedProcess[str]:
        return run("--hub", hub, *words, cwd=third, MSHUB_MIRRORS=str(tmp_path / "mirror"))

    embedding = ("embed", name, picture, "-o", "features.npz", "-q")
    for words in (
        embedding,
        ("load", name),
        ("convert", name, "--to", "onnx", "-o", "x"),
    ):
        if words[0] == "convert":
            assert clone("download", name).returncode == 0
        done = clone(*words)
        assert (done.returncode, done.stdout) == (7, ""), done.stderr
        assert f"--hub {hub} --trust`" in done.stderr
    assert made.uid in clone("list").stdout
    assert made.uid in clone("info", name).stdout
    assert clone("card", "show", name).returncode == clone("card", "check").returncode == 0
    assert clone("verify", name).returncode == clone("inspect", name).returncode == 0
    assert clone("generate", "--check").returncode == 0
    assert clone("load", name, "--trust").returncode == 0
    done = clone(*embedding)
    assert (done.returncode, (third / "features.npz").is_file()) == (0, True), done.stderr
    plain = run(*embedding, "--force", cwd=third)
    assert plain.returncode == 3
    assert "For a card of another hub, give --hub DIR or set MSHUB_HUB." in plain.stderr
    assert clone("bundle", name, "bundle", "--checkpoint").returncode == 0
    assert clone("bundle", "verify", "bundle").returncode == 0
    assert run("bundle", "verify", "bundle", cwd=third).returncode == 7
    features = mindspore_hub.embed(name, picture, hub=hub)
    assert features.vectors.shape == (1, 10)
    assert mindspore_hub.transforms(name, hub=hub)(picture).shape == (3, 32, 32)


def test_a_dry_run_prints_what_git_would_apply(first: Path, tmp_path: Path) -> None:
    hub = empty_hub(tmp_path / "hub")
    git(hub, "apply", str(first.parent / "dry-run.diff"))
    names = git(first, "ls-files", "--others").splitlines()
    assert {name: digest(hub)[name] for name in names} == {n: digest(first)[n] for n in names}


def test_what_is_published_is_clean_loads_by_its_names_and_can_be_bundled(
    files: Path, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub")
    for name in git(first, "ls-files", "--others").splitlines():
        (hub / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(first / name, hub / name)
    mirror, names = tmp_path / "mirror", []
    mirror.mkdir()
    for variant, file in {"autumn": "second.ckpt", "winter": "tensors.safetensors"}.items():
        done = invoke(
            *("publish", files / file, "--model", "leafnet", "--from", files / "leafnet.yaml"),
            *("--variant", variant, "--evaluation", "acc93.1", "--format", "json"),
            cwd=hub,
        )
        assert done.exit_code == 0, done.output
        facts = json.loads(done.stdout)
        assert facts["files"] == [
            f"assets/mindspore/2.7/leafnet_{variant}_cifar10.md",
            "mindspore_hub_conf/LeafNet/mindspore_hub_conf.py",
        ]
        assert facts["sha256"] == checkpoints.digest(files / file)
        extension = file.rpartition(".")[2]
        published = f"leafnet_{variant}_ascend_v270_cifar10_research_cv_acc93.1.{extension}"
        assert facts["link"] == f"{FACTS['link-base']}/{published}"
        assert facts["name"] == f"LeafNet@cifar10-{variant}"
        assert facts["network_args"] == {"num_class": 10}
        shutil.copyfile(files / file, mirror / published)
        names += [facts["uid"], facts["name"]]
    assert findings(hub) == []
    made = [f"leafnet_{variant}_cifar10" for variant in ("autumn", "winter")]
    monkeypatch.setenv("MSHUB_MIRRORS", str(mirror))
    monkeypatch.setenv("MSHUB_HUB", str(hub))
    for name in names:
        assert type(mindspore_hub.load(name, trust=True)).__name__ == "LeafNet"
    for name in made:
        create(Hub.of(hub).resolve(name), Hub.of(hub), tmp_path / name, checkpoint=True)
        assert verify(tmp_path / name).parameters == 3


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


@pytest.mark.usefixtures("here")
def test_the_workflow_of_the_guide_refuses_a_changed_card_whose_file_does_not_fit(
    files: Path, tmp_path: Path
) -> None:
    origin = begin(checkpoints.copy_hub(tmp_path / "origin"))
    hub, served = tmp_path / "hub", tmp_path / "served"
    served.mkdir()
    git(tmp_path, "clone", "-q", str(origin), str(hub))
    made = mindspore_hub.publish(
        files / "leafnet.ckpt", "LeafNet", facts=FACTS, hub=hub, network_file=files / "leafnet.py"
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
        shutil.copyfile(files / "seven.ckpt", file)
        checkpoints.publish(card, made.link, checkpoints.digest(file))
        assert run("generate", cwd=hub, package=hub).returncode == 0
        git(hub, "commit", "-q", "-a", "-m", "Name another file")
        done = run_workflow(hub, **environment)
        assert done.returncode == 1
        assert "num_class: the card says 10, the checkpoint 7" in done.stderr


@pytest.mark.usefixtures("here")
def test_a_new_variant_of_ddag_for_395_identities_is_one_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub")
    file = tmp_path / "ddag_crossview_ascend_v180_sysumm01_research_cv_rank1acc61_mAP58.ckpt"
    prefixed = [
        item._replace(name=f"network._backbone.{item.canonical}")
        for item in manifests.read("ddag_sysu")
        if item.canonical
    ]
    checkpoints.write(file, prefixed, value=checkpoints.random_value)
    link = f"https://download.mindspore.cn/models/r1.8/{file.name}"
    facts = {"asset-link": link, "author": "A lab", "license": "Apache2.0"}
    done = mindspore_hub.publish(file, "ddag", facts=facts, hub=hub, network_args={"part": 3})
    assert (done.name, done.network_args["class_num"]) == ("DDAG@sysumm01-crossview", 395)
    made = read_card(hub / "assets/mindspore/1.8/ddag_crossview_sysumm01.md", "a/b/c").asset
    other = Hub.of().resolve("DDAG@sysumm01-all").asset
    assert made.mapping("preprocessing") == other.mapping("preprocessing")
    task, others = made.mapping("task"), other.mapping("task")
    assert others.pop("protocol")
    assert task == others, "the cards of this data set name different protocols"
    assert findings(hub) == []
    monkeypatch.setenv("MSHUB_MIRRORS", str(tmp_path))
    assert type(mindspore_hub.load(done.name, hub=hub, trust=True)).__name__ == "DDAG"


FROM_FILE = """\
file: {file}
format: safetensors, {size}
float32: 6 tensors, 612 elements, 2.4 kB
int32: 1 tensor, 1 elements, 4 bytes
prefix net.: 3 parameters
optimizer state: 4 tensors, 307 elements, 1.2 kB: moments.*, step
parameters: 3 tensors, 306 elements, 1.2 kB
Building LeafNet and computing in PyNative and GRAPH mode
num_class: 10 classes, by head.weight (10x8)
embedding size: 8, by head.weight (10x8)
"""


def test_what_the_file_tells_is_said_first_and_then_what_the_network_makes_of_it(
    hub: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mindspore_hub")
    file = tmp_path / "left.safetensors"
    cell = sys.modules["_leaves.leafnet"].LeafNet()
    held = {f"net.{name}": item for name, item in cell.parameters_and_names()}
    held |= {f"moments.{name}": mindspore.Tensor(item.asnumpy()) for name, item in held.items()}
    held |= {"step": mindspore.Tensor(3, mindspore.int32)}
    entries = [{"name": name, "data": data} for name, data in held.items()]
    mindspore.save_checkpoint(entries, str(file), format="safetensors")
    options = [f"--{key}={value}" for key, value in VARIANT.items()]
    command = ("publish", file, "--model", "LeafNet", *options, "--dry-run", "--format", "json")
    done = invoke(*command, cwd=hub)
    assert done.exit_code == 0, done.output
    size = decimal(file.stat().st_size)
    said = "".join(f"{message}\n" for message in caplog.messages)
    assert said.startswith(FROM_FILE.format(file=file, size=size))
    inspected = examine(file).summary()
    told = json.loads(done.stdout)["checkpoint"]
    head = {"tensor": "head.weight", "shape": [10, 8]}
    assert told.pop("class_argument") == "num_class"
    assert told.pop("derived") == {"num_class": {"value": 10, **head}}
    assert told.pop("embedding_size") == {"value": 8, **head}
    assert told == {key: inspected[key] for key in told}
    assert told["parameters"] == {"tensors": 3, "elements": 306, "nbytes": 1224}
    assert sorted(told["optimizer"]) == sorted({"step", *(n for n in held if n[0] == "m")})


@pytest.mark.usefixtures("here")
def test_a_network_that_says_nothing_of_its_files_has_nothing_told(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    network = tmp_path / "oak.py"
    text = re.sub(r"    checkpoint = .*?\n    \)\n\n", "", NETWORK, flags=re.DOTALL)
    network.write_text(text.replace("LeafNet", "Oak"), encoding="utf-8")
    made = mindspore_hub.publish(
        files / "second.ckpt", "Oak", facts=FACTS, hub=hub, network_file=network, dry_run=True
    )
    assert (made.checkpoint["class_argument"], made.checkpoint["derived"]) == ("", {})
    assert made.checkpoint["embedding_size"] is None
    assert made.checkpoint["parameters"]["tensors"] == 3


def test_what_the_file_tells_is_said_of_a_file_that_does_not_fit(
    files: Path, hub: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mindspore_hub")
    options = [f"--{key}={value}" for key, value in VARIANT.items()]
    more = ("--network-arg", "num_class=10")
    before = digest(hub)
    done = invoke("publish", files / "seven.ckpt", "--model", "LeafNet", *options, *more, cwd=hub)
    assert done.stdout == ""
    assert "num_class: 7 classes, by head.weight (7x8)" in caplog.messages
    assert isinstance(done.exception, CheckpointError)
    assert "num_class: the card says 10, the checkpoint 7" in str(done.exception)
    assert digest(hub) == before


OAK = NETWORK.replace("LeafNet", "Oak").replace("self.conv", "self.bark")

BAD = {
    "truncated": ({"file": "truncated.ckpt"}, CheckpointError, "truncated.ckpt cannot be publ"),
    "pipe": ({"file": "pipe.ckpt"}, CheckpointError, "it is a named pipe, not a regular file"),
    "another model": ({"file": "seven.ckpt", "model": "Oak"}, CheckpointError, "does not fit Oak"),
    "unknown argument": ({"network_args": {"classes": 10}}, CardError, "'classes'"),
    "existing card": ({"variant": ""}, CardError, r"leafnet_cifar10\.md already"),
    "own entry point": ({"model": "Oak"}, CardError, r"an entry point .*hub_conf\.py already"),
    "unknown data set": ({"train-dataset": "cifar11"}, CardError, "mean cifar10?"),
    "no metric": ({"evaluation": "good"}, CardError, "is not a list of metrics"),
    "bad device": ({"device": "abacus"}, CardError, "device is ascend, gpu or cpu"),
    "bad variant": ({"variant": "../x"}, CardError, "cannot be part of a name"),
    "bad link": ({"link-base": "ftp://h"}, CardError, "A408"),
    "unknown model": ({"model": "LeefNet"}, UnknownNameError, r"did you mean leafnet\?"),
    "missing facts": (
        {"evaluation": "", "device": ""},
        MissingFactsError,
        r"Missing: 2 facts\.\n  evaluation: Published metrics: .*\n  device: ",
    ),
}


@pytest.mark.parametrize("case", BAD)
@pytest.mark.usefixtures("here")
def test_wrong_input_ends_before_anything_is_written(case: str, files: Path, hub: Path) -> None:
    given, error, message = BAD[case]
    facts = {key: given.get(key, value) for key, value in VARIANT.items()}
    if case == "pipe":
        os.mkfifo(files / "pipe.ckpt")
    if given.get("model") == "Oak":
        (hub / "models" / "oak.py").write_text(OAK, encoding="utf-8")
    if case == "own entry point":
        (hub / "mindspore_hub_conf" / "Oak").mkdir()
        (hub / "mindspore_hub_conf" / "Oak" / "mindspore_hub_conf.py").write_text("# my own\n")
    before = digest(hub)
    with pytest.raises(error, match=message):
        mindspore_hub.publish(
            files / given.get("file", "second.ckpt"),
            given.get("model", "LeafNet"),
            facts=facts,
            network_args=given.get("network_args"),
            hub=hub,
        )
    assert digest(hub) == before


@pytest.mark.parametrize(
    ("model", "variant", "code"), [("LeafNet", "", 1), ("LeefNet", "autumn", 3)]
)
def test_the_exit_code_says_what_is_wrong(
    model: str, variant: str, code: int, files: Path, hub: Path
) -> None:
    command = ("publish", files / "second.ckpt", "--from", files / "leafnet.yaml")
    done = run(*command, "--model", model, f"--variant={variant}", cwd=hub)
    assert (done.returncode, done.stdout) == (code, ""), done.stderr


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"mindspore-version": "v2.7"}, "mindspore-version 'v2.7' cannot be part"),
        ({"mindspore-version": "2"}, "mindspore-version '2' cannot be part"),
        ({"mindspore-version": "r2.7", "asset-link": "https://h.org/x.ckpt"}, "version 'r2.7'"),
        ({"kind": "mine"}, "kind is official or research"),
        ({"module-type": "2-d"}, "module-type '2-d' does not begin with a domain"),
        ({"input-shape": "3x32"}, "input-shape is '3x32', which is not a shape"),
        ({"input-shape": "[3, 0]"}, r"input-shape is '\[3, 0\]', which is not a shape"),
        ({"license": "Apache 2 dot"}, "\n  license: V214 "),
        ({"module-type": "sea"}, "\n  module-type: V204 "),
        ({"repo-link": "nowhere"}, "\n  repo-link: V217 "),
        ({"update-time": "yesterday"}, "\n  update-time: V209 "),
        ({"fine-tunable": "maybe"}, "\n  fine-tunable: V203 "),
        ({"link-base": "ftp://h"}, "\n  link-base: A408 "),
        ({"asset-link": "ftp://h/x.ckpt"}, "\n  asset-link: A408 "),
        ({"evaluation": "acc191.5"}, "\n  evaluation: E308 "),
        ({"preprocessing": "{library: pillow}"}, "\n  preprocessing: H909 "),
        ({"task": "{name: retrieval, outputs: [0], distance: far}"}, "\n  task: H910 "),
        ({"task": "{name: nonsense}"}, "\n  task: H910 "),
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

    monkeypatch.setattr("mindspore_hub.authoring.trial._run", started)
    with pytest.raises(CardError, match=message):
        mindspore_hub.publish(
            files / "second.ckpt", "LeafNet", facts={**VARIANT, **facts}, hub=hub, dry_run=True
        )


@pytest.fixture(scope="module")
def further(
    files: Path, with_readme: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Publication, Path]:
    """A dry run for a further checkpoint, whose network does not say the shape of its input."""
    hub = Path(shutil.copytree(with_readme, tmp_path_factory.mktemp("further") / "hub"))
    network = hub / "models" / "leafnet.py"
    lines = network.read_text(encoding="utf-8").splitlines(keepends=True)
    network.write_text("".join(line for line in lines if "input_shapes" not in line))
    new = ("variant", "evaluation", "mindspore-version", "device", "link-base")
    facts = {
        **{key: VARIANT[key] for key in new},
        "task": "{name: retrieval, outputs: [0], distance: dot}",
        "preprocessing": PREPARED,
    }
    before, file = digest(hub), str(files / "seven.ckpt")
    with trials_in_this_process():
        made = mindspore_hub.publish(file, "LeafNet", facts=facts, hub=str(hub), dry_run=True)
    assert digest(hub) == before
    return made, hub


def test_what_depends_on_the_network_is_not_judged_before_it_is_built(
    further: tuple[Publication, Path],
) -> None:
    assert further[0].network_args == {"num_class": 7}


def test_a_further_checkpoint_needs_only_what_the_cards_of_its_model_do_not_say(
    further: tuple[Publication, Path],
) -> None:
    for key in ("author", "license", "train-dataset"):
        assert f"+{key}: {FACTS[key]}" in further[0].diff
    assert "+input-shape: [3, 32, 32]" in further[0].diff
    assert "\n+default" not in further[0].diff


def test_the_input_shape_of_the_model_counts_where_the_network_says_none(
    further: tuple[Publication, Path],
) -> None:
    assert further[0].input_shapes == ((3, 32, 32),)


def test_the_diff_of_a_publication_can_be_applied(
    further: tuple[Publication, Path], tmp_path: Path
) -> None:
    made, hub = further
    copy = Path(shutil.copytree(hub, tmp_path / "hub"))
    (tmp_path / "changes.patch").write_text(made.diff, encoding="utf-8")
    git(copy, "init", "-q")
    git(copy, "apply", str(tmp_path / "changes.patch"))
    changed = {name for name, sha256 in digest(copy).items() if digest(hub).get(name) != sha256}
    assert {name for name in changed if not name.startswith(".git/")} == set(made.files)
    assert "README.md" in made.files
    assert findings(copy) == []


@pytest.mark.usefixtures("here")
def test_a_missing_argument_is_asked_for_where_it_can_be_given(files: Path, hub: Path) -> None:
    network = hub / "models" / "leafnet.py"
    text = network.read_text(encoding="utf-8")
    network.write_text(text.replace("num_class: int = 10)", "num_class: int = 10, *, width: int)"))
    with pytest.raises(CardError, match="--network-arg NAME=VALUE") as caught:
        mindspore_hub.publish(files / "seven.ckpt", "LeafNet", facts=VARIANT, hub=hub)
    assert "in the card" not in str(caught.value)


@pytest.mark.usefixtures("here")
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
        mindspore_hub.publish(file, "LeafNet", facts=VARIANT, hub=hub)


def test_a_metric_that_contradicts_the_name_of_the_file_is_refused(
    files: Path, hub: Path, tmp_path: Path
) -> None:
    file = tmp_path / "leafnet_ascend_v270_cifar10_research_cv_acc91.5.ckpt"
    shutil.copyfile(files / "second.ckpt", file)
    before = digest(hub)
    with pytest.raises(CardError, match=r"evaluation has acc93\.1, the name has acc91\.5"):
        mindspore_hub.publish(file, "LeafNet", facts=VARIANT, hub=hub)
    assert digest(hub) == before


@pytest.fixture(scope="module")
def published(
    files: Path, with_readme: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Publication, Path, Path]:
    """A publication with retrieval and golden outputs, its hub, and the file of the outputs."""
    folder = tmp_path_factory.mktemp("published")
    hub = Path(shutil.copytree(with_readme, folder / "hub"))
    source = folder / "retrieval.yaml"
    stated = "\ntask: {name: retrieval, outputs: [0], normalised: True, distance: dot}\n"
    source.write_text(block("yaml") + stated, encoding="utf-8")
    facts, _ = read_facts(source)
    facts["variant"] = "second"
    path = folder / "golden.json"
    with trials_in_this_process():
        made = mindspore_hub.publish(
            files / "second.ckpt", "LeafNet", facts=facts, hub=hub, golden=str(path)
        )
    return made, hub, path


def retrieval_of(hub: Path, variant: str) -> Retrieval | None:
    card = hub / f"assets/mindspore/2.7/leafnet_{variant}_cifar10.md"
    return Retrieval.read(read_card(card, card.stem).asset.node.get("task"))


def test_retrieval_is_stated_as_in_a_card(published: tuple[Publication, Path, Path]) -> None:
    assert retrieval_of(published[1], "second") == Retrieval((0,), "dot", normalised=True)


def test_golden_outputs_are_recorded_once(published: tuple[Publication, Path, Path]) -> None:
    made, _, path = published
    assert made.golden == "recorded"
    assert golden.read_record(path).inputs == [[3, 32, 32]]


@pytest.mark.usefixtures("here")
def test_golden_outputs_are_compared_and_retrieval_is_taken_over(
    files: Path, published: tuple[Publication, Path, Path], tmp_path: Path
) -> None:
    _, hub, path = published
    hub, recorded = Path(shutil.copytree(hub, tmp_path / "hub")), path.read_bytes()
    card = hub / "assets/mindspore/2.7/leafnet_second_cifar10.md"
    checkpoints.publish(card, "https://h.org/x.ckpt", "0" * 64)  # no two cards have one file
    write(hub)
    facts = {**FACTS, "variant": "third"}
    made = mindspore_hub.publish(
        files / "second.ckpt", "LeafNet", facts=facts, hub=hub, golden=path
    )
    assert (made.golden, path.read_bytes()) == ("compared", recorded)
    assert retrieval_of(hub, "third") == Retrieval((0,), "dot", normalised=True)


@pytest.mark.usefixtures("here")
def test_other_outputs_than_the_golden_ones_are_refused(
    files: Path, published: tuple[Publication, Path, Path]
) -> None:
    _, hub, path = published
    before = digest(hub)
    with pytest.raises(CheckpointError, match=r"output 0 differs from .*golden\.json by"):
        mindspore_hub.publish(
            files / "tensors.safetensors", "LeafNet", facts=VARIANT, hub=hub, golden=path
        )
    assert digest(hub) == before


@pytest.mark.usefixtures("here")
def test_a_wrong_retrieval_is_refused_before_anything_is_written(files: Path, hub: Path) -> None:
    before = digest(hub)
    facts = {**VARIANT, "task": "{name: retrieval, outputs: [3], distance: dot}"}
    with pytest.raises(CardError, match="retrieval names output 3, but output-shape has 1"):
        mindspore_hub.publish(files / "second.ckpt", "LeafNet", facts=facts, hub=hub)
    assert digest(hub) == before


def test_an_entry_point_with_changes_of_ones_own_is_not_touched(files: Path, hub: Path) -> None:
    with (hub / "mindspore_hub_conf/LeafNet/mindspore_hub_conf.py").open("a") as file:
        file.write("\n")
    before = digest(hub)
    with pytest.raises(CardError, match=r"are not what its cards say; run `mshub generate`"):
        mindspore_hub.publish(files / "second.ckpt", "LeafNet", facts=VARIANT, hub=hub)
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
    text = golden.record_text([(3,)], outputs)
    file.write_text(text, encoding="utf-8")
    golden.read_record(file).compare([(3,)], outputs)
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"golden\.json is not a golden file .*; remove it"):
        golden.read_record(file)


@pytest.mark.usefixtures("here")
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
        mindspore_hub.publish(
            files / "second.ckpt", "Oak", facts=FACTS, hub=hub, network_file=network
        )
    assert digest(hub) == before


def test_a_file_that_cannot_be_written_leaves_all_as_they_were(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("old", encoding="utf-8")
    (tmp_path / "models").write_text("a file, where there should be a folder", encoding="utf-8")
    before = digest(tmp_path)
    contents = {"assets/a/1/b.md": b"new", "README.md": b"new", "models/b.py": b"new"}
    with pytest.raises(OSError, match="models"):
        place(tmp_path, contents)
    assert digest(tmp_path) == before
    assert not (tmp_path / "assets").exists()


def test_every_missing_fact_is_in_one_error(files: Path, hub: Path) -> None:
    with pytest.raises(MissingFactsError) as caught:
        mindspore_hub.publish(files / "second.ckpt", "LeafNet", hub=hub)
    lines = str(caught.value).splitlines()
    assert [line.strip().partition(":")[0] for line in lines[1:-1]] == [
        *("evaluation", "repo-link", "mindspore-version", "device", "link-base"),
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
        "evaluation 'very good' is not a list of metrics; write them as `rank1acc71 | mAP66`.\n"
    )
    assert done.returncode == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("network-args: 5", "must have a mapping in `network-args`"),
        ("network-args: {num_class: [1, 2], b: 3}", "that is not a single one, or a name twice"),
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

"""Bundles as made by the command: under upstream's contract without the package, and verified."""

import importlib.util
import json
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import checkpoints
import commands
import fill
import manifests
import mindspore
import numpy as np
import pytest
import upstream

import mindspore_hub
from mindspore_hub.authoring.bundle.code import import_closure
from mindspore_hub.authoring.bundle.create import create, file_names
from mindspore_hub.authoring.bundle.manifest import GOLDEN, MANIFEST, digests
from mindspore_hub.authoring.bundle.verify import verify
from mindspore_hub.checking.check import check_paths
from mindspore_hub.errors import (
    CardError,
    CheckpointError,
    IntegrityError,
    OfflineError,
    StoreError,
    TrustError,
)
from mindspore_hub.hub.card import Card, read_card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import golden
from mindspore_hub.settings import Settings

pytestmark = pytest.mark.slow

USE_BUNDLES = Path(__file__).with_name("use_bundles.py")
MODES = ("pynative", "graph")
CARDS = {card.name: card for card in Hub.of().cards}
MODELS = {
    model: cards
    for model, cards in Hub.of().models.items()
    if cards[0].name in checkpoints.MANIFESTS
}
"""Cards of every model whose published files are known in detail."""
SMALL = "MultiTaskNet"

OFFLINE = """
import os, sys

def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.bind"):
        os.write(2, f"forbidden: {event} {args}\\n".encode())
        os._exit(99)

sys.addaudithook(watch)
"""

PUBLISHED = {
    **{model: checkpoints.MANIFESTS[cards[0].name] for model, cards in MODELS.items()},
    SMALL: "multitasknet_heatmap576",  # its class count is in no card, only in the file
}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of published files, one for each model, with the parameters of the golden outputs."""
    folder = tmp_path_factory.mktemp("mirror")
    for name in PUBLISHED.values():
        entries = [
            {"name": item.name, "data": mindspore.Tensor(filled(item))}
            for item in manifests.read(name)
        ]
        mindspore.save_checkpoint(entries, str(folder / f"{name}.ckpt"))
    return folder


@pytest.fixture(scope="module")
def cards(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Card]:
    """For each model a card that names its file in the mirror."""
    folder = tmp_path_factory.mktemp("hub") / "assets"
    found = {}
    for model, name in PUBLISHED.items():
        card = MODELS[model][0]
        copy = folder / f"{card.uid}.md"
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(card.path, copy)
        sha256 = checkpoints.digest(mirror / f"{name}.ckpt")
        checkpoints.publish(copy, f"https://download.mindspore.cn/{name}.ckpt", sha256)
        found[model] = read_card(copy, card.uid)
    return found


@pytest.fixture(scope="module")
def settings(mirror: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    home = tmp_path_factory.mktemp("store")
    return Settings(home=home, mirrors=(str(mirror),), offline=True, progress=False)


@pytest.fixture(scope="module")
def bundles(
    cards: dict[str, Card], settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """For each model a bundle with its checkpoint; the tests change copies only."""
    folder = tmp_path_factory.mktemp("bundles")
    for model, card in cards.items():
        create(card, folder / model, checkpoint=True, settings=settings)
    return {model: folder / model for model in cards}


@pytest.fixture
def small(bundles: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of the smallest bundle with a checkpoint."""
    return Path(shutil.copytree(bundles[SMALL], tmp_path / "small"))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A bundle without a checkpoint."""
    create(CARDS["multitasknet_veri"], tmp_path / "plain")
    return tmp_path / "plain"


def filled(tensor: manifests.Tensor) -> np.ndarray:
    """Value of a tensor, by the name of its parameter."""
    value = fill.parameter(tensor.canonical or tensor.name, tensor.shape)
    return value.astype(tensor.dtype)


def use(mode: str, *paths: Path) -> dict[str, dict[str, object]]:
    """Load cards in one process that cannot import the package."""
    done = subprocess.run(
        [sys.executable, str(USE_BUNDLES), mode, *map(str, paths)],
        cwd=paths[0].parent,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def mshub(*arguments: str | Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    done = commands.run(*arguments)
    assert done.returncode == code, done.stderr
    return done


def forge(folder: Path, change: Callable[[dict], None] = lambda _facts: None) -> None:
    """Let the manifest of a bundle agree with what is in it now."""
    path = folder / MANIFEST
    facts = json.loads(path.read_text(encoding="utf-8"))
    facts["files"] = digests(folder)
    change(facts)
    path.write_text(json.dumps(facts), encoding="utf-8")


def test_bundles_of_all_cards_run_in_one_process_without_the_package(tmp_path: Path) -> None:
    for card in CARDS.values():
        create(card, tmp_path / "made" / card.name)
    (tmp_path / "made").rename(tmp_path / "moved")
    found = use("pynative", *(tmp_path / "moved" / name / f"{name}.md" for name in CARDS))
    for card in CARDS.values():
        facts = found[card.name]
        assert facts["network"] == card.model_name
        assert tuple(map(tuple, facts["shapes"])) == card.output_shapes
        held = {item.canonical: list(item.shape) for item in checkpoints.tensors_of(card)}
        parameters = facts["parameters"]
        assert parameters == {name: held[name] for name in parameters}, card.name


@pytest.mark.parametrize("mode", MODES)
def test_bundles_load_every_parameter_in_one_process_without_the_package(
    mode: str, bundles: dict[str, Path], tmp_path: Path
) -> None:
    moved = {model: tmp_path / "moved" / model for model in bundles}
    for model, folder in bundles.items():
        shutil.copytree(folder, moved[model], copy_function=os.link)
    found = use(mode, *(next(folder.glob("*.md")) for folder in moved.values()))
    assert len(found) == len(MODELS)
    for facts in found.values():
        assert (facts["missing"], facts["left over"]) == ([], [])
        assert facts["deviation"] <= 1e-5


def test_a_bundle_can_be_the_cache_of_upstreams_client(small: Path, tmp_path: Path) -> None:
    cached = tmp_path / "hub" / "mindspore" / "1.7"
    cached.parent.mkdir(parents=True)
    small.rename(cached)
    (facts,) = use("pynative", cached / "multitasknet_veri.md").values()
    assert (facts["missing"], facts["left over"]) == ([], [])
    assert facts["shapes"][0] == [576]


@pytest.mark.parametrize("model", MODELS)
def test_verify_proves_digests_parameters_and_outputs(model: str, bundles: dict[str, Path]) -> None:
    before = mindspore.get_context("mode")
    proof = verify(bundles[model])
    network = upstream.load(next(bundles[model].glob("*.md")), pretrained=False).network
    assert proof.uid == MODELS[model][0].uid
    assert proof.network == model
    assert proof.files == len(digests(bundles[model]))
    assert proof.parameters == len(list(network.get_parameters()))
    assert set(proof.deviations) == set(MODES)
    assert max(proof.deviations.values()) <= golden.TOLERANCE
    assert mindspore.get_context("mode") == before


def test_verify_opens_no_connection(small: Path, tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(OFFLINE, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path / "site"), str(checkpoints.ROOT)])
    done = commands.run("bundle", "verify", small, PYTHONPATH=path)
    assert done.returncode == 0, done.stderr
    assert "none missing, none left over" in done.stdout


@pytest.mark.parametrize("model", MODELS)
def test_a_bundle_holds_the_modules_that_its_network_imports_and_no_more(
    model: str, tmp_path: Path
) -> None:
    create(MODELS[model][0], tmp_path / "made")
    (entry_point,) = (tmp_path / "made").rglob("mindspore_hub_conf.py")
    network = upstream.create_network(entry_point.parent, model)
    package = type(network).__module__.rpartition(".")[0]
    imported = {name.removeprefix(f"{package}.") for name in sys.modules if package in name}
    held = {path.stem for path in (entry_point.parent / "models").glob("*.py")}
    assert held - {"__init__"} == imported - {package}


def test_the_import_closure_follows_every_way_to_import_a_sibling(tmp_path: Path) -> None:
    sources = {
        "__init__": "",
        "net": "from . import _a, plain_name\nimport json\n",
        "_a": "def late():\n    from ._b import x\n",
        "_b": "from ._a import late\n",
        "other": "",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    assert import_closure(tmp_path, "net") == ["__init__", "_a", "_b", "net"]
    with pytest.raises(CardError, match=r"has no missing\.py, which a bundle of missing needs"):
        import_closure(tmp_path, "missing")


def test_the_card_of_a_bundle_describes_the_file_beside_it(small: Path, plain: Path) -> None:
    card = small / "multitasknet_veri.md"
    (asset,) = upstream.front_matter(card)["asset"]
    file = small / "multitasknet_heatmap576.ckpt"
    assert asset["asset-sha256"] == checkpoints.digest(file)
    assert asset["asset-size"] == f"{file.stat().st_size / 1e6:.0f} MB"
    (published,) = upstream.front_matter(CARDS["multitasknet_veri"].path)["asset"]
    for key in ("preprocessing", "retrieval", "protocol"):
        assert asset[key] == published[key]
    assert check_paths([card])[0] == []
    without = upstream.front_matter(plain / "multitasknet_veri.md")
    published = upstream.front_matter(CARDS["multitasknet_veri"].path)
    assert "asset" not in without
    assert without == {key: published[key] for key in published if key != "asset"}


def test_the_default_of_a_bundle_is_its_card(tmp_path: Path) -> None:
    card = CARDS["mvd_allresearch_sysumm01"]
    create(card, tmp_path / "made")
    module = upstream.load_entry_point(tmp_path / "made" / "MVD")
    assert card.name == module.DEFAULT
    assert module.CHECKPOINTS.keys() == {card.name}
    assert module.CHECKPOINTS[card.name]["asset-sha256"] == card.asset.sha256


def test_our_client_loads_the_card_of_a_bundle_with_the_bundle_as_mirror(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSHUB_MIRRORS", str(small))
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    network = mindspore_hub.load(str(small / "multitasknet_veri.md"), source="local")
    (tensor,) = (
        item
        for item in manifests.read(PUBLISHED[SMALL])
        if item.canonical == "classifier_vid.weight"
    )
    assert np.array_equal(network.classifier_vid.weight.asnumpy(), filled(tensor))


@pytest.mark.parametrize("change", ["changed", "missing", "left over"])
def test_verify_refuses_a_bundle_that_is_not_as_it_was_made(change: str, plain: Path) -> None:
    path = plain / "PAMTRI" / "models" / "_densenet.py"
    if change == "left over":
        path = plain / "PAMTRI" / "json.py"
        path.write_text("", encoding="utf-8")
    elif change == "changed":
        path.write_bytes(path.read_bytes() + b"\n")
    else:
        path.unlink()
    with pytest.raises(IntegrityError, match=f"  {change}: {path.relative_to(plain)}\n"):
        verify(plain)


@pytest.mark.parametrize(
    "name",
    [
        "PAMTRI/models/__pycache__/multitasknet.cpython-311.pyc",
        "PAMTRI/__pycache__/mindspore_hub_conf.cpython-311.pyc",
        "PAMTRI/models/_densenet.pyc",
        "__pycache__/evil.py",
        "PAMTRI/models/.hidden",
        "PAMTRI/models/_densenet.cpython-311-x86_64-linux-gnu.so",
    ],
)
def test_verify_refuses_any_file_that_the_manifest_does_not_name(name: str, plain: Path) -> None:
    (plain / name).parent.mkdir(exist_ok=True)
    (plain / name).write_bytes(b"no code")
    assert f"  left over: {name}\n" in mshub("bundle", "verify", plain, code=4).stderr


def test_verify_leaves_a_bundle_as_it_was(plain: Path) -> None:
    verify(plain)
    assert not list(plain.rglob("__pycache__"))


def test_verify_runs_sources_even_if_the_manifest_names_compiled_ones(plain: Path) -> None:
    marker = plain.with_name("marker")
    source = plain.with_name("evil.py")
    source.write_text(f"open({str(marker)!r}, 'w').close()\n", encoding="utf-8")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = importlib.util.cache_from_source(plain / "PAMTRI" / "models" / "_densenet.py")
    py_compile.compile(str(source), compiled, doraise=True, invalidation_mode=mode)
    forge(plain)
    assert verify(plain, trust=True).network == SMALL
    assert not marker.exists()


def test_verify_says_what_is_wrong_with_code_that_cannot_run(plain: Path) -> None:
    path = plain / "PAMTRI" / "models" / "multitasknet.py"
    path.write_text("import nothing_of_that_name\n", encoding="utf-8")
    forge(plain)
    with pytest.raises(CardError, match=r"plain cannot be run: ModuleNotFoundError: .*that_name"):
        verify(plain, trust=True)


def test_a_bundle_that_was_used_can_be_replaced(plain: Path) -> None:
    (plain / "PAMTRI" / "__pycache__").mkdir()
    (plain / "PAMTRI" / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    create(CARDS["multitasknet_veri"], plain, force=True)
    assert verify(plain).network == SMALL


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"published": null}', '{"published": {"sha256": 1}}']
)
def test_verify_refuses_a_folder_without_a_manifest(text: str, plain: Path) -> None:
    (plain / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(IntegrityError, match="cannot be read as the manifest of a bundle"):
        verify(plain)
    (plain / MANIFEST).unlink()
    with pytest.raises(IntegrityError, match="cannot be read as the manifest of a bundle"):
        verify(plain)


def test_verify_refuses_a_manifest_that_names_files_elsewhere(plain: Path) -> None:
    def lead_out(facts: dict) -> None:
        facts["entry_point"] = "../elsewhere.py"

    forge(plain, lead_out)
    with pytest.raises(IntegrityError, match="does not say what the manifest of a bundle says"):
        verify(plain, trust=True)


def test_verify_runs_code_of_others_for_who_trusts_it_only(plain: Path) -> None:
    path = plain / "PAMTRI" / "models" / "multitasknet.py"
    marker = plain.with_name("marker")
    path.write_text(f"open({str(marker)!r}, 'w').close()\n{path.read_text()}", encoding="utf-8")
    forge(plain)
    with pytest.raises(TrustError, match=r"is not that of this package .* Read it; then give"):
        verify(plain)
    assert not marker.exists()
    assert verify(plain, trust=True).network == SMALL
    assert marker.exists()


def test_verify_runs_no_code_of_a_network_that_this_package_lacks(plain: Path) -> None:
    marker = plain.with_name("marker")
    (plain / "evil.py").write_text(f"open({str(marker)!r}, 'w').close()\n", encoding="utf-8")
    card = next(plain.glob("*.md"))
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("model-name: MultiTaskNet", "model-name: Nonesuch"), "utf-8")

    def smuggle(facts: dict) -> None:
        facts["entry_point"] = "evil.py"

    forge(plain, smuggle)
    with pytest.raises(TrustError):
        verify(plain)
    assert not marker.exists()


def test_verify_runs_no_code_that_a_manifest_carries(plain: Path) -> None:
    marker = plain.with_name("marker")
    name = f'x": open({str(marker)!r}, "w"), "y'
    path = plain / "PAMTRI" / "mindspore_hub_conf.py"
    text = path.read_text(encoding="utf-8").replace(
        '{"num_vcolors"', f'{{"{name}": 1, "num_vcolors"'
    )
    path.write_text(text, encoding="utf-8")

    def smuggle(facts: dict) -> None:
        facts["published"]["network_args"] = {name: 1, **facts["published"]["network_args"]}

    forge(plain, smuggle)
    with pytest.raises(TrustError):
        verify(plain)
    assert not marker.exists()


def rewrite(folder: Path, change: Callable[[dict[str, np.ndarray]], None]) -> None:
    """Write the checkpoint of a bundle anew, and a manifest that agrees."""
    (file,) = folder.glob("*.ckpt")
    tensors = {name: item.asnumpy() for name, item in mindspore.load_checkpoint(str(file)).items()}
    change(tensors)
    entries = [{"name": name, "data": mindspore.Tensor(item)} for name, item in tensors.items()]
    mindspore.save_checkpoint(entries, str(file))
    forge(folder)


def rename(tensors: dict[str, np.ndarray]) -> None:
    tensors["optimizer.classifier_vid.weight"] = tensors.pop("classifier_vid.weight")


def add_optimizer_state(tensors: dict[str, np.ndarray]) -> None:
    tensors["moments.classifier_vid.weight"] = tensors["classifier_vid.weight"]


@pytest.mark.parametrize("change", [rename, add_optimizer_state])
def test_verify_refuses_a_checkpoint_with_what_training_left(
    change: Callable[[dict[str, np.ndarray]], None], small: Path
) -> None:
    rewrite(small, change)
    with pytest.raises(CheckpointError, match="does not fit MultiTaskNet, and nothing was loaded"):
        verify(small)


def test_verify_refuses_other_outputs(small: Path) -> None:
    def blur(tensors: dict[str, np.ndarray]) -> None:
        tensors["classifier_vid.weight"] *= 1.001

    rewrite(small, blur)
    expected = r"outputs differ .* by \S+ in pynative mode, \S+ in graph mode of the largest value"
    with pytest.raises(CheckpointError, match=expected):
        verify(small)


def test_verify_refuses_outputs_that_are_none(small: Path) -> None:
    (small / GOLDEN).write_bytes(b"nothing")
    forge(small)
    with pytest.raises(CheckpointError, match="holds no golden outputs"):
        verify(small)


def test_a_bundle_is_replaced_only_on_demand_and_nothing_else_ever(
    plain: Path, tmp_path: Path
) -> None:
    other = CARDS["resnet50_triplet_sop"]
    with pytest.raises(StoreError, match="is a bundle already; give --force to replace it"):
        create(other, plain)
    create(other, plain, force=True)
    assert verify(plain).uid == other.uid
    home = tmp_path / "home"
    home.mkdir()
    create(other, home)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "plain"]
    (home / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(StoreError, match=r"holds more than its bundle, such as thesis\.txt"):
        create(other, home, force=True)
    (home / MANIFEST).unlink()
    for force in (False, True):
        with pytest.raises(StoreError, match="is there already and is no bundle"):
            create(other, home, force=force)


def test_a_bundle_that_fails_leaves_nothing_behind(plain: Path, tmp_path: Path) -> None:
    before = digests(plain)
    nothing = Settings(home=tmp_path / "store", offline=True)
    for folder in (plain, tmp_path / "new"):
        with pytest.raises(OfflineError):
            create(
                CARDS["mvd_allresearch_sysumm01"],
                folder,
                checkpoint=True,
                force=True,
                settings=nothing,
            )
    assert digests(plain) == before
    assert {path.name for path in tmp_path.iterdir()} - {"store"} == {"plain"}


def test_equal_cards_give_equal_bundles(
    cards: dict[str, Card], small: Path, settings: Settings, tmp_path: Path
) -> None:
    create(cards[SMALL], tmp_path / "again", checkpoint=True, settings=settings)
    assert digests(tmp_path / "again") == digests(small)
    assert (tmp_path / "again" / MANIFEST).read_bytes() == (small / MANIFEST).read_bytes()


@pytest.mark.parametrize(
    ("key", "link"),
    [
        ("repo-link", "https://gitee.com/mindspore/models/tree/r1.7/research/cv/PAMTRI/"),
        ("repo-link", "https://gitee.com/mindspore/models/.."),
        ("repo-link", "https://gitee.com/mindspore/models/golden.npz"),
        ("asset-link", "https://download.mindspore.cn/multitasknet.mindir"),
        ("asset-link", "https://download.mindspore.cn/a.ckpt?raw=1"),
    ],
)
def test_a_card_whose_links_name_no_file_has_no_bundle(key: str, link: str, tmp_path: Path) -> None:
    copy = tmp_path / "multitasknet_veri.md"
    lines = CARDS["multitasknet_veri"].path.read_text(encoding="utf-8").splitlines()
    changed = [
        f"{line.partition(':')[0]}: <{link}>" if line.strip().startswith(f"{key}:") else line
        for line in lines
    ]
    copy.write_text("\n".join(changed), encoding="utf-8")
    with pytest.raises(CardError, match=f"{key} .* ends in no name"):
        create(read_card(copy, "x"), tmp_path / "made", checkpoint=True)
    assert not (tmp_path / "made").exists()


def test_the_command_makes_and_verifies(tmp_path: Path) -> None:
    folder = tmp_path / "mvd"
    planned = json.loads(mshub("bundle", "--dry-run", "mvd", folder, "--format", "json").stdout)
    assert not folder.exists()
    made = json.loads(mshub("bundle", "mvd", folder, "--format", "json").stdout)
    assert (planned["dry_run"], made["dry_run"]) == (True, False)
    assert planned["files"] == made["files"] == sorted([*digests(folder), MANIFEST])
    assert made["uid"] == Hub.of().resolve("mvd").uid
    proof = json.loads(mshub("bundle", "verify", folder, "--format", "json").stdout)
    assert proof["network"] == "MVD"
    assert "It has no checkpoint" in mshub("bundle", "verify", folder).stdout
    mshub("bundle", "mvd", folder, code=9)
    assert mshub("bundle", "create", "mvd", folder, "--force").stdout.split() == [
        str(folder / name) for name in made["files"]
    ]
    (folder / "MVD" / "models" / "mvd.py").unlink()
    mshub("bundle", "verify", folder, code=4)


def test_the_command_lists_the_checkpoint_without_looking_for_it(tmp_path: Path) -> None:
    card = CARDS["mvd_allresearch_sysumm01"]
    lines = mshub("bundle", card.name, tmp_path / "x", "--checkpoint", "--dry-run").stdout.split()
    assert {Path(line).name for line in lines} >= {card.asset.file_name, GOLDEN}
    assert len(lines) == len(file_names(card, checkpoint=True))
    assert list(tmp_path.iterdir()) == []

"""Bundles as made by the command: under upstream's contract without the package, and verified."""

import gc
import importlib.util
import json
import os
import py_compile
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import checkpoints
import commands
import manifests
import mindspore
import numpy as np
import pytest
import sample
import upstream

import mindspore_hub
from mindspore_hub.authoring import generate
from mindspore_hub.authoring.bundle import (
    GOLDEN,
    MANIFEST,
    create,
    digests,
    file_names,
    import_closure,
)
from mindspore_hub.authoring.bundle_verify import verify
from mindspore_hub.authoring.new import card_text
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
CARDS = {card.name: card for card in sample.loaded()}
MODELS = {
    model: cards
    for model, cards in Hub.of().models.items()
    if cards[0].name in checkpoints.MANIFESTS
}
"""Cards of every model whose published files are known in detail."""
NETWORKS = {(c.model_name, sample.ALL and str(c.asset.network_args)): c for c in CARDS.values()}
"""One card of every model, or of every network; further ones differ in their names."""

SOURCE = re.findall(
    r"```python\n(.*?)```", (checkpoints.ROOT / "docs/publishing.md").read_text("utf-8"), re.DOTALL
)[0]
"""A network that takes no time, LeafNet."""

PUBLISHED = {
    **{
        model: checkpoints.MANIFESTS[cards[0].name] for model, cards in MODELS.items() if sample.ALL
    },
    "MultiTaskNet": "multitasknet_heatmap576",  # its class count is in no card, only in the file
}


@pytest.fixture(scope="module")
def mirror(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of published files, one for each model, with values that can be computed with."""
    folder = tmp_path_factory.mktemp("mirror")
    for name in PUBLISHED.values():
        file, tensors = folder / f"{name}.ckpt", manifests.read(name)
        checkpoints.write(file, tensors, value=checkpoints.random_value)
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


@contextmanager
def hub_at(root: Path) -> Iterator[None]:
    """Let bundles be made of another hub than the package's own, which is trusted there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MSHUB_HUB", str(root))
        patch.setenv("MSHUB_HOME", str(root / "store"))
        yield


@pytest.fixture(scope="module")
def bundles(
    cards: dict[str, Card], mirror: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """For each model a bundle with its checkpoint; the tests change copies only."""
    folder, home = tmp_path_factory.mktemp("bundles"), tmp_path_factory.mktemp("store")
    settings = Settings(home=home, mirrors=(str(mirror),), offline=True, progress=False)
    for model, card in cards.items():
        create(card, Hub.of(), folder / model, checkpoint=True, settings=settings)
        gc.collect()  # a network holds its file in memory, and itself in circles
    return {model: folder / model for model in cards}


@pytest.fixture(scope="module")
def leaves(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub of LeafNet with two cards; their file, with what training left, is in `mirror`."""
    root = tmp_path_factory.mktemp("leaves")
    (root / "models").mkdir()
    for name in ("__init__.py", "_checkpoint.py", "_entry.py"):
        shutil.copy(checkpoints.ROOT / "models" / name, root / "models" / name)
    (root / "models" / "leafnet.py").write_text(SOURCE, encoding="utf-8")
    random = np.random.RandomState(1)
    shapes = {"conv.weight": (8, 3, 3, 3), "head.weight": (7, 8), "head.bias": (7,)}
    held = {f"net.{name}": random.standard_normal(shape) for name, shape in shapes.items()}
    held |= {f"moments.{name}": value for name, value in held.items()}
    held = {name: value.astype(np.float32) for name, value in held.items()}
    (root / "mirror").mkdir()
    file = checkpoints.save(root / "mirror" / "leafnet.ckpt", held)
    facts = {
        "model-name": "LeafNet",
        "train-dataset": "cifar10",
        "repo-link": "https://gitee.com/botany/nets/tree/r2.7/research/cv/Leaves",
        "asset-link": "https://download.mindspore.cn/leafnet.ckpt",
        "asset-sha256": checkpoints.digest(file),
        "asset-size": "0.01 MB",
        "input-shape": "[3, 32, 32]",
        "output-shape": "[7]",
        "task": "{name: retrieval, outputs: [0], distance: dot}",
    }
    for name, default in {"leafnet_cifar10": "True", "leafnet_meadow": ""}.items():
        card = root / "assets" / "botany" / "2.7" / f"{name}.md"
        card.parent.mkdir(parents=True, exist_ok=True)
        card.write_text(card_text(card, {**facts, "default": default}), encoding="utf-8")
    generate.write(root)
    return root


@pytest.fixture
def leaf(leaves: Path) -> Iterator[Card]:
    """A card of LeafNet, whose hub bundles are made of."""
    with hub_at(leaves):
        yield leaf_card(leaves, "leafnet_cifar10")


def leaf_card(leaves: Path, name: str) -> Card:
    return read_card(leaves / "assets/botany/2.7" / f"{name}.md", f"botany/2.7/{name}")


def settings_at(leaves: Path) -> Settings:
    """Settings under which the file of LeafNet is found."""
    mirrors = (str(leaves / "mirror"),)
    return Settings(home=leaves / "store", mirrors=mirrors, offline=True, progress=False)


@pytest.fixture(scope="module")
def whole(leaves: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of LeafNet with its checkpoint; the tests change copies only."""
    folder = tmp_path_factory.mktemp("whole") / "bundle"
    with hub_at(leaves):
        card = leaf_card(leaves, "leafnet_cifar10")
        hub = Hub.of(trust=True)
        create(card, hub, folder, checkpoint=True, settings=settings_at(leaves))
    return folder


@pytest.fixture
def small(whole: Path, leaf: Card, tmp_path: Path) -> Path:
    """A copy of that bundle."""
    return Path(shutil.copytree(whole, tmp_path / "small"))


@pytest.fixture
def plain(leaf: Card, tmp_path: Path) -> Path:
    """A bundle without a checkpoint."""
    create(leaf, Hub.of(), str(tmp_path / "plain"))
    return tmp_path / "plain"


@pytest.fixture(scope="module")
def used(
    bundles: dict[str, Path], whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, Any]]:
    """What came of bundles that were moved, in one process that cannot import the package.

    They are named by models for those with checkpoints, by cards for those without, and `cached`
    for one in the folders of upstream's client.
    """
    made, moved = (tmp_path_factory.mktemp("place") / name for name in ("made", "moved"))
    for card in NETWORKS.values():
        create(card, Hub.of(), made / card.name)
    for model, folder in {**bundles, "cached/botany/2.7": whole}.items():
        shutil.copytree(folder, made / model, copy_function=os.link)
    made.rename(moved)
    cached = moved / "cached/botany/2.7/leafnet_cifar10.md"
    found = [*moved.glob("*/*.md")]
    words = ["pynative", *found, "graph", cached]
    paths = {**{path.parent.name: path for path in found}, "cached": cached}
    done = subprocess.run(
        [sys.executable, str(USE_BUNDLES), *map(str, words)],
        cwd=moved,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    return {name: {**found[str(path)], "path": path} for name, path in paths.items()}


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


def test_bundles_of_all_networks_run_in_one_process_without_the_package(
    used: dict[str, dict[str, Any]],
) -> None:
    for card in NETWORKS.values():
        facts = used[card.name]
        assert facts["network"] == card.network[1]
        assert tuple(map(tuple, facts["shapes"])) == card.output_shapes
        held = {item.canonical: list(item.shape) for item in checkpoints.tensors_of(card)}
        parameters = facts["parameters"]
        assert parameters == {name: held[name] for name in parameters}, card.name
        models = next(facts["path"].parent.rglob("models"))
        assert sorted(path.stem for path in models.glob("[!_]*.py")) == [card.network[0]]
        held_modules = {path.stem for path in models.glob("*.py")} - {"__init__"}
        assert held_modules == set(facts["modules"]), "what it imports, and no more"


def test_bundles_load_every_parameter_in_one_process_without_the_package_and_as_a_cache_in_graph_mode(
    used: dict[str, dict[str, Any]],
) -> None:
    for name in (*PUBLISHED, "cached"):
        assert (used[name]["missing"], used[name]["left over"]) == ([], [])
        assert used[name]["deviation"] <= 1e-5
    assert used["cached"]["shapes"] == [[7]]


def check_proof(folder: Path, uid: str, model: str, parameters: int) -> None:
    mode = mindspore.get_context("mode")
    proof = verify(str(folder))
    assert (proof.uid, proof.network) == (uid, model)
    assert proof.files == len(digests(folder))
    assert proof.parameters == parameters
    assert set(proof.deviations) == set(MODES)
    assert max(proof.deviations.values()) <= golden.TOLERANCE
    assert mindspore.get_context("mode") == mode


def test_verify_proves_digests_parameters_and_outputs(small: Path) -> None:
    check_proof(small, "botany/2.7/leafnet_cifar10", "LeafNet", 3)


def test_verify_proves_a_network_of_several_inputs_and_outputs(
    bundles: dict[str, Path], tmp_path: Path
) -> None:
    folder = bundles["MultiTaskNet"]
    copy = shutil.copytree(
        folder, tmp_path / "copy", copy_function=os.link
    )  # compiled when it runs
    network = upstream.load(next(copy.glob("*.md")), pretrained=False).network
    parameters = len(list(network.get_parameters()))
    check_proof(folder, "mindspore/1.7/multitasknet_veri", "MultiTaskNet", parameters)


def test_the_command_says_what_is_proven_and_opens_no_connection(small: Path) -> None:
    seen = []
    forbidden = ("socket.connect", "socket.getaddrinfo", "socket.bind")
    sys.addaudithook(lambda event, _: seen.append(event) if event in forbidden else None)
    said = mshub("bundle", "verify", small).stdout
    assert "3 parameters loaded, none missing, none left over" in said
    proof = json.loads(mshub("bundle", "verify", small, "--format", "json").stdout)
    assert (proof["network"], proof["parameters"]) == ("LeafNet", 3)
    assert proof["deviations"].keys() == set(MODES)
    assert seen == []


def test_the_import_closure_follows_every_way_to_import_a_sibling(tmp_path: Path) -> None:
    sources = {
        "__init__": "",
        "net": "from . import _a, plain_name\nimport json\n",
        "_a": "def late():\n    from ._b import x\n",
        "_b": "from ._a import late\n",
        "_entry": "",
        "other": "",
    }
    for name, source in sources.items():
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    assert import_closure(tmp_path, "net") == ["__init__", "_a", "_b", "_entry", "net"]
    with pytest.raises(CardError, match=r"has no missing\.py, which a bundle of missing needs"):
        import_closure(tmp_path, "missing")


def test_the_card_of_a_bundle_describes_the_file_beside_it(
    small: Path, plain: Path, leaf: Card
) -> None:
    card, file = small / "leafnet_cifar10.md", small / "leafnet.ckpt"
    (asset,) = upstream.front_matter(card)["asset"]
    assert asset["asset-sha256"] == checkpoints.digest(file) != leaf.asset.sha256
    assert asset["asset-size"] == f"{file.stat().st_size / 1e6:.0f} MB"
    assert asset["network-args"] == {"num_class": 7}, "which only the file tells"
    published = upstream.front_matter(leaf.path)
    assert asset["task"] == published["asset"][0]["task"]
    without = upstream.front_matter(plain / "leafnet_cifar10.md")
    assert without == {key: published[key] for key in published if key != "asset"}


def test_the_card_of_a_bundle_passes_the_check(bundles: dict[str, Path]) -> None:
    card = bundles["MultiTaskNet"] / "multitasknet_veri.md"
    (asset,) = upstream.front_matter(card)["asset"]
    (published,) = upstream.front_matter(CARDS["multitasknet_veri"].path)["asset"]
    for key in ("preprocessing", "task"):
        assert asset[key] == published[key]
    assert check_paths([card])[0] == []


def test_the_default_of_a_bundle_is_its_card(leaves: Path, leaf: Card, tmp_path: Path) -> None:
    card = leaf_card(leaves, "leafnet_meadow")
    assert (leaf.is_default, card.is_default) == (True, False)
    create(card, Hub.of(), tmp_path / "made")
    module = upstream.load_entry_point(tmp_path / "made" / "Leaves")
    assert card.name == module.DEFAULT
    assert module.CHECKPOINTS.keys() == {card.name}
    assert module.CHECKPOINTS[card.name]["asset-sha256"] == card.asset.sha256


def test_our_client_loads_the_card_of_a_bundle_with_the_bundle_as_mirror(
    bundles: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = bundles["MultiTaskNet"]
    monkeypatch.setenv("MSHUB_MIRRORS", str(folder))
    monkeypatch.setenv("MSHUB_OFFLINE", "1")
    network = mindspore_hub.load(str(folder / "multitasknet_veri.md"), source="local")
    (tensor,) = (
        item
        for item in manifests.read(PUBLISHED["MultiTaskNet"])
        if item.canonical == "classifier_vid.weight"
    )
    assert np.array_equal(network.classifier_vid.weight.asnumpy(), checkpoints.random_value(tensor))


@pytest.mark.parametrize("change", ["changed", "missing", "left over"])
def test_verify_refuses_a_bundle_that_is_not_as_it_was_made(change: str, plain: Path) -> None:
    path = plain / "Leaves" / "models" / "_checkpoint.py"
    if change == "left over":
        path = plain / "Leaves" / "json.py"
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
        "Leaves/models/__pycache__/leafnet.cpython-311.pyc",
        "Leaves/__pycache__/mindspore_hub_conf.cpython-311.pyc",
        "Leaves/models/_checkpoint.pyc",
        "__pycache__/evil.py",
        "Leaves/models/.hidden",
        "Leaves/models/_checkpoint.cpython-311-x86_64-linux-gnu.so",
    ],
)
def test_verify_refuses_any_file_that_the_manifest_does_not_name(name: str, plain: Path) -> None:
    (plain / name).parent.mkdir(exist_ok=True)
    (plain / name).write_bytes(b"no code")
    with pytest.raises(IntegrityError, match=f"  left over: {re.escape(name)}\n"):
        verify(plain)


def test_verify_leaves_a_bundle_as_it_was(plain: Path) -> None:
    verify(plain)
    assert not list(plain.rglob("__pycache__"))


def test_verify_runs_sources_even_if_the_manifest_names_compiled_ones(plain: Path) -> None:
    marker = plain.with_name("marker")
    source = plain.with_name("evil.py")
    source.write_text(f"open({str(marker)!r}, 'w').close()\n", encoding="utf-8")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = importlib.util.cache_from_source(plain / "Leaves" / "models" / "_checkpoint.py")
    py_compile.compile(str(source), compiled, doraise=True, invalidation_mode=mode)
    forge(plain)
    assert verify(plain, trust=True).network == "LeafNet"
    assert not marker.exists()


def test_verify_says_what_is_wrong_with_code_that_cannot_run(plain: Path) -> None:
    path = plain / "Leaves" / "models" / "leafnet.py"
    path.write_text("import nothing_of_that_name\n", encoding="utf-8")
    forge(plain)
    with pytest.raises(CardError, match=r"plain cannot be run: ModuleNotFoundError: .*that_name"):
        verify(plain, trust=True)


def test_a_bundle_that_was_used_can_be_replaced(plain: Path, leaf: Card) -> None:
    (plain / "Leaves" / "__pycache__").mkdir()
    (plain / "Leaves" / "__pycache__" / "x.pyc").write_bytes(b"compiled")
    create(leaf, Hub.of(), plain, force=True)
    assert verify(plain).network == "LeafNet"


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
    path = plain / "Leaves" / "models" / "leafnet.py"
    marker = plain.with_name("marker")
    path.write_text(f"open({str(marker)!r}, 'w').close()\n{path.read_text()}", encoding="utf-8")
    forge(plain)
    with pytest.raises(TrustError, match=r"is not that of this package .* Read it; then give"):
        verify(plain)
    assert not marker.exists()
    assert verify(plain, trust=True).network == "LeafNet"
    assert marker.exists()


def test_verify_runs_no_code_of_a_network_that_this_package_lacks(plain: Path) -> None:
    marker = plain.with_name("marker")
    (plain / "evil.py").write_text(f"open({str(marker)!r}, 'w').close()\n", encoding="utf-8")
    card = next(plain.glob("*.md"))
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("model-name: LeafNet", "model-name: Nonesuch"), "utf-8")

    def smuggle(facts: dict) -> None:
        facts["entry_point"] = "evil.py"

    forge(plain, smuggle)
    with pytest.raises(TrustError):
        verify(plain)
    assert not marker.exists()


def test_verify_runs_no_code_that_a_manifest_carries(plain: Path) -> None:
    marker = plain.with_name("marker")
    name = f'x": open({str(marker)!r}, "w"), "y'
    path = plain / "Leaves" / "mindspore_hub_conf.py"
    text = path.read_text(encoding="utf-8")
    changed = text.replace('"network-args": {', f'"network-args": {{"{name}": 1, ', 1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")

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
    tensors["optimizer.head.weight"] = tensors.pop("head.weight")


def add_optimizer_state(tensors: dict[str, np.ndarray]) -> None:
    tensors["moments.head.weight"] = tensors["head.weight"]


@pytest.mark.parametrize("change", [rename, add_optimizer_state])
def test_verify_refuses_a_checkpoint_with_what_training_left(
    change: Callable[[dict[str, np.ndarray]], None], small: Path
) -> None:
    rewrite(small, change)
    with pytest.raises(CheckpointError, match="does not fit LeafNet, and nothing was loaded"):
        verify(small)


def test_verify_refuses_other_outputs(small: Path) -> None:
    def blur(tensors: dict[str, np.ndarray]) -> None:
        tensors["head.weight"] *= 1.001

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
    plain: Path, leaves: Path, tmp_path: Path
) -> None:
    other = leaf_card(leaves, "leafnet_meadow")
    with pytest.raises(StoreError, match="is a bundle already; give --force to replace it"):
        create(other, Hub.of(), plain)
    create(other, Hub.of(), plain, force=True)
    assert verify(plain).uid == other.uid
    home = tmp_path / "home"
    home.mkdir()
    create(other, Hub.of(), home)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "plain"]
    (home / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(StoreError, match=r"holds more than its bundle, such as thesis\.txt"):
        create(other, Hub.of(), home, force=True)
    (home / MANIFEST).unlink()
    for force in (False, True):
        with pytest.raises(StoreError, match="is there already and is not a bundle"):
            create(other, Hub.of(), home, force=force)


def test_a_bundle_that_fails_leaves_nothing_behind(plain: Path, leaf: Card, tmp_path: Path) -> None:
    before = digests(plain)
    nothing = Settings(home=tmp_path / "store", offline=True)
    for folder in (plain, tmp_path / "new"):
        with pytest.raises(OfflineError):
            create(leaf, Hub.of(), folder, checkpoint=True, force=True, settings=nothing)
    assert digests(plain) == before
    assert {path.name for path in tmp_path.iterdir()} - {"store"} == {"plain"}


def test_equal_cards_give_equal_bundles(
    small: Path, leaf: Card, leaves: Path, tmp_path: Path
) -> None:
    create(leaf, Hub.of(), tmp_path / "again", checkpoint=True, settings=settings_at(leaves))
    assert digests(tmp_path / "again") == digests(small)
    assert (tmp_path / "again" / MANIFEST).read_bytes() == (small / MANIFEST).read_bytes()


@pytest.mark.parametrize(
    ("key", "link"),
    [
        ("repo-link", "https://gitee.com/mindspore/models/tree/r1.7/research/cv/Leaves/"),
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
        create(read_card(copy, "x"), Hub.of(), tmp_path / "made", checkpoint=True)
    assert not (tmp_path / "made").exists()


def test_the_command_makes_and_verifies(whole: Path, leaf: Card, tmp_path: Path) -> None:
    folder, name = tmp_path / "leaf", "leafnet_cifar10"
    planned = json.loads(mshub("bundle", "--dry-run", name, folder, "--format", "json").stdout)
    assert not folder.exists()
    made = json.loads(mshub("bundle", name, folder, "--format", "json").stdout)
    assert (planned["dry_run"], made["dry_run"]) == (True, False)
    assert planned["files"] == made["files"] == sorted([*digests(folder), MANIFEST])
    assert made["uid"] == leaf.uid
    assert "It has no checkpoint" in mshub("bundle", "verify", folder).stdout
    mshub("bundle", name, folder, code=9)
    assert mshub("bundle", "create", name, folder, "--force").stdout.split() == [
        str(folder / name) for name in made["files"]
    ]
    (folder / "Leaves" / "models" / "leafnet.py").unlink()
    mshub("bundle", "verify", folder, code=4)


def test_the_command_lists_the_checkpoint_without_looking_for_it(tmp_path: Path) -> None:
    card = CARDS["mvd_allresearch_sysumm01"]
    lines = mshub("bundle", card.name, tmp_path / "x", "--checkpoint", "--dry-run").stdout.split()
    assert {Path(line).name for line in lines} >= {card.asset.file_name, GOLDEN}
    assert len(lines) == len(file_names(card, Hub.of(), checkpoint=True))
    assert list(tmp_path.iterdir()) == []

"""The code of a local hub runs for who trusts it, and only as it was then."""

from __future__ import annotations

import inspect
import os
import pickle
import py_compile
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mindspore
import numpy as np
import pytest
import tiny

import mindspore_hub
from mindspore_hub.errors import AmbiguousNameError, CardError, TrustError
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks import trust
from mindspore_hub.networks.classes import import_network

pytestmark = pytest.mark.slow

CARD = "multitasknet_veri"
MODEL = "MultiTaskNet"


@pytest.fixture
def hub(tmp_path: Path, root: Path) -> Path:
    """A hub of one model, whose network says that it is not ours."""
    folder = tmp_path / "hub"
    card = next(card for card in Hub.of().cards if card.name == CARD)
    copy = folder / card.path.relative_to(root)
    copy.parent.mkdir(parents=True)
    shutil.copy(card.path, copy)
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(root / "models", folder / "models", ignore=ignore)
    shutil.copytree(
        root / "mindspore_hub_conf" / MODEL, folder / "mindspore_hub_conf" / MODEL, ignore=ignore
    )
    edit(folder, "\nMultiTaskNet.origin = 'elsewhere'\n")
    return folder


def edit(hub: Path, text: str) -> None:
    network = hub / "models" / "multitasknet.py"
    network.write_text(network.read_text(encoding="utf-8") + text, encoding="utf-8")


def card_of(hub: Path) -> str:
    return str(next((hub / "assets").rglob("*.md")))


def origin(name: Path | str, **arguments: bool) -> str | None:
    network = mindspore_hub.load(str(name), source="local", pretrained=False, **arguments)
    return getattr(network, "origin", None)


def test_code_of_a_local_hub_runs_when_it_is_trusted(hub: Path) -> None:
    assert origin(hub, trust=True) == "elsewhere"


def test_code_of_a_local_hub_does_not_run_by_itself(hub: Path) -> None:
    edit(hub, "\nraise SystemExit('the code ran')\n")
    with pytest.raises(TrustError, match=r"is not from this package.*trust=True"):
        origin(hub)


def test_card_of_a_local_hub_is_built_with_our_networks_unless_it_is_trusted(hub: Path) -> None:
    assert origin(card_of(hub)) is None
    assert origin(card_of(hub), trust=True) == "elsewhere"


def test_trust_lasts_while_the_code_is_the_same(hub: Path) -> None:
    origin(hub, trust=True)
    assert origin(hub) == "elsewhere"
    edit(hub, "\n# changed\n")
    with pytest.raises(TrustError, match="has changed since you trusted it"):
        origin(hub)
    assert origin(hub, trust=True) == "elsewhere"


@pytest.mark.parametrize("where", ["models/extra.py", f"mindspore_hub_conf/{MODEL}/extra.so"])
def test_any_new_file_beside_the_code_is_a_change(hub: Path, where: str) -> None:
    before = trust.digest_of(trust.read_code(hub))
    (hub / where).write_bytes(b"")
    assert trust.digest_of(trust.read_code(hub)) != before


def test_compiled_files_of_a_local_hub_are_neither_read_nor_written(hub: Path) -> None:
    network = hub / "models" / "multitasknet.py"
    source, stat = network.read_text(encoding="utf-8"), network.stat()
    network.write_text(source.replace("'elsewhere'", "'sleeping'"), encoding="utf-8")
    mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compiled = py_compile.compile(str(network), doraise=True, invalidation_mode=mode)
    network.write_text(source, encoding="utf-8")
    assert stat.st_size == network.stat().st_size
    assert origin(hub, trust=True) == "elsewhere"
    assert [str(path) for path in hub.rglob("*.pyc")] == [str(Path(compiled))]


LATE = tiny.SOURCE.replace(
    "        self.layer",
    "        from . import _late\n        self.origin = _late.ORIGIN\n        self.layer",
)
"""A network whose constructor imports the rest of its code."""


@pytest.fixture(scope="module")
def tiny_hub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub of a tiny network."""
    folder = tmp_path_factory.mktemp("hub") / "tiny"
    return tiny.hub(folder, "https://localhost/x.ckpt", "0" * 64)


@pytest.fixture
def late(tiny_hub: Path, tmp_path: Path) -> Path:
    """A hub of a tiny network that imports `models/_late.py` when it is built."""
    folder = tmp_path / "late"
    for name in ("assets", "models", "mindspore_hub_conf"):
        shutil.copytree(tiny_hub / name, folder / name)
    (folder / "models" / "tiny.py").write_text(LATE, encoding="utf-8")
    (folder / "models" / "_late.py").write_text("ORIGIN = 'read'\n", encoding="utf-8")
    return folder


def plant(hub: Path, place: str, ran: Path) -> None:
    """Put code that was never read where Python may look for `models/_late.py`."""
    source = hub / "evil.py"
    source.write_text(f"ORIGIN = 'planted'\nopen({str(ran)!r}, 'w').close()\n", encoding="utf-8")
    path = hub / "models" / place.format(tag=sys.implementation.cache_tag)
    path.parent.mkdir(exist_ok=True)
    if path.suffix == ".pyc":
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(str(source), str(path), doraise=True, invalidation_mode=mode)
    else:
        shutil.copy(source, path)


PLACES = ["__pycache__/_late.{tag}.pyc", "_late.pyc", "_late.py", "_late/__init__.py"]


@pytest.mark.parametrize("place", PLACES)
def test_what_is_imported_late_is_what_was_read(place: str, late: Path, tmp_path: Path) -> None:
    copy = trust.private_copy(trust.read_code(late))
    plant(late, place, tmp_path / "ran")
    assert import_network(copy, "tiny", "Tiny")().origin == "read"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("place", PLACES[1:])
def test_code_beside_that_of_a_trusted_hub_is_a_change(place: str, late: Path) -> None:
    origin(late, trust=True)
    plant(late, place, late / "ran")
    with pytest.raises(TrustError, match="has changed since you trusted it"):
        origin(late)


def test_compiled_file_put_beside_the_sources_of_a_trusted_hub_never_runs(late: Path) -> None:
    origin(late, trust=True)
    program = f"import mindspore_hub as m; print(m.load({str(late)!r}, source='local', pretrained=False).origin)"
    plant(late, PLACES[0], late / "ran")
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "read\n"
    assert not (late / "ran").exists()


def test_module_without_source_does_not_run(late: Path) -> None:
    (late / "models" / "_late.py").unlink()
    plant(late, "_late.pyc", late / "ran")
    with pytest.raises(ImportError, match="_late"):
        origin(late, trust=True)
    assert not (late / "ran").exists()


def scale(hub: Path, name: str, factor: int) -> None:
    """Let a module of the hub say by how much outputs are multiplied."""
    path = hub / "models" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"FACTOR = {factor}\n", encoding="utf-8")


def scaled(hub: Path) -> Any:
    return mindspore_hub.load(str(hub), source="local", pretrained=False, trust=True)


@pytest.mark.parametrize(
    ("module", "name"),
    [("_helper", "_helper.py"), ("_pack", "_pack/__init__.py"), ("_space.x", "_space/x.py")],
)
@pytest.mark.parametrize("mode", ["graph", "pynative"])
def test_edited_code_builds_the_next_network_and_leaves_those_before(
    module: str, name: str, mode: str, late: Path, in_mode: Callable[[str], None]
) -> None:
    source = tiny.SOURCE.replace("return self", "return FACTOR * self").replace(
        "from ._checkpoint", f"from .{module} import FACTOR\nfrom ._checkpoint"
    )
    (late / "models" / "tiny.py").write_text(source, encoding="utf-8")
    scale(late, name, 1)
    before = scaled(late)
    scale(late, name, 100)
    after = scaled(late)
    in_mode(mode)
    sample = mindspore.Tensor(np.ones((1, 3, 4, 6), np.float32))
    for network, factor in ((before, 1), (after, 100)):
        tiny.fill_in(network)
        expected = factor * tiny.feature(sample.asnumpy())
        np.testing.assert_allclose(network(sample).asnumpy(), expected, rtol=1e-4)
    scale(late, name, 1)
    assert type(scaled(late)) is type(before)


@pytest.fixture
def in_mode() -> Any:
    """Set a mode of MindSpore, until the test ends."""
    before = mindspore.get_context("mode")
    modes = {"graph": mindspore.GRAPH_MODE, "pynative": mindspore.PYNATIVE_MODE}
    yield lambda name: mindspore.set_context(mode=modes[name])
    mindspore.set_context(mode=before)


def test_source_of_a_class_is_what_was_read_and_it_can_be_pickled(late: Path) -> None:
    cell = type(scaled(late))
    edited = LATE.replace("One layer", "Two layers")
    (late / "models" / "tiny.py").write_text(edited, encoding="utf-8")
    assert "One layer over all pixels" in inspect.getsource(cell)
    assert pickle.loads(pickle.dumps(cell)) is cell  # noqa: S301 - our own


def settings_of_process() -> tuple[object, ...]:
    flags = (sys.pycache_prefix, sys.dont_write_bytecode)
    return (*flags, [*sys.path], [*sys.meta_path], [*sys.path_hooks], [*sys.argv])


def test_loading_changes_no_setting_of_the_process_in_any_thread(
    late: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", None)
    seen: list[object] = []
    before = settings_of_process()
    trust.check_trust(late, trust.digest_of(trust.read_code(late)), late / "memory", trust=True)
    threads = [
        threading.Thread(
            target=lambda: seen.append((origin(late, trust=True), settings_of_process()))
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [("read", before)] * 4


def test_copies_of_code_are_gone_when_the_process_ends_and_not_before(tmp_path: Path) -> None:
    program = (
        "import os\n"
        "from mindspore_hub.networks.trust import private_copy\n"
        "copy = private_copy({'models/x.py': b''})\n"
        "if not os.fork(): raise SystemExit\n"
        "os.wait()\n"
        "print(*os.listdir(copy / 'models'))\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "x.py\n"
    assert list(tmp_path.glob("mshub-*")) == []


def test_copy_that_was_removed_is_made_again(late: Path) -> None:
    code = trust.read_code(late)
    copy = trust.private_copy(code)
    (copy / "models" / "_late.py").unlink()
    again = trust.private_copy(code)
    assert trust.read_code(again) == code


def test_card_of_a_hub_is_refused_like_its_folder_where_only_that_hub_has_the_network(
    late: Path,
) -> None:
    with pytest.raises(TrustError, match="is not from this package"):
        origin(card_of(late))
    with pytest.raises(TrustError, match="is not from this package"):
        mindspore_hub.load_weights(card_of(late), source="local")
    origin(late, trust=True)
    assert origin(card_of(late)) == "read"


def test_code_that_cannot_be_imported_is_an_error_that_names_the_hub(late: Path) -> None:
    (late / "models" / "tiny.py").write_text("import nothing_of_that_name\n", encoding="utf-8")
    message = rf"The code in {late} cannot be run: ModuleNotFoundError"
    with pytest.raises(CardError, match=message):
        origin(late, trust=True)


def test_link_to_a_folder_of_code_is_refused(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (hub / "models" / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TrustError, match="link to a folder"):
        origin(hub, trust=True)


def test_our_own_hub_needs_no_trust() -> None:
    assert origin(card_of(Hub.of().root)) is None
    with pytest.raises(AmbiguousNameError, match=r"several cards.*\n.*assets/mindspore"):
        origin(Hub.of().root)


def test_folder_that_is_no_hub_is_named(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="is not a hub root: it has no folder assets"):
        origin(tmp_path, trust=True)
    (tmp_path / "card.md").write_text("# Card\n")
    with pytest.raises(CardError, match="run `mshub card check"):
        origin(tmp_path / "card.md", trust=True)


def test_a_card_that_lies_in_no_hub_is_named(tmp_path: Path) -> None:
    card = tmp_path / "card.md"
    card.write_bytes(Hub.of().resolve(MODEL).path.read_bytes())
    with pytest.raises(CardError, match="lies in no folder called assets"):
        origin(card, trust=True)


def test_a_hub_that_is_named_runs_its_own_networks_once_it_is_trusted(
    hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for arguments in ({"hub": hub}, {"hub": Hub.of(hub)}):
        with pytest.raises(TrustError, match=r"is not from this package.*trust=True"):
            mindspore_hub.load(MODEL, pretrained=False, **arguments)
    assert mindspore_hub.load(MODEL, hub=hub, trust=True, pretrained=False).origin == "elsewhere"
    assert mindspore_hub.load(MODEL, hub=str(hub), pretrained=False).origin == "elsewhere"
    monkeypatch.setenv("MSHUB_HUB", str(hub))
    assert mindspore_hub.load(MODEL, pretrained=False).origin == "elsewhere"
    edit(hub, "\n# changed\n")
    assert mindspore_hub.load(MODEL, trust=True, pretrained=False).origin == "elsewhere"


def test_a_card_names_the_function_or_class_that_builds_its_network(late: Path) -> None:
    source = tiny.SOURCE + (
        "\n\ndef small(num_classes=2):\n    network = Tiny()\n    network.classes = num_classes\n"
        "    return network\n\n\n"
        'small.checkpoint = Checkpoint(class_argument="num_classes", head=())\n'
    )
    (late / "models" / "family.py").write_text(source, encoding="utf-8")
    card = Path(card_of(late))
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("model-name: Tiny", "model-name: Tiny-2\nnetwork: family.small"))
    network = mindspore_hub.load("Tiny-2", hub=late, trust=True, pretrained=False, num_class=7)
    assert (type(network).__name__, network.classes) == ("Tiny", 7)
    card.write_text(text.replace("model-name: Tiny", "model-name: Tiny\nnetwork: family.none"))
    with pytest.raises(CardError, match=r"models/family\.py defines no none"):
        mindspore_hub.load("Tiny", hub=late, trust=True, pretrained=False)
    card.write_text(text.replace("model-name: Tiny", "model-name: Tiny\nnetwork: ../family.small"))
    with pytest.raises(CardError, match=r"network is not MODULE\.NAME"):
        mindspore_hub.load(str(card), pretrained=False)


def test_trust_is_for_other_hubs() -> None:
    with pytest.raises(ValueError, match="trust=True is for hub=, MSHUB_HUB, or the path"):
        mindspore_hub.load("MVD", trust=True, pretrained=False)

"""The code of a local hub runs for who trusts it, and only as it was then."""

from __future__ import annotations

import py_compile
import shutil
from pathlib import Path

import pytest

import mindspore_hub
from mindspore_hub.catalog import Catalog, hub_root
from mindspore_hub.errors import AmbiguousNameError, CardError, TrustError
from mindspore_hub.trust import code_digest

CARD = "multitasknet_veri"
MODEL = "MultiTaskNet"


@pytest.fixture
def hub(tmp_path: Path, root: Path) -> Path:
    """A hub of one model, whose network says that it is not ours."""
    folder = tmp_path / "hub"
    card = next(card for card in Catalog.read().cards if card.name == CARD)
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
    before = code_digest(hub)
    (hub / where).write_bytes(b"")
    assert code_digest(hub) != before


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


def test_link_to_a_folder_of_code_is_refused(hub: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (hub / "models" / "linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TrustError, match="link to a folder"):
        origin(hub, trust=True)


def test_our_own_hub_needs_no_trust() -> None:
    assert origin(card_of(hub_root())) is None
    with pytest.raises(AmbiguousNameError, match=r"several cards.*\n.*assets/mindspore"):
        origin(hub_root())


def test_folder_that_is_no_hub_is_named(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="has no folder assets and no folder models"):
        origin(tmp_path, trust=True)
    (tmp_path / "card.md").write_text("# Card\n")
    with pytest.raises(CardError, match="lies in no folder called assets"):
        origin(tmp_path / "card.md", trust=True)


def test_trust_is_for_local_hubs() -> None:
    with pytest.raises(ValueError, match='trust=True is for source="local"'):
        mindspore_hub.load("MVD", trust=True, pretrained=False)

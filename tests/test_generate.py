"""What follows from the cards: entry points and the README's table, byte for byte."""

import html
import json
import os
import re
import runpy
import shutil
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import checkpoints
import pytest
from commands import run

from mindspore_hub.authoring.bundle import restated
from mindspore_hub.authoring.generate import differences, outputs, write
from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import read_card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.paths import entry_point_path, uid_of
from mindspore_hub.hub.values import Argument

NETWORK = '''\
"""LeafNet, which has no layers."""

from mindspore import nn


class LeafNet(nn.Cell):
    """Keep what it is given."""

    def __init__(self, num_class: int = 40, label: str = "leaf") -> None:
        super().__init__()
        self.facts = (num_class, label)
'''

CARD = """\
# LeafNet

---

model-name: LeafNet

evaluation: acc91 | mAP72

input-shape: [3, 64, 64]

output-shape: [[128], [40]]

mindspore-version: 2.1

asset:

-
    file-format: ckpt
    asset-link: <https://files.example.org/r2.1/leafnet_herbarium.ckpt>
    asset-sha256: 3f5b8c0d9e1a47b26c8f0e5d7a9b1c3e4f6d8a0b2c4e6f8091a3b5c7d9e0f214
    asset-size: 12 MB
    network-args: {num_class: 41, label: "a \\"leaf\\""}

license: Apache2.0

default: True

---
"""


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hub of some cards, and what is generated from them."""
    copy = checkpoints.copy_hub(tmp_path_factory.mktemp("generated") / "hub")
    shutil.rmtree(copy / "mindspore_hub")
    (copy / "docs").mkdir()
    for page in ("README.md", "docs/models.md"):
        shutil.copy(checkpoints.ROOT / page, copy / page)
    write(copy)
    return copy


@pytest.fixture
def hub(generated: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return Path(shutil.copytree(generated, tmp_path / "hub"))


@pytest.fixture
def small_hub(tmp_path: Path) -> Path:
    """A hub of one card and one network, and nothing generated."""
    copy = tmp_path / "small"
    add_leafnet(copy)
    (copy / "models" / "__init__.py").touch()
    shutil.copy(checkpoints.ROOT / "models" / "_entry.py", copy / "models")
    return copy


def add_leafnet(hub: Path, name: str = "leafnet_herbarium", text: str = CARD) -> Path:
    card = hub / "assets" / "botany" / "2.1" / f"{name}.md"
    card.parent.mkdir(parents=True, exist_ok=True)
    card.write_text(text, encoding="utf-8")
    (hub / "models").mkdir(exist_ok=True)
    (hub / "models" / "leafnet.py").write_text(NETWORK, encoding="utf-8")
    return card


def test_what_entry_points_import_is_written_where_it_is_not(small_hub: Path) -> None:
    shared = small_hub / "models" / "_entry.py"
    own = shared.read_bytes()
    shared.unlink()
    assert write(small_hub) == [shared, entry_point_path(small_hub, "LeafNet")]
    assert shared.read_bytes() == own
    shared.write_text("# another release's\n", encoding="utf-8")
    assert write(small_hub) == []


def test_cards_of_a_model_name_one_network(small_hub: Path) -> None:
    named = CARD.replace("model-name: LeafNet", "model-name: LeafNet\n\nnetwork: family.small")
    add_leafnet(small_hub, text=named)
    write(small_hub)
    text = entry_point_path(small_hub, "LeafNet").read_text(encoding="utf-8")
    assert 'NETWORK = "family.small"' in text
    assert '(folder / "family.py").is_file()' in text
    add_leafnet(small_hub, "leafnet_greenhouse", CARD.replace("default: True", "default: False"))
    with pytest.raises(CardError, match=r"leafnet_greenhouse\.md: its network is leafnet\.LeafNet"):
        outputs(small_hub)


def contents(hub: Path) -> dict[str, bytes]:
    files = (path for path in hub.rglob("*") if path.is_file())
    return {path.relative_to(hub).as_posix(): path.read_bytes() for path in files}


def diff(hub: Path) -> str:
    return "".join(differences(hub))


def test_the_checkout_holds_what_its_cards_generate(root: Path) -> None:
    for path, text in outputs(root).items():
        assert path.read_bytes() == text.encode("utf-8"), path


def test_every_model_has_an_entry_point_and_every_entry_point_a_model(root: Path) -> None:
    present = {path.parent.name for path in root.glob("mindspore_hub_conf/*/mindspore_hub_conf.py")}
    assert present == set(Hub.of(root).models)


def test_generation_gives_the_same_bytes_again_from_nothing(generated: Path, hub: Path) -> None:
    shutil.rmtree(hub / "mindspore_hub_conf")
    assert {*write(hub)} == {*hub.rglob("mindspore_hub_conf.py")}
    assert contents(hub) == contents(generated)


def test_nothing_is_written_where_nothing_differs(hub: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in hub.rglob("*")}
    assert write(hub) == []
    assert {path: path.stat().st_mtime_ns for path in hub.rglob("*")} == before


def test_a_changed_card_is_a_diff_until_it_is_written(hub: Path) -> None:
    card = Hub.of(hub).resolve("MVD")
    changed = card.path.read_text(encoding="utf-8").replace("324 MB", "325 MB")
    card.path.write_text(changed.replace("num_class: 206", "num_class: 207"), encoding="utf-8")
    lines = diff(hub).splitlines()
    name = "mindspore_hub_conf/MVD/mindspore_hub_conf.py"
    assert lines[:2] == [f"--- {name} (present)", f"+++ {name} (generated)"]
    assert '-        "network-args": {"num_class": 206},' in lines
    assert '+        "network-args": {"num_class": 207},' in lines
    assert sum(line.startswith("+| [`MVD`]") and "325 MB" in line for line in lines) == 1
    assert sorted(write(hub)) == [hub / "docs" / "models.md", hub / name]
    assert diff(hub) == ""


def test_a_changed_generated_file_is_written_again(root: Path, hub: Path) -> None:
    path = entry_point_path(hub, "DDAG")
    path.write_text("edited by hand\n", encoding="utf-8")
    assert "-edited by hand" in diff(hub)
    assert write(hub) == [path]
    assert path.read_bytes() == entry_point_path(root, "DDAG").read_bytes()


def test_an_entry_point_that_no_card_declares_is_removed(hub: Path) -> None:
    stale = entry_point_path(hub, "OldNet")
    stale.parent.mkdir()
    text = entry_point_path(hub, "MVD").read_text(encoding="utf-8")
    stale.write_text(text, encoding="utf-8")
    assert diff(hub).splitlines()[:2] == [
        "--- mindspore_hub_conf/OldNet/mindspore_hub_conf.py (present)",
        "+++ mindspore_hub_conf/OldNet/mindspore_hub_conf.py (no card declares this model)",
    ]
    assert write(hub) == [stale]
    assert not stale.exists()
    assert diff(hub) == ""


def test_an_entry_point_that_somebody_wrote_is_left_alone(hub: Path) -> None:
    own = entry_point_path(hub, "OwnNet")
    own.parent.mkdir()
    own.write_text("def create_network(name): ...\n", encoding="utf-8")
    assert diff(hub) == ""
    assert write(hub) == []
    assert own.exists()


def test_a_new_card_and_network_change_generated_files_only(hub: Path) -> None:
    (hub / "docs" / "models.md").unlink()
    before = contents(hub)
    card = add_leafnet(hub)
    network = hub / "models" / "leafnet.py"
    assert sorted(write(hub)) == [hub / "README.md", entry_point_path(hub, "LeafNet")]
    after = contents(hub)
    changed = {name for name, data in after.items() if before.get(name) != data}
    assert before.keys() <= after.keys()
    assert changed == {
        card.relative_to(hub).as_posix(),
        network.relative_to(hub).as_posix(),
        "mindspore_hub_conf/LeafNet/mindspore_hub_conf.py",
        "README.md",
    }


def test_two_default_cards_are_refused_with_their_uids(hub: Path) -> None:
    path = Hub.of(hub).resolve("MVD@sysumm01-all").path
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("license:", "default: True\n\nlicense:", 1), encoding="utf-8")
    with pytest.raises(CardError) as caught:
        outputs(hub)
    assert str(caught.value) == (
        "MVD needs exactly one card with `default: True`, but has: "
        "mindspore/1.9/mvd_allresearch_sysumm01, mindspore/1.9/mvd_infraredtovisible_regdb."
    )


def test_a_model_without_a_default_card_is_refused(small_hub: Path) -> None:
    add_leafnet(small_hub, text=CARD.replace("default: True\n", ""))
    with pytest.raises(CardError) as caught:
        write(small_hub)
    assert str(caught.value) == (
        "LeafNet needs exactly one card with `default: True`, but has: none."
    )
    assert not (small_hub / "mindspore_hub_conf").exists()


def test_a_model_that_no_class_can_be_named_after_is_refused(small_hub: Path) -> None:
    add_leafnet(small_hub, text=CARD.replace("model-name: LeafNet", "model-name: Leaf-Net"))
    with pytest.raises(CardError, match="no class can have the model-name 'Leaf-Net'"):
        write(small_hub)


@pytest.mark.parametrize("odd", ["ü", "\U00020bb7", "a😀b", "\U0010ffff", "\ud7ff\ue000"])
def test_a_text_of_an_entry_point_is_that_of_the_card(odd: str, small_hub: Path) -> None:
    text = CARD.replace('label: "a', f'label: "{odd}').replace("leafnet_herbarium.ckpt", odd)
    card = add_leafnet(small_hub, f"leafnet_{odd}", text)
    card.with_name("leafnet_herbarium.md").unlink()
    write(small_hub)
    path = entry_point_path(small_hub, "LeafNet")
    assert path.read_bytes().isascii()
    entry_point = runpy.run_path(str(path))
    assert entry_point["DEFAULT"] == f"leafnet_{odd}"
    facts = read_card(card, f"botany/2.1/leafnet_{odd}")
    [(name, published)] = entry_point["CHECKPOINTS"].items()
    assert (name, published["uid"]) == (f"leafnet_{odd}", facts.uid)
    assert published["asset-link"] == facts.asset.link
    assert published["network-args"] == facts.asset.network_args
    assert odd in facts.asset.network_args["label"]
    assert entry_point["create_network"](f"LEAFNET_{odd}").facts == (41, f'{odd} "leaf"')


@pytest.mark.parametrize(
    "value", ["a😀\U00020bb7", '"\\', "a: b, {c}", "true", 1e-05, 2.5, -3, True, 1e16]
)
def test_a_card_of_another_file_has_the_same_arguments(value: Argument, tmp_path: Path) -> None:
    card = add_leafnet(tmp_path)
    uid = "botany/2.1/leafnet_herbarium"
    asset = replace(read_card(card, uid).asset, network_args={"num_class": 3, "label": value})
    card.write_text(restated(card, asset), encoding="utf-8")
    assert read_card(card, uid).asset.network_args == {"num_class": 3, "label": value}


def test_an_entry_point_repeats_the_card_whatever_characters_it_holds(small_hub: Path) -> None:
    link = 'https://files.example.org/"];print(1)#\\x41ü.ckpt'
    text = CARD.replace("https://files.example.org/r2.1/leafnet_herbarium.ckpt", link)
    path = add_leafnet(small_hub, 'leafnet_"herb"', text)
    path.with_name("leafnet_herbarium.md").unlink()
    write(small_hub)
    card = read_card(path, 'botany/2.1/leafnet_"herb"')
    entry_point = runpy.run_path(str(entry_point_path(small_hub, "LeafNet")))
    assert entry_point["DEFAULT"] == 'leafnet_"herb"'
    assert entry_point["CHECKPOINTS"] == {
        'leafnet_"herb"': {
            "uid": card.uid,
            "asset-link": link,
            "asset-sha256": card.asset.sha256,
            "network-args": {"num_class": 41, "label": 'a "leaf"'},
        }
    }


def test_cards_of_one_name_have_their_uids_in_the_entry_point(small_hub: Path) -> None:
    old = small_hub / "assets" / "botany" / "2.0" / "LeafNet_Herbarium.md"
    old.parent.mkdir()
    old.write_text(CARD.replace("41", "7").replace("default: True\n", ""), encoding="utf-8")
    add_leafnet(small_hub, "leafnet_meadow", CARD.replace("default: True\n", ""))
    write(small_hub)
    entry_point = runpy.run_path(str(entry_point_path(small_hub, "LeafNet")))
    new = "botany/2.1/leafnet_herbarium"
    assert list(entry_point["CHECKPOINTS"]) == [uid_of(old), new, "leafnet_meadow"]
    assert entry_point["DEFAULT"] == new
    create = entry_point["create_network"]
    assert create("leafnet").facts == create(new.upper()).facts == (41, 'a "leaf"')
    assert create(uid_of(old)).facts == (7, 'a "leaf"')
    with pytest.raises(NotImplementedError) as caught:
        create("leafnet_herbarium")
    assert str(caught.value) == (
        f"'leafnet_herbarium' is not here; there is leafnet, {uid_of(old).lower()}, {new}, "
        "leafnet_meadow."
    )


def test_a_card_without_a_checkpoint_has_an_entry_point(small_hub: Path) -> None:
    text = CARD.replace("file-format: ckpt", "file-format: mindir")
    add_leafnet(small_hub, text=text)
    write(small_hub)
    entry_point = runpy.run_path(str(entry_point_path(small_hub, "LeafNet")))
    assert entry_point["CHECKPOINTS"] == {
        "leafnet_herbarium": {"uid": "botany/2.1/leafnet_herbarium", "network-args": {}}
    }


def test_a_generated_entry_point_builds_the_network_of_each_card(small_hub: Path) -> None:
    meadow = CARD.replace("num_class: 41", "num_class: 7").replace("default: True\n", "")
    add_leafnet(small_hub, "leafnet_meadow", meadow)
    write(small_hub)
    create = runpy.run_path(str(entry_point_path(small_hub, "LeafNet")))["create_network"]
    assert create("leafnet").facts == (41, 'a "leaf"')
    assert create("LeafNet_Meadow").facts == (7, 'a "leaf"')
    assert create("leafnet", 5).facts == (5, 'a "leaf"')
    assert create("leafnet", label="fern").facts == (41, "fern")
    with pytest.raises(NotImplementedError) as caught:
        create("oaknet")
    assert str(caught.value) == (
        "'oaknet' is not here; there is leafnet, leafnet_herbarium, leafnet_meadow."
    )


@pytest.mark.parametrize("between", ["", "old table\n", "old\n\n| rows |\n"])
def test_the_table_of_the_readme_is_replaced_between_its_marks(
    between: str, small_hub: Path
) -> None:
    readme = small_hub / "README.md"
    readme.write_text(
        f"# Hub\n\n<!-- models -->\n{between}<!-- /models -->\n\nEnd – kept.\n", encoding="utf-8"
    )
    assert readme in write(small_hub)
    assert readme.read_text(encoding="utf-8") == (
        "# Hub\n\n"
        "<!-- models -->\n"
        "| Name | Published metric | Download | Input | Output | Licence |\n"
        "| --- | --- | --- | --- | --- | --- |\n"
        "| [`LeafNet`](assets/botany/2.1/leafnet_herbarium.md) | acc91, mAP72 | 12 MB "
        "| (N, 3, 64, 64) | (N, 128), (N, 40) | Apache2.0 |\n"
        "<!-- /models -->\n\nEnd – kept.\n"
    )
    assert diff(small_hub) == ""


def test_the_page_of_models_has_a_row_for_every_card_with_the_default_first(root: Path) -> None:
    text = (root / "docs" / "models.md").read_text(encoding="utf-8")
    table = text.partition("<!-- models -->")[2].partition("<!-- /models -->")[0]
    names = [line.split("`")[1] for line in table.splitlines() if line.startswith("| [")]
    catalog = Hub.of(root)
    assert sorted(names) == sorted(card.short_name for card in catalog.cards)
    models = {card.short_name: card.model_name for card in catalog.cards}
    firsts = {models[name]: name for name in reversed(names)}
    assert firsts == {model: model for model in catalog.models}


def test_a_readme_without_marks_is_left_alone(small_hub: Path) -> None:
    readme = small_hub / "README.md"
    readme.write_text("# Hub\n", encoding="utf-8")
    assert write(small_hub) == [entry_point_path(small_hub, "LeafNet")]
    assert readme.read_text(encoding="utf-8") == "# Hub\n"


ROW = "| [`LeafNet`](assets/botany/2.1/leafnet_herbarium.md) |"


def leafnet_row(hub: Path) -> list[str]:
    """Cells of the only row, as a reader of Markdown splits them."""
    lines = (hub / "README.md").read_text(encoding="utf-8").splitlines()
    [row] = [line for line in lines if "](assets/" in line]
    cells = re.split(r"(?<!\\)\|", row)
    assert (cells[0], cells[-1]) == ("", "")
    return [cell.strip() for cell in cells[1:-1]]


MARKS = "<!-- models -->\n<!-- /models -->\n"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("acc91|mAP72", "acc91, mAP72"),
        ("acc91 |mAP72 | rank1acc 3", "acc91, mAP72, rank1acc 3"),
        ("'see the table'", "see the table"),
        ("'[see](https://example.org)'", "&#91;see&#93;(https://example.org)"),
    ],
)
def test_metrics_of_the_readme_are_those_of_the_card(
    written: str, shown: str, small_hub: Path
) -> None:
    add_leafnet(small_hub, text=CARD.replace("acc91 | mAP72", written))
    (small_hub / "README.md").write_text(MARKS, encoding="utf-8")
    write(small_hub)
    assert leafnet_row(small_hub)[1] == shown


@pytest.mark.parametrize("key", ["evaluation", "license", "asset-size"])
@pytest.mark.parametrize(
    "value",
    [
        "a|b",
        "a\\|b",
        "trailing\\",
        "a <img src=x>",
        "a <!-- /models --> b",
        "x\n<!-- models -->\r\n| y |",
        "[x](javascript:alert(1))",
        "![x](https://example.org/a.png)",
        "`code` ``",
        "a&#124;b &lt;b&gt;",
        "a\u2028b\u202ec\x85d\x1be",
    ],
)
def test_a_value_stays_text_within_its_cell_of_the_readme(
    key: str, value: str, small_hub: Path
) -> None:
    text = re.sub(rf"{key}: .*", lambda _: f"{key}: {json.dumps(value)}", CARD)
    add_leafnet(small_hub, text=text)
    readme = small_hub / "README.md"
    readme.write_text(f"# Hub\n\n{MARKS}\nEnd\n", encoding="utf-8")
    write(small_hub)
    cells = leafnet_row(small_hub)
    assert len(cells) == 6
    cell = cells[{"evaluation": 1, "license": 5, "asset-size": 2}[key]]
    assert not set("<>`[]|\\") & set(cell)
    assert cell.isprintable()
    assert html.unescape(cell) == " ".join(
        "".join(c if c.isprintable() else " " for c in value).split()
    )
    before = readme.read_bytes()
    assert before.splitlines()[-1] == b"End"
    assert write(small_hub) == []
    assert (readme.read_bytes(), diff(small_hub)) == (before, "")


@pytest.mark.parametrize("name", ["leafnet_a|b", "leafnet_`c`", "leafnet_[d](e)", "leaf net_<b>"])
def test_a_card_of_any_name_has_one_row_in_the_readme(name: str, small_hub: Path) -> None:
    (small_hub / "README.md").write_text(MARKS, encoding="utf-8")
    add_leafnet(small_hub, name, CARD.replace("default: True\n", ""))
    write(small_hub)
    lines = (small_hub / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 6
    [row] = [line for line in lines if line.startswith("| [") and not line.startswith(ROW)]
    assert [row.count(mark) for mark in "|[]<`"] == [7, 1, 1, 0, 0]
    assert unquote(row.partition("](assets/")[2].partition(")")[0]) == f"botany/2.1/{name}.md"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("<!-- models -->", "<!-- /models -->"),
        ("<!--models-->", "<!--/models-->"),
        ("<!--\t models  -->", "<!--  / models-->"),
        ("<!--models -->", "<!-- /models-->"),
    ],
)
@pytest.mark.parametrize("between", ["{end}", "", "{end}old{end}", "{end}{end}"])
def test_marks_are_found_whatever_ends_lines_and_blanks_they_hold(
    end: str, first: str, last: str, between: str, small_hub: Path
) -> None:
    readme = small_hub / "README.md"
    old = between.format(end=end)
    readme.write_bytes(f"# Hub{end}{end}{first}{old}{last}{end}End{end}".encode())
    assert readme in write(small_hub)
    text = readme.read_bytes().decode()
    lines = text.split(end)
    assert lines[:3] == ["# Hub", "", first]
    assert lines[5].startswith(ROW)
    assert lines[6:] == [last, "End", ""]
    assert {*re.findall(r"\r\n|\r|\n", text)} == {end}
    assert diff(small_hub) == ""
    assert write(small_hub) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("# Hub\n\n<!-- models -->\n", "there is '<!-- models -->' in line 3;"),
        ("<!--/models-->\r\n", "there is '<!--/models-->' in line 1;"),
        ("<!-- /models -->\n<!-- models -->\n", "'<!-- /models -->' in line 1, '<!-- models -->'"),
        (f"{MARKS}<!-- models -->\n", "'<!-- models -->' in line 3"),
        ("<!-- models -->\n" + MARKS, "'<!-- models -->' in line 2"),
    ],
)
def test_marks_that_do_not_pair_are_an_error(text: str, found: str, small_hub: Path) -> None:
    readme = small_hub / "README.md"
    readme.write_bytes(text.encode())
    for options in ((), ("--check",)):
        done = run("generate", "--hub", str(small_hub), *options)
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert "README.md: the table of models stands between" in line
        assert found in line
    assert readme.read_bytes() == text.encode()
    assert not entry_point_path(small_hub, "LeafNet").exists()


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-16-le", "utf-32", "cp1252"])
def test_a_readme_that_is_not_utf_8_is_an_error_that_names_it(
    encoding: str, small_hub: Path
) -> None:
    content = f"# Café\n\n{MARKS}".encode(encoding)
    (small_hub / "README.md").write_bytes(content)
    for options in ((), ("--check",)):
        done = run("generate", "--hub", str(small_hub), *options)
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert "README.md" in line
        assert "save it as UTF-8" in line
    assert (small_hub / "README.md").read_bytes() == content


def test_a_readme_of_utf_8_keeps_its_byte_order_mark(small_hub: Path) -> None:
    (small_hub / "README.md").write_bytes(b"\xef\xbb\xbf" + MARKS.encode())
    write(small_hub)
    assert (small_hub / "README.md").read_bytes().startswith(b"\xef\xbb\xbf<!-- models -->\n| Name")


def test_entry_points_of_any_bytes_are_written_again_or_left_alone(small_hub: Path) -> None:
    own = entry_point_path(small_hub, "OwnNet")
    own.parent.mkdir(parents=True)
    own.write_bytes("# é: my own\n".encode("latin-1"))
    damaged = entry_point_path(small_hub, "LeafNet")
    damaged.parent.mkdir()
    damaged.write_bytes("# é\n".encode("latin-1"))
    assert r"-# \xe9" in diff(small_hub)
    assert write(small_hub) == [damaged]
    assert own.read_bytes() == b"# \xe9: my own\n"
    assert diff(small_hub) == ""


def test_a_stale_entry_point_is_found_whatever_ails_the_readme(small_hub: Path) -> None:
    write(small_hub)
    (small_hub / "README.md").write_bytes("<!-- models -->é".encode("latin-1"))
    path = entry_point_path(small_hub, "LeafNet")
    path.write_text("edited by hand\n", encoding="utf-8")
    done = run("card", "check", str(small_hub), "--select", "H905")
    assert (done.returncode, "H905" in done.stdout) == (1, True)


def test_writing_leaves_no_temporary_file_and_keeps_the_mode(small_hub: Path) -> None:
    write(small_hub)
    path = entry_point_path(small_hub, "LeafNet")
    assert path.stat().st_mode & 0o777 == 0o644
    path.chmod(0o600)
    path.write_text("edited by hand\n", encoding="utf-8")
    write(small_hub)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [item.name for item in path.parent.iterdir()] == ["mindspore_hub_conf.py"]


def test_a_link_inside_of_the_hub_stays_one(small_hub: Path) -> None:
    write(small_hub)
    path = entry_point_path(small_hub, "LeafNet")
    text = path.read_text(encoding="utf-8")
    (small_hub / "shared.py").write_text("stale\n")
    path.unlink()
    path.symlink_to(small_hub / "shared.py")
    assert write(small_hub) == [path]
    assert path.is_symlink()
    assert path.read_text(encoding="utf-8") == text


def test_a_card_whose_name_is_no_utf8_is_named_and_nothing_is_written(small_hub: Path) -> None:
    readme = small_hub / "README.md"
    readme.write_text("<!-- models -->\n<!-- /models -->\n")
    add_leafnet(small_hub, os.fsdecode(b"leafnet_caf\xe9"))
    before = contents(small_hub)
    with pytest.raises(CardError, match="its name is not UTF-8"):
        write(small_hub)
    assert contents(small_hub) == before


@pytest.mark.parametrize(
    "name",
    [
        "mindspore_hub_conf",
        "mindspore_hub_conf/LeafNet",
        "mindspore_hub_conf/LeafNet/mindspore_hub_conf.py",
        "README.md",
        "docs",
        "docs/rules.md",
        "assets",
        "assets/botany/2.1/leafnet_herbarium.md",
    ],
)
def test_nothing_is_written_or_read_through_a_link_that_leads_out(
    name: str, small_hub: Path, tmp_path: Path
) -> None:
    (small_hub / "README.md").write_text("<!-- models -->\n<!-- /models -->\n", encoding="utf-8")
    (small_hub / "docs").mkdir()
    (small_hub / "docs" / "rules.md").touch()
    write(small_hub)
    path, outside = small_hub / name, tmp_path / "outside"
    path.rename(outside)
    path.symlink_to(outside)
    card = small_hub / "assets" / "botany" / "2.1" / "leafnet_herbarium.md"
    card.write_text(card.read_text(encoding="utf-8").replace("12 MB", "13 MB"), encoding="utf-8")
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    before = {path: path.read_bytes() for path in files}
    for work in (write, lambda root: [*differences(root)]):
        with pytest.raises(CardError, match=r"leads out of .* through a link"):
            work(small_hub)
    assert {path: path.read_bytes() for path in files} == before


def test_links_inside_of_a_hub_are_written_through(small_hub: Path) -> None:
    (small_hub / "generated" / "LeafNet").mkdir(parents=True)
    (small_hub / "mindspore_hub_conf").mkdir(exist_ok=True)
    (small_hub / "mindspore_hub_conf" / "LeafNet").symlink_to("../generated/LeafNet")
    write(small_hub)
    assert (small_hub / "generated" / "LeafNet" / "mindspore_hub_conf.py").is_file()

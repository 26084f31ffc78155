"""The index of published cards: its file, and the names that only it knows."""

import json
import logging
import lzma
from collections.abc import Callable
from pathlib import Path

import pytest
import sample

from mindspore_hub.authoring.index import build, differences, pack
from mindspore_hub.errors import CardError, UnknownNameError
from mindspore_hub.hub import index as indexing
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.hub.index import HEADER, INDEX, Entry, parse, unpack
from mindspore_hub.hub.indexed import IndexedCard
from mindspore_hub.hub.values import release_order
from mindspore_hub.info import info
from mindspore_hub.load import load

HUB = Hub.of()
ENTRIES = HUB.index.entries
OF_TWO_NETWORKS = "mobilenetv3smallx10_imagenet2012"
"""Cards that publish the digest of another network, ResNet-152."""

SHIPPED = {card.asset.sha256 for card in HUB.cards}

LINK = "https://download.mindspore.cn/models"


def entry(uid: str, sha256: str = "", **facts: str) -> Entry:
    """A card with a checkpoint, or without one."""
    name = uid.rpartition("/")[2]
    file = {"format": "ckpt", "link": f"{LINK}/{uid}.ckpt", "sha256": sha256}
    said = {"model": name.partition("_")[0], "dataset": name.rpartition("_")[2], **facts}
    return Entry(uid, assets=[file] if sha256 else [], **said)


A, B, C = "a" * 64, "b" * 64, "c" * 64
SHORT = "0123abcd"

LEAVES = [
    entry("botany/1.9/leafnet_fern", A),
    entry("botany/1.10/leafnet_fern", A),
    entry("botany/1.10/leafnet_moss", B),
    entry("botany/2.5/leafnet_fern", SHORT, mindspore="2.5.0"),
    entry("botany/2.5/treenet"),
]


def write_hub(root: Path, entries: list[Entry], **cards: str) -> Hub:
    """A hub with an index, and cards of this name, whose network it has, with the digest of their file."""
    (root / "assets").mkdir(parents=True, exist_ok=True)
    (root / "assets" / INDEX).write_bytes(pack(entries))
    if cards:
        (root / "models").mkdir()
        (root / "models" / "own.py").touch()
    for name, sha256 in cards.items():
        path = root / "assets" / "botany" / "1.9" / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        asset = f"asset:\n  - file-format: ckpt\n    asset-link: <{LINK}/{name}.ckpt>\n"
        text = f"# T\n\n---\nmodel-name: Own\n{asset}    asset-sha256: {sha256}\n---\n"
        path.write_text(text, encoding="utf-8")
    return Hub.of(root)


@pytest.fixture
def leaves(tmp_path: Path) -> Hub:
    return write_hub(tmp_path, LEAVES)


def test_the_shipped_index_has_every_published_card_once_in_order() -> None:
    uids = [item.uid for item in ENTRIES]
    assert uids == sorted(set(uids))
    assert len(uids) == 2915
    assert len({item.sha256 for item in ENTRIES if item.is_full}) == 665
    assert {card.uid for card in HUB.cards} <= set(uids)


def test_the_shipped_index_is_packed_as_a_build_packs_it(root: Path) -> None:
    assert differences(root / "assets" / INDEX, pack(ENTRIES)) == ""


def test_every_line_says_what_its_schema_lists_and_nothing_else() -> None:
    header, *lines = unpack((HUB.root / "assets" / INDEX).read_bytes()).splitlines()
    keys = json.loads(header)["keys"]
    for line in lines:
        facts = dict(zip(keys, json.loads(line), strict=True))
        metrics, assets = facts.pop("metrics"), facts.pop("assets")
        assert facts["uid"]
        assert all(isinstance(text, str) for text in facts.values())
        assert all(len(pair) == 2 and pair[1] for pair in metrics)
        for asset in assets:
            assert {"format"} <= asset.keys() <= {"format", "link", "sha256"}
            assert set(asset.get("sha256", "")) <= set("0123456789abcdef")


def test_every_uid_means_its_card_or_the_card_of_this_hub_with_its_file() -> None:
    for item in ENTRIES:
        card = HUB.resolve(item.uid)
        if item.sha256 in SHIPPED and item.name != OF_TWO_NETWORKS:
            assert not card.is_indexed
            assert card.asset.sha256 == item.sha256
        else:
            assert card.is_indexed
            assert (card.uid, card.name, card.model_name) == (item.uid, item.name, item.model)


def test_every_name_of_a_card_or_a_model_means_one_of_its_cards() -> None:
    own = {name.lower() for card in HUB.cards for name in (card.name, card.model_name)}
    for name in {name for item in ENTRIES for name in (item.name, item.model) if name}:
        if name.lower() not in own:
            digests = {item.sha256 for item in HUB.index.named(name)}
            assert HUB.index.by_uid[HUB.resolve(name.swapcase()).uid.lower()].sha256 in digests


def test_a_card_made_of_an_entry_says_the_same_again() -> None:
    for item in ENTRIES:
        # Of six cards, the metrics are no figures.
        if not any(":" in value for _, value in item.metrics):
            again = Entry.of(IndexedCard.of(item))
            assert again.line == item.line


@pytest.mark.parametrize("card", sample.cards(), ids=lambda card: card.uid)
def test_names_of_cards_of_this_hub_do_not_open_the_index(
    card: Card, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "read_index", None)
    names = (card.short_name, card.uid, card.variant_name, str(card.path))
    hub = Hub.of()
    assert {hub.resolve(name).uid for name in names} == {card.uid}
    if card.is_default:
        assert hub.resolve(f"{card.model_name}@{card.version}") == card
    assert next(hub.links(card.asset.sha256)).startswith("https://")


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("leafnet_moss", "botany/1.10/leafnet_moss"),
        ("LeafNet_Moss", "botany/1.10/leafnet_moss"),
        ("leafnet_fern@1.9", "botany/1.9/leafnet_fern"),
        ("leafnet_fern@r1.9", "botany/1.9/leafnet_fern"),
        ("leafnet@1.9", "botany/1.9/leafnet_fern"),
        ("leafnet@moss", "botany/1.10/leafnet_moss"),
        ("leafnet@2.5.0", "botany/2.5/leafnet_fern"),
        ("Botany/2.5/LeafNet_Fern/", "botany/2.5/leafnet_fern"),
        (
            "https://gitee.com/mindspore/hub/blob/master/assets/botany/2.5/treenet.md",
            "botany/2.5/treenet",
        ),
        ("treenet", "botany/2.5/treenet"),
    ],
)
def test_a_name_of_one_file_means_its_newest_card(
    name: str, uid: str, leaves: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert leaves.resolve(name).uid == uid
    assert not caplog.records


@pytest.mark.parametrize(
    ("name", "uid", "files"),
    [
        ("leafnet", "botany/1.10/leafnet_fern", 3),
        ("LeafNet_fern", "botany/1.10/leafnet_fern", 2),
        ("leafnet@1.10", "botany/1.10/leafnet_fern", 2),
    ],
)
def test_a_name_of_several_files_means_the_newest_with_a_whole_digest_and_says_so(
    name: str, uid: str, files: int, leaves: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert leaves.resolve(name).uid == uid
    assert caplog.messages == [
        (
            f"{name!r} may mean {files} files; taking {uid}. `mshub search "
            f"{name.partition('@')[0]}` shows all."
        )
    ]


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        (
            "leafnet_frn",
            (
                "'leafnet_frn' names no model card. Did you mean leafnet_fern or leafnet or "
                "leafnet_moss? `mshub search WORDS` finds published cards."
            ),
        ),
        (
            "botany/1.9/leafnet_mos",
            (
                "'botany/1.9/leafnet_mos' names no model card. Did you mean botany/1.10/leafnet_moss "
                "or botany/1.9/leafnet_fern or botany/1.10/leafnet_fern? `mshub search WORDS` finds "
                "published cards."
            ),
        ),
        (
            "leafnet@3.0",
            (
                "'leafnet@3.0' names no card. leafnet is published for the releases 1.9, 1.10, 2.5.0; "
                "see `mshub search leafnet`."
            ),
        ),
        ("leafnet@", None),
        ("@1.9", None),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones_of_the_index(
    name: str, answer: str | None, leaves: Hub
) -> None:
    with pytest.raises(UnknownNameError) as caught:
        leaves.resolve(name)
    assert answer is None or str(caught.value) == answer


def test_an_entry_with_the_file_of_a_card_of_the_hub_is_that_card(tmp_path: Path) -> None:
    hub = write_hub(tmp_path, LEAVES, own_fern=A)
    names = ("botany/1.10/leafnet_fern", "leafnet_fern@1.9", "leafnet")
    assert {hub.resolve(name).uid for name in names} == {"botany/1.9/own_fern"}
    assert hub.resolve("leafnet_moss").is_indexed


def test_every_link_of_a_file_is_a_source_of_it(tmp_path: Path) -> None:
    hub = write_hub(tmp_path, LEAVES, own_fern=A)
    assert list(hub.links(A)) == [
        f"{LINK}/own_fern.ckpt",
        f"{LINK}/botany/1.9/leafnet_fern.ckpt",
        f"{LINK}/botany/1.10/leafnet_fern.ckpt",
    ]


def test_releases_are_ordered_by_their_numbers() -> None:
    assert sorted(["1.10", "1.9", "2.5", "gpu", "1.3"], key=release_order) == [
        *("gpu", "1.3", "1.9", "1.10", "2.5")
    ]


def test_an_index_is_built_the_same_each_time_from_any_cards(root: Path, tmp_path: Path) -> None:
    data = build(root)
    assert data == build(root / "assets") == pack(parse(data))
    of_cards = {item.uid: item for item in parse(data)}
    assert of_cards.keys() == {card.uid for card in HUB.cards}
    for card in HUB.cards:
        item = of_cards[card.uid]
        assert (item.model, item.sha256) == (card.model_name, card.asset.sha256)
        assert item.release == card.version
    broken = tmp_path / "assets" / "x" / "1.0" / "broken.md"
    broken.parent.mkdir(parents=True)
    broken.write_text("# Broken\n\nNo front matter.\n", encoding="utf-8")
    assert parse(build(tmp_path)) == [Entry("x/1.0/broken", "Broken", metrics=[], assets=[])]


def test_a_difference_names_the_lines(tmp_path: Path) -> None:
    path = tmp_path / INDEX
    assert differences(path, pack(LEAVES[:1])) == f"+{LEAVES[0].line}\n+{HEADER}\n"
    path.write_bytes(pack(LEAVES[:2]))
    assert differences(path, pack(LEAVES[1:3])) == f"-{LEAVES[0].line}\n+{LEAVES[2].line}\n"
    assert "another order" in differences(path, pack(LEAVES[1::-1]))
    path.write_bytes(b"x")
    assert differences(path, pack([])).startswith(f"{path} is damaged: ")


def packed(text: str) -> bytes:
    return lzma.compress(text.encode())


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"not an index",
        lambda data: data[:-20],
        lambda data: data[:200] + bytes([data[200] ^ 1]) + data[201:],
        lambda data: packed(""),
        lambda data: packed('{"mshub-index":1}\n{"uid":"a/1/b"}\n'),
        lambda data: packed(f'{HEADER}\n["a/1/b"'),
        lambda data: packed(f'{HEADER}\n["a/1/b"]\n'),
        lambda data: packed(f"{HEADER}\n{json.dumps([*Entry('a/1/b'), 'red'])}\n"),
        lambda data: packed(f"{HEADER}\n{Entry(7).line}\n"),
        lambda data: packed(f"{HEADER}\n7\n"),
        lambda data: packed(f'{HEADER}\n{{"uid":"a/1/b"}}\n'),
        lambda data: packed(f'{HEADER}\n"fifteen letters"\n'),
        lambda data: packed(f"{HEADER}\n{Entry('a/1/b', assets=[1]).line}\n"),
        lambda data: packed(f"{HEADER}\n{Entry('a/1/b', assets=[{'link': 1}]).line}\n"),
        lambda data: packed(f"{HEADER}\n{Entry('a/1/b', metrics=[['acc']]).line}\n"),
    ],
)
def test_a_damaged_index_is_an_error_and_names_of_cards_still_work(
    damage: Callable[[bytes], bytes], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub = write_hub(tmp_path, LEAVES, own_fern=A)
    path = tmp_path / "assets" / INDEX
    path.write_bytes(damage(path.read_bytes()))
    for name in ("own_fern", "Own", "botany/1.9/own_fern"):
        assert Hub.of(tmp_path).resolve(name).name == "own_fern"
    with pytest.raises(CardError) as caught:
        Hub.of(tmp_path).resolve("leafnet_fern")
    assert str(caught.value).startswith(f"{path} cannot be read as an index: ")
    assert f"`mshub index build FOLDER -o {path}`" in str(caught.value)
    assert list(hub.links(A)) == [f"{LINK}/own_fern.ckpt"]
    assert caplog.messages == [str(caught.value)]


def test_a_hub_without_an_index_has_an_empty_one(tmp_path: Path) -> None:
    hub = write_hub(tmp_path, [])
    (tmp_path / "assets" / INDEX).unlink()
    assert Hub.of(tmp_path).index.entries == hub.index.entries == ()


def test_a_card_of_the_index_has_facts_and_no_text() -> None:
    card = HUB.resolve("mindspore/1.9/yolov5s_coco2017")
    assert card.repo_link.path == "official/cv/yolov5"
    with pytest.raises(CardError, match="is known from the index only"):
        card.document  # noqa: B018 - it raises


def test_a_card_of_the_index_is_not_loaded_but_the_ways_that_work_are_named() -> None:
    uid = "mindspore/1.9/yolov5s_coco2017"
    with pytest.raises(CardError) as caught:
        load(uid)
    assert str(caught.value) == (
        f"There is no network for {uid} here; its code was in the folder official/cv/yolov5 of "
        "mindspore/models, branch r1.9. Its weights can be had alone, by "
        f'`mindspore_hub.load_weights("{uid}")`, or in a network of yours, by '
        f'`mindspore_hub.fit(network, "{uid}")`.'
    )
    with pytest.raises(CardError, match="It publishes no checkpoint either"):
        load("mindspore/2.5/animatediff")


def test_info_of_a_card_of_the_index_has_its_releases_and_what_can_be_done() -> None:
    found = info("mindspore/1.9/yolov5s_coco2017")
    assert (found.path, found.fine_tunable, found.dataset) == (None, None, "coco2017")
    assert found.published.use == "weights"
    said = found.to_dict()
    assert said["command"] == "mshub download yolov5s_coco2017"
    assert [item["release"] for item in said["releases"]] == [*("1.10", "1.9")]
    assert all(item["link"].startswith("https://") for item in said["releases"])
    assert info("MVD").published is None
    assert "releases" not in info("MVD").to_dict()

"""From every kind of name to a card, and what is said where no card or several fit."""

import subprocess
from pathlib import Path

import checkpoints
import pytest
import sample
from commands import MSHUB, start

from mindspore_hub.errors import AmbiguousNameError, CardError, HubError, UnknownNameError
from mindspore_hub.hub.hub import Hub, own_root
from mindspore_hub.hub.values import release_order
from mindspore_hub.info import info
from mindspore_hub.list import hub_list
from mindspore_hub.settings import shown_address

CATALOG = Hub.of()
SOME = {card.uid for card in sample.cards()}
CARDS = pytest.mark.parametrize(
    "card", [card for card in CATALOG.cards if card.uid in SOME], ids=lambda card: card.uid
)

ADDRESSES = [
    "https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/{uid}.md",
    "https://gitee.com/mindspore/hub/tree/master/mshub_res/assets/{uid}.md",
    "https://gitee.com/mindspore/hub/raw/master/mshub_res/assets/{uid}.md",
    "https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/{uid}",
    "https://github.com/mindspore-ai/hub/blob/master/mshub_res/assets/{uid}.md",
    "https://github.com/mindspore-ai/hub/raw/master/mshub_res/assets/{uid}.md",
    "https://github.com/mindspore-ai/hub/blob/master/mshub_res/assets/{uid}.md?plain=1#usage",
    "https://github.com/mindspore-ai/hub/tree/master/mshub_res/assets/{uid}/",
    "https://raw.githubusercontent.com/mindspore-ai/hub/master/mshub_res/assets/{uid}.md",
    "http://gitee.com/mindspore/hub/blob/master/mshub_res/assets/{uid}.md",
    "HTTPS://GITEE.COM/mindspore/hub/blob/master/mshub_res/assets/{uid}.md",
    "https://www.github.com/mindspore-ai/hub/blob/master/mshub_res/assets/{uid}.md",
    "https://gitee.com/anyone/their-hub/blob/main/assets/{uid}.md",
]


def newest(card, *, of_model: bool):
    """The card of that name for the latest release, among all or those of the model."""
    same = [other for other in CATALOG.cards if other.name == card.name]
    same = [other for other in same if not of_model or other.model_name == card.model_name]
    return max(same, key=lambda other: release_order(other.version))


def in_other_case(name: str) -> set[str]:
    return {name, name.upper(), name.lower(), name.swapcase()}


def write_hub(root: Path, cards: dict[str, str]) -> Hub:
    """A hub root whose cards hold these lines of front matter, by uid."""
    for uid, front_matter in cards.items():
        path = root / "assets" / f"{uid}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# T\n\n---\n{front_matter}\n---\n", encoding="utf-8")
    return Hub.of(root)


def test_the_hub_root_of_a_checkout_is_the_checkout(root: Path) -> None:
    assert Hub.of().root == root
    assert CATALOG.root == root


def test_the_catalog_holds_every_card_in_the_order_of_uids(root: Path) -> None:
    assets = root / "assets"
    files = [path.relative_to(assets).as_posix()[:-3] for path in assets.rglob("*.md")]
    assert [card.uid for card in CATALOG.cards] == sorted(files)


@pytest.mark.parametrize("model", CATALOG.models)
def test_a_bare_name_in_any_case_means_the_default_card(model: str) -> None:
    (default,) = (card for card in CATALOG.models[model] if card.is_default)
    for name in in_other_case(model):
        assert CATALOG.resolve(name) is default


@CARDS
def test_every_name_of_a_card_in_any_case_and_its_address_mean_the_card(card) -> None:
    of_name, of_model = (newest(card, of_model=whose) for whose in (False, True))
    means = {
        card.name: of_name,
        f"{card.model_name}@{card.name}": of_model,
        f"{card.model_name}@{card.variant}": of_model,
        card.uid: card,
    }
    for text, meant in means.items():
        assert {CATALOG.resolve(other).uid for other in in_other_case(text)} == {meant.uid}
    addresses = [address.format(uid=card.uid) for address in ADDRESSES]
    for text in (card.short_name, f"{card.uid}/", *addresses):
        assert CATALOG.resolve(text) is card, text


@CARDS
def test_a_path_means_the_card_at_it(
    card, root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert CATALOG.resolve(str(card.path)) == card
    monkeypatch.chdir(root)
    relative = CATALOG.resolve(f"assets/{card.uid}.md")
    assert (relative.uid, relative.front_matter) == (card.uid, card.front_matter)
    copy = tmp_path / "mine.md"
    copy.write_bytes(card.path.read_bytes())
    assert CATALOG.resolve(str(copy)).uid == "mine"


def test_a_path_may_begin_with_the_home_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "mine.md").write_bytes(CATALOG.cards[0].path.read_bytes())
    assert CATALOG.resolve("~/mine.md").path == tmp_path / "mine.md"


@pytest.fixture
def leaves(tmp_path: Path) -> Hub:
    """A hub of one model in three variants, and one of another in a single one."""
    variants = ["allresearch_moss", "left_fern", "right_fern"]
    cards = {f"botany/2.1/leafnet_{name}": "model-name: LeafNet" for name in variants}
    return write_hub(tmp_path, {**cards, "botany/2.0/barknet_oak": "model-name: BarkNet"})


def test_two_card_names_of_one_data_set_make_it_ambiguous(leaves: Hub) -> None:
    with pytest.raises(AmbiguousNameError) as caught:
        leaves.resolve("leafnet@Fern")
    assert str(caught.value) == (
        "'leafnet@Fern' may mean several cards; choose one of them:\n"
        "  LeafNet@fern-left  (botany/2.1/leafnet_left_fern)\n"
        "  LeafNet@fern-right  (botany/2.1/leafnet_right_fern)"
    )


def test_an_unknown_variant_lists_all_variants(leaves: Hub) -> None:
    with pytest.raises(UnknownNameError) as caught:
        leaves.resolve("leafnet@nope")
    assert str(caught.value) == (
        "'LeafNet@nope' names no card. Variants of LeafNet:\n"
        "  LeafNet@moss-all  (botany/2.1/leafnet_allresearch_moss)\n"
        "  LeafNet@fern-left  (botany/2.1/leafnet_left_fern)\n"
        "  LeafNet@fern-right  (botany/2.1/leafnet_right_fern)"
    )


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("LeefNet", " Did you mean LeafNet?"),
        ("barknt", " Did you mean BarkNet or barknet_oak?"),
        ("LeefNet@fern", " Did you mean LeafNet?"),
        ("botany/2.0/leafnet_left_fern", " Did you mean botany/2.1/leafnet_left_fern?"),
        (
            "botany/2.1/LeafNet",
            (
                " Did you mean botany/2.1/leafnet_allresearch_moss or "
                "botany/2.1/leafnet_left_fern or botany/2.1/leafnet_right_fern?"
            ),
        ),
        ("Botany/1.9/BarkNt/", " Did you mean botany/2.0/barknet_oak?"),
        ("\x1b[2J\0", ""),
        ("zzz", ""),
        ("", ""),
        ("/", ""),
    ],
)
def test_an_unknown_name_is_answered_with_near_ones(name: str, near: str, leaves: Hub) -> None:
    with pytest.raises(UnknownNameError) as caught:
        leaves.resolve(name)
    expected = f"{name!r} names no model card.{near} `mshub list` shows every card."
    assert str(caught.value) == expected


def test_an_unknown_name_in_the_packages_own_hub_is_answered_with_how_to_name_another() -> None:
    with pytest.raises(UnknownNameError) as caught:
        CATALOG.resolve("zzz")
    assert str(caught.value) == (
        "'zzz' names no model card. `mshub search WORDS` finds published cards. "
        "For a card of another hub, give --hub DIR or set MSHUB_HUB."
    )
    with pytest.raises(UnknownNameError, match=r"names no card\. For a card of another hub, give"):
        CATALOG.resolve("MVD@zzz")


UID = CATALOG.cards[0].uid


@pytest.mark.parametrize(
    "url",
    [
        "https://www.baidu.com",
        f"https://example.org/mindspore/hub/blob/master/mshub_res/assets/{UID}.md",
        f"https://gitee.com.example.org/mindspore/hub/blob/master/assets/{UID}.md",
        f"https://gitee.com@example.org/mindspore/hub/blob/master/assets/{UID}.md",
        f"https://example.org/https://gitee.com/mindspore/hub/blob/master/assets/{UID}.md",
        f"ftp://gitee.com/mindspore/hub/blob/master/mshub_res/assets/{UID}.md",
        f"https://wwwgitee.com/mindspore/hub/blob/master/mshub_res/assets/{UID}.md",
        f"https://example.org/assets/{UID}.md\x1b[2J\0",
        f"file:///mindspore/hub/blob/master/mshub_res/assets/{UID}.md",
        f"https://gitee.com/{UID}.md",
        f"https://gitee.com/login?next=/mindspore/hub/blob/master/mshub_res/assets/{UID}.md",
        f"https://gitee.com/mindspore/hub#/mindspore/hub/blob/master/mshub_res/assets/{UID}.md",
        "https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/",
        f" https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/{UID}.md",
        "://",
    ],
)
def test_an_address_elsewhere_is_refused_with_the_form_that_is_expected(url: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        CATALOG.resolve(url)
    assert str(caught.value) == (
        f"{shown_address(url)!r} is not the address of a model card; expected "
        "https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/<uid>.md, "
        "the same on github.com, or just <uid>."
    )


@pytest.mark.parametrize(
    "name",
    [
        f"https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/{UID}.md.exe",
        f"https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/{UID}.md extra",
        f"https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/{UID}.md\n",
        f"https://gitee.com/mindspore/hub/blob/master/mshub_res/assets/../assets/{UID}/..",
        "../../../../etc/passwd",
        f"x/../{UID}",
        f"{UID}/../../1.9/mvd_allresearch_sysumm01",
        "/etc/passwd",
        "../assets",
        "..",
        ".",
        "MVD@",
        "@",
        "@regdb",
        "MVD@../regdb",
        "\0",
    ],
)
def test_a_name_that_leads_elsewhere_or_trails_off_names_no_card(name: str) -> None:
    with pytest.raises(UnknownNameError, match="names no"):
        CATALOG.resolve(name)


@pytest.mark.parametrize(
    "name", ["absent.md", "../absent.md", "~no-such-user/x.md", "a" * 300 + ".md", "\0.md", ".md"]
)
def test_a_path_without_a_file_is_an_unknown_name(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        CATALOG.resolve(name)
    assert str(caught.value) == (
        f"There is no card {name!r}. Give the path of an existing .md file, a name or a uid."
    )


@pytest.mark.parametrize("folder", ["", "mindspore/1.9/", "/none/assets/mindspore/1.9/"])
def test_a_path_without_a_file_is_answered_with_the_card_of_that_name(folder: str) -> None:
    with pytest.raises(UnknownNameError, match=r"Did you mean mvd_allresearch_sysumm01\? Give"):
        CATALOG.resolve(f"{folder}mvd_allresearch_sysumm01.md")


def test_a_file_that_is_no_card_is_a_card_error(root: Path) -> None:
    with pytest.raises(CardError, match="model-name is missing"):
        CATALOG.resolve(str(root / "README.md"))


def test_errors_of_names_are_the_value_errors_of_the_upstream_client() -> None:
    for error in (UnknownNameError, AmbiguousNameError, CardError):
        assert issubclass(error, ValueError)
        assert issubclass(error, HubError)


def test_a_model_without_a_default_is_ambiguous_by_its_bare_name(tmp_path: Path) -> None:
    cards = {f"botany/2.1/leafnet_{name}": "model-name: LeafNet" for name in ("fern", "moss")}
    with pytest.raises(AmbiguousNameError, match="LeafNet@moss"):
        write_hub(tmp_path, cards).resolve("leafnet")


def test_one_card_name_in_several_releases_means_the_newest(tmp_path: Path) -> None:
    cards = {f"botany/{at}/leafnet_fern": "model-name: LeafNet" for at in ("2.9", "2.10", "2.1")}
    hub = write_hub(tmp_path, cards)
    for name in ("leafnet_fern", "LeafNet@fern", "LeafNet"):
        assert hub.resolve(name).uid == "botany/2.10/leafnet_fern"
    for uid in cards:
        release = uid.split("/")[1]
        assert hub.resolve(uid).uid == uid
        assert hub.resolve(f"leafnet_Fern@{release}").uid == uid
        assert hub.resolve(f"LeafNet@r{release}").uid == uid


def test_one_card_name_of_two_publishers_is_ambiguous_and_its_uids_are_not(tmp_path: Path) -> None:
    cards = {f"{who}/2.0/leafnet_fern": "model-name: LeafNet" for who in ("botany", "garden")}
    hub = write_hub(tmp_path, cards)
    for name in ("leafnet_fern", "LeafNet@fern"):
        with pytest.raises(AmbiguousNameError) as caught:
            hub.resolve(name)
        assert str(caught.value) == (
            f"{name!r} may mean several cards; choose one of them:\n"
            "  botany/2.0/leafnet_fern\n"
            "  garden/2.0/leafnet_fern"
        )
    for uid in cards:
        assert hub.resolve(uid).uid == uid


@pytest.mark.parametrize(
    "names",
    [
        ("2.0/leafnet_fern", "2.1/leafnet_fern"),
        ("2.1/leafnet_allsearch_fern", "2.1/leafnet_allresearch_fern"),
        ("2.1/leafnet_fern", "2.1/leafnet_small_fern"),
    ],
)
def test_the_short_name_means_the_card_where_cards_are_alike(
    names: tuple[str, ...], tmp_path: Path
) -> None:
    hub = write_hub(tmp_path, {f"botany/{name}": "model-name: LeafNet" for name in names})
    assert {hub.resolve(card.short_name).uid for card in hub.cards} == {
        f"botany/{name}" for name in names
    }


def test_a_card_name_with_a_dot_is_found_by_every_name(tmp_path: Path) -> None:
    hub = write_hub(tmp_path, {"botany/2.1/leafnet_Fern1.1": "model-name: LeafNet"})
    address = "https://gitee.com/botany/hub/blob/master/assets/botany/2.1/leafnet_Fern1.1.md"
    names = ["LeafNet", "leafnet_fern1.1", "LeafNet@fern1.1", "botany/2.1/leafnet_fern1.1", address]
    assert {hub.resolve(name).name for name in names} == {"leafnet_Fern1.1"}


def test_a_variant_is_found_by_its_data_set_in_any_case(tmp_path: Path) -> None:
    uids = ["botany/2.1/leafnet_small_Fern", "botany/2.1/leafnet_large_Moss"]
    hub = write_hub(tmp_path, dict.fromkeys(uids, "model-name: LeafNet"))
    assert hub.resolve("LeafNet@fern").uid == uids[0]
    assert hub.resolve("LeafNet@MOSS-LARGE").uid == uids[1]


def test_public_functions_read_the_cards_of_the_hub_that_they_are_given(
    leaves: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = [card.uid for card in leaves.cards]
    names = sorted({card.name for card in leaves.cards})
    for hub in (leaves, leaves.root, str(leaves.root)):
        assert hub_list(hub=hub) == names
        assert info(uids[0], hub=hub).uid == uids[0]
    monkeypatch.setenv("MSHUB_HUB", str(leaves.root))
    assert hub_list() == names
    assert info(uids[0]).path == leaves.cards[0].path


def test_a_card_is_parsed_once_as_long_as_it_does_not_change(leaves: Hub) -> None:
    first, second = Hub.of(leaves.root).cards[0], Hub.of(leaves.root).cards[0]
    assert second.front_matter is first.front_matter
    text = first.path.read_text(encoding="utf-8")
    first.path.write_text(text.replace(first.model_name, "OakTreeNet"), encoding="utf-8")
    assert Hub.of(leaves.root).cards[0].model_name == "OakTreeNet"


def test_a_folder_without_assets_is_no_hub(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="is not a hub root: it has no folder assets"):
        Hub.of(tmp_path)


def test_the_hub_is_the_one_given_or_that_of_the_environment_or_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = write_hub(tmp_path / "theirs", {"botany/2.1/leafnet_fern": "model-name: LeafNet"})
    assert Hub.of().is_own
    assert Hub.of(theirs) is theirs
    monkeypatch.setenv("MSHUB_HUB", str(tmp_path / "theirs"))
    assert Hub.of().resolve("LeafNet").uid == "botany/2.1/leafnet_fern"
    assert not Hub.of().is_own
    assert Hub.of(own_root()).is_own


BROKEN = "botany/2.1/leafnet_small_fern"


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A hub with the broken default card of a model, another card of it, and another model."""
    other = {"botany/2.1/leafnet_moss": "LeafNet", "botany/2.1/treenet_oak": "TreeNet"}
    write_hub(tmp_path, {uid: f"model-name: {name}" for uid, name in other.items()})
    write_hub(tmp_path, {BROKEN: "model-name: LeafNet\ndefault: True\nasset: [1"})
    return tmp_path


def test_a_card_that_cannot_be_read_disables_itself_only(
    hub: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    (hub / "assets" / f"{BROKEN}.md").rename(hub / "assets" / "leafnet_broken.md")
    for name in ("TreeNet", "leafnet_moss", "LeafNet@moss", "botany/2.1/leafnet_moss"):
        assert Hub.of(hub).resolve(name).asset is None
    assert [card.uid for card in Hub.of(hub).cards] == [
        "botany/2.1/leafnet_moss",
        "botany/2.1/treenet_oak",
    ]
    path = hub / "assets" / "leafnet_broken.md"
    (warning,) = [record.message for record in caplog.records]
    assert warning == f"{path} cannot be read and is left out; see `mshub card check {path}`."


@pytest.mark.parametrize(
    "name",
    [
        BROKEN,
        f"https://gitee.com/mindspore/hub/blob/master/assets/{BROKEN}.md",
        "leafnet_small_fern",
        "LeafNet",
        "leafnet@fern",
        "LeafNet@fern-small",
        "{hub}/assets/botany/2.1/leafnet_small_fern.md",
    ],
)
def test_a_name_that_means_a_card_that_cannot_be_read_means_no_other(name: str, hub: Path) -> None:
    with pytest.raises(CardError, match=rf"{BROKEN}\.md:\d+:\d+: .*mshub card check"):
        Hub.of(hub).resolve(name.format(hub=hub))


@pytest.mark.parametrize("name", ["FernNet", "FernNet@small", "botany/2.1/fern", "nowhere.md"])
def test_an_unknown_name_is_answered_with_cards_that_cannot_be_read(name: str, hub: Path) -> None:
    path = hub / "assets" / f"{BROKEN}.md"
    with pytest.raises(UnknownNameError) as caught:
        Hub.of(hub).resolve(name)
    assert str(caught.value).endswith(f" Cards that cannot be read: {path}.")


def test_who_needs_every_card_gets_all_or_none(hub: Path) -> None:
    with pytest.raises(CardError, match=BROKEN):
        Hub.of(hub).complete()
    (hub / "assets" / f"{BROKEN}.md").unlink()
    assert Hub.of(hub).complete().cards == Hub.of(hub).cards


def test_commands_that_look_names_up_go_on_without_a_broken_card(tmp_path: Path) -> None:
    hub = checkpoints.copy_hub(tmp_path / "hub")
    card = hub / "assets/mindspore/1.7/multitasknet_veri.md"
    card.write_text("# T\n\n---\nmodel-name: [1\n---\n", encoding="utf-8")

    def mshub(*words: str) -> subprocess.CompletedProcess[str]:
        return start(*MSHUB, *words, cwd=hub, PYTHONPATH=str(hub))

    for words in (["list"], ["info", "MVD"], ["env"], ["cache", "ls"]):
        done = mshub(*words)
        assert (done.returncode, done.stderr.count(str(card))) == (0, 2), done.stderr
    for words in (["info", card.stem], ["generate", "--check"], ["cache", "prune"]):
        done = mshub(*words)
        assert (done.returncode, done.stdout) == (1, "")
        error = done.stderr.splitlines()[-1]
        assert error.startswith("mshub: error: ")
        assert f"assets/mindspore/1.7/{card.name}:4:" in error
    assert mshub("card", "check").returncode == 1


def test_a_folder_that_is_called_like_a_card_is_none(tmp_path: Path) -> None:
    (tmp_path / "assets" / "botany" / "2.1" / "leafnet_moss.md").mkdir(parents=True)
    hub = write_hub(tmp_path, {"botany/2.1/leafnet_fern": "model-name: LeafNet"})
    assert [card.name for card in hub.cards] == ["leafnet_fern"]


@CARDS
def test_the_links_of_a_file_are_those_of_the_cards_that_name_its_digest(card) -> None:
    sha256 = card.asset.sha256
    sharing = [item.asset for item in CATALOG.cards if item.asset.sha256 == sha256]
    links = list(Hub.of().links(sha256))
    assert links[: len(sharing)] == [asset.link for asset in sharing]
    assert len(set(links)) == len(links) > len(sharing)


FERN, MOSS = "botany/2.1/leafnet_fern", "botany/2.1/leafnet_moss"
LEAFNET, DEFAULT = "model-name: LeafNet", "model-name: LeafNet\ndefault: True"


@pytest.mark.parametrize(
    "cards",
    [{FERN: LEAFNET}, {FERN: DEFAULT, MOSS: LEAFNET}, {MOSS: LEAFNET, FERN: DEFAULT}],
    ids=["only one", "default first", "default last"],
)
def test_a_hub_means_its_only_card_or_the_default_of_its_only_model(
    cards: dict[str, str], tmp_path: Path
) -> None:
    assert write_hub(tmp_path, cards).only_card().uid == FERN


@pytest.mark.parametrize(
    "cards",
    [
        {FERN: LEAFNET, MOSS: LEAFNET},
        {FERN: DEFAULT, MOSS: DEFAULT},
        {FERN: DEFAULT, MOSS: "model-name: MossNet"},
    ],
    ids=["no default", "two defaults", "two models"],
)
def test_a_hub_that_means_no_card_by_itself_lists_its_cards(
    cards: dict[str, str], tmp_path: Path
) -> None:
    with pytest.raises(AmbiguousNameError) as caught:
        write_hub(tmp_path, cards).only_card()
    assert str(caught.value) == (
        f"{tmp_path} has several cards; give the path of one of them:\n"
        f"  {tmp_path}/assets/{FERN}.md\n"
        f"  {tmp_path}/assets/{MOSS}.md"
    )


def test_a_hub_without_cards_means_none(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    with pytest.raises(UnknownNameError) as caught:
        Hub.of(tmp_path).only_card()
    assert str(caught.value) == f"{tmp_path} has no cards."

"""The upstream client's documented interface: signatures, attributes, types, errors."""

import inspect
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import sample

import mindspore_hub
from mindspore_hub.errors import CardError, UnknownNameError
from mindspore_hub.hub.hub import Hub
from mindspore_hub.settings import Settings

ROOT = Path(__file__).parents[1]
PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD
REST = inspect.Parameter.VAR_POSITIONAL
KEYWORDS = inspect.Parameter.VAR_KEYWORD
NONE = inspect.Parameter.empty

SIGNATURES = {
    "load": [
        ("name", PLAIN, NONE),
        ("args", REST, NONE),
        ("source", inspect.Parameter.KEYWORD_ONLY, "gitee"),
        ("pretrained", inspect.Parameter.KEYWORD_ONLY, True),
        ("force_reload", inspect.Parameter.KEYWORD_ONLY, False),
        ("hub", inspect.Parameter.KEYWORD_ONLY, None),  # ours, as the next
        ("trust", inspect.Parameter.KEYWORD_ONLY, False),
        ("checkpoint", inspect.Parameter.KEYWORD_ONLY, None),
        ("kwargs", KEYWORDS, NONE),
    ],
    "load_weights": [
        ("name", PLAIN, NONE),
        ("source", PLAIN, "gitee"),
        ("force_reload", PLAIN, False),
        ("hub", inspect.Parameter.KEYWORD_ONLY, None),  # ours, as the next
        ("trust", inspect.Parameter.KEYWORD_ONLY, False),
    ],
    "hub_list": [
        ("version", PLAIN, None),
        ("force_reload", PLAIN, False),
        ("hub", inspect.Parameter.KEYWORD_ONLY, None),  # ours
    ],
    "set_hub_dir": [("dir_path", PLAIN, "~/.mscache")],
    "get_hub_dir": [],
    "CellInfo": [("md_path", PLAIN, NONE)],
}

ATTRIBUTES = {
    "name",
    "backbone_name",
    "type",
    "fine_tunable",
    "input_shape",
    "author",
    "update_time",
    "repo_link",
    "user_id",
    "used_for",
    "backend",
    "dataset",
    "license",
    "accuracy",
    "model_version",
    "mindspore_version",
    "asset",
    "asset_id",
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_those_of_the_upstream_client(name: str) -> None:
    signature = inspect.signature(getattr(mindspore_hub, name))
    found = [(item.name, item.kind, item.default) for item in signature.parameters.values()]
    assert found == SIGNATURES[name]


@pytest.mark.parametrize(
    ("module", "names"),
    [
        ("load", ["load", "load_weights"]),
        ("list", ["hub_list"]),
        ("info", ["CellInfo"]),
        ("manage", ["set_hub_dir", "get_hub_dir"]),
    ],
)
def test_functions_are_found_in_the_modules_of_the_upstream_client(
    module: str, names: list[str]
) -> None:
    namespace: dict[str, object] = {}
    for name in names:
        exec(f"from mindspore_hub.{module} import {name}", namespace)  # noqa: S102 - our own
        assert namespace[name] is getattr(mindspore_hub, name)


def test_load_is_the_function_whatever_was_imported_before() -> None:
    import mindspore_hub.load

    assert callable(mindspore_hub.load)


def test_everything_public_is_there_and_documented() -> None:
    for name in mindspore_hub.__all__:
        value = getattr(mindspore_hub, name)
        assert isinstance(value, str) or value.__doc__, name


@pytest.mark.parametrize("card", sample.cards(), ids=lambda card: card.uid)
def test_cell_info_has_the_attributes_of_the_upstream_client(card) -> None:
    info = mindspore_hub.CellInfo(str(card.path))
    assert vars(info).keys() >= ATTRIBUTES
    assert vars(info) == vars(mindspore_hub.info(card.uid))
    assert info.asset[info.asset_id] == {
        "file-format": "ckpt",
        "asset-link": card.asset.link,
        "asset-sha256": card.asset.sha256,
    }


def test_cell_info_says_what_the_card_says() -> None:
    info = mindspore_hub.info("MVD")
    assert {name: getattr(info, name) for name in sorted(ATTRIBUTES - {"asset"})} == {
        "name": "MVD",
        "backbone_name": "MVD",
        "type": "cv",
        "fine_tunable": True,
        "input_shape": [3, 288, 144],
        "author": "MindSpore team",
        "update_time": date(2022, 10, 11),
        "repo_link": "https://gitee.com/mindspore/models/tree/r1.9/research/cv/MVD",
        "user_id": "MindSpore",
        "used_for": "inference",
        "backend": None,
        "dataset": "regdb",
        "license": "Apache2.0",
        "accuracy": None,
        "model_version": "1.9",
        "mindspore_version": "1.9",
        "asset_id": 0,
    }


def test_cell_info_has_one_list_for_one_input_and_lists_for_several(tmp_path: Path) -> None:
    channels, height, width = mindspore_hub.info("VehicleNet").input_shape
    assert (channels, height, width) == (3, 384, 384)
    several = mindspore_hub.info("MultiTaskNet")
    assert several.input_shape == [[39, 256, 256], [108]]
    assert several.to_dict()["input_shape"] == [[39, 256, 256], [108]]
    facts = mindspore_hub.info("VehicleNet").to_dict()
    assert facts["input_shape"] == [[3, 384, 384]]
    assert facts["update_time"] == str(mindspore_hub.info("VehicleNet").update_time)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("2022/3/1", date(2022, 3, 1)),
        ("2022.03.01", date(2022, 3, 1)),
        ("'2022-03-01'", date(2022, 3, 1)),
        ("2022-02-30", "2022-02-30"),
        ("soon", "soon"),
        (None, None),
    ],
)
def test_cell_info_has_a_date_where_the_card_has_one(
    written: str | None, expected: object, tmp_path: Path
) -> None:
    text = Hub.of().resolve("MVD").path.read_text(encoding="utf-8")
    line = "" if written is None else f"update-time: {written}\n"
    path = tmp_path / "card.md"
    path.write_text(re.sub(r"update-time: .*\n", line, text), encoding="utf-8")
    info = mindspore_hub.CellInfo(path)
    assert info.update_time == expected
    assert info.to_dict()["update_time"] == (None if expected is None else str(expected))


def test_cell_info_keeps_versions_as_they_are_written(tmp_path: Path) -> None:
    text = Hub.of().resolve("MVD").path.read_text(encoding="utf-8")
    path = tmp_path / "card.md"
    path.write_text(re.sub(r"-version: .*", "-version: 1.10", text), encoding="utf-8")
    info = mindspore_hub.CellInfo(path)
    assert (info.model_version, info.mindspore_version) == ("1.10", "1.10")


def test_cell_info_shows_at_a_prompt_which_card_it_is() -> None:
    assert repr(mindspore_hub.info("MVD")) == (
        "CellInfo(uid='mindspore/1.9/mvd_infraredtovisible_regdb', name='MVD', dataset='regdb', "
        "evaluation='rank1acc71 | mAP66', size='324 MB')"
    )


def test_cards_can_be_read_under_the_name_of_the_upstream_tool() -> None:
    path = Hub.of().resolve("MVD").path
    program = (
        "from tools.load_markdown import load_local_md\n"
        f"print(load_local_md({str(path)!r}).name, load_local_md({str(path)!r}).input_shape)"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "MVD [3, 288, 144]\n"


def test_cell_info_refuses_a_file_that_is_no_card(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="cannot be read"):
        mindspore_hub.CellInfo(str(tmp_path / "absent.md"))


def test_hub_list_names_every_card_once_in_order() -> None:
    cards = Hub.of().cards
    assert mindspore_hub.hub_list() == sorted({card.name for card in cards})
    assert mindspore_hub.hub_list("master", force_reload=True) == mindspore_hub.hub_list()


@pytest.mark.parametrize("version", sorted({card.version for card in Hub.of().cards}))
def test_hub_list_of_a_release_names_its_cards(version: str) -> None:
    names = [card.name for card in Hub.of().cards if card.version == version]
    assert mindspore_hub.hub_list(version) == mindspore_hub.hub_list(f"r{version}") == sorted(names)


def test_hub_list_of_an_unknown_release_lists_the_known_ones(root: Path) -> None:
    names = {path.parent.name for path in root.glob("assets/*/*/*.md")}
    releases = sorted(names, key=lambda name: [*map(int, name.split("."))])
    with pytest.raises(UnknownNameError) as caught:
        mindspore_hub.hub_list("9.9")
    assert isinstance(caught.value, ValueError)
    assert str(caught.value) == (
        f"There is no card of release '9.9'; choose one of {', '.join(releases)}."
    )


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("load", {"name": 1}, "name must be a str, but is 1 of type int."),
        ("load", {"name": None}, "name must be a str, but is None of type NoneType."),
        ("load", {"name": Path("a.md")}, "name must be a str, but is "),
        (
            "load",
            {"name": "MVD", "pretrained": "yes"},
            "pretrained must be a bool, but is 'yes' of type str.",
        ),
        ("load", {"name": "MVD", "pretrained": 1}, "pretrained must be a bool, but is 1"),
        ("load", {"name": "MVD", "force_reload": 0}, "force_reload must be a bool, but is 0"),
        ("load_weights", {"name": b"MVD"}, "name must be a str, but is b'MVD' of type bytes."),
        ("load_weights", {"name": "MVD", "force_reload": None}, "force_reload must be a bool"),
        ("hub_list", {"version": 1.9}, "version must be a str or None, but is 1.9."),
        ("hub_list", {"force_reload": "no"}, "force_reload must be a bool, but is 'no'."),
        ("set_hub_dir", {"dir_path": 1}, "dir_path must be a path, but is 1 of type int."),
        ("set_hub_dir", {"dir_path": None}, "dir_path must be a path, but is None"),
        ("info", {"name": 1}, "name must be a str, but is 1."),
        ("CellInfo", {"md_path": 1}, ""),
    ],
)
def test_an_argument_of_another_type_is_a_type_error(
    function: str, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(TypeError) as caught:
        getattr(mindspore_hub, function)(**arguments)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("source", ["bitbucket", "", "GITEE", None, 1])
@pytest.mark.parametrize("function", ["load", "load_weights"])
def test_an_unknown_source_is_a_value_error(function: str, source: object) -> None:
    with pytest.raises(ValueError, match="source must be one of gitee, github, local, but is"):
        getattr(mindspore_hub, function)("MVD", source=source)


@pytest.mark.parametrize("function", ["load", "load_weights", "info"])
def test_an_unknown_name_is_a_value_error(function: str) -> None:
    with pytest.raises(ValueError, match=r"Did you mean MVD\?"):
        getattr(mindspore_hub, function)("MVDD")


def test_set_hub_dir_takes_effect_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MSHUB_HOME", str(tmp_path / "before"))
    mindspore_hub.set_hub_dir(tmp_path / "store")
    assert mindspore_hub.get_hub_dir() == str(tmp_path / "store")
    assert Settings.from_environment().home == tmp_path / "store"
    assert not (tmp_path / "store").exists()


def test_set_hub_dir_keeps_a_relative_folder_when_the_caller_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MSHUB_HOME", "overwritten")
    monkeypatch.chdir(tmp_path)
    mindspore_hub.set_hub_dir("store")
    monkeypatch.chdir("/")
    assert mindspore_hub.get_hub_dir() == str(tmp_path / "store")


def test_set_hub_dir_goes_back_to_the_folder_of_the_upstream_client(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("MSHUB_HOME", "overwritten")
    mindspore_hub.set_hub_dir()
    assert mindspore_hub.get_hub_dir() == str(tmp_path / ".mscache")


def test_the_environment_is_read_at_each_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value, expected in [
        ("/first", "/first"),
        ("~/second", str(tmp_path / "second")),
        ("", str(tmp_path / ".mscache")),
    ]:
        monkeypatch.setenv("MSHUB_HOME", value)
        assert mindspore_hub.get_hub_dir() == expected
    monkeypatch.delenv("MSHUB_HOME")
    assert mindspore_hub.get_hub_dir() == os.fspath(tmp_path / ".mscache")

"""What holds for every card of the hub, and the code of the default cards, run."""

import ast
import re
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import checkpoints
import pytest

from mindspore_hub.cards.check import check_paths
from mindspore_hub.cards.parse import read_document
from mindspore_hub.cards.schema import Card
from mindspore_hub.cards.values import SHA256
from mindspore_hub.cards.vocabulary import plain
from mindspore_hub.catalog import Catalog
from mindspore_hub.weights import facts_of

CATALOG = Catalog.read()
CARDS = pytest.mark.parametrize("card", CATALOG.cards, ids=lambda card: card.uid)
DEFAULTS = [card for card in CATALOG.cards if card.is_default]
LOAD_CALL = re.compile(r'mindspore_hub\.load\(("[^"]+")\)')
SHAPE = re.compile(r"\((?:\d+, ?)*\d+,?\)")


def usage(card: Card) -> list[str]:
    """Python blocks of a card."""
    return [block.text for block in read_document(card.path).body.code_blocks("python")]


def release(text: str) -> str | None:
    """Release that the branch or folder `r1.9` in a link names, if one does."""
    return next(iter(re.findall(r"/r(\d+\.\d+)/", text)), None)


def test_the_checker_finds_nothing_in_the_hub(root: Path) -> None:
    assert check_paths([root]) == ([], len(CATALOG.cards))


@CARDS
def test_title_and_model_name_agree(card: Card) -> None:
    assert card.title == card.model_name


@CARDS
def test_folder_branch_link_and_version_name_one_release(card: Card) -> None:
    assert card.asset is not None
    _, folder, name = card.uid.split("/")
    assert name == card.path.stem
    releases = {
        folder,
        card.version,
        card.facts["model-version"],
        release(card.facts["repo-link"]),
        release(card.asset.link),
    }
    assert releases - {None} == {folder}


@CARDS
def test_the_published_file_names_the_release_data_set_and_metrics_of_the_card(card: Card) -> None:
    assert card.asset is not None
    name = card.asset.file_name
    assert re.search(f"_v{card.version.replace('.', '')}0?_", name)
    dataset = plain(card.facts["train-dataset"])
    assert f"_{dataset}_" in name
    assert card.name.endswith(f"_{dataset}")
    metrics = card.facts["evaluation"].split(" | ")
    assert name.endswith("_" + "_".join(metrics) + f".{card.asset.format}")


@CARDS
def test_the_digest_and_the_arguments_of_the_network_are_stated(card: Card) -> None:
    assert card.asset is not None
    assert SHA256.fullmatch(card.asset.sha256)
    counts_classes = facts_of(checkpoints.network_class(card.model_name)).class_argument
    assert card.asset.network_args or not counts_classes
    assert re.fullmatch(r"[1-9]\d* MB|0\.\d+ MB", card.asset.size)


@pytest.mark.parametrize("fact", ["sha256", "link"])
def test_no_two_cards_publish_the_same_file(fact: str) -> None:
    counts = Counter(getattr(card.asset, fact) for card in CATALOG.cards)
    assert counts.most_common(1)[0][1] == 1, counts.most_common(1)


@CARDS
def test_shapes_of_inputs_and_outputs_are_stated(card: Card) -> None:
    assert card.input_shapes
    assert card.output_shapes
    assert all(size > 0 for shape in card.input_shapes + card.output_shapes for size in shape)


@CARDS
def test_the_original_of_the_model_is_named_in_the_introduction(card: Card) -> None:
    text = card.path.read_text(encoding="utf-8")
    introduction = text.partition("## Introduction")[2].partition("\n## ")[0]
    assert f"]({card.facts['repo-link']})" in introduction


@CARDS
def test_every_section_that_a_reader_needs_is_there_in_order(card: Card) -> None:
    body = read_document(card.path).body
    headings = [heading.text for heading in body.headings if heading.level == 2]
    assert headings == [
        "Introduction",
        "Usage",
        "Inputs",
        "Outputs",
        "Training and fine-tuning",
        "Evaluation",
        "Limits",
        "Citation",
        "License",
        "Disclaimer",
    ]


@CARDS
def test_the_code_of_a_card_parses_and_loads_this_card_once(card: Card) -> None:
    (code,) = usage(card)
    calls = [node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)]
    loads = [ast.unparse(call) for call in calls if ast.unparse(call.func) == "mindspore_hub.load"]
    assert loads == [f"mindspore_hub.load('{card.uid}')"]
    assert len(LOAD_CALL.findall(code)) == 1


@pytest.mark.parametrize("model", CATALOG.models)
def test_a_model_has_one_default_card(model: str) -> None:
    assert sum(card.is_default for card in CATALOG.models[model]) == 1


@pytest.mark.parametrize("model", CATALOG.models)
def test_cards_of_a_model_agree_in_its_shapes_and_have_different_variants(model: str) -> None:
    cards = CATALOG.models[model]
    assert len({(card.input_shapes, card.output_shapes) for card in cards}) == 1
    assert len({card.variant for card in cards}) == len(cards)
    assert len({frozenset(card.asset.network_args) for card in cards if card.asset}) == 1


@CARDS
def test_links_inside_a_card_are_https(card: Card) -> None:
    assert "http://" not in card.path.read_text(encoding="utf-8")


@pytest.mark.parametrize("card", DEFAULTS, ids=lambda card: card.model_name)
def test_the_code_of_a_default_card_runs_and_prints_the_stated_shapes(card: Card) -> None:
    (code,) = usage(card)
    code, replaced = LOAD_CALL.subn(r"mindspore_hub.load(\1, pretrained=False)", code)
    assert replaced == 1
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(code, str(card.path), "exec"), {"__name__": "__main__"})  # noqa: S102 - our own
    shapes = [ast.literal_eval(text) for text in SHAPE.findall(printed.getvalue())]
    expected = [(2, *shape) for shape in card.output_shapes]
    assert shapes[: len(expected)] == expected

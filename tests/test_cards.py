"""What holds for every card of the hub, and the code of the default cards, run."""

import ast
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import sample
from click.testing import CliRunner

from mindspore_hub.checking.config import Selection, read_config
from mindspore_hub.commands.main import mshub
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.document import read_document
from mindspore_hub.hub.hub import Hub

CATALOG = Hub.of()
CARDS = pytest.mark.parametrize("card", sample.cards(), ids=lambda card: card.uid)
DEFAULTS = [card for card in sample.loaded() if card.is_default]
LOAD_CALL = re.compile(r'mindspore_hub\.load\(("[^"]+")\)')
SHAPE = re.compile(r"\((?:\d+, ?)*\d+,?\)")


def usage(card: Card) -> str:
    """First Python block of a card, which loads it."""
    return next(read_document(card.path).body.code_blocks("python")).text


def test_the_checker_finds_nothing_in_the_hub_by_the_rules_that_it_selects(root: Path) -> None:
    done = CliRunner().invoke(mshub, ["card", "check", str(root)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == f"{len(CATALOG.cards)} cards checked, 0 findings\n"
    assert read_config(root).selection == Selection(extend_select=("EXTENDED",))


@CARDS
def test_the_original_of_the_model_is_named_in_the_introduction(card: Card) -> None:
    text = card.path.read_text(encoding="utf-8")
    introduction = text.partition("## Introduction")[2].partition("\n## ")[0]
    assert f"]({card.text('repo-link')})" in introduction


@pytest.mark.parametrize("card", DEFAULTS, ids=lambda card: card.model_name)
def test_the_code_of_a_default_card_runs_and_prints_the_stated_shapes(card: Card) -> None:
    code, replaced = LOAD_CALL.subn(r"mindspore_hub.load(\1, pretrained=False)", usage(card))
    assert replaced == 1
    printed = StringIO()
    with redirect_stdout(printed):
        exec(compile(code, str(card.path), "exec"), {"__name__": "__main__"})  # noqa: S102 - our own
    shapes = [ast.literal_eval(text) for text in SHAPE.findall(printed.getvalue())]
    expected = [(2, *shape) for shape in card.output_shapes]
    assert shapes[: len(expected)] == expected

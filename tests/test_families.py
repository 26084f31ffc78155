"""Bodies of cards that a family writes: rendered, laid out, refused."""

from pathlib import Path

import pytest
from test_hub import write_hub

from mindspore_hub.authoring.families import body_texts, family_rows
from mindspore_hub.errors import CardError
from mindspore_hub.hub.brief import BriefCard, brief_card
from mindspore_hub.hub.card import Card, read_whole
from mindspore_hub.hub.hub import Hub

TEXT = """\
{% set leaf = arguments.leaves %}
## Introduction

LeafNet has {{ leaf }} leaves,
{% if card.release == "2.1" %}
which `are counted` from the left, as the original does it, so that the first of them is number 0 of all.
{% else %}
as seen {{ metrics[0].value }} times.
{% endif %}
- {{ inputs[0] | join(" × ") }} in {{ card.uid }}
- published for {{ releases }}

```python
a = 1

b  =  2
```

| a | b |
| --- | --- |

Also: {% for other in others %}`{{ other.uid }}` {% endfor %}
"""

FRONT = """\
model-name: LeafNet
network: leaves.leafnet
family: leaf
mindspore-version: {}
train-dataset: {}
evaluation: acc{}
input-shape: [3, 8, 8]
asset:
-
    file-format: ckpt
    network-args: {{leaves: 4}}"""


@pytest.fixture
def hub(tmp_path: Path) -> Hub:
    cards = {
        "botany/2.0/leafnet_fern": FRONT.format("2.0", "fern", "80.5"),
        "botany/2.1/leafnet_moss": FRONT.format("2.1", "moss", "79"),
        "botany/2.1/barknet_oak": "model-name: BarkNet\nfamily: bark",
    }
    write_hub(tmp_path, cards)
    (tmp_path / "assets" / "families").mkdir()
    (tmp_path / "assets" / "families" / "leaf.md.jinja").write_text(TEXT, encoding="utf-8")
    return Hub.of(tmp_path)


def test_a_body_is_that_of_the_family_with_the_facts_of_the_card(hub: Hub) -> None:
    texts = {path.stem: text for path, text in body_texts(hub).items()}
    assert texts.keys() == {"leafnet_fern", "leafnet_moss"}
    front = (hub.root / "assets/botany/2.1/leafnet_moss.md").read_text(encoding="utf-8")
    assert texts["leafnet_moss"] == (
        f"{front}\n"
        "## Introduction\n"
        "\n"
        "LeafNet has 4 leaves, which `are counted` from the left, as the original does it, so that the"
        " first of them is\n"
        "number 0 of all.\n"
        "- 3 × 8 × 8 in botany/2.1/leafnet_moss\n"
        "- published for 2.1\n"
        "\n"
        "```python\na = 1\n\nb  =  2\n```\n"
        "\n"
        "| a | b |\n| --- | --- |\n"
        "\n"
        "Also: `botany/2.0/leafnet_fern`\n"
    )
    assert "as seen 80.5 times." in texts["leafnet_fern"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{{ nothing }}", "'nothing' is undefined"),
        ("{% if %}", r"leaf\.md\.jinja:1: Expected an expression"),
        ("{{ card.__class__.__mro__ }}", "access to attribute '__class__' of"),
        ("{% extends 'other.md.jinja' %}", r"other\.md\.jinja"),
        ("{{ 1 / 0 }}", "division by zero"),
    ],
)
def test_a_text_that_cannot_be_rendered_is_an_error_that_names_it(
    text: str, said: str, hub: Hub
) -> None:
    (hub.root / "assets/families/leaf.md.jinja").write_text(text, encoding="utf-8")
    with pytest.raises(CardError, match=said):
        body_texts(hub)


def test_no_text_is_read_through_a_link_that_leads_out(hub: Hub, tmp_path_factory) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text("a secret", encoding="utf-8")
    (hub.root / "assets/families/bark.md.jinja").symlink_to(outside)
    with pytest.raises(CardError, match="leads out of"):
        body_texts(hub)


def test_the_row_of_a_family_has_the_highest_metric_of_each_data_set(hub: Hub) -> None:
    assert family_rows(hub) == [
        ("bark", "BarkNet", "1", ""),
        ("leaf", "LeafNet", "2", "acc80.5 (fern), acc79 (moss)"),
    ]


def facts(card: Card) -> dict[str, object]:
    """What a card says, once of single values, and of all others."""
    keys = [*card.values, "nothing"]
    in_asset = card.asset.node.names if card.asset else []
    return {
        "text": {key: card.text(key) for key in keys},
        "asset": {key: card.asset_text(key) for key in in_asset},
        "card": (card.title, card.is_default, card.model_name, card.network, card.input_shapes),
    }


def test_little_of_every_card_is_read_first_and_says_the_same_as_all_of_it() -> None:
    for card in Hub.of().cards:
        brief = brief_card(card.path, card.uid)
        assert brief is not None
        early = {key: brief.text(key) for key in ("model-name", "evaluation", "default", "x")}
        assert "front_matter" not in vars(brief)
        whole = read_whole(card.path, card.uid)
        assert early == {key: whole.text(key) for key in early}
        assert facts(brief) == facts(whole)


@pytest.mark.parametrize(
    "line",
    [
        *("model-name: A: B", "default: [True", "asset: x", "- a", "network-args: {a: {b: 1}}"),
        *("model-name: 'LeafNet'", "é: x", "model-name: LeafNet", "x : y", "\tx: y", "x: y # z"),
        *(
            "    network-args: [1]",
            "    network-args: {a: [1]}",
            "network: leaves",
            "x: {a: 1",
            "x: -",
        ),
    ],
)
def test_a_card_with_an_unusual_line_is_read_whole_at_once(line: str, hub: Hub) -> None:
    path = hub.root / "assets/botany/2.0/leafnet_fern.md"
    assert isinstance(brief_card(path, ""), BriefCard)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("\n---\n\n", "\n---\n").replace("4}\n", f"4}}\n{line}\n"), "utf-8")
    assert brief_card(path, "") is None

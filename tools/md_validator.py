"""Check model cards: `python -m tools.md_validator [PATH...]` is `mshub card check`."""

from mindspore_hub.cards.cli import card
from mindspore_hub.cli import run

if __name__ == "__main__":
    run(card.commands["check"])

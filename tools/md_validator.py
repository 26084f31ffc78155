"""Check model cards: `python -m tools.md_validator [PATH...]` is `mshub card check`.

Upstream's `--check_path PATH` is the same as PATH.
"""

import sys

from mindspore_hub.commands.card import card
from mindspore_hub.commands.main import run

if __name__ == "__main__":
    *words, last = sys.argv  # the option needs a value, so that it is never the last word
    paths = [word.removeprefix("--check_path=") for word in words if word != "--check_path"]
    sys.argv[:] = [*paths, last.removeprefix("--check_path=")]
    run(card.commands["check"])

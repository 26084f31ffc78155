"""Print the facts of a card: `python -m tools.load_markdown NAME` is `mshub info --format json`."""

from mindspore_hub.cli import info, run

if __name__ == "__main__":
    run(info)

"""Print the facts of a card: `python -m tools.load_markdown NAME` is `mshub info --format json`.

`load_local_md` is upstream's name for reading the card in a file.
"""

import os

from mindspore_hub.commands.list_info import info
from mindspore_hub.commands.main import run
from mindspore_hub.info import CellInfo


def load_local_md(md_path: str | os.PathLike[str]) -> CellInfo:
    """Facts of the card at `md_path`.

    Raises:
        TypeError: `md_path` is not a path.
        CardError: The file is not a readable card.
    """
    return CellInfo(os.fspath(md_path))


if __name__ == "__main__":
    run(info)

"""The documented contract of the upstream client, which entry points and bundles must work under.

It puts the folder of the entry point first on the search path, executes the file under a name that
is not a module's, and calls `create_network` with the model name in lower case. The folder lies beside
the card and bears the last name of `repo-link`; the checkpoint lies there too, under the last name of
`asset-link`, and is loaded by MindSpore's own functions.
"""

import importlib.util
import mmap
import sys
from pathlib import Path
from typing import Any, NamedTuple

import yaml


class Loaded(NamedTuple):
    """A network, and the names that MindSpore could not load.

    Attributes:
        network: The network.
        missing: Parameters of the network that the file lacks.
        left_over: Tensors of the file that the network lacks.
    """

    network: Any
    missing: list[str]
    left_over: list[str]


def load_entry_point(folder: Path) -> Any:
    """Execute the entry point in a folder as the upstream client does."""
    sys.path.insert(0, str(folder))
    spec = importlib.util.spec_from_file_location(
        "mindspore_hub_conf.py", folder / "mindspore_hub_conf.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def create_network(folder: Path, name: str, *args: Any, **kwargs: Any) -> Any:
    """Build the network of the entry point in a folder as the upstream client does."""
    return load_entry_point(folder).create_network(name.lower(), *args, **kwargs)


def front_matter(card: Path) -> dict[str, Any]:
    """Keys and values of a card as a YAML reader has them."""
    _, text, _ = card.read_text(encoding="utf-8").split("\n---\n", 2)
    return yaml.safe_load(text)


def load(card: Path, *, pretrained: bool) -> Loaded:
    """Load the network of a card by its path, offline, as the upstream client does."""
    facts = front_matter(card)
    folder = card.with_name(_last_name(facts["repo-link"]))
    network = create_network(folder, facts["model-name"])
    if not pretrained:
        return Loaded(network, [], [])
    (asset,) = facts["asset"]
    return Loaded(network, *_load_weights(network, card.with_name(_last_name(asset["asset-link"]))))


def _load_weights(network: Any, file: Path) -> tuple[list[str], list[str]]:
    import mindspore

    _free_pages(4 * file.stat().st_size)
    tensors = mindspore.load_checkpoint(str(file))
    missing, left_over = mindspore.load_param_into_net(network, tensors)
    return missing, left_over


def _free_pages(size: int) -> None:
    """Make the system free so many bytes, by taking and giving them back.

    MindSpore refuses a file that is larger than the free pages, and counts cached ones as taken.
    """
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
    mmap.mmap(-1, size, flags=flags).close()


def _last_name(link: str) -> str:
    return link.strip("<>").rsplit("/", 1)[-1]

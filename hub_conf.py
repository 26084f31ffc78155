"""Entry point of a clone: builds any network of the hub by name.

>>> from hub_conf import create_network
>>> net = create_network("mvd")

Lists no model: a model is here by its folder in `mindspore_hub_conf/`.
"""

import runpy
from pathlib import Path
from typing import Any


def create_network(name: str, *args: Any, **kwargs: Any) -> Any:
    """Build the network of a model or card.

    Args:
        name: Model name or card name, or the uid of a card that shares its name, in any case.
        *args: Positional arguments of the network's constructor.
        **kwargs: Its keyword arguments, and `pretrained=True` to load the published checkpoint.

    Returns:
        An `nn.Cell`.

    Raises:
        TypeError: `name` is not a str.
        NotImplementedError: No entry point has that name; all names are listed.
    """
    if not isinstance(name, str):
        msg = f"name must be a str, but is {name!r}."
        raise TypeError(msg)
    names: list[str] = []
    here = Path(__file__).resolve().parent
    for path in sorted(here.glob("mindspore_hub_conf/*/mindspore_hub_conf.py")):
        entry_point = runpy.run_path(str(path))
        known = [entry_point["MODEL"].lower(), *map(str.lower, entry_point["CHECKPOINTS"])]
        if name.lower() in known:
            return entry_point["create_network"](name, *args, **kwargs)
        names += known
    msg = f"{name!r} is not here; there is {', '.join(names)}."
    raise NotImplementedError(msg)

"""The documented contract of the upstream client, which entry points must work under.

It puts the folder of the entry point first on the search path, executes the file under a name that
is no module's, and calls `create_network` with the model name in lower case.
"""

import importlib.util
import sys
from pathlib import Path
from typing import Any


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

"""What this machine and this process look like, for bug reports."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from mindspore_hub.errors import HubError
from mindspore_hub.hub.hub import Hub
from mindspore_hub.manage import get_hub_dir
from mindspore_hub.settings import shown_address
from mindspore_hub.version import __version__

_EXTRAS = ("pillow", "opencv-python-headless", "faiss-cpu", "matplotlib", "onnxruntime")
_PACKAGES = ("mindspore", "numpy", "pyyaml", "urllib3", "click", "rich", *_EXTRAS)
_PREFIXES = ("MSHUB_", "ONEDNN_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT")


def describe_environment() -> dict[str, Any]:
    """Versions, folders and variables that decide how the package behaves.

    No package is imported for it. Proxies, and what may be secret in other addresses, are hidden.
    What cannot be told has the reason as its value, for that may be what is to be reported.
    """
    return {
        "mindspore-hub": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: _version(package) for package in _PACKAGES},
        "hub root": str(Hub.of().root),
        "cards": _told(lambda: len(Hub.of().cards)),
        "store": _told(get_hub_dir),
        "variables": {
            name: "(set)"
            if "PROXY" in name.upper()
            else ",".join(map(shown_address, value.split(",")))
            for name, value in sorted(os.environ.items())
            if name.upper().startswith(_PREFIXES)
        },
    }


def _told(fact: Callable[[], Any]) -> Any:
    try:
        return fact()
    except HubError as error:
        return f"error: {error}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

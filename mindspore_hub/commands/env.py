"""The command `mshub env`: what this machine and this process look like, for bug reports."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import click

from mindspore_hub.commands._options import format_option
from mindspore_hub.commands._output import print_facts, print_json
from mindspore_hub.errors import HubError
from mindspore_hub.hub.hub import Hub
from mindspore_hub.manage import get_hub_dir
from mindspore_hub.settings import shown_address
from mindspore_hub.version import __version__

_EXTRAS = ("pillow", "opencv-python-headless", "faiss-cpu", "matplotlib", "onnxruntime")
_PACKAGES = ("mindspore", "numpy", "pyyaml", "urllib3", "click", "rich", *_EXTRAS)
_PREFIXES = ("MSHUB_", "ONEDNN_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT")


@click.command()
@format_option
def env(style: str) -> None:
    """Show versions, folders and settings, for a bug report."""
    facts = describe_environment()
    if style == "json":
        print_json(facts)
    else:
        print_facts(facts)


def describe_environment() -> dict[str, Any]:
    """Versions, folders and variables that decide how the package behaves.

    No package is imported for it. Proxies, the token of a server, and what may be secret in other addresses, are hidden.
    A fact that cannot be found out has the reason as its value, since that may be what is reported.
    """
    return {
        "mindspore-hub": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        **{package: _version(package) for package in _PACKAGES},
        "hub root": _fact(lambda: str(Hub.of().root)),
        "cards": _fact(lambda: len(Hub.of().cards)),
        "store": _fact(get_hub_dir),
        "variables": {
            name: "(set)"
            if "PROXY" in name.upper() or name.upper() == "MSHUB_TOKEN"
            else ",".join(map(shown_address, value.split(",")))
            for name, value in sorted(os.environ.items())
            if name.upper().startswith(_PREFIXES)
        },
    }


def _fact(read: Callable[[], Any]) -> Any:
    try:
        return read()
    except HubError as error:
        return f"error: {error}"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"

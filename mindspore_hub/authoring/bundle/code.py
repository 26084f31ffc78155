"""The code of a bundle: an entry point for one card, and the import closure of its network."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from mindspore_hub.errors import CardError
from mindspore_hub.hub.card import Card
from mindspore_hub.hub.hub import Hub
from mindspore_hub.networks.entry_point import ENTRY_POINT, entry_point_text


def entry_point_name(card: Card) -> str:
    """Path of the entry point of a bundle, in the folder that upstream's client looks for."""
    return f"{card.facts.get('repo-link', '').rsplit('/', 1)[-1]}/{ENTRY_POINT}.py"


def code_files(card: Card) -> dict[str, bytes]:
    """Code of a bundle by its path there: an entry point for this card, and its network.

    Raises:
        CardError: There is no such network.
    """
    entry_point, models = entry_point_name(card), Hub.of().root / "models"
    code = {entry_point: entry_point_text([card], card).encode()}
    for module in import_closure(models, card.model_name.lower()):
        name = PurePosixPath(entry_point).with_name("models") / f"{module}.py"
        code[str(name)] = (models / f"{module}.py").read_bytes()
    return code


def import_closure(models: Path, module: str) -> list[str]:
    """A module of a folder, the folder's `__init__`, and the siblings that these import.

    Raises:
        CardError: One of them is not there.
    """
    found: set[str] = set()
    wanted = ["__init__", module]
    while wanted:
        name = wanted.pop()
        if name in found:
            continue
        path = models / f"{name}.py"
        if not path.is_file():
            msg = f"{models} has no {name}.py, which a bundle of {module} needs."
            raise CardError(msg)
        found.add(name)
        wanted += _siblings(path)
    return sorted(found)


def _siblings(path: Path) -> Iterator[str]:
    """Modules beside a module that it imports from; `from . import name` may mean a plain name."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            if node.module:
                yield node.module
            else:
                names = (alias.name for alias in node.names)
                yield from (name for name in names if path.with_name(f"{name}.py").is_file())

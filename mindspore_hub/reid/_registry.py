"""What is there by being in a folder: one module each, called by its name, with one class."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindspore_hub.errors import UnknownNameError


@dataclass(frozen=True)
class Registry:
    """The modules of a package; those with a leading underscore are not in it.

    Attributes:
        package: Full name of the package.
        folder: Where its modules lie.
        noun: What messages call one of them: `protocol`.
        constant: What each module calls its class: `PROTOCOL`.
    """

    package: str
    folder: Path
    noun: str
    constant: str

    def names(self) -> list[str]:
        """Names of all of them."""
        return sorted(path.stem for path in self.folder.glob("[!_]*.py"))

    def find(self, name: str) -> Any:
        """The class of a name.

        Raises:
            UnknownNameError: There is no such name.
        """
        names = self.names()
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            msg = f"No {self.noun} is called {name!r}; there are {', '.join(names)}.{hint}"
            raise UnknownNameError(msg)
        return getattr(importlib.import_module(f"{self.package}.{name}"), self.constant)

    def options(self, name: str) -> dict[str, Any]:
        """Options of the class of a name, with the values that they have if nobody says.

        Raises:
            UnknownNameError: There is no such name.
        """
        fields = dataclasses.fields(self.find(name))
        return {
            field.name: field.default
            for field in fields
            if field.default is not dataclasses.MISSING
        }

"""What is there by being in a folder: one module each, called by its name, with one class."""

from __future__ import annotations

import dataclasses
import difflib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mindspore_hub.errors import HubError, UnknownNameError
from mindspore_hub.hub.values import as_builtin


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


def fitting(name: str, value: object, usual: object, *, error: type[HubError]) -> Any:
    """A value of the kind that an option has; numbers of NumPy are taken like Python's.

    Args:
        name: Name of the option, for the message.
        value: The value.
        usual: What the option is if nobody says; None for a whole number or none.
        error: What to raise.

    Raises:
        HubError: It is of another kind.
    """
    value = as_builtin(value)
    if isinstance(usual, tuple):
        value = _items(value)
        fits = all(type(item) is int for item in value)
    elif isinstance(usual, str):
        fits = isinstance(value, str)
    elif isinstance(usual, float):
        fits = type(value) in {int, float}
    else:
        fits = type(value) is int or value is usual is None
    if not fits:
        kinds = "a whole number or None" if usual is None else f"of the kind of {usual!r}, as usual"
        msg = f"{name} must be {kinds}, but is {value!r}."
        raise error(msg)
    return value


def _items(value: Any) -> tuple[Any, ...]:
    """The items of a list, an array or the like; one thing stands for itself."""
    try:
        return (value,) if isinstance(value, str) else tuple(map(as_builtin, value))
    except TypeError:
        return (value,)

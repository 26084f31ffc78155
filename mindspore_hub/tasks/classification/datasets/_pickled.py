"""Read a pickled mapping of arrays and plain values, as the Python version of CIFAR is, without its code.

A pickle is a program, which may call any function that it names. Here it may name those by which NumPy
pickles an array, and even these are not called: a stand-in keeps what they would get, and the array is
made of its bytes.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mindspore_hub.errors import DatasetError

_OF_ARRAYS = frozenset(
    {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }
)

_BYTES = frozenset({"u1", "|u1", b"u1", b"|u1"})
"""How NumPy writes the type uint8."""


class _Part:
    """An array or its type, not made: the arguments and the state that it would be made of."""

    def __init__(self, *arguments: Any) -> None:
        self.arguments = arguments
        self.state: Any = ()

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _Reader(pickle.Unpickler):
    """Makes plain values, and stand-ins for arrays."""

    def find_class(self, module: str, name: str) -> Any:
        """A stand-in; anything else is refused."""
        if (module, name) in _OF_ARRAYS:
            return _Part
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return lambda text, encoding: text.encode({"latin1": "latin1"}[encoding])
        msg = f"it names {module}.{name}, which could run code"
        raise pickle.UnpicklingError(msg)


def read_pickled(content: bytes, path: Path) -> dict[str, Any]:
    """What a pickle holds; text of Python 2 is bytes, but for keys.

    Args:
        content: The file.
        path: Its path, for messages.

    Raises:
        DatasetError: It is damaged, not a mapping, or names what is no part of an array of uint8.
    """
    try:
        _require_modest(content)
        found = _Reader(io.BytesIO(content), encoding="bytes").load()
        if not isinstance(found, dict):
            _refuse(f"it holds a {type(found).__name__}, not a mapping")
        return {_text(key): _value(value) for key, value in found.items()}
    except Exception as error:  # a damaged pickle may raise anything
        msg = (
            f"{path} cannot be read as a pickled mapping: {error}. Nothing of it was run. Get it again, "
            "or use the binary version of the data set."
        )
        raise DatasetError(msg) from error


def _require_modest(content: bytes) -> None:
    """Refuse places of the memo that nobody needs, for which memory would be taken."""
    for opcode, argument, _ in pickletools.genops(content):
        if "PUT" in opcode.name and argument is not None and argument > len(content):
            _refuse("it asks for more memory than its size explains")


def _text(key: Any) -> str:
    return key.decode("latin1") if isinstance(key, bytes) else str(key)


def _value(value: Any) -> Any:
    return _array(value) if isinstance(value, _Part) else value


def _array(part: _Part) -> npt.NDArray[np.uint8]:
    """The array of a stand-in: version, shape, type, whether columns come first, and bytes."""
    _, shape, kind, by_columns, content = part.state
    if not isinstance(kind, _Part) or kind.arguments[0] not in _BYTES:
        _refuse("it holds an array whose type is not uint8")
    values = np.frombuffer(content, np.uint8)
    return values.reshape(shape, order="F" if by_columns else "C")


def _refuse(why: str) -> None:
    raise pickle.UnpicklingError(why)

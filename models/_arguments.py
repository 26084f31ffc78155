"""Checks of constructor arguments: each raises a ValueError that names argument and value.

What they return is the argument as Python's own type: the numbers of NumPy are taken as well, and
MindSpore takes them in few places.
"""

from collections.abc import Collection
from numbers import Integral, Real


def require_counts(minimum: int = 1, /, **arguments: object) -> tuple[int, ...]:
    """Require integers of at least `minimum`; returns them in the order given."""
    for name, value in arguments.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
            msg = f"{name} must be an integer of at least {minimum}, got {value!r}"
            raise ValueError(msg)
    return tuple(int(value) for value in arguments.values())


def require_fractions(**arguments: object) -> tuple[float, ...]:
    """Require numbers of at least 0 and below 1, such as dropout rates; returns them."""
    for name, value in arguments.items():
        if not isinstance(value, Real) or isinstance(value, bool) or not 0 <= value < 1:
            msg = f"{name} must be a number of at least 0 and below 1, got {value!r}"
            raise ValueError(msg)
    return tuple(float(value) for value in arguments.values())


def require_one_of(choices: Collection[object], **arguments: object) -> tuple[object, ...]:
    """Require one of `choices`; returns those that were chosen."""
    chosen = {name: [c for c in choices if c == value] for name, value in arguments.items()}
    for name, found in chosen.items():
        if not found:
            expected = " or ".join(repr(choice) for choice in choices)
            msg = f"{name} must be {expected}, got {arguments[name]!r}"
            raise ValueError(msg)
    return tuple(found[0] for found in chosen.values())

"""Checks of constructor arguments: each raises a ValueError that names argument and value."""

from collections.abc import Collection
from numbers import Integral


def require_counts(minimum: int = 1, /, **arguments: object) -> None:
    """Require integers of at least `minimum`."""
    for name, value in arguments.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < minimum:
            msg = f"{name} must be an integer of at least {minimum}, got {value!r}"
            raise ValueError(msg)


def require_fractions(**arguments: object) -> None:
    """Require numbers of at least 0 and below 1, such as dropout rates."""
    for name, value in arguments.items():
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 1:
            msg = f"{name} must be a number of at least 0 and below 1, got {value!r}"
            raise ValueError(msg)


def require_one_of(choices: Collection[object], **arguments: object) -> None:
    """Require one of `choices`."""
    for name, value in arguments.items():
        if value not in choices:
            expected = " or ".join(repr(choice) for choice in choices)
            msg = f"{name} must be {expected}, got {value!r}"
            raise ValueError(msg)

"""Regular expressions that wait to be compiled until something is searched with them.

All rules together have a hundred of them, and a plain card needs a few; compiling the others would
take longer than checking the card.
"""

from __future__ import annotations

import re
from typing import Any, cast


def pattern(text: str, flags: int = 0) -> re.Pattern[str]:
    """What `re.compile` returns, compiled when it is first used."""
    return cast("re.Pattern[str]", _Pattern(text, flags))


class _Pattern:
    """Gets each attribute from the compiled expression once, and then has it."""

    def __init__(self, text: str, flags: int) -> None:
        self._arguments = text, flags

    def __getattr__(self, name: str) -> Any:
        value = getattr(re.compile(*self._arguments), name)
        setattr(self, name, value)
        return value

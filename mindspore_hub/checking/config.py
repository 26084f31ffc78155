"""What to check: the table `[tool.mshub]` of pyproject.toml, and which rules are chosen."""

from __future__ import annotations

import glob
import os
import sys
from collections.abc import Iterable, Mapping
from fnmatch import fnmatch
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from mindspore_hub.checking.rules import GROUPS, is_among, is_known, known_codes, select_codes
from mindspore_hub.errors import SettingsError
from mindspore_hub.hub.findings import Severity

_LISTS = ("select", "extend-select", "ignore")
_KEYS = (*_LISTS, "per-card-ignores", "baseline", "severity")


class Selection(NamedTuple):
    """Which rules one source asks for, such as the command line.

    `select` replaces the default rules, `extend_select` comes on top, `ignore` is left out again.
    """

    select: tuple[str, ...] = ()
    extend_select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()

    def check(self, where: str) -> None:
        """Refuse what chooses no rule.

        Raises:
            SettingsError: An item is not a group, a code or a prefix of one.
        """
        _refuse_unknown((*self.select, *self.extend_select, *self.ignore), where)


class Config(NamedTuple):
    """The table `[tool.mshub]`.

    Attributes:
        per_card_ignores: Codes that are ignored in the cards of each pattern.
        baseline: File of findings that are known.
        severity: The lowest that is shown.
        folder: Where the file lies, which patterns are relative to.
    """

    selection: Selection = Selection()
    per_card_ignores: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    baseline: Path | None = None
    severity: Severity | None = None
    folder: Path = Path()

    def check(self) -> None:
        """Refuse what is not a group, a code or a prefix of one."""
        self.selection.check("[tool.mshub]")
        for name, codes in self.per_card_ignores.items():
            _refuse_unknown(codes, f"[tool.mshub] per-card-ignores {name!r}")

    def ignored_in(self, path: Path) -> tuple[str, ...]:
        """Codes, prefixes of codes and groups that are ignored in the card at `path`."""
        return tuple(
            code
            for pattern, codes in self.per_card_ignores.items()
            if _is_meant(pattern, path, self.folder)
            for code in codes
        )


def codes_of(items: Iterable[str]) -> tuple[str, ...]:
    """Codes from comma-separated lists, in upper case."""
    return tuple(code.strip().upper() for item in items for code in item.split(",") if code.strip())


def choose(config: Selection, command: Selection) -> set[str]:
    """Codes of rules: the command line replaces the table by its `select`, else adds to it."""
    if command.select:
        return select_codes((*command.select, *command.extend_select), command.ignore)
    of_config = (*(config.select or ("DEFAULT",)), *config.extend_select)
    chosen = select_codes(of_config, config.ignore) | select_codes(command.extend_select)
    return {code for code in chosen if not is_among(code, command.ignore)}


def read_config(start: Path) -> Config:
    """Read the table of the nearest pyproject.toml that has one, at or above `start`.

    Raises:
        SettingsError: The file is not TOML, or the table says what is not known.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            table = _table(path)
            if table is not None:
                return _config(table, path)
    return Config()


def _is_meant(pattern: str, path: Path, folder: Path) -> bool:
    """Whether a pattern is of a card: of its name, of its path below a folder, or of one around it."""
    # Joined as texts: the folder is escaped, which no path can be.
    whole = os.path.join(glob.escape(os.path.abspath(folder)), pattern)  # noqa: PTH100, PTH118
    wanted = os.path.normpath(whole)
    given = os.path.abspath(path)  # noqa: PTH100 - `..` is taken out, links are not followed
    return fnmatch(given, wanted) or fnmatch(given, f"{wanted}/*") or fnmatch(path.name, pattern)


def _refuse_unknown(items: Iterable[str], where: str) -> None:
    for item in items:
        if not is_known(item):
            near = _near(item, [*GROUPS, *sorted(known_codes())])
            msg = f"{where}: there is no rule {item}{near}; `mshub card rule` lists all rules."
            raise SettingsError(msg)


def _table(path: Path) -> Any:
    """The table as written; None if the file has none."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path} cannot be read: {error}."
        raise SettingsError(msg) from error
    if "mshub" not in text:  # spares the parser on nearly every call
        return None
    tomllib = _toml_reader(path)
    try:
        tool = tomllib.loads(text).get("tool", {})
    except tomllib.TOMLDecodeError as error:
        msg = f"{path} is not TOML: {error}."
        raise SettingsError(msg) from error
    return tool.get("mshub") if isinstance(tool, dict) else None


def _toml_reader(path: Path) -> Any:
    try:
        if sys.version_info >= (3, 11):
            import tomllib
        else:
            import tomli as tomllib
    except ImportError as error:
        msg = f"Python 3.10 needs the package tomli to read {path}: `pip install tomli`."
        raise SettingsError(msg) from error
    return tomllib


def _config(table: Any, path: Path) -> Config:
    where = f"{path}: [tool.mshub]"
    if not isinstance(table, dict):
        msg = f"{where} must be a table."
        raise SettingsError(msg)
    for key in table:
        if key not in _KEYS:
            msg = f"{where}: unknown key {key!r}{_near(key, _KEYS)}; known are {', '.join(_KEYS)}."
            raise SettingsError(msg)
    lists = {key: _codes(table.get(key, []), f"{where} {key}") for key in _LISTS}
    patterns = _typed(table, "per-card-ignores", dict, where) or {}
    baseline = _typed(table, "baseline", str, where)
    return Config(
        Selection(lists["select"], lists["extend-select"], lists["ignore"]),
        {name: _codes(item, f"{where} per-card-ignores") for name, item in patterns.items()},
        path.parent / baseline if baseline else None,
        _severity(_typed(table, "severity", str, where), where),
        path.parent,
    )


def _typed(table: dict[str, Any], key: str, kind: type, where: str) -> Any:
    value = table.get(key)
    if value is not None and not isinstance(value, kind):
        wanted = "a table" if kind is dict else "a string"
        msg = f"{where} {key} must be {wanted}, but is {value!r}."
        raise SettingsError(msg)
    return value


def _codes(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        msg = f"{where} must be a list of codes, but is {value!r}."
        raise SettingsError(msg)
    return codes_of(value)


def _severity(value: str | None, where: str) -> Severity | None:
    try:
        return None if value is None else Severity(value)
    except ValueError as error:
        names = ", ".join(item.value for item in Severity)
        msg = f"{where} severity must be one of {names}, but is {value!r}."
        raise SettingsError(msg) from error


def _near(name: str, known: Iterable[str]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(name, list(known), 3, 0.6)
    return f" (did you mean {' or '.join(near)}?)" if near else ""

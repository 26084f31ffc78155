"""The folder of the store, under upstream's module and function names."""

from __future__ import annotations

import os

from mindspore_hub.settings import DEFAULT_HOME, Settings, expand


def set_hub_dir(dir_path: str | os.PathLike[str] = DEFAULT_HOME) -> None:
    """Keep the store in another folder from now on.

    Args:
        dir_path: Folder of the store, made when something is first stored there; `~`, `$NAME` and
            `${NAME}` are expanded.

    Raises:
        TypeError: `dir_path` is not a path.
        SettingsError: It is empty, holds quotes, `%NAME%` or a variable that is not set, or begins
            with the `~` of a user that does not exist.
    """
    if not isinstance(dir_path, str | os.PathLike):
        msg = f"dir_path must be a path, but is {dir_path!r} of type {type(dir_path).__name__}."
        raise TypeError(msg)
    os.environ["MSHUB_HOME"] = os.fspath(expand(os.fspath(dir_path), "dir_path").absolute())


def get_hub_dir() -> str:
    """Absolute path of the folder of the store."""
    return os.fspath(Settings.from_environment().home.absolute())

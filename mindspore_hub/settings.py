"""What the environment asks for, read when it is used and never at import."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from mindspore_hub.errors import SettingsError

_Number = TypeVar("_Number", int, float)

DEFAULT_HOME = "~/.mscache"
"""Folder of the store; the upstream client's, so that its files are found."""

DEFAULT_TIMEOUT = 30.0
"""Seconds without progress after which a connection counts as dead."""

DEFAULT_RETRIES = 3
"""How often a source is asked again after a failure that may pass."""

DEFAULT_MAX_SIZE = 100_000_000_000
"""Bytes that one file may have."""

_VERIFY = ("memo", "always")

_HOST = re.compile(r"(\*\.)?[\w.-]+|\*")


@dataclass(frozen=True)
class Settings:
    """Settings of one operation.

    Attributes:
        home: Folder of the store (`MSHUB_HOME`).
        extra_caches: Further stores, which are searched first and never written
            (`MSHUB_EXTRA_CACHES`, separated by commas).
        offline: Never open a connection (`MSHUB_OFFLINE`).
        mirrors: Folders or base URLs that are asked before a card's link (`MSHUB_MIRRORS`,
            separated by commas).
        allowed_hosts: Hosts that files may come from besides those of the published links, this
            machine and the mirrors (`MSHUB_ALLOWED_HOSTS`, separated by commas); `*.example.org`
            is every host below example.org, `*` every host.
        verify: `memo` hashes a file when it is new or its stat has changed, `always` whenever it
            is used (`MSHUB_VERIFY`).
        timeout: Seconds to wait for a connection or for the next bytes (`MSHUB_TIMEOUT`).
        retries: Further attempts per source after one that brought nothing (`MSHUB_RETRIES`).
        max_size: Bytes that a file may have (`MSHUB_MAX_SIZE`).
        progress: Show progress bars on a terminal (off with `MSHUB_NO_PROGRESS`).
        cpu_tuning: Hold oneDNN to AVX2 where MindSpore needs it (off with `MSHUB_CPU_TUNING=0`).
    """

    home: Path
    extra_caches: tuple[Path, ...] = ()
    offline: bool = False
    mirrors: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    verify: str = "memo"
    timeout: float = DEFAULT_TIMEOUT
    retries: int = DEFAULT_RETRIES
    max_size: int = DEFAULT_MAX_SIZE
    progress: bool = True
    cpu_tuning: bool = True

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment as it is now.

        Raises:
            SettingsError: A variable has a value that means nothing.
        """
        return cls(
            home=expand(os.environ.get("MSHUB_HOME") or DEFAULT_HOME, "MSHUB_HOME"),
            extra_caches=tuple(
                expand(item, "MSHUB_EXTRA_CACHES") for item in _items("MSHUB_EXTRA_CACHES")
            ),
            offline=_flag("MSHUB_OFFLINE"),
            mirrors=tuple(_mirror(item) for item in _items("MSHUB_MIRRORS")),
            allowed_hosts=tuple(_host(item) for item in _items("MSHUB_ALLOWED_HOSTS")),
            verify=_choice("MSHUB_VERIFY", _VERIFY),
            timeout=_number("MSHUB_TIMEOUT", DEFAULT_TIMEOUT, float),
            retries=_number("MSHUB_RETRIES", DEFAULT_RETRIES, int),
            max_size=_number("MSHUB_MAX_SIZE", DEFAULT_MAX_SIZE, int),
            progress=not _flag("MSHUB_NO_PROGRESS"),
            cpu_tuning=_flag("MSHUB_CPU_TUNING", default="1"),
        )


def expand(path: str, origin: str) -> Path:
    """A path with a leading `~` replaced by the home folder.

    Args:
        path: The path.
        origin: Variable or argument that it comes from, for the message.

    Raises:
        SettingsError: It is empty, or no user has that home folder.
    """
    try:
        if path.strip() and "\0" not in path:
            return Path(path).expanduser()
    except RuntimeError:
        pass
    msg = f"{origin} must be the path of a folder, but is {path!r}."
    raise SettingsError(msg)


def _mirror(text: str) -> str:
    """A base URL as it is, or the path of a folder."""
    if "://" not in text:
        return str(expand(text, "MSHUB_MIRRORS"))
    url = urlsplit(text)
    if url.scheme in {"http", "https"} and url.hostname:
        return text
    if url.scheme == "file" and url.path.startswith("/") and "%00" not in url.path:
        return text
    msg = f"MSHUB_MIRRORS must name folders and http(s) or file URLs, but holds {text!r}."
    raise SettingsError(msg)


def _host(text: str) -> str:
    """A host, `*.` and a domain, or `*`; an address with scheme or path would never match."""
    if not _HOST.fullmatch(text):
        msg = (
            "MSHUB_ALLOWED_HOSTS must name hosts, such as models.example.org or *.example.org, "
            f"but holds {text!r}."
        )
        raise SettingsError(msg)
    return text.lower()


def _choice(name: str, choices: tuple[str, ...]) -> str:
    """One of these words, the first by default."""
    text = os.environ.get(name, "").strip().lower() or choices[0]
    if text not in choices:
        msg = f"{name} must be {' or '.join(choices)}, but is {text!r}; correct it or unset it."
        raise SettingsError(msg)
    return text


def _flag(name: str, default: str = "0") -> bool:
    text = os.environ.get(name, "").strip().lower() or default
    return text not in {"0", "false", "no", "off"}


def _items(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def _number(name: str, default: _Number, kind: type[_Number]) -> _Number:
    text = os.environ.get(name, "").strip()
    try:
        number = kind(text) if text else default
    except ValueError:
        number = kind(-1)
    if not 0 <= number < float("inf"):
        what = "a whole number" if kind is int else "a number"
        msg = f"{name} must be {what} of at least 0, but is {text!r}; correct it or unset it."
        raise SettingsError(msg)
    return number

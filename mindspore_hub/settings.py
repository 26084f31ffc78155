"""What the environment asks for, read when it is used and never at import."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from mindspore_hub.errors import SettingsError

_Number = TypeVar("_Number", int, float)

DEFAULT_HOME = "~/.mscache"
"""Folder of the store; the upstream client's, so that its files are found."""

DAY = 86400
"""Seconds; no connection is waited for longer."""

_ON, _OFF = ("1", "true", "yes", "on"), ("0", "false", "no", "off")

_HOST = re.compile(r"(\*\.)?[\w.-]+|\*")

_SCHEME = re.compile(r"\s*[A-Za-z][A-Za-z0-9+.-]*://")

_QUERY = re.compile(r"([?#]).+", re.DOTALL)

_PATH = re.compile(r"\s*~?/(?!/)")

_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")

_UNKNOWN = re.compile(r"\$(?!\w|\{\w+\})|%\w+%")
"""What other programs expand: `$(command)`, `${NAME:-default}`, `%NAME%`."""

_QUOTES = re.compile(r"[\"“”„`]|(?<!\w)['‘’]|['‘’](?!\w)")
"""Quotes, but not the apostrophe of O'Brien."""

_CONTROL = re.compile(r"[\0-\x1f\x7f]")


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
        runtime: What computes where nothing else is said: `auto`, `mindspore`, `onnxruntime` or
            `openvino` (`MSHUB_RUNTIME`).
    """

    home: Path
    extra_caches: tuple[Path, ...] = ()
    offline: bool = False
    mirrors: tuple[str, ...] = field(default=(), repr=False)  # which may hold passwords
    allowed_hosts: tuple[str, ...] = ()
    verify: str = "memo"
    timeout: float = 30.0
    retries: int = 3
    max_size: int = 100_000_000_000
    progress: bool = True
    cpu_tuning: bool = True
    runtime: str = "auto"

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment as it is now; a SettingsError says which value means nothing."""
        return cls(
            home=expand(os.environ.get("MSHUB_HOME") or DEFAULT_HOME, "MSHUB_HOME"),
            extra_caches=tuple(
                expand(item, "MSHUB_EXTRA_CACHES") for item in _items("MSHUB_EXTRA_CACHES")
            ),
            offline=_flag("MSHUB_OFFLINE", default=False),
            mirrors=tuple(_mirror(item) for item in _items("MSHUB_MIRRORS")),
            allowed_hosts=tuple(_host(item) for item in _items("MSHUB_ALLOWED_HOSTS")),
            verify=_choice("MSHUB_VERIFY", ("memo", "always")),
            timeout=_number("MSHUB_TIMEOUT", cls.timeout, least=0.001, most=DAY),
            retries=_number("MSHUB_RETRIES", cls.retries, least=0, most=1000),
            max_size=_number("MSHUB_MAX_SIZE", cls.max_size, least=1, most=2**63 - 1),
            progress=not _flag("MSHUB_NO_PROGRESS", default=False),
            cpu_tuning=_flag("MSHUB_CPU_TUNING", default=True),
            runtime=_choice("MSHUB_RUNTIME", ("auto", "mindspore", "onnxruntime", "openvino")),
        )


def hub_setting() -> Path | None:
    """Hub root whose cards are meant by names (`MSHUB_HUB`); None for the package's own."""
    value = os.environ.get("MSHUB_HUB")
    return expand(value, "MSHUB_HUB") if value else None


def token_setting() -> str | None:
    """What clients of `mshub serve` have to send (`MSHUB_TOKEN`); a secret, never to be shown."""
    return os.environ.get("MSHUB_TOKEN", "").strip() or None


def expand(path: str, origin: str) -> Path:
    """The path that a setting means: `~`, `$NAME` and `${NAME}` are expanded.

    Blanks and ends of lines around it are taken off. What other programs would have expanded, and
    did not, is refused: nobody wants a folder of such a name. `origin` is the variable or argument
    that it comes from, for the message of the SettingsError.
    """
    text = path.strip()
    shown = repr(shown_address(path))
    if _QUOTES.search(text):
        msg = f"{origin} is {shown}; write the path without quotes."
        raise SettingsError(msg)
    if unknown := _UNKNOWN.search(text):
        msg = (
            f"{origin} is {shown}, but {unknown[0]} is not expanded here; write $NAME, or the path."
        )
        raise SettingsError(msg)
    text = _VARIABLE.sub(lambda match: _variable(match, shown, origin), text)
    msg = f"{origin} must be the path of a folder, but is {shown}."
    try:
        if text and not _CONTROL.search(text) and not _SCHEME.match(text):
            return Path(text).expanduser()
    except RuntimeError:
        if text.partition("/")[0] == "~":  # a user that the system does not know, without HOME
            msg = f"There is no home folder for {shown} to be in; set {origin} to a folder."
    raise SettingsError(msg)


def shown_address(text: str) -> str:
    """Show an address without what may be secret: user, password, query and fragment.

    One `***` stands for all that is left out. A password may hold anything, so that where it ends is not
    always to be told; then more is left out rather than less. Without a scheme, an `@` makes an
    address of a text that does not begin as a path: the path of a folder is shown as it is.
    """
    match = _SCHEME.match(text)
    scheme, rest = (match[0], text[match.end() :]) if match else ("", text)
    if not match and _PATH.match(text):
        return text
    authority = re.split(r"[/?#\\]", rest, maxsplit=1)[0]
    has_host = authority or scheme.strip().lower() == "file://"
    if not match or not has_host or set("@:") & set(authority):
        before, at, rest = rest.rpartition("@")
        if set("?#") & set(before):
            return f"{scheme}***"
        if at:
            return f"{scheme}***@{_QUERY.sub('', rest)}"
    return scheme + _QUERY.sub(r"\1***", rest)


def _variable(match: re.Match[str], shown: str, origin: str) -> str:
    name = match[1] or match[2]
    value = os.environ.get(name, "").strip()
    if not value:
        msg = f"{origin} is {shown}, but the variable {name} is not set; set it, or write the path."
        raise SettingsError(msg)
    return value


def _mirror(text: str) -> str:
    """A base URL as it is, or the path of a folder."""
    if "://" not in text:
        return str(expand(text, "MSHUB_MIRRORS"))
    if not _is_base_url(text):
        msg = (
            "MSHUB_MIRRORS must name folders, and addresses such as https://mirror.example.org/models "
            f"or file:///mnt/models, but holds {shown_address(text)!r}."
        )
        raise SettingsError(msg)
    return text


def _is_base_url(text: str) -> bool:
    """Whether a server can be asked at a URL, or a folder of this machine lies there."""
    url = split_url(text)
    if url and url.scheme == "file":
        here = url.netloc.lower() in {"", "localhost"}
        return here and url.path.startswith("/") and "%00" not in url.path
    return bool(url and url.scheme in {"http", "https"} and url.hostname)


def split_url(text: str) -> SplitResult | None:
    """The parts of a URL, unless it is none, or programs read it in different ways."""
    try:
        url = urlsplit(text)
        is_clear = url.port != 0 and text.isprintable() and "\\" not in text
    except ValueError:  # half a bracket; a port that is not a number, or too large
        return None
    return url if is_clear else None


def _host(text: str) -> str:
    """A host, `*.` and a domain, or `*`; an address with scheme or path would never match."""
    if not _HOST.fullmatch(text):
        msg = (
            "MSHUB_ALLOWED_HOSTS must name hosts, such as models.example.org or *.example.org, "
            f"but holds {shown_address(text)!r}."
        )
        raise SettingsError(msg)
    return text.lower()


def _choice(name: str, choices: tuple[str, ...]) -> str:
    """One of these words, the first by default."""
    text = os.environ.get(name, "").strip().lower() or choices[0]
    if text not in choices:
        msg = f"{name} must be {' or '.join(choices)}, but is {shown_address(text)!r}; correct it or unset it."
        raise SettingsError(msg)
    return text


def _flag(name: str, *, default: bool) -> bool:
    text = os.environ.get(name, "").strip().lower()
    if text not in {"", *_ON, *_OFF}:
        msg = f"{name} must be 1 or 0 (or true, yes, on, false, no, off), but is {shown_address(text)!r}."
        raise SettingsError(msg)
    return text in _ON if text else default


def _items(name: str) -> list[str]:
    return [item.strip() for item in os.environ.get(name, "").split(",") if item.strip()]


def _number(name: str, default: _Number, *, least: _Number, most: _Number) -> _Number:
    """A number of the default's type, within bounds."""
    text = os.environ.get(name, "").strip()
    kind = type(default)
    try:
        number = kind(text) if text else default
        if least <= number <= most:  # which nan is not
            return number
    except ValueError:
        pass
    what = "a whole number" if kind is int else "a number"
    msg = f"{name} must be {what} from {least} to {most}, but is {shown_address(text)!r}; correct it or unset it."
    raise SettingsError(msg)

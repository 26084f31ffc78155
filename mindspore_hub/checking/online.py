"""Whether the links of cards lead anywhere; asked over the network, and only on demand."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from mindspore_hub._files import replace
from mindspore_hub.checking.rules import DEAD_LINK
from mindspore_hub.errors import NetworkError, OfflineError
from mindspore_hub.files.store import LINKS
from mindspore_hub.files.web import is_address, next_url, printable, request, trusted_cas
from mindspore_hub.hub.document import Document
from mindspore_hub.hub.findings import Finding, Place, Severity
from mindspore_hub.hub.values import YamlText
from mindspore_hub.settings import Settings, shown_address

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

logger = logging.getLogger(__name__)

_Send: TypeAlias = "Callable[..., BaseHTTPResponse]"

WORKERS = 8
"""Links that are asked for at the same time."""

MAX_AGE = 24 * 60 * 60
"""Seconds for which an answer counts."""

BACKOFF = 0.25
"""Seconds before the second attempt; doubled before each one after it."""

MAX_REDIRECTS = 20

_GONE = frozenset({404, 410})


class _Link(NamedTuple):
    """An address, and where it stands."""

    url: str
    path: Path
    place: Place
    source: str


class _Answer(NamedTuple):
    """Status of the last answer, or 0 and why there was none."""

    status: int
    reason: str = ""


_NO_ADDRESS = _Answer(0, "no address")


def dead_links(documents: Iterable[Document], settings: Settings) -> Iterator[Finding]:
    """Ask for every link of these cards, each address once.

    Raises:
        OfflineError: `MSHUB_OFFLINE` forbids the network.
    """
    if settings.offline:
        msg = "--online needs the network, and MSHUB_OFFLINE forbids it; unset it or drop --online."
        raise OfflineError(msg)
    links = [link for document in documents for link in _links(document)]
    answers = _answers(sorted({link.url for link in links}), settings)
    for link in links:
        answer = answers[link.url]
        if answer.status in _GONE:
            message = f"{shown_address(link.url)} leads nowhere (status {answer.status})"
            yield _finding(link, Severity.WARNING, message, "correct or remove the link")
        elif not 200 <= answer.status < 400:
            reason = answer.reason or f"status {answer.status}"
            message = f"{shown_address(link.url)} could not be checked: {reason}"
            help_ = "correct the address" if answer is _NO_ADDRESS else "open it in a browser"
            yield _finding(link, Severity.INFO, message, help_)


def _links(document: Document) -> Iterator[_Link]:
    nodes = [document.front_matter.get("repo-link")]
    nodes += [asset.node.get("asset-link") for asset in document.card.assets]
    for node in nodes:
        if isinstance(node, YamlText):
            url = node.text.removeprefix("<").removesuffix(">")
            if _is_web(url):
                yield _Link(url, document.path, node.place, document.line(node.place.line))
    for link in document.body.links:
        url = link.target.partition("#")[0]
        if _is_web(url):
            yield _Link(url, document.path, link.place, document.line(link.place.line))


def _is_web(url: str) -> bool:
    return url.lower().startswith(("https://", "http://")) and url.isprintable()


def _finding(link: _Link, severity: Severity, message: str, help_: str) -> Finding:
    code = DEAD_LINK.code
    return Finding(link.path, *link.place, code, severity, message, help_, source=link.source)


def _answers(urls: list[str], settings: Settings) -> dict[str, _Answer]:
    """Answers of today where they are known, and those of the network."""
    file = settings.home / LINKS
    oldest = time.time() - MAX_AGE
    cached = (_read_cache(file) or {}).items()
    young = {key: _Answer(entry.status) for key, entry in cached if entry.checked >= oldest}
    known = {url: young[key] for url in urls if (key := _key(url)) in young}
    asked = [url for url in urls if url not in known]
    if asked:
        send = partial(request, timeout=settings.timeout, cas=cache(trusted_cas))
        with ThreadPoolExecutor(WORKERS) as pool:
            found = pool.map(lambda url: _persist(send, url, settings.retries), asked)
            fresh = dict(zip(asked, found, strict=True))
        _add_to_cache(file, fresh)
        known |= fresh
    return known


def _persist(send: _Send, url: str, retries: int) -> _Answer:
    """Ask again while a failure may pass."""
    if not is_address(url):
        return _NO_ADDRESS
    for attempt in range(retries):
        answer = _ask(send, url)
        if answer.status and answer.status != 429 and answer.status < 500:
            return answer
        time.sleep(BACKOFF * 2**attempt)
    return _ask(send, url)


def _ask(send: _Send, url: str) -> _Answer:
    """Ask for the head, and where a server does not like that for the whole, unread."""
    try:
        status = _status(send, "HEAD", url=url)
        if status >= 400:
            status = _status(send, "GET", url=url)
    except NetworkError as error:
        logger.debug("%s: %s", shown_address(url), error)
        return _Answer(0, str(error))
    return _Answer(status)


def _status(send: _Send, method: str, *, url: str) -> int:
    """Status of the answer at the end of all redirects."""
    for _ in range(MAX_REDIRECTS + 1):
        with ExitStack() as stack:
            response = send(stack, method, url=url)
            target = next_url(response, url)
            if not target:
                return response.status
        if not is_address(target):
            msg = f"redirects to {printable(shown_address(target))}, which is not an address"
            raise NetworkError(msg)
        url = target
    msg = f"redirects more than {MAX_REDIRECTS} times"
    raise NetworkError(msg)


def _key(url: str) -> str:
    """What an answer is kept under: a digest of what must not be written down."""
    return url if shown_address(url) == url else hashlib.sha256(url.encode()).hexdigest()


class _Cached(NamedTuple):
    """Status of an answer, and when it came, in seconds since 1970."""

    status: int
    checked: float


def _read_cache(file: Path) -> dict[str, _Cached] | None:
    """What was answered; None if the file is another program's, or damaged."""
    try:
        content = file.read_bytes().strip(b"\0 \n")  # NUL bytes are what a power cut leaves
        found = json.loads(content or '{"links": {}}')
        if set(found) != {"links"}:
            return None
        links = found["links"].items()
        return {url: _Cached(int(entry["status"]), float(entry["checked"])) for url, entry in links}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        logger.debug("%s: %s", file, error)
        return None


def _add_to_cache(file: Path, fresh: dict[str, _Answer]) -> None:
    """Keep what a host said of a link; that it said nothing may be otherwise in a minute."""
    cached = _read_cache(file)  # again: another check may have written it meanwhile
    if cached is None:
        return
    now = round(time.time())
    links = {url: entry for url, entry in cached.items() if entry.checked >= now - MAX_AGE}
    for url, answer in fresh.items():
        if 200 <= answer.status < 400 or answer.status in _GONE:
            links[_key(url)] = _Cached(answer.status, now)
    entries = {url: entry._asdict() for url, entry in links.items()}
    try:
        replace(file, json.dumps({"links": entries}, indent=1) + "\n")
    except OSError as error:  # a read-only store costs time, nothing else
        logger.debug("%s: %s", file, error)

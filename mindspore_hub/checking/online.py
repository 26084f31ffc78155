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
    links = [
        (document.path, url, place, document.line(place.line))
        for document in documents
        for url, place in _links(document)
        if url.lower().startswith(("https://", "http://")) and url.isprintable()
    ]
    answers = _answers(sorted({url for _, url, _, _ in links}), settings)
    for path, url, place, line in links:
        answer = answers[url]
        if 200 <= answer.status < 400:
            continue
        severity, help_ = Severity.INFO, "open it in a browser"
        message = f"could not be checked: {answer.reason or f'status {answer.status}'}"
        if answer.status in _GONE:
            severity, help_ = Severity.WARNING, "correct or remove the link"
            message = f"leads nowhere (status {answer.status})"
        elif answer is _NO_ADDRESS:
            help_ = "correct the address"
        message = f"{shown_address(url)} {message}"
        yield Finding(path, *place, DEAD_LINK.code, severity, message, help_, source=line)


def _links(document: Document) -> Iterator[tuple[str, Place]]:
    """Addresses in the front matter and the body, and where they stand."""
    nodes = [document.front_matter.get("repo-link")]
    nodes += [asset.node.get("asset-link") for asset in document.card.assets]
    for node in nodes:
        if isinstance(node, YamlText):
            yield node.text.removeprefix("<").removesuffix(">"), node.place
    for link in document.body.links:
        yield link.target.partition("#")[0], link.place


def _answers(urls: list[str], settings: Settings) -> dict[str, _Answer]:
    """Answers of today where they are known, and those of the network."""
    file = settings.home / LINKS
    oldest = time.time() - MAX_AGE
    cached = _read_cache(file) or {}
    known = {
        url: _Answer(entry[0])
        for url in urls
        if (entry := cached.get(_key(url))) and entry[1] >= oldest
    }
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


def _read_cache(file: Path) -> dict[str, tuple[int, float]] | None:
    """Status of each answer, and when it came, in seconds since 1970; None for another file."""
    try:
        content = file.read_bytes().strip(b"\0 \n")  # NUL bytes are what a power cut leaves
        found = json.loads(content or '{"links": {}}')
        if set(found) != {"links"}:
            return None
        links = found["links"].items()
        return {url: (int(entry["status"]), float(entry["checked"])) for url, entry in links}
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
    for url, answer in fresh.items():
        if 200 <= answer.status < 400 or answer.status in _GONE:
            cached[_key(url)] = answer.status, now
    entries = {
        url: {"status": status, "checked": checked}
        for url, (status, checked) in cached.items()
        if checked >= now - MAX_AGE
    }
    try:
        replace(file, json.dumps({"links": entries}, indent=1) + "\n")
    except OSError as error:  # a read-only store costs time, nothing else
        logger.debug("%s: %s", file, error)

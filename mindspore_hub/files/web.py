"""One HTTP request: certificates, proxies and credentials, and what a failure means.

`request` sends it with nothing of any request before it. Redirects are left to the caller, who knows
which hosts are trusted.
"""

from __future__ import annotations

import os
import re
import ssl
import string
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from mindspore_hub.errors import NetworkError
from mindspore_hub.files.sources import is_loopback
from mindspore_hub.settings import shown_address
from mindspore_hub.version import __version__

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, HTTPConnectionPool, PoolManager

MAX_INTERIM = 16
"""Answers of 1xx that may come before the final one."""

_ADDRESS = re.compile(r"[^\s'\"<>]*(?:://|@)[^\s'\"<>]*")


class PassingError(NetworkError):
    """A failure that may be gone at the next attempt, `wait` seconds later if the server says so."""

    def __init__(self, message: str, *, wait: float = 0.0) -> None:
        super().__init__(message)
        self.wait = wait


def trusted_cas() -> ssl.SSLContext:
    """The CAs of SSL_CERT_FILE and SSL_CERT_DIR, or of the system; reading them takes a while.

    Raises:
        NetworkError: A file that the environment names is not there, or holds none.
    """
    file, folder = (os.environ.get(name) or None for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"))
    try:
        return ssl.create_default_context(cafile=file, capath=folder)
    except OSError as error:
        msg = (
            f"SSL_CERT_FILE={file} cannot be read ({error.strerror or error}); let it name a "
            "file of CAs in PEM, or unset it"
        )
        raise NetworkError(msg) from error


def request(
    stack: ExitStack,
    method: str,
    *,
    url: str,
    timeout: float,
    headers: dict[str, str] | None = None,
    cas: Callable[[], ssl.SSLContext] = trusted_cas,
) -> BaseHTTPResponse:
    """Send one request and return its answer, the body unread; the stack closes the connection.

    A user and a password in the URL become basic authentication. `timeout` is in seconds: to connect,
    and between two bytes. `cas` is asked for what is trusted, if there is TLS.

    Raises:
        NetworkError: There is no answer; a `PassingError` if there may be one later.
    """
    parts = urlsplit(url)
    always = {"Accept-Encoding": "identity", "User-Agent": f"mindspore-hub/{__version__}"}
    with explained(timeout):
        manager = stack.enter_context(_manager(parts, cas))
        _skip_interim(manager.connection_from_url(_bare(parts)))
        response = manager.urlopen(
            method,
            _bare(parts),
            headers={**always, **_basic("Authorization", parts), **(headers or {})},
            timeout=timeout,
            redirect=False,
            retries=False,
            preload_content=False,
            decode_content=False,
        )
    return stack.enter_context(response)


def is_address(url: str) -> bool:
    """Whether a request can be sent to an http(s) URL; placeholders, for one, name no host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        if "[" in parts.netloc or "]" in parts.netloc:
            return ip_address(host).version == 6 and port != 0
        host.encode("idna")  # or UnicodeError, for labels that are empty or too long
    except ValueError:
        return False
    return bool(re.fullmatch(r"[\w.-]+", host)) and port != 0


def next_url(response: BaseHTTPResponse, url: str) -> str | None:
    """Where an answer of this URL redirects to, if it does; a `NetworkError` if that is not a URL."""
    location = response.get_redirect_location()
    if not location:
        return None
    try:
        # http.client reads bytes as Latin-1; what they stand for, the server knows.
        return urljoin(url, quote(location, safe=string.punctuation, encoding="latin-1"))
    except ValueError as error:
        msg = f"redirects to {shown_address(printable(location))!r}, which is not a URL"
        raise NetworkError(msg) from error


def printable(text: str) -> str:
    """What a server said, so that it fits into a message and moves no cursor."""
    return "".join(char if char.isprintable() else "?" for char in text[:200])


@contextmanager
def explained(timeout: float) -> Iterator[None]:
    """Raise what the transport raises as one of our errors."""
    from http.client import HTTPException

    from urllib3.exceptions import HTTPError, LocationValueError

    try:
        yield
    except NetworkError:
        raise
    except LocationValueError as error:
        raise _misconfigured(error) from error
    except (HTTPError, HTTPException, OverflowError) as error:  # a chunk may have any size
        raise _explanation(error, timeout) from error
    except (OSError, ValueError) as error:
        raise _misconfigured(error) from error


def _misconfigured(error: Exception) -> NetworkError:
    text = _ADDRESS.sub(lambda match: shown_address(match[0]), str(error))
    return NetworkError(f"{text}; check HTTPS_PROXY if you have set it")


def _explanation(error: Exception, timeout: float) -> NetworkError:
    """Say what a failure of the transport means, and whether it may pass."""
    import socket

    from urllib3.exceptions import ProxyError

    cause = _cause(error)
    if isinstance(cause, socket.gaierror):
        who = "proxy" if isinstance(error, ProxyError) else "host"
        return NetworkError(f"the name of the {who} cannot be resolved ({cause.strerror})")
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"its certificate is not trusted ({cause.verify_message})"
        return NetworkError(f"{reason}; SSL_CERT_FILE can name the CAs of your network")
    if isinstance(cause, TimeoutError) and cause.errno is None:
        return PassingError(f"timed out after {timeout:g} s")
    return PassingError(f"{_what_failed(error, cause)}: {_detail(cause)}")


def _cause(error: BaseException) -> BaseException:
    """What lies below all that was wrapped around it; the context may be another's failure."""
    while True:
        inner = [part for part in (*error.args, error.__cause__) if isinstance(part, Exception)]
        if not inner:
            return error
        error = inner[0]


def _what_failed(error: Exception, cause: BaseException) -> str:
    from http.client import IncompleteRead

    from urllib3.exceptions import NewConnectionError, ProxyError

    if isinstance(error, ProxyError):
        return "the proxy cannot be used"
    if isinstance(error, NewConnectionError):
        return "cannot be reached"
    if isinstance(cause, ssl.SSLError):
        return "TLS failed"
    if isinstance(cause, (OSError, IncompleteRead)):
        return "the connection broke off"
    return "the answer is not proper HTTP"


def _detail(cause: BaseException) -> str:
    from http.client import IncompleteRead

    if isinstance(cause, IncompleteRead):
        return (
            f"{cause.expected:,} of the announced bytes are missing"
            if cause.expected
            else "its end is missing"
        )
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return printable(str(cause)) or type(cause).__name__


def _manager(parts: SplitResult, cas: Callable[[], ssl.SSLContext]) -> PoolManager:
    """What connects to a host, through a proxy if the environment names one."""
    from urllib3 import PoolManager, ProxyManager

    proxy = _proxy(parts)
    encrypted = "https" in {parts.scheme, proxy and proxy.scheme}
    context = cas() if encrypted else None
    if not proxy:
        return PoolManager(ssl_context=context)
    return ProxyManager(
        _bare(proxy),
        proxy_headers=_basic("Proxy-Authorization", proxy),
        proxy_ssl_context=context,
        ssl_context=context,
    )


def _proxy(parts: SplitResult) -> SplitResult | None:
    """The proxy for a URL; what is trusted because it stays on this machine must not leave it."""
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or is_loopback(parts.hostname) or proxy_bypass(_host(parts)):
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _host(parts: SplitResult) -> str:
    """Host and port, without credentials."""
    return parts.netloc.rpartition("@")[2]


def _bare(parts: SplitResult) -> str:
    """A URL as a server may see it."""
    return parts._replace(netloc=_host(parts), fragment="").geturl()


def _basic(header: str, parts: SplitResult) -> dict[str, str]:
    """The header that shows the credentials of a URL, if it has any."""
    if not (parts.username or parts.password):
        return {}
    pair = f"{unquote(parts.username or '')}:{unquote(parts.password or '')}"
    return {header: f"Basic {b64encode(pair.encode()).decode()}"}


def _skip_interim(pool: HTTPConnectionPool) -> None:
    """Pass over every answer of 1xx; http.client by itself passes over 100 only."""
    from http.client import HTTPException, HTTPResponse

    class Answer(HTTPResponse):
        def begin(self) -> None:
            for _ in range(MAX_INTERIM):
                super().begin()
                if self.status >= 200 or self.status == 101:
                    return
                self.headers = None  # type: ignore[assignment]  # lets it begin again
            msg = f"more than {MAX_INTERIM} interim answers"
            raise HTTPException(msg)

    pool.ConnectionCls = type("Connection", (pool.ConnectionCls,), {"response_class": Answer})

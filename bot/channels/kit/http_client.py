"""The one HTTP client of channels: a request and its answer, bounded, no redirect followed.

What is signed for one address goes to no other. What no answer means for the message on its way is said here as well;
what an answer means, by ``http_errors.of_status``.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from bot import ports
from bot.channels.kit import http_errors

#: Seconds for each connect, send and read; the sender bounds the whole.
_TIMEOUT = 15
_ANSWER_LIMIT = 64_000


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A response, whatever its status."""

    status: int
    #: Names in lower case.
    headers: Mapping[str, str]
    #: Its first bytes, as they came: no packed answer is asked for.
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def document(self) -> Any:
        """The body's JSON; None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def fields(self) -> Mapping[str, Any]:
        """The body's JSON object; empty where it is none."""
        document = self.document
        return document if isinstance(document, dict) else {}


async def request(
    method: str,
    url: str,
    *,
    who: str,
    body: bytes = b"",
    document: object = None,
    headers: Mapping[str, str] | None = None,
    limit_bytes: int = _ANSWER_LIMIT,
) -> HttpResponse:
    """Any status is an answer. ``document``: a body that is sent as JSON.

    Raises SendError where there is no answer; its text names ``who`` and never the address.
    """
    # Imported on first use: 0.25 s, which `check` needs not wait for.
    import httpx

    _silence()
    wanted = {"User-Agent": "wirewatch", "Accept-Encoding": "identity", **(headers or {})}
    if document is not None:
        body = json.dumps(document, ensure_ascii=False).encode()
        wanted["Content-Type"] = "application/json"
    try:
        # Proxies are the environment's, read at each call: one client a call, which is a message a second at most.
        async with (
            httpx.AsyncClient(verify=_tls(), timeout=_TIMEOUT) as client,
            client.stream(method, url, content=body, headers=wanted) as answer,
        ):
            received = bytearray()
            async for piece in answer.aiter_raw():
                received += piece
                if len(received) >= limit_bytes:
                    break
            return HttpResponse(answer.status_code, dict(answer.headers.items()), bytes(received[:limit_bytes]))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # Not chained: the library's own words may hold the address, and that a secret.
        raise _failure(error, who) from None


def _failure(error: Exception, who: str) -> ports.SendError:
    import httpx

    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return ports.Parked(f"{who}: its address cannot be used; correct it in bot.yaml")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        causes = (http_errors.never_left(cause, who=who) for cause in _causes(error))
        return next((known for known in causes if known), ports.Wait(f"{who}: no connection could be made"))
    if isinstance(error, httpx.TimeoutException):
        return ports.Unknown(f"{who}: no answer in time")
    if isinstance(error, httpx.TransportError):
        return ports.Unknown(f"{who}: the connection broke before an answer came")
    return http_errors.of_exception(error, who=who)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The chain, and the members of groups: one address of a name may fail otherwise than the next."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            yield from error.exceptions
        error = error.__cause__ or error.__context__


@cache
def _tls() -> ssl.SSLContext:
    import httpx

    context = httpx.create_ssl_context()
    # Beside the authorities that httpx ships: an office's own is in the system's store.
    context.load_default_certs()
    return context


@cache
def _silence() -> None:
    # They log each address, and with it the key that it may hold.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)

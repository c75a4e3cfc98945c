"""The HTTP client of all channels: one request with a bounded response.

Redirects are not followed, because a request that contains a secret must go to the configured address only.
"""

from __future__ import annotations

import json
import logging
import ssl
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import msgspec

from bot.channels.kit import phrases
from bot.channels.kit.errors import ErrorTable, error_of_status, parse_retry_after, send_error, unsent_error
from bot.durations import Clock
from bot.model.errors import ChannelClosed, OutcomeUnknown, RetryLater, SendError

#: Timeout in seconds of each connect, send and read. The sender limits the whole call.
_TIMEOUT = 15
_ANSWER_LIMIT = 64_000


class RateLimits:
    """The rate limits that a service has announced, by kind of request (usually a method of the service's API)."""

    def __init__(self, clock: Clock, *, who: str, posts: str = "") -> None:
        """``posts`` is the ``doing`` of a post: only its limit stops the whole channel. If empty, every limit does."""
        self._clock = clock
        self._who = who
        self._posts = posts
        self._ends: dict[str, datetime] = {}

    def check(self, doing: str, *, kind: str = "") -> None:
        """Raise RetryLater if requests of this kind (``doing`` by default) are not accepted yet."""
        now = self._clock.now()
        if (end := self._ends.get(kind or doing, now)) > now:
            raise self._error(doing, end - now)

    def close(self, doing: str, wait: timedelta | None, *, kind: str = "") -> RetryLater:
        """Refuse requests of this kind (``doing`` by default) until ``wait`` is over. Return the error of the limit.

        If ``wait`` is None, because the service states none, refuse them for a second.
        """
        wait, now = wait or timedelta(seconds=1), self._clock.now()
        self._ends = {other: end for other, end in self._ends.items() if end > now}
        self._ends[kind or doing] = now + wait
        return self._error(doing, wait)

    def _error(self, doing: str, wait: timedelta) -> RetryLater:
        text = f"{doing}: {self._who} says too many requests"
        return RetryLater(text, retry_after=wait, whole_channel=self._posts in ("", doing))


class HttpResponse(msgspec.Struct, frozen=True):
    """A response of any status."""

    status: int
    #: Name in lower case -> value.
    headers: Mapping[str, str]
    #: At most ``limit_bytes`` bytes, after decompression.
    body: bytes

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def document(self) -> Any:
        """The parsed JSON of the body, or None if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def fields(self) -> Mapping[str, Any]:
        """The JSON object in the body, or an empty mapping if the body is not a JSON object."""
        document = self.document
        return document if isinstance(document, dict) else {}

    def text_field(self, name: str, *, who: str) -> str:
        """Return a text field of the JSON object. Raises OutcomeUnknown if it is missing or empty."""
        value = self.fields.get(name)
        if not isinstance(value, str) or not value:
            raise OutcomeUnknown(f"{who}: the answer cannot be read (no {name})")
        return value


def error_of_response(
    response: HttpResponse,
    table: ErrorTable,
    *,
    code: object,
    who: str,
    doing: str,
    now: datetime,
    retry_after: timedelta | None = None,
) -> SendError:
    """Return the error for a response that is not a success, by its error code.

    If the status is 5xx or the code is unknown, the status determines the error. ``doing`` describes the request.
    ``retry_after`` is the wait that the service asks for. If it is None, the header Retry-After is read.
    """
    act, advice = table.get(code, (None, "")) if isinstance(code, str) else (None, "")
    if act is None or response.status >= 500:
        word = phrases.cut(code, 80) if isinstance(code, str) and code.isascii() else ""
        return error_of_status(response.status, who=who, headers=response.headers, now=now, word=word)
    wait = retry_after or parse_retry_after(response.headers, now=now)
    return send_error(act, f"{doing}: {who} says {code}", advice=advice, retry_after=wait)


async def request(
    method: str,
    url: str,
    *,
    who: str,
    body: bytes = b"",
    query: Mapping[str, str | int] | None = None,
    document: object = None,
    headers: Mapping[str, str] | None = None,
    limit_bytes: int = _ANSWER_LIMIT,
) -> HttpResponse:
    """Send a request and return the response, whatever its status. ``document`` is sent as a JSON body.

    ``query`` is added to the query of the address. Raises SendError if no response comes; its text names ``who``, never
    the address.
    """
    # Import on first use, because it takes 0.25 s and `check` does not need it.
    import httpx  # slow to import

    _silence_loggers()
    sent_headers = {"User-Agent": "wirewatch", "Accept-Encoding": "identity", **(headers or {})}
    if document is not None:
        body = json.dumps(document, ensure_ascii=False).encode()
        sent_headers["Content-Type"] = "application/json"
    try:
        full_url = httpx.URL(url).copy_merge_params(query) if query else url
        # Create a client for each call (at most one a second), so that it reads the environment's current proxies.
        async with (
            httpx.AsyncClient(verify=tls_context(), timeout=_TIMEOUT) as client,
            client.stream(method, full_url, content=body, headers=sent_headers) as response,
        ):
            received = bytearray()
            async for piece in response.aiter_raw():
                received += piece
                if len(received) >= limit_bytes:
                    break
            return HttpResponse(response.status_code, dict(response.headers.items()), bytes(received[:limit_bytes]))
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        # Do not chain the errors, because the library's text may contain the address, and thus a secret.
        raise _error_of_httpx(error, who) from None


def _error_of_httpx(error: Exception, who: str) -> SendError:
    import httpx  # slow to import

    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return ChannelClosed(f"{who}: its address cannot be used; correct it in bot.yaml")
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError):
        return unsent_error(error, who=who) or RetryLater(f"{who}: no connection could be made")
    if isinstance(error, httpx.TimeoutException):
        return OutcomeUnknown(f"{who}: no answer in time")
    if isinstance(error, httpx.TransportError):
        return OutcomeUnknown(f"{who}: the connection broke before an answer came")
    return OutcomeUnknown(f"{who}: the answer cannot be read ({type(error).__name__})")


@cache
def tls_context() -> ssl.SSLContext:
    """Return the TLS settings. They are cached, because reading the certificates takes tens of milliseconds."""
    import httpx  # slow to import

    context = httpx.create_ssl_context()
    # Also trust the system's store, because it may contain a company's certificate authority, which httpx does not.
    context.load_default_certs()
    return context


@cache
def _silence_loggers() -> None:
    # These libraries log each address, which may contain a key.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)

"""Access control: who may read, the number of concurrent requests, and the form of responses."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import hmac
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

import h11
import msgspec
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.model import visible
from bot.model.settings import TokenScope
from bot.queries.registry import Mistake

#: The paths for programs begin with these prefixes.
PROGRAMS = ("/api", "/mcp")
#: Maximum time in which a client sends the body of a request.
BODY_WITHIN = timedelta(seconds=10)
#: Size of the pieces in which an answer is sent.
PIECE_BYTES = 64 * 1024
#: Maximum size of a body. A pasted rule of 8,000 characters fits, even if every character is escaped.
MOST_BODY_BYTES = 128 * 1024
TYPE = "application/problem+json"
#: The header of every 401 response.
CHALLENGE = {"www-authenticate": 'Basic realm="Wirewatch", charset="UTF-8"'}


def problem_response(
    status: int, detail: str, *, mistakes: Sequence[Mistake] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """Return an error response in the form of a problem document (RFC 9457)."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [msgspec.structs.asdict(mistake) for mistake in mistakes],
    }
    text = visible.json_text(json.dumps(body, ensure_ascii=False))
    return Response(text, status, headers, TYPE)


def tagged_response(request: Request, content: bytes, content_type: str) -> Response:
    """Return an answer with its ETag, or 304 if the client already has it. Hashing a long answer is slow."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    known_tags = [value.strip().removeprefix("W/") for value in request.headers.get("if-none-match", "").split(",")]
    if tag in known_tags or "*" in known_tags:
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, content_type)


class SlowBody(Exception):
    """The client did not send the body of its request within ``BODY_WITHIN``."""


async def read_body(receive: Receive, most_bytes: int) -> bytes | None:
    """Read the body of a request; return None if it is longer than ``most_bytes``. Raises SlowBody.

    Callers read the body even of a refused request. Otherwise, the connection may close before the client reads the
    answer.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN.total_seconds()):
            while True:
                message = await receive()
                body += message.get("body", b"")
                if len(body) > most_bytes:
                    return None
                if not message.get("more_body"):
                    return bytes(body)
    except TimeoutError:
        raise SlowBody from None


def slow_refusal(path: str) -> Response:
    """Return the answer to a request that takes too long. It closes the connection."""
    return refusal_response(path, 408, "The request took too long.", {"connection": "close"})


def refusal_response(path: str, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error response in the format that clients of ``path`` expect."""
    if path.startswith(PROGRAMS):
        return problem_response(status, text, headers=headers)
    return PlainTextResponse(f"{text}\n", status, headers)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """A program, or a reader of the page."""

    #: The token's name in web.tokens, or "" for callers with the page's own token or without a token.
    name: str
    may: TokenScope = TokenScope.READ


def caller_of(scope: Scope) -> Caller:
    """Return the caller of an admitted request, which AccessGuard has stored in the request's scope."""
    return cast("Caller", scope["state"]["caller"])


def is_known(scope: Scope) -> bool:
    """Return whether the caller may read the page. /healthz and feeds also answer other callers."""
    return "caller" in scope.get("state", {})


#: Paths that need no token and allow any host name, because machines such as load balancers request them.
OPEN_TO_ALL = ("/healthz", "/healthz/live", "/healthz/ready")

#: The beginning of the paths that feed readers request.
FEEDS = "/feeds/"
#: The parameter with the token, which feed readers can send only in the address.
FEED_TOKEN = "token"  # noqa: S105 - the name of a parameter

#: A request with a header of these names, or with these beginnings, came through a proxy, which may have set the Host
#: header.
PROXY_HEADERS = frozenset({"forwarded", "via", "x-real-ip", "x-client-ip", "x-cluster-client-ip", "true-client-ip"})
PROXY_PREFIXES = ("x-forwarded-", "cf-")

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
        "frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


class AccessGuard:
    """Middleware that sets security headers, and requires web.token or, if that is not set, a known host name."""

    def __init__(
        self, app: ASGIApp, *, token: str | None, hosts: Collection[str], callers: Mapping[bytes, Caller]
    ) -> None:
        """``callers`` maps each secret of web.tokens to its program."""
        self._app = app
        self._callers = callers
        self._token = token.encode() if token is not None else None
        self._feed_token = feed_token(token).encode() if token is not None else None
        # Without a token, answer only to our own host names. A page in the operator's browser can point its own name at
        # 127.0.0.1 (DNS rebinding), and could then read the status page.
        self._hosts = frozenset(hosts) if token is None else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope, Headers(scope=scope))
        if scope["path"] in OPEN_TO_ALL or self._has_feed_token(scope):
            refusal = None
        if refusal is None and "\0" in scope["path"]:
            # No id or name contains NUL, and PostgreSQL refuses it.
            refusal = refusal_response(scope["path"], 404, "There is nothing at this address.")
        if refusal is not None and scope["method"] == "POST":
            with contextlib.suppress(SlowBody):
                await read_body(receive, MOST_BODY_BYTES)
        try:
            await (refusal or self._app)(scope, receive, send_with_headers)
        except h11.LocalProtocolError:
            # The client broke the protocol, so the server has refused the request and is closing the connection.
            while (await receive())["type"] != "http.disconnect":
                pass

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        path = scope["path"]
        is_program = path.startswith(PROGRAMS)
        # Pages of other sites may only link to pages. They may not link to the paths for programs, because some act.
        if is_foreign(headers) and (is_program or not _is_navigation(headers)):
            return refusal_response(path, 403, "Pages of other sites may not load anything from this site.")
        # nginx's plain proxy_pass adds no header and sends our own name, but it uses HTTP/1.0.
        is_proxied = scope.get("http_version") == "1.0" or any(
            name in PROXY_HEADERS or name.startswith(PROXY_PREFIXES) for name in headers
        )
        if self._hosts is not None and (is_proxied or _host_name(headers.get("host", "")) not in self._hosts):
            text = "This page answers only to this machine's own names. Behind a proxy, set web.token in bot.yaml."
            return refusal_response(path, 421, text)
        token = _read_token(headers.get("authorization", ""))
        caller = self._find_caller(token)
        # A page shows its buttons to callers who may act. Other tokens of programs open no page.
        if caller is not None and not is_program and caller.may is not TokenScope.ACT:
            caller = None
        if caller is None and self._is_open_to(token, is_program=is_program):
            caller = Caller(name="")
        if caller is not None:
            scope.setdefault("state", {})["caller"] = caller
            return None
        text = "Send web.token of bot.yaml as the password (with any user name) or as a bearer token."
        return refusal_response(path, 401, text, CHALLENGE)

    def _find_caller(self, token: bytes) -> Caller | None:
        """Return the program with this token. Compare all tokens, so that the response time reveals nothing."""
        owners = [caller for secret, caller in self._callers.items() if hmac.compare_digest(token, secret)]
        return owners[0] if owners else None

    def _is_open_to(self, token: bytes, *, is_program: bool) -> bool:
        """Compare the token with web.token. If web.token is not set, refuse only programs that send another token."""
        if self._token is None:
            return not (is_program and token)
        return hmac.compare_digest(token, self._token)

    def _has_feed_token(self, scope: Scope) -> bool:
        if self._feed_token is None or not scope["path"].startswith(FEEDS) or is_foreign(Headers(scope=scope)):
            return False
        token = QueryParams(scope["query_string"]).get(FEED_TOKEN, "")
        return hmac.compare_digest(token.encode(), self._feed_token)


def feed_token(token: str) -> str:
    """Derive a token that opens only feeds. It is part of feed addresses and does not reveal the page's token."""
    return hmac.new(token.encode(), b"wirewatch feeds", "sha256").hexdigest()[:32]


def is_foreign(headers: Headers) -> bool:
    """Return whether a page of another site caused the request. Requests of programs are never foreign.

    Browsers send Sec-Fetch-Site to https and loopback addresses, and Origin with forms and scripts. If a browser sends
    neither, as with plain http to another machine, only the token protects the page.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        # "same-site" can be another port of this machine, so it counts as foreign.
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


def _is_navigation(headers: Headers) -> bool:
    """Return whether a person followed a link, which is harmless, because the linking site cannot read the page."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _read_token(authorization: str) -> bytes:
    """Return the token in an Authorization header. Return an empty value if the header has no token."""
    kind, _, value = authorization.strip().partition(" ")
    match kind.lower():
        case "bearer":
            return value.strip().encode("latin-1", "replace")
        case "basic":
            try:
                return base64.b64decode(value.strip(), validate=True).partition(b":")[2]
            except (binascii.Error, ValueError):
                return b""
        case _:
            return b""


def _host_name(host: str) -> str:
    """Return the name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


#: Maximum time from the end of a request's head until the client has received the answer. A trial of a rule takes less,
#: even if it waits for other trials.
ANSWER_WITHIN = timedelta(seconds=60)
#: Maximum concurrent answers to all clients. What one client may use of them is the proxy's concern.
MOST_ANSWERS = 32


class Admission:
    """Middleware that answers 503 while too many requests are in progress, and ends requests that take too long.

    A slow client therefore frees its place after ``within`` at the latest.
    """

    def __init__(self, app: ASGIApp, within: timedelta = ANSWER_WITHIN) -> None:
        self._app = app
        self._within = within
        self._answers = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in OPEN_TO_ALL:
            await self._app(scope, receive, send)
            return
        if self._answers >= MOST_ANSWERS:
            refusal = refusal_response(scope["path"], 503, "Too many requests at once.", {"retry-after": "1"})
            await refusal(scope, receive, send)
            return
        self._answers += 1
        has_begun = False

        async def send_in_pieces(message: Message) -> None:
            """Send the message. Between two pieces of a long body, the server waits until the client has taken some."""
            nonlocal has_begun
            has_begun = True
            body = message.get("body", b"")
            start = 0
            while len(body) - start > PIECE_BYTES:
                await send({**message, "body": body[start : start + PIECE_BYTES], "more_body": True})
                start += PIECE_BYTES
            await send({**message, "body": body[start:]} if start else message)

        try:
            async with asyncio.timeout(self._within.total_seconds()):
                await self._app(scope, receive, send_in_pieces)
        except TimeoutError:
            # The server closes a connection whose answer is incomplete.
            if not has_begun:
                await slow_refusal(scope["path"])(scope, receive, send)
        finally:
            self._answers -= 1

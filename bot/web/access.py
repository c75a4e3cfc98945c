"""Who may read, how often, how many requests at once, and what a refusal looks like."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import math
import time
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import cast
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot import model
from bot.model import visible
from bot.queries.errors import Mistake
from bot.web.connections import client_of

#: Under these addresses programs ask.
PROGRAMS = ("/api", "/mcp")
#: Of a body: a pasted rule of 8,000 characters, each written as an escape.
MOST_BODY_BYTES = 128 * 1024
TYPE = "application/problem+json"
#: Of every 401.
CHALLENGE = {"www-authenticate": 'Basic realm="Wirewatch", charset="UTF-8"'}


def problem_response(
    status: int, detail: str, *, mistakes: Sequence[Mistake] = (), headers: Mapping[str, str] | None = None
) -> Response:
    """The error as a problem document."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": [asdict(one) for one in mistakes],
    }
    text = visible.json_text(json.dumps(body, ensure_ascii=False))
    return Response(text, status, headers, TYPE)


async def read_body(receive: Receive, most_bytes: int) -> bytes | None:
    """The body of a request; None: it is longer.

    An answer to a request that was not read to its end may be lost with the connection.
    """
    body = bytearray()
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > most_bytes:
            return None
        if not message.get("more_body"):
            return bytes(body)


def refusal_response(path: str, status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """The error in the form that whoever asks for ``path`` reads."""
    if path.startswith(PROGRAMS):
        return problem_response(status, text, headers=headers)
    return PlainTextResponse(f"{text}\n", status, headers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A program, or a reader of the page."""

    #: Of web.tokens; empty: whoever has the page's token, or needs none on this machine.
    name: str
    may: model.TokenScope = model.TokenScope.READ


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The secrets of web.tokens."""

    callers: Mapping[bytes, Caller]

    def caller(self, given: bytes) -> Caller | None:
        """Whose token it is; each is compared, whichever it is. None: nobody's."""
        found = [caller for token, caller in self.callers.items() if hmac.compare_digest(given, token)]
        return found[0] if found else None


#: Callers remembered; of more, those that asked longest ago begin anew.
MOST_CALLERS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """Requests a minute, also all at once."""

    a_minute: int = 300


class Rates:
    """The buckets of all callers, which fill steadily and are emptied by requests. Pure: the time is handed in."""

    def __init__(self, rate: Rate) -> None:
        self._most = float(rate.a_minute)
        #: Caller -> what is left, and when that was. The last to ask is last.
        self._left: dict[str, tuple[float, float]] = {}

    def take(self, caller: str, cost: int, now: float) -> int | None:
        """None: it may ask; else in how many seconds it may."""
        left, since = self._left.pop(caller, (self._most, now))
        left = min(self._most, left + (now - since) * self._most / 60)
        is_enough = left >= cost
        self._left[caller] = (left - cost if is_enough else left, now)
        if len(self._left) > MOST_CALLERS:
            del self._left[next(iter(self._left))]
        return None if is_enough else math.ceil((cost - left) * 60 / self._most)


def note_caller(scope: Scope, caller: Caller) -> None:
    """Keep who asks with the request."""
    scope.setdefault("state", {})["caller"] = caller


def caller_of(scope: Scope) -> Caller:
    """Who asks."""
    return cast("Caller", scope["state"]["caller"])


def is_known(scope: Scope) -> bool:
    """Return whether the caller may read the page; /healthz and feeds answer others too."""
    return "caller" in scope.get("state", {})


def rate_refusal(scope: Scope, rates: Rates, cost: int) -> Response | None:
    """429 to a caller that asks too often: counted by its token, or by the machine that it is on."""
    who = caller_of(scope).name or f"at {client_of(scope['client'])}"
    wait = rates.take(who, cost, time.monotonic())
    if wait is None:
        return None
    return problem_response(429, f"Too many requests: wait {wait} s.", headers={"retry-after": str(wait)})


#: Asked by machines that hold no token and that name the host as they like.
OPEN_TO_ALL = ("/healthz", "/healthz/live", "/healthz/ready")

#: Asked by hubs, by an address that only they know.
HUBS = "/websub/"

#: Asked by feed readers, which show a token in the address only; and where it is there.
FEEDS, FEED_TOKEN = "/feeds/", "token"

#: A request with one of these came through a proxy, and its Host header is the proxy's own choice.
FORWARDED = ("x-forwarded-for", "x-forwarded-host", "forwarded", "x-real-ip", "via")

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


_NO_TOKENS = Tokens({})


class AccessGuard:
    """Middleware that asks for the token, or without one for a known host name, and sets the security headers."""

    def __init__(self, app: ASGIApp, *, token: str | None, hosts: Collection[str], tokens: Tokens = _NO_TOKENS) -> None:
        self._app = app
        self._tokens = tokens
        self._token = token.encode() if token is not None else None
        self._feed_token = feed_token(token).encode() if token is not None else None
        # Without a token any page that the operator's browser visits could read ours, once its own name leads to
        # 127.0.0.1 (DNS rebinding): only the names that are ours are answered.
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
        if scope["path"] in OPEN_TO_ALL or scope["path"].startswith(HUBS) or self._has_feed_token(scope):
            refusal = None
        if refusal is None and "\0" in scope["path"]:
            # No id or name has it, and PostgreSQL refuses it.
            refusal = refusal_response(scope["path"], 404, "There is nothing at this address.")
        if refusal is not None and scope["method"] == "POST":
            await read_body(receive, MOST_BODY_BYTES)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        path = scope["path"]
        is_program = path.startswith(PROGRAMS)
        # Nobody follows a link to what is for programs, and some of it acts.
        if is_foreign(headers) and (is_program or not _is_navigation(headers)):
            return refusal_response(path, 403, "Pages of other sites may not load anything from here.")
        if self._hosts is not None and (
            _name_of(headers.get("host", "")) not in self._hosts or any(name in headers for name in FORWARDED)
        ):
            text = "This page is served under this machine's own names only. Behind a proxy, set web.token in bot.yaml."
            return refusal_response(path, 421, text)
        given = _given(headers.get("authorization", ""))
        caller = self._tokens.caller(given) if is_program else None
        if caller is None and self._is_open_to(given, is_program=is_program):
            caller = Caller(name="")
        if caller is not None:
            note_caller(scope, caller)
            return None
        text = "A token is needed: the one of web.token in bot.yaml, as the password (any user name) or a bearer."
        return refusal_response(path, 401, text, CHALLENGE)

    def _is_open_to(self, given: bytes, *, is_program: bool) -> bool:
        """Without web.token to everybody on this machine; but a program that shows a token is told that it is none."""
        if self._token is None:
            return not (is_program and given)
        return hmac.compare_digest(given, self._token)

    def _has_feed_token(self, scope: Scope) -> bool:
        if self._feed_token is None or not scope["path"].startswith(FEEDS) or is_foreign(Headers(scope=scope)):
            return False
        given = QueryParams(scope["query_string"]).get(FEED_TOKEN, "")
        return hmac.compare_digest(given.encode(), self._feed_token)


def feed_token(token: str) -> str:
    """What a feed reader shows in an address: made of the token, which it does not tell, and good for feeds alone."""
    return hmac.new(token.encode(), b"wirewatch feeds", "sha256").hexdigest()[:32]


def is_foreign(headers: Headers) -> bool:
    """Whether a page of another site made the browser ask, as far as the browser says; programs say nothing.

    Sec-Fetch-Site comes with every request to https and to loopback, Origin with forms and scripts. Where a browser
    says neither, plain http to another machine, the token is what protects.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        # "same-site" is another port of this machine.
        return site not in ("same-origin", "none")
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2].lower() != headers.get("host", "").lower()


def _is_navigation(headers: Headers) -> bool:
    """A link that somebody followed: it shows the page to him, and nothing to the site that has the link."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _given(authorization: str) -> bytes:
    """The token that was shown; empty: none."""
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


def _name_of(host: str) -> str:
    """The name in a Host header, without the port."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


#: Behind a proxy all readers are one client, so its share is not small.
MOST_ANSWERS, MOST_OF_ONE_CLIENT = 32, 16


class Admission:
    """Middleware that answers 503 where too many requests are being answered."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._clients: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in OPEN_TO_ALL:
            await self._app(scope, receive, send)
            return
        client = client_of(scope["client"])
        if self._clients.total() >= MOST_ANSWERS or self._clients[client] >= MOST_OF_ONE_CLIENT:
            refusal = refusal_response(scope["path"], 503, "Too many requests at once.", {"retry-after": "1"})
            await refusal(scope, receive, send)
            return
        self._clients[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

"""Who may read, and what a browser may do with what it gets.

Pure ASGI. A reader shows the token as a bearer (programs) or as the password of HTTP Basic (browsers ask for it), so it
is never in an address, a cookie or a log (docs/decisions/0019-web.md).
"""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.web import callers, problems

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


_NO_TOKENS = callers.Tokens({})


class AccessGuard:
    """Middleware that asks for the token, or without one for a known host name, and sets the security headers."""

    def __init__(
        self, app: ASGIApp, *, token: str | None, hosts: Collection[str], tokens: callers.Tokens = _NO_TOKENS
    ) -> None:
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
            refusal = problems.refusal(scope["path"], 404, "There is nothing at this address.")
        if refusal is not None and scope["method"] == "POST":
            await problems.read(receive, problems.MOST_BODY_BYTES)
        await (refusal or self._app)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope, headers: Headers) -> Response | None:
        path = scope["path"]
        is_program = path.startswith(problems.PROGRAMS)
        # Nobody follows a link to what is for programs, and some of it acts.
        if is_foreign(headers) and (is_program or not _is_navigation(headers)):
            return problems.refusal(path, 403, "Pages of other sites may not load anything from here.")
        if self._hosts is not None and (
            _name_of(headers.get("host", "")) not in self._hosts or any(name in headers for name in FORWARDED)
        ):
            text = "This page is served under this machine's own names only. Behind a proxy, set web.token in bot.yaml."
            return problems.refusal(path, 421, text)
        given = _given(headers.get("authorization", ""))
        caller = self._tokens.caller(given) if is_program else None
        if caller is None and self._is_open_to(given, is_program=is_program):
            caller = callers.Caller(name="")
        if caller is not None:
            callers.note(scope, caller)
            return None
        text = "A token is needed: the one of web.token in bot.yaml, as the password (any user name) or a bearer."
        return problems.refusal(path, 401, text, problems.CHALLENGE)

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

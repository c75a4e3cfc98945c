"""Add what a feed's own access needs to a request: headers, a proxy, and TLS with its certificates.

The one place of this package that holds a secret's text, and no longer than the request takes. Knows no redirect: the
caller decides whether the request goes to the origin that the secrets belong to.
"""

from __future__ import annotations

import base64
import re
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx

from bot import model
from bot.ports import ConfigError, Refused

SecretOf = Callable[[model.Secret], str]
_Files = tuple[str | None, str | None, str | None]
#: Printable ASCII: a line break would begin another header (RFC 9112 section 2.2).
_HEADER = re.compile(r"\A[\x20-\x7e]*+\Z")
#: A line break would begin another command of IMAP.
_PASSWORD = re.compile(r"\A[^\x00\r\n]*+\Z")
#: RFC 6265 without its ban on quotes and commas, which real cookies have.
_COOKIE = re.compile(r"\A[\x21-\x3a\x3c-\x7e]*+\Z")


def no_secret(secret: model.Secret) -> str:
    """Raise ConfigError: the secrets of a client that has none."""
    raise ConfigError(f"{secret.reference} cannot be opened here")


class Keys:
    """Reads the secrets that the feeds' accesses name."""

    def __init__(self, secret_of: SecretOf) -> None:
        self._secret_of = secret_of
        self._contexts: dict[_Files, ssl.SSLContext] = {}
        self._stamps: dict[_Files, tuple[int, ...]] = {}

    def fields(self, access: model.Access) -> dict[str, str]:
        """Return the headers by name. Raises Refused."""
        headers = {name: self._opened(value, f"the header {name}", _HEADER) for name, value in access.headers}
        if access.cookies:
            pairs = (f"{name}={self._opened(x, f'the cookie {name}', _COOKIE)}" for name, x in access.cookies)
            headers["Cookie"] = "; ".join(pairs)
        if access.login is not None:
            secret = self._opened(access.login.secret, "auth", _HEADER if access.login.user is None else None)
            headers["Authorization"] = _authorization(access.login.user, secret)
        return headers

    def password(self, login: model.Login) -> str:
        """Return the password of a login. Raises Refused."""
        return self._opened(login.secret, "auth", _PASSWORD)

    def proxy(self, access: model.Access) -> str | None:
        """Return the address of the feed's proxy, or None if it has none. Raises Refused."""
        if access.proxy is None:
            return None
        address = self._opened(access.proxy, "proxy", _HEADER)
        try:
            url = httpx.URL(address)
        except httpx.InvalidURL:
            url = httpx.URL("")
        if url.scheme not in ("http", "https") or not url.host:
            raise Refused("the feed's proxy is not an address; write http://host:port")
        return address

    def tls(self, access: model.Access) -> ssl.SSLContext | None:
        """Return a context with the feed's certificates (one for equal files), or None without any. Raises Refused."""
        files = (access.certificate, access.key, access.authority)
        if not any(files):
            return None
        try:
            # Renewed certificates have the same name: a changed file is loaded for the next handshake.
            stamp = tuple(Path(name).stat().st_mtime_ns for name in files if name)
            if self._stamps.get(files) != stamp:
                context = self._contexts.setdefault(files, httpx.create_ssl_context())
                if access.authority:
                    context.load_verify_locations(access.authority)
                if access.certificate:
                    # Otherwise a key with a passphrase would prompt on the terminal.
                    context.load_cert_chain(access.certificate, access.key, password=lambda: "")
                self._stamps[files] = stamp
        except (OSError, ValueError) as error:
            reason = "not PEM, or key and certificate do not fit" if isinstance(error, ssl.SSLError) else error
            raise Refused(f"the feed's certificate files cannot be used: {reason}") from None
        return self._contexts[files]

    def _opened(self, value: str | model.Secret, what: str, form: re.Pattern[str] | None) -> str:
        try:
            text = self._secret_of(value) if isinstance(value, model.Secret) else value
        except ConfigError as error:
            raise Refused(f"{what}: {error}") from None
        if form is not None and not form.match(text):
            raise Refused(f"{what} has a character that is not allowed there, such as a line break; not sent")
        return text


def _authorization(user: str | None, secret: str) -> str:
    if user is None:
        return f"Bearer {secret}"
    return "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode("ascii")

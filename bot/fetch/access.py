"""Check the address of a request, and build a feed's own access from its secrets: headers, proxy, TLS certificates.

Only this module of the package reads a secret's text, and it keeps the text no longer than the request takes. It makes
no connection: the client decides whether a request goes to the origin to which the secrets belong.
"""

from __future__ import annotations

import base64
import ssl
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from bot.model import visible
from bot.model.access import Access, BasicAuth, Secret
from bot.model.errors import AddressRefused, ConfigError
from bot.patterns import LazyPattern

SecretOf = Callable[[Secret], str]
_Files = tuple[str | None, str | None, str | None]
#: A header has only printable ASCII, because a line break would begin another header (RFC 9112 section 2.2).
_HEADER = LazyPattern(r"\A[\x20-\x7e]*+\Z")
#: A password has no line break, because it would begin another IMAP command.
_PASSWORD = LazyPattern(r"\A[^\x00\r\n]*+\Z")
#: A cookie has the characters of RFC 6265, and quotes and commas, which real cookies contain.
_COOKIE = LazyPattern(r"\A[\x21-\x3a\x3c-\x7e]*+\Z")


def no_secret(secret: Secret) -> str:
    """Raise ConfigError, for a client that must not read secrets."""
    raise ConfigError(f"{secret.reference} cannot be read here")


class Keys:
    """Reads the secrets to which the feeds' access settings refer."""

    def __init__(self, secret_of: SecretOf) -> None:
        self._secret_of = secret_of
        self._contexts: dict[_Files, ssl.SSLContext] = {}
        self._stamps: dict[_Files, tuple[int, ...]] = {}

    def fields(self, access: Access) -> dict[str, str]:
        """Return a feed's own headers by name. Raises AddressRefused."""
        headers = {name: self._opened(value, f"the header {name}", _HEADER) for name, value in access.headers}
        if access.cookies:
            pairs = (f"{name}={self._opened(x, f'the cookie {name}', _COOKIE)}" for name, x in access.cookies)
            headers["Cookie"] = "; ".join(pairs)
        if access.auth and access.auth.basic:
            password = self._opened(access.auth.basic.password, "auth", None)
            headers["Authorization"] = _basic_authorization(access.auth.basic.user, password)
        elif access.auth and access.auth.bearer:
            headers["Authorization"] = f"Bearer {self._opened(access.auth.bearer, 'auth', _HEADER)}"
        return headers

    def password(self, login: BasicAuth) -> str:
        """Return the password of a login. Raises AddressRefused."""
        return self._opened(login.password, "auth", _PASSWORD)

    def proxy(self, access: Access) -> str | None:
        """Return the address of the feed's proxy, or None if it has none. Raises AddressRefused."""
        if access.proxy is None:
            return None
        address = self._opened(access.proxy, "proxy", _HEADER)
        try:
            parse_address(address)
        except AddressRefused:
            # The address may contain a password, so do not show it.
            raise AddressRefused("the feed's proxy is not an address; write http://host:port") from None
        return address

    def tls(self, access: Access) -> ssl.SSLContext | None:
        """Return a TLS context with the feed's certificates, or None if it has none. Raises AddressRefused."""
        if access.tls is None:
            return None
        files = (access.tls.certificate, access.tls.key, access.tls.authority)
        try:
            # A renewed certificate has the same file name, so load a changed file again.
            stamp = tuple(Path(name).stat().st_mtime_ns for name in files if name)
            if self._stamps.get(files) != stamp:
                context = self._contexts.setdefault(files, httpx.create_ssl_context())
                if access.tls.authority:
                    context.load_verify_locations(access.tls.authority)
                if access.tls.certificate:
                    # Pass an empty password: otherwise a key with a passphrase would prompt on the terminal.
                    context.load_cert_chain(access.tls.certificate, access.tls.key, password=lambda: "")
                self._stamps[files] = stamp
        except (OSError, ValueError) as error:
            reason = "not PEM, or the key does not match the certificate" if isinstance(error, ssl.SSLError) else error
            raise AddressRefused(f"the feed's certificate files cannot be used: {reason}") from None
        return self._contexts[files]

    def _opened(self, value: str | Secret, what: str, form: LazyPattern[str] | None) -> str:
        try:
            text = self._secret_of(value) if isinstance(value, Secret) else value
        except ConfigError as error:
            raise AddressRefused(f"{what}: {error}") from None
        if form is not None and not form.match(text):
            raise AddressRefused(f"{what} has a character that is not allowed there, such as a line break; not sent")
        return text


def _basic_authorization(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode("ascii")


#: Most servers refuse longer addresses, and no feed needs one (RFC 9110 section 4.1 recommends supporting 8,000).
MAX_ADDRESS_LENGTH = 8000
MAX_PORT = 65_535


class Address(msgspec.Struct, frozen=True):
    """An address, and the credentials for its origin."""

    #: The address without credentials and fragment.
    url: httpx.URL
    user: str = ""
    password: str = ""

    @property
    def host(self) -> str:
        """Return the host's name in ASCII."""
        # Not ``url.host``, which decodes a name such as “xn--ls8h.la” and refuses it, although the host exists.
        return self.url.raw_host.decode("ascii")

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Return scheme, host and port (None for the scheme's default), which limit the use of credentials."""
        return self.url.scheme, self.host, self.url.port

    @property
    def authorization(self) -> str | None:
        """Return the Authorization header, or None without credentials."""
        if not self.user and not self.password:
            return None
        return _basic_authorization(self.user, self.password)

    @property
    def whole(self) -> str:
        """Return the address with its credentials, for the store. Must never be shown."""
        if not self.user and not self.password:
            return str(self.url)
        return str(self.url.copy_with(username=self.user, password=self.password))


def parse_address(text: str) -> Address:
    """Parse an address. Raises AddressRefused with the reason."""
    text = text.strip()
    if len(text) > MAX_ADDRESS_LENGTH:
        raise AddressRefused(f"{visible.masked(text[:80])}…: longer than {MAX_ADDRESS_LENGTH} characters; not fetched")
    try:
        return _check_address(httpx.URL(text), text)
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(f"{visible.masked(text)}: not an address ({error}); correct it in feeds.yaml") from error


def next_hop(current: Address, location: str) -> Address:
    """Return the target of a redirect. Keep the credentials only on the same origin. Raises AddressRefused."""
    location = location.strip()
    try:
        target = _check_address(current.url.join(location), f"redirects to {location[:200]}")
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused(
            f"redirects to something that is not an address ({error}); inform the publisher"
        ) from error
    if target.origin == current.origin:
        return Address(target.url, current.user, current.password)
    # Drop the credentials, because a server must not choose another server that gets them.
    return Address(target.url)


def _check_address(url: httpx.URL, text: str) -> Address:
    if url.scheme not in ("http", "https"):
        what = f'scheme "{url.scheme}"' if url.scheme else "no scheme"
        raise AddressRefused(f"{visible.masked(text)}: {what}; only http and https are fetched")
    if not url.raw_host:
        raise AddressRefused(f"{visible.masked(text)}: no host name; an address reads https://host/path")
    if url.port is not None and url.port > MAX_PORT:
        raise AddressRefused(f"{visible.masked(text)}: ports end at {MAX_PORT}; not fetched")
    user, password = url.username, url.password
    bare = url.copy_with(username=None, password=None, fragment=None) if url.userinfo or url.fragment else url
    return Address(bare, user, password)

"""Check the address of a request: scheme, origin, credentials, the next hop.

Knows no connection: the guard checks what an address resolves to.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass

import httpx

from bot.model import visible
from bot.ports import Refused

#: Longer addresses are refused by most servers, and no feed needs one (RFC 9110 section 4.1 asks for 8,000).
MAX_LENGTH = 8000


@dataclass(frozen=True, slots=True)
class Address:
    """An address, and the credentials that belong to its origin alone."""

    #: Without credentials and fragment.
    url: httpx.URL
    user: str = ""
    password: str = ""

    @property
    def host(self) -> str:
        """Return the host's name in ASCII."""
        return self.url.host

    @property
    def origin(self) -> tuple[str, str, int | None]:
        """Return scheme, host and port (None for the scheme's default), which limit the use of credentials."""
        return self.url.scheme, self.url.host, self.url.port

    @property
    def authorization(self) -> str | None:
        """Return the Authorization header, or None without credentials."""
        if not self.user and not self.password:
            return None
        packed = base64.b64encode(f"{self.user}:{self.password}".encode())
        return "Basic " + packed.decode("ascii")

    @property
    def whole(self) -> str:
        """Return the address with its credentials: for the store, never to be shown."""
        if not self.user and not self.password:
            return str(self.url)
        return str(self.url.copy_with(username=self.user, password=self.password))


def parse(text: str) -> Address:
    """Parse an address. Raises Refused, which says what is wrong."""
    text = text.strip()
    if len(text) > MAX_LENGTH:
        raise Refused(f"{visible.masked(text[:80])}…: longer than {MAX_LENGTH} characters; not fetched")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(f"{visible.masked(text)}: not an address ({error}); correct it in feeds.yaml") from error
    return _checked(url, text)


def next_hop(current: Address, location: str) -> Address:
    """Return the target of a redirect, with the credentials only on the same origin. Raises Refused."""
    try:
        url = current.url.join(location.strip())
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused(f"redirects to something that is not an address ({error}); tell the publisher") from error
    target = _checked(url, f"redirects to {location.strip()[:200]}")
    if target.origin == current.origin:
        return Address(target.url, current.user, current.password)
    # A server must not choose which other server gets the credentials.
    return Address(target.url)


def _checked(url: httpx.URL, text: str) -> Address:
    if url.scheme not in ("http", "https"):
        what = f'scheme "{url.scheme}"' if url.scheme else "no scheme"
        raise Refused(f"{visible.masked(text)}: {what}; only http and https are fetched")
    if not url.host:
        raise Refused(f"{visible.masked(text)}: no host name; an address reads https://host/path")
    user, password = url.username, url.password
    bare = url.copy_with(username=None, password=None, fragment=None) if url.userinfo or url.fragment else url
    return Address(bare, user, password)

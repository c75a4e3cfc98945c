"""The contents of a request besides its address (headers, cookies, login, proxy, TLS), and references to secrets.

This module reads no secret. ``config.resolve_secret`` reads the variable or the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, ClassVar, Literal, Self, TypeVar
from urllib.parse import urlsplit

from bot import keys
from bot.keys import InvalidValue, Key, Parse
from bot.patterns import LazyPattern

_T = TypeVar("_T", bound="Access | Tls")
_ENV_NAME = LazyPattern(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_SECRET_SCHEMA = {"type": "string", "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"}


@dataclass(frozen=True, slots=True, repr=False)
class Secret:
    """A reference to a secret, ``env:NAME`` or ``file:/path``, which prints as ``***``.

    >>> secret = Secret.parse("env:SLACK_BOT_TOKEN")
    >>> secret, secret.reference
    (***, 'env:SLACK_BOT_TOKEN')
    """

    kind: Literal["env", "file"]
    #: The variable's name or the file's path.
    name: str

    @classmethod
    def parse(cls, text: object) -> Self:
        """Parse a reference. Raises InvalidValue, which never repeats the input, because it may be a secret."""
        if isinstance(text, cls):
            return text
        kind, colon, name = text.strip().partition(":") if isinstance(text, str) else ("", "", "")
        if kind == "env" and colon:
            if not _ENV_NAME.match(name):
                is_spaced = _ENV_NAME.match(name.strip())
                advice = f"write env:{name.strip()}, without a space" if is_spaced else "write letters, digits and _"
                raise InvalidValue("secret", "after env: comes the name of an environment variable", advice)
            return cls("env", name)
        if kind == "file" and colon:
            if not name.strip() or "\0" in name:
                raise InvalidValue("secret", "after file: comes the path of a file", "write file:/path")
            return cls("file", name.strip())
        if isinstance(text, Mapping) and _ENV_NAME.match(name := str(text.get("env"))):
            raise InvalidValue("secret", "a secret is written without braces", f"write env:{name}, without a space")
        if isinstance(text, str) and (variable := re.fullmatch(r"\$\{?([A-Z_][A-Z0-9_]*)\}?", text.strip())):
            raise InvalidValue("secret", "a variable is named without $", f"write env:{variable[1]}")
        message = "secrets must not be written into the configuration"
        raise InvalidValue("secret", message, "use env:NAME or file:/path")

    @property
    def reference(self) -> str:
        """The reference for messages: ``env:SLACK_BOT_TOKEN``."""
        return f"{self.kind}:{self.name}"

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    # pydantic finds these two methods by name. So a pydantic model can have a field of this class, although this module
    # does not import pydantic. See
    # https://docs.pydantic.dev/latest/concepts/types/#customizing-validation-with-__get_pydantic_core_schema__
    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: object, handler: Callable[[object], Mapping[str, object]]
    ) -> Mapping[str, object]:
        return {
            "type": "function-before",
            "function": {"type": "no-info", "function": cls.parse},
            "schema": {"type": "is-instance", "cls": cls},
            "serialization": {"type": "to-string"},
        }

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: object, handler: Callable[[object], dict[str, object]]
    ) -> dict[str, object]:
        return {**_SECRET_SCHEMA, "description": "env:NAME or file:/path; never the secret itself."}


#: A name of a header or of a cookie (RFC 9110 section 5.6.2).
_TOKEN = LazyPattern(r"\A[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
#: Header that has a separate key -> advice.
_REFUSED = {
    "authorization": "write auth: {bearer: env:NAME} or auth: {basic: {user: NAME, password: env:NAME}}",
    "cookie": "write cookies: {NAME: env:NAME}",
    "proxy-authorization": "write the proxy's whole address into a variable, and proxy: env:NAME",
}
#: Headers that the client sets.
_CLIENT_HEADERS = frozenset(
    "host connection content-length transfer-encoding te upgrade trailer expect range accept-encoding if-none-match"
    " if-modified-since if-match if-unmodified-since if-range".split()
)
#: Headers whose values are never secret. The value of every other header may be a secret.
_PLAIN_HEADERS = frozenset("accept accept-language user-agent referer from cache-control dnt origin".split())


def _parse_headers(value: object) -> tuple[tuple[str, str | Secret], ...]:
    headers: list[tuple[str, str | Secret]] = []
    for key, written in _pairs_of(value, "headers: {X-Api-Key: env:NAME}"):
        name = _parse_name(key, "header")
        if name.lower() in _REFUSED or name.lower() in _CLIENT_HEADERS:
            help_text = _REFUSED.get(name.lower(), "remove it: Wirewatch sets this header")
            raise InvalidValue("value", f"the header {name} cannot be set here", help_text)
        text = keys.parse_text(written)
        if name.lower() not in _PLAIN_HEADERS or text.startswith(("env:", "file:")):
            headers.append((name, Secret.parse(text)))
        elif text.isascii() and text.isprintable():
            headers.append((name, text))
        else:
            raise InvalidValue("value", f"the header {name} has a character that is not allowed there")
    return tuple(headers)


def _parse_cookies(value: object) -> tuple[tuple[str, Secret], ...]:
    pairs = _pairs_of(value, "cookies: {session: env:NAME}")
    return tuple((_parse_name(key, "cookie"), Secret.parse(written)) for key, written in pairs)


def _pairs_of(value: object, example: str) -> Iterator[tuple[object, object]]:
    if not isinstance(value, dict):
        raise InvalidValue("wrong-kind", f"a block of keys is expected here, not {keys.describe_kind(value)}", example)
    return iter(value.items())


def _parse_name(value: object, what: str) -> str:
    name = keys.parse_text(value)
    if not _TOKEN.match(name):
        # Do not repeat the name, because it may be a secret in the wrong place.
        raise InvalidValue("value", f"this is not a valid name of a {what}", "write letters, digits and -")
    return name


def _parse_proxy(value: object) -> str | Secret:
    written = keys.parse_text(value)
    if written.startswith(("env:", "file:")):
        return Secret.parse(written)
    if "@" in written:
        raise InvalidValue("secret", "passwords must not be written into the configuration", "write proxy: env:NAME")
    try:
        parts = urlsplit(written)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise InvalidValue("address", "this is not the address of a proxy", "write http://proxy.example.org:3128")
    return written


def _parse_host(value: object) -> str:
    written = keys.parse_text(value).lower()
    if not re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", written):
        help_text = "write news.example.org, or *.example.org for each host below it"
        raise InvalidValue("address", f'"{keys.shorten(written)}" is not a host name', help_text)
    return written


#: The name of a host, or ``*.`` and a domain.
Host = Annotated[str, Parse(_parse_host, type="string")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BasicAuth:
    """A user name and a password."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    user: Annotated[keys.Text, Key("The name to log in with.", example="analyst")]
    password: Annotated[Secret, Key("The password, as env:NAME or file:/path.", example="env:PAPER_PASSWORD")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Auth:
    """Basic or bearer authentication."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    basic: Annotated[BasicAuth | None, Key("Basic authentication (RFC 7617).")] = None
    bearer: Annotated[Secret | None, Key("A bearer token (RFC 6750), as env:NAME.")] = None


def _require_one_kind(auth: Auth) -> Auth:
    if (auth.basic is None) == (auth.bearer is None):
        raise InvalidValue("value", "auth needs either basic or bearer", "write auth: {bearer: env:NAME}")
    return auth


@dataclass(frozen=True, slots=True, kw_only=True)
class Tls:
    """The files for TLS, in PEM format."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    certificate: Annotated[keys.Text | None, Key("The client certificate, with its chain.")] = None
    key: Annotated[
        keys.Text | None, Key("The certificate's private key, without a passphrase, if it is in a separate file.")
    ] = None
    authority: Annotated[
        keys.Text | None,
        Key("Certificates of authorities that are trusted for this host in addition to the public authorities."),
    ] = None


def _require_certificate(tls: Tls) -> Tls:
    if tls.key and not tls.certificate:
        raise InvalidValue("value", "a key without its certificate", "add certificate: /path/client.pem")
    return tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Headers, cookies, login, proxy and TLS files of a feed's requests. Only the proxy serves other origins too."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    headers: Annotated[
        tuple[tuple[str, str | Secret], ...],
        Parse(_parse_headers, type="object", additionalProperties={"type": "string"}),
        Key("Headers of each request. Write a secret value as env:NAME or file:/path."),
    ] = ()
    cookies: Annotated[
        tuple[tuple[str, Secret], ...],
        Parse(_parse_cookies, type="object", additionalProperties=_SECRET_SCHEMA),
        Key("Cookies of each request, each value as env:NAME or file:/path."),
    ] = ()
    auth: Annotated[
        Annotated[Auth, Parse(_require_one_kind, "after")] | None, Key("How to log in: basic or bearer.")
    ] = None
    #: Unlike the other fields, the proxy also applies to redirects to other origins.
    proxy: Annotated[
        Annotated[str | Secret, Parse(_parse_proxy, type="string")] | None,
        Key("The proxy for requests: http://host:port, or env:NAME if it has a password."),
    ] = None
    tls: Annotated[
        Annotated[Tls, Parse(_require_certificate, "after")] | None,
        Key("A client certificate, and a private authority."),
    ] = None

    @property
    def sent_secrets(self) -> list[Secret]:
        """Return the secrets that each request contains."""
        sent = [value for _, value in (*self.headers, *self.cookies)]
        login = (self.auth.bearer, self.auth.basic and self.auth.basic.password) if self.auth else ()
        return [value for value in (*sent, *login) if isinstance(value, Secret)]

    def over(self, group: Access) -> Self:
        """Return this access with its empty fields, and the empty fields of ``tls``, filled from ``group``."""
        filled = _fill(self, group)
        return replace(filled, tls=_fill(self.tls, group.tls)) if self.tls and group.tls else filled


def _fill(own: _T, group: Access | Tls) -> _T:
    changes: dict[str, Any] = {
        field.name: getattr(own, field.name) or getattr(group, field.name) for field in fields(group)
    }
    return replace(own, **changes)

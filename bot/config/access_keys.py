"""The keys of a feed, or of a group of hosts, that set what requests carry: headers, cookies, auth, proxy, tls."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Annotated
from urllib.parse import urlsplit

import pydantic

from bot import model
from bot.config import secrets
from bot.config.nodes import MappingNode, Node, ScalarNode
from bot.config.problems import ProblemReport
from bot.config.strict import KeyBlock
from bot.model import values

#: A name of a header or of a cookie (RFC 9110 section 5.6.2).
_TOKEN = re.compile(r"\A[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
#: Headers that have a separate key, and what to write instead.
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
#: Headers that hold no secret; the value of every other header may be one.
_PLAIN_HEADERS = frozenset("accept accept-language user-agent referer from cache-control dnt origin".split())
#: An unknown key whose value is probably a secret.
_SECRET_NAME = re.compile(r"(?i)auth|token|secret|pass|cookie|key|header|login|user")
_KEYS = ("headers", "cookies", "auth", "proxy", "tls")


def _parse_name(value: object, what: str) -> str:
    name = values.parse_text(value)
    if not _TOKEN.match(name):
        # Do not repeat it: it may be the secret itself.
        raise values.InvalidValue("value", f"this is not a valid name of a {what}", "write letters, digits and -")
    return name


def _parse_headers(value: object) -> Mapping[str, str | model.Secret]:
    headers: dict[str, str | model.Secret] = {}
    for key, written in _pairs_of(value, "headers: {X-Api-Key: env:NAME}"):
        name = _parse_name(key, "header")
        if name.lower() in _REFUSED or name.lower() in _CLIENT_HEADERS:
            help_text = _REFUSED.get(name.lower(), "remove it: Wirewatch sets this header")
            raise values.InvalidValue("value", f"the header {name} cannot be set here", help_text)
        text = values.parse_text(written)
        if name.lower() in _PLAIN_HEADERS and not text.startswith(("env:", "file:")):
            if not text.isascii() or not text.isprintable():
                raise values.InvalidValue("value", f"the header {name} has a character that is not allowed there")
            headers[name] = text
        else:
            headers[name] = _parse_secret(text)
    return headers


def _parse_cookies(value: object) -> Mapping[str, model.Secret]:
    pairs = _pairs_of(value, "cookies: {session: env:NAME}")
    return {_parse_name(key, "cookie"): _parse_secret(written) for key, written in pairs}


def _pairs_of(value: object, example: str) -> Iterator[tuple[object, object]]:
    if not isinstance(value, dict):
        raise values.InvalidValue(
            "wrong-kind", f"a block of keys is expected here, not {values.describe_kind(value)}", example
        )
    return iter(value.items())


def _parse_secret(value: object) -> model.Secret:
    try:
        return model.Secret.parse(value)
    except ValueError as error:
        raise values.InvalidValue("secret", str(error).partition(": ")[0], "use env:NAME or file:/path") from None


def _parse_proxy(value: object) -> str | model.Secret:
    written = values.parse_text(value)
    if written.startswith(("env:", "file:")):
        return _parse_secret(written)
    if "@" in written:
        raise values.InvalidValue("secret", "a password is not written into the configuration", "write proxy: env:NAME")
    try:
        parts = urlsplit(written)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid:
        raise values.InvalidValue(
            "address", "this is not the address of a proxy", "write http://proxy.example.org:3128"
        )
    return written


def _parse_host(value: object) -> str:
    written = values.parse_text(value).lower()
    if not re.fullmatch(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*", written):
        help_text = "write news.example.org, or *.example.org for each host below it"
        raise values.InvalidValue("address", f'"{values.shorten(written)}" is not a host name', help_text)
    return written


_SECRET_SCHEMA = {"type": "string", "pattern": "^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)$"}
Host = Annotated[str, pydantic.PlainValidator(_parse_host), pydantic.WithJsonSchema({"type": "string"})]


class BasicKeys(KeyBlock):
    """A name and a password."""

    user: values.Text = pydantic.Field(..., description="The name to log in with.", examples=["analyst"])
    password: model.Secret = pydantic.Field(
        ..., description="Its password, as env:NAME or file:/path.", examples=["env:PAPER_PASSWORD"]
    )


class AuthKeys(KeyBlock):
    """Basic or bearer authentication."""

    basic: BasicKeys | None = pydantic.Field(None, description="Basic authentication (RFC 7617).")
    bearer: model.Secret | None = pydantic.Field(None, description="A bearer token (RFC 6750), as env:NAME.")

    @pydantic.model_validator(mode="after")
    def _check_one_kind(self) -> AuthKeys:
        if (self.basic is None) == (self.bearer is None):
            raise values.InvalidValue("value", "auth needs either basic or bearer", "write auth: {bearer: env:NAME}")
        return self


class TlsKeys(KeyBlock):
    """Files in PEM form."""

    certificate: values.Text | None = pydantic.Field(None, description="The client certificate, with its chain.")
    key: values.Text | None = pydantic.Field(
        None, description="The certificate's key, without a passphrase, if it is in a separate file."
    )
    authority: values.Text | None = pydantic.Field(
        None, description="Certificates of authorities that are trusted for this host as well as the public ones."
    )

    @pydantic.model_validator(mode="after")
    def _key_has_certificate(self) -> TlsKeys:
        if self.key and not self.certificate:
            raise values.InvalidValue("value", "a key without its certificate", "add certificate: /path/client.pem")
        return self


class AccessKeys(KeyBlock):
    """The contents of requests besides the address, sent to the feed's origin only."""

    headers: Annotated[
        Mapping[str, str | model.Secret],
        pydantic.PlainValidator(_parse_headers),
        pydantic.WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
    ] = pydantic.Field({}, description="Headers of each request; a value that is a secret is env:NAME or file:/path.")
    cookies: Annotated[
        Mapping[str, model.Secret],
        pydantic.PlainValidator(_parse_cookies),
        pydantic.WithJsonSchema({"type": "object", "additionalProperties": _SECRET_SCHEMA}),
    ] = pydantic.Field({}, description="Cookies of each request, each value as env:NAME or file:/path.")
    auth: AuthKeys | None = pydantic.Field(None, description="How to log in: basic or bearer.")
    proxy: (
        Annotated[
            str | model.Secret, pydantic.PlainValidator(_parse_proxy), pydantic.WithJsonSchema({"type": "string"})
        ]
        | None
    ) = pydantic.Field(
        None, description="The proxy to ask through: http://host:port, or env:NAME where it has a password."
    )
    tls: TlsKeys | None = pydantic.Field(None, description="A client certificate, and a private authority.")

    def access(self, home: str = "") -> model.Access | None:
        """Return the access for the fetcher, or None if no key is set."""
        auth, tls = self.auth, self.tls
        login = None
        if auth and auth.basic:
            login = model.Login(user=auth.basic.user, secret=auth.basic.password)
        elif auth and auth.bearer:
            login = model.Login(secret=auth.bearer)
        access = model.Access(
            headers=tuple(self.headers.items()),
            cookies=tuple(self.cookies.items()),
            login=login,
            proxy=self.proxy,
            certificate=tls.certificate if tls else None,
            key=tls.key if tls else None,
            authority=tls.authority if tls else None,
        )
        return replace(access, home=home) if access != model.Access() else None


def apply_host_access(feed: model.Feed, groups: Mapping[str, model.Access]) -> model.Feed:
    """Return the feed with the access of its host, where it sets none; the more exact host name counts first."""
    host = (urlsplit(feed.url).hostname or "").lower()
    host_names = [name for name in groups if host == name or (name[0] == "*" and host.endswith(name[1:]))]
    access = feed.access
    for name in sorted(host_names, key=lambda name: (name[0] == "*", -len(name))):
        access = (access or model.Access(home=feed.url)).over(groups[name])
    return feed if access is feed.access else replace(feed, access=access)


def hide_access_secrets(node: Node | None, report: ProblemReport) -> None:
    """Hide in the lines of the file whatever may be a written-out secret."""
    if not isinstance(node, MappingNode):
        return
    for key, value in node.pairs:
        if key.value in _KEYS or values.find_nearest(key.value, _KEYS) or _SECRET_NAME.search(key.value):
            for leaf in _leaf_scalars(value):
                if not leaf.value.startswith(("env:", "file:", "http://", "https://")) or "@" in leaf.value:
                    report.hide(leaf.start, leaf.end)


def _leaf_scalars(node: Node) -> Iterator[ScalarNode]:
    match node:
        case ScalarNode():
            yield node
        case MappingNode():
            for key, value in node.pairs:
                if not _TOKEN.match(key.value):
                    yield key
                yield from _leaf_scalars(value)
        case _:
            for item in node.items:
                yield from _leaf_scalars(item)


def warn_of_access(
    node: Node, access: model.Access | None, report: ProblemReport, environ: Mapping[str, str], *, what: str
) -> None:
    """Warn of secrets that are not set or would be sent unencrypted; ``what`` says what waits for a missing one."""
    if access is None or not isinstance(node, MappingNode):
        return
    login = [access.login.secret] if access.login else []
    sent_values = [value for _, value in (*access.headers, *access.cookies)] + [*login, access.proxy]
    first = next((key for key, _ in node.pairs if key.value in _KEYS), None)
    start, end = (first.start, first.end) if first else (node.start, node.start + 1)
    for secret in sent_values:
        if isinstance(secret, model.Secret) and (why := secrets.explain_missing_secret(secret, environ)):
            message = why.split(":", maxsplit=1)[0]
            report.add("unset-secret", message, f"{what} until then", start=start, end=end, severity="warning")
    is_open = access.home.startswith("http://") and any(isinstance(value, model.Secret) for value in sent_values[:-1])
    if is_open:
        message = "its secret is sent over http, unencrypted"
        report.add("secret-in-the-open", message, "write https://", start=start, end=end, severity="warning")

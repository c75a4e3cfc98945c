"""What bot.yaml may say of a channel of kind email."""

from __future__ import annotations

import re
from datetime import time, timedelta
from email.headerregistry import Address
from typing import Annotated, Self, TypeAlias
from zoneinfo import ZoneInfo

import pydantic

from bot import model
from bot.channels.email import smtp
from bot.channels.kit import phrases
from bot.channels.kit.context import Duration

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_WRITTEN = re.compile(r"(?:([^<>\r\n]*)<(?=[^<>]*>$))?([^<>\s]+)>?")
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_DIGEST = re.compile(r"([0-9]{1,2}):([0-9]{2})(?:\s+(\S+))?")


def _address(written: object) -> Address:
    """Parse ``desk@example.org`` or ``Policy desk <desk@example.org>``."""
    if isinstance(written, Address):
        return written
    match = _WRITTEN.fullmatch(written.strip()) if isinstance(written, str) else None
    name, plain = (match[1] or "", match[2]) if match else ("", "")
    local, _, domain = plain.rpartition("@")
    try:
        plain = f"{local}@{domain.encode('idna').decode('ascii')}" if domain else plain
    except UnicodeError:
        plain = ""
    if not _ADDRESS.fullmatch(plain) or ".." in plain or plain.startswith("."):
        raise ValueError("expected an address: desk@example.org, or Policy desk <desk@example.org>")
    return Address(display_name=phrases.clean(name), addr_spec=plain)


def _server(written: object) -> tuple[str, int | None]:
    match = _SERVER.fullmatch(written) if isinstance(written, str) else None
    if match is None or not 0 < int(match[2] or 25) < 65536:
        raise ValueError("expected a server's name: smtp.example.org, or smtp.example.org:587")
    return match[1].strip("[]"), int(match[2]) if match[2] else None


def _digest(written: object) -> tuple[time, ZoneInfo | None] | None:
    match = _DIGEST.fullmatch(written.strip()) if isinstance(written, str) else None
    try:
        if match:
            return time(int(match[1]), int(match[2])), ZoneInfo(match[3]) if match[3] else None
    except (ValueError, KeyError, OSError):
        pass
    raise ValueError("expected a time of day, optionally with a time zone: 08:00, or 08:00 Europe/Paris")


#: A mail address as people write it.
MailAddress: TypeAlias = Annotated[
    Address, pydantic.PlainValidator(_address), pydantic.WithJsonSchema({"type": "string", "format": "email"})
]


class Options(pydantic.BaseModel):
    """A list of recipients, who get a mail for each story and each reply, in threads; or one digest a day."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    to: tuple[MailAddress, ...] = pydantic.Field(
        ..., description="Recipients: an address or a list of addresses. They see each other."
    )
    sender: MailAddress = pydantic.Field(
        ..., description="The address that sends the mails, and to which undeliverable mails return."
    )
    server: Annotated[
        tuple[str, int | None],
        pydantic.PlainValidator(_server),
        pydantic.WithJsonSchema({"type": "string", "examples": ["smtp.example.org:587"]}),
    ] = pydantic.Field(..., description="The mail server: its name, and its port if it is not the usual one.")
    security: smtp.Security = pydantic.Field(
        smtp.Security.STARTTLS,
        description="starttls (port 587), tls (from the first byte, port 465), or none (in clear, port 25).",
    )
    username: str | None = pydantic.Field(None, description="The name of the login, if the server requires one.")
    password: model.Secret | None = pydantic.Field(None, description="The login's password: env:NAME or file:/path.")
    digest: Annotated[
        tuple[time, ZoneInfo | None] | None,
        pydantic.PlainValidator(_digest),
        pydantic.WithJsonSchema({"type": "string", "examples": ["08:00", "08:00 Europe/Paris"]}),
    ] = pydantic.Field(
        None,
        description="A time of day: one mail then has all stories of a day, whatever the rules set for other channels.",
    )
    unsubscribe: str | None = pydantic.Field(
        None,
        description="The address to leave the list: mailto:… (without the key, a mail to the sender), or https:… if "
        "there is one recipient.",
    )
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two mails.")

    @pydantic.field_validator("to", mode="before")
    @classmethod
    def _is_list(cls, listed: object) -> object:
        return (listed,) if isinstance(listed, str) else listed

    @pydantic.field_validator("to")
    @classmethod
    def _has_recipients(cls, listed: tuple[Address, ...]) -> tuple[Address, ...]:
        if not listed:
            raise ValueError("add at least one address")
        if len({address.addr_spec.casefold() for address in listed}) < len(listed):
            raise ValueError("an address is in the list twice")
        return listed

    @pydantic.field_validator("unsubscribe")
    @classmethod
    def _is_address(cls, url: str | None) -> str | None:
        if url is not None and not re.fullmatch(r"(mailto:|https://)[!#-;=?-~]{3,500}", url):
            raise ValueError("expected an address that begins with mailto: or https://")
        return url

    @pydantic.model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password go together: set both or neither")
        if self.password is not None and self.security is smtp.Security.NONE and not _is_here(self.server[0]):
            raise ValueError("a password must not be sent unencrypted: set security to starttls or tls")
        if self.unsubscribe and self.unsubscribe.startswith("https:") and len(self.to) > 1:
            raise ValueError("https: does not identify the recipient: use mailto:, or a channel for each recipient")
        return self


def _is_here(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")

"""``kind: email``: a mail for each message, to a list of recipients."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from datetime import datetime, time, timedelta
from email.headerregistry import Address
from typing import Annotated, Self, TypeAlias
from zoneinfo import ZoneInfo

import pydantic
import structlog

from bot import model
from bot.channels.email import mail, smtp
from bot.channels.email.smtp import Stage
from bot.channels.kit import phrases
from bot.channels.kit.context import (
    BaseChannel,
    ChannelContext,
    ChannelFeatures,
    ChannelOptions,
    Duration,
    passed,
    step,
)
from bot.channels.kit.errors import Act

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_WRITTEN = re.compile(r"(?:([^<>\r\n]*)<(?=[^<>]*>$))?([^<>\s]+)>?")
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")
_DIGEST = re.compile(r"([0-9]{1,2}):([0-9]{2})(?:\s+(\S+))?")


def _parse_address(written: object) -> Address:
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


def _parse_server(written: object) -> tuple[str, int | None]:
    match = _SERVER.fullmatch(written) if isinstance(written, str) else None
    if match is None or not 0 < int(match[2] or 25) < 65536:
        raise ValueError("expected a server's name: smtp.example.org, or smtp.example.org:587")
    return match[1].strip("[]"), int(match[2]) if match[2] else None


def _parse_digest(written: object) -> tuple[time, ZoneInfo | None] | None:
    match = _DIGEST.fullmatch(written.strip()) if isinstance(written, str) else None
    try:
        if match:
            return time(int(match[1]), int(match[2])), ZoneInfo(match[3]) if match[3] else None
    except (ValueError, KeyError, OSError):
        pass
    raise ValueError("expected a time of day, optionally with a time zone: 08:00, or 08:00 Europe/Paris")


#: A mail address as people write it.
MailAddress: TypeAlias = Annotated[
    Address, pydantic.PlainValidator(_parse_address), pydantic.WithJsonSchema({"type": "string", "format": "email"})
]


class Options(ChannelOptions):
    """A list of recipients, who get a mail for each story and each reply, in threads; or one digest a day."""

    to: tuple[MailAddress, ...] = pydantic.Field(
        ..., description="Recipients: an address or a list of addresses. They see each other."
    )
    sender: MailAddress = pydantic.Field(
        ..., description="The address that sends the mails, and to which undeliverable mails return."
    )
    server: Annotated[
        tuple[str, int | None],
        pydantic.PlainValidator(_parse_server),
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
        pydantic.PlainValidator(_parse_digest),
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

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(digest=self.digest)

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
        if self.password is not None and self.security is smtp.Security.NONE and not _is_local(self.server[0]):
            raise ValueError("a password must not be sent unencrypted: set security to starttls or tls")
        if self.unsubscribe and self.unsubscribe.startswith("https:") and len(self.to) > 1:
            raise ValueError("https: does not identify the recipient: use mailto:, or a channel for each recipient")
        return self


def _is_local(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


log = structlog.get_logger("wirewatch")

KIND = "email"
#: How long to retry a deferred recipient (greylisting, a full mailbox) after the others have received a mail; during
#: this time later messages of the thread wait, for all recipients.
_PATIENCE = timedelta(minutes=30)


class Channel(BaseChannel):
    """A list of recipients. Sent mails cannot be edited or looked up; each attempt at one has the same Message-ID."""

    abilities = model.Abilities(threads=True, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        host, port = options.server
        self._host, self._port = host, port or smtp.PORTS[options.security]
        login = options.password.reference if options.password else "without a login"
        account = f"email {host}:{self._port} {options.username or ''} {login}"
        super().__init__(name, account=account, pace=options.pace, context=context)
        self._options = options
        self._unsubscribe = options.unsubscribe or mail.unsubscribe_address(options.sender, name)
        self._partly = _PartlySent(context, key=f"email {name} partly sent")

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        content = mail.compose(
            delivery,
            sender=self._options.sender,
            to=self._options.to,
            name=self.name,
            unsubscribe=self._unsubscribe,
            now=self.context.clock.now(),
            zone=self.context.zone,
        )
        ref = mail.message_id(delivery.id, self._options.sender.domain)
        subject = mail.subject_of(delivery)
        receipt = model.Receipt(ref=ref, place="email", subject=subject, sent_at=self.context.clock.now())
        served = await self._partly.served(delivery.id)
        waiting = [address.addr_spec for address in self._options.to if address.addr_spec not in served]
        if not waiting:
            return receipt
        async with self._session() as session:
            refused = await session.open(self._options.sender.addr_spec, waiting)
            deferred, rejected = self._split_refused(refused)
            if len(refused) < len(waiting):
                await session.finish(content)
            else:
                await session.forget()
        self._log_refused(rejected)
        if deferred and not (served and await self._partly.is_old(delivery.id)):
            if len(refused) < len(waiting):
                await self._partly.put(delivery.id, {*served, *waiting} - deferred.keys())
            recipient, answer = next(iter(deferred.items()))
            text = f"{model.format_count(len(deferred), 'recipient')} put off, such as {recipient}"
            raise model.RetryLater(f"{text}: {answer.code} {_answer_text(answer)}", whole_channel=False)
        if len(rejected) == len(self._options.to):
            answer = next(iter(rejected.values()))
            raise smtp.error_of(Stage.RECIPIENT, answer.code, answer.text)
        self._log_refused(deferred)
        await self._partly.put(delivery.id, ())
        return receipt

    def _log_refused(self, refused: Mapping[str, smtp.Answer]) -> None:
        for recipient, answer in refused.items():
            fields = {"channel": self.name, "recipient": recipient, "code": answer.code, "answer": _answer_text(answer)}
            log.warning("recipient refused", **fields)

    def _split_refused(
        self, refused: Mapping[str, smtp.Answer]
    ) -> tuple[dict[str, smtp.Answer], dict[str, smtp.Answer]]:
        """Return the deferred and the rejected recipients. Raises SendError if a refusal is not about a recipient."""
        deferred, rejected = dict[str, smtp.Answer](), dict[str, smtp.Answer]()
        for recipient, answer in refused.items():
            act = smtp.rule_for(Stage.RECIPIENT, answer.code, answer.text).act
            if act is Act.PARK_WORKSPACE:
                raise smtp.error_of(Stage.RECIPIENT, answer.code, answer.text)
            (deferred if act is Act.WAIT else rejected)[recipient] = answer
        return deferred, rejected

    async def check_setup(self) -> AsyncIterator[model.CheckLine]:
        """Talk to the server up to the recipients, and send nothing."""
        sender = self._options.sender.addr_spec
        with step(f"the mail server {self._host}:{self._port} accepts mail from {sender}"):
            async with self._session() as session:
                refused = await session.open(sender, [address.addr_spec for address in self._options.to])
                await session.forget()
        encryption = "in clear" if self._options.security is smtp.Security.NONE else "over TLS"
        yield passed(f"the mail server {self._host}:{self._port} answers {encryption} and accepts mail from {sender}")
        for address in self._options.to:
            answer = refused.get(address.addr_spec)
            if answer is None:
                yield passed(f"it accepts mail for {address.addr_spec}")
                continue
            refusal = smtp.error_of(Stage.RECIPIENT, answer.code, answer.text)
            is_deferred = isinstance(refusal, model.RetryLater)
            what = f"it {'defers' if is_deferred else 'rejects'} mail for {address.addr_spec}"
            yield model.CheckLine(is_good=is_deferred, what=what, help=str(refusal))

    def _session(self) -> AbstractAsyncContextManager[smtp.Session]:
        login = None
        if self._options.username is not None and self._options.password is not None:
            password = self.context.secret(self._options.password, what="the mail server's password")
            login = smtp.Login(username=self._options.username, password=password)
        domain = self._options.sender.domain
        return smtp.open_session(self._host, self._port, security=self._options.security, login=login, name=domain)


def _answer_text(answer: smtp.Answer) -> str:
    return phrases.cut(phrases.clean(answer.text), 200)


class _PartlySent:
    """Mails that only some recipients have received, stored so that a repetition goes to the others only."""

    def __init__(self, context: ChannelContext, *, key: str) -> None:
        self._context = context
        self._key = key

    async def served(self, send_id: str) -> frozenset[str]:
        _, recipients = (await self._all()).get(send_id, ("", []))
        return frozenset(recipients)

    async def is_old(self, send_id: str) -> bool:
        since, _ = (await self._all())[send_id]
        return self._context.clock.now() - datetime.fromisoformat(since) > _PATIENCE

    async def put(self, send_id: str, served: Iterable[str]) -> None:
        """Store the recipients who have received a mail; without recipients, the mail is done and forgotten."""
        mails = await self._all()
        entry = mails.pop(send_id, None)
        if recipients := sorted(served):
            mails[send_id] = (entry[0] if entry else self._context.clock.now().isoformat(), recipients)
        elif entry is None:
            return
        await self._context.key_values.put(self._key, json.dumps(mails))

    async def _all(self) -> dict[str, tuple[str, list[str]]]:
        """Return, by send id, the time of the first attempt and the recipients who have received the mail."""
        mails: dict[str, tuple[str, list[str]]] = json.loads(await self._context.key_values.get(self._key) or "{}")
        return mails

"""``kind: email``: a mail for each message, to a list of recipients.

Until the text of a mail is sent, nothing can have arrived, so a failure is retried. After that, the outcome is unknown
until the server answers.
"""

from __future__ import annotations

import contextlib
import email.policy
import html
import json
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from enum import StrEnum
from typing import Annotated, Self, TypeAlias
from urllib.parse import quote

import aiosmtplib
import pydantic
import structlog

from bot.channels.kit import errors, outline, phrases, rendering
from bot.channels.kit.context import (
    BaseChannel,
    ChannelContext,
    ChannelOptions,
    Duration,
    Picture,
    as_list,
    passed,
    step,
)
from bot.channels.kit.errors import Act, ErrorTable, send_error
from bot.channels.kit.outline import Style
from bot.durations import format_count
from bot.model.access import Secret
from bot.model.channels import Abilities, ChannelFeatures, CheckLine, Delivery
from bot.model.errors import ChannelClosed, OutcomeUnknown, RetryLater, SendError
from bot.model.messages import Listing, Notice, Receipt, Reply, content_of, post_of
from bot.model.rules import Severity
from bot.patterns import LazyPattern

KIND = "email"
_ADDRESS = LazyPattern(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}")
_WRITTEN = LazyPattern(r"(?:([^<>\r\n]*)<(?=[^<>]*>$))?([^<>\s]+)>?")
_SERVER = LazyPattern(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?")


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
        raise ValueError("expected a server's name: write smtp.example.org, or smtp.example.org:587")
    return match[1].strip("[]"), int(match[2]) if match[2] else None


#: A mail address as people write it.
MailAddress: TypeAlias = Annotated[
    Address, pydantic.PlainValidator(_parse_address), pydantic.WithJsonSchema({"type": "string", "format": "email"})
]


class Security(StrEnum):
    """The encryption of the connection."""

    #: TLS from the first byte (RFC 8314), port 465.
    TLS = "tls"
    #: STARTTLS (RFC 3207), port 587; never falls back to an unencrypted connection.
    STARTTLS = "starttls"
    #: Unencrypted, port 25: for a server on this machine or in a trusted network.
    NONE = "none"


_PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


class Options(ChannelOptions):
    """A list of recipients, who get a mail for each story and each reply, in threads."""

    to: Annotated[tuple[MailAddress, ...], as_list] = pydantic.Field(
        ..., description="Recipients: an address or a list of addresses. They see each other."
    )
    sender: MailAddress = pydantic.Field(
        ...,
        description="The address that sends the mails, and to which undeliverable mails return.",
        examples=["wirewatch@example.org"],
    )
    server: Annotated[
        tuple[str, int | None],
        pydantic.PlainValidator(_parse_server),
        pydantic.WithJsonSchema({"type": "string"}),
    ] = pydantic.Field(
        ...,
        description="The mail server: its name, and its port if it is not the usual one.",
        examples=["smtp.example.org:587"],
    )
    security: Security = pydantic.Field(
        Security.STARTTLS,
        description="starttls (port 587), tls (from the first byte, port 465), or none (in clear, port 25).",
    )
    username: str | None = pydantic.Field(None, description="The name of the login, if the server requires one.")
    password: Secret | None = pydantic.Field(None, description="The login's password: env:NAME or file:/path.")
    unsubscribe: str | None = pydantic.Field(
        None,
        description="The address for leaving the list: mailto:…, or https:… if there is one recipient. Without it, a "
        "mail to the sender.",
    )
    picture: Picture = False
    pace: Duration = pydantic.Field(timedelta(seconds=1), description="Minimum time between two mails.")

    @property
    def features(self) -> ChannelFeatures:
        return ChannelFeatures(shows_pictures=self.picture, shows_all_stories=_shows_all_stories)

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
        host, _ = self.server
        is_local = host in ("localhost", "::1") or host.startswith("127.")
        if self.password is not None and self.security is Security.NONE and not is_local:
            raise ValueError("a password must not be sent unencrypted: set security to starttls or tls")
        if self.unsubscribe and self.unsubscribe.startswith("https:") and len(self.to) > 1:
            raise ValueError("https: does not identify the recipient: use mailto:, or one channel for each recipient")
        return self


log = structlog.get_logger("wirewatch")

_WHO = "the mail server"
#: Seconds to wait for the server's answer to a command, and to QUIT. The sender limits the whole call.
_TIMEOUT, _QUIT_TIMEOUT = 20, 1
#: How long to retry recipients that the server defers (greylisting, a full mailbox) after the other recipients have
#: received the mail. During this time, later messages of the thread wait, for all recipients.
_PATIENCE = timedelta(minutes=30)

#: Address of a refused recipient -> the server's answer.
Refused: TypeAlias = Mapping[str, aiosmtplib.SMTPResponseException]


class Channel(BaseChannel):
    """A list of recipients. Mails cannot be edited or looked up. All attempts at a mail have the same Message-ID."""

    abilities = Abilities(threads=True, edits=False, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        host, port = options.server
        self._host, self._port = host, port or _PORTS[options.security]
        login = options.password.reference if options.password else "without a login"
        account = f"email {host}:{self._port} {options.username or ''} {login}"
        super().__init__(name, account=account, pace=options.pace, context=context)
        self._options = options
        self._partly_sent_key = f"email {name} partly sent"

    async def send(self, delivery: Delivery) -> Receipt:
        now = self.context.clock.now()
        content = compose(delivery, self._options, name=self.name, now=now, zone=self.context.zone)
        ref = message_id(delivery.id, self._options.sender.domain)
        receipt = Receipt(ref=ref, place="email", subject=subject_of(delivery), sent_at=now)
        # Send id -> time of the first attempt, and recipients who need no further attempt.
        partly_sent: dict[str, tuple[str, list[str]]] = {}
        # A damaged value counts as absent: a recipient may get a mail again, but none misses it.
        with contextlib.suppress(ValueError):
            partly_sent = json.loads(await self.context.key_values.get(self._partly_sent_key) or "{}")
        since, served = partly_sent.pop(delivery.id, (now.isoformat(), []))
        waiting = [address.addr_spec for address in self._options.to if address.addr_spec not in served]
        if not waiting:
            return receipt
        async with self._session() as client:
            refused = await self._start_mail(client, waiting)
            deferred, rejected = _split_refused(refused)
            is_accepted = len(refused) < len(waiting)
            await (_finish_mail(client, content) if is_accepted else _cancel_mail(client))
        self._log_refused(rejected)
        is_old = bool(served) and now - datetime.fromisoformat(since) > _PATIENCE
        if deferred and not is_old:
            if is_accepted:
                partly_sent[delivery.id] = since, sorted({*served, *waiting} - deferred.keys())
                await self.context.key_values.put(self._partly_sent_key, json.dumps(partly_sent))
            recipient, refusal = next(iter(deferred.items()))
            text = f"{format_count(len(deferred), 'recipient')} put off, such as {recipient}"
            raise RetryLater(f"{text}: {refusal.code} {_answer_text(refusal)}", whole_channel=False)
        if len(rejected) == len(self._options.to):
            raise _error_of(SmtpStep.RECIPIENT, next(iter(rejected.values())))
        self._log_refused(deferred)
        if served:
            await self.context.key_values.put(self._partly_sent_key, json.dumps(partly_sent))
        return receipt

    def _log_refused(self, refused: Refused) -> None:
        for recipient, refusal in refused.items():
            answer = _answer_text(refusal)
            log.warning("recipient refused", channel=self.name, recipient=recipient, code=refusal.code, answer=answer)

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        """Log in, and submit the sender and the recipients to the server, but send no mail."""
        sender = self._options.sender.addr_spec
        with step(f"the mail server {self._host}:{self._port} accepts mail from {sender}"):
            async with self._session() as client:
                refused = await self._start_mail(client, [address.addr_spec for address in self._options.to])
                await _cancel_mail(client)
        encryption = "in clear" if self._options.security is Security.NONE else "over TLS"
        yield passed(f"the mail server {self._host}:{self._port} answers {encryption} and accepts mail from {sender}")
        for address in self._options.to:
            refusal = refused.get(address.addr_spec)
            if refusal is None:
                yield passed(f"it accepts mail for {address.addr_spec}")
                continue
            error = _error_of(SmtpStep.RECIPIENT, refusal)
            is_deferred = isinstance(error, RetryLater)
            what = f"it {'defers' if is_deferred else 'rejects'} mail for {address.addr_spec}"
            yield CheckLine(is_good=is_deferred, what=what, help=str(error))

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """Connect and log in. Raises SendError."""
        security, username, password = self._options.security, self._options.username, ""
        if self._options.password is not None:
            password = self.context.secret(self._options.password, what="the mail server's password")
        client = aiosmtplib.SMTP(
            hostname=self._host,
            port=self._port,
            local_hostname=self._options.sender.domain,
            timeout=_TIMEOUT,
            use_tls=security is Security.TLS,
            start_tls=False,
            # Trust the system's certificates, or the certificates in the file that SSL_CERT_FILE names.
            tls_context=None if security is Security.NONE else ssl.create_default_context(),
        )
        try:
            with _before_sending(SmtpStep.CONNECT):
                await client.connect()
                await client.ehlo()
                if security is Security.STARTTLS:
                    if not client.supports_extension("starttls"):
                        raise ChannelClosed(f"{_WHO} offers no STARTTLS; set security to tls (port 465), or to none")
                    await client.starttls()
                    await client.ehlo()
            if username is not None:
                with _before_sending(SmtpStep.LOGIN):
                    if not client.supports_extension("auth"):
                        raise ChannelClosed(
                            f"{_WHO} accepts no login; remove username and password, or use another server"
                        )
                    await client.login(username, password)
            yield client
            # The server has the mail already, so a failing QUIT changes nothing. Do not wait long for its answer,
            # because a mail is not recorded as sent if we are stopped during the wait.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await client.quit(timeout=_QUIT_TIMEOUT)
        finally:
            client.close()

    async def _start_mail(self, client: aiosmtplib.SMTP, recipients: Sequence[str]) -> Refused:
        """Start a mail and return the recipients that the server refuses. Raises SendError."""
        with _before_sending(SmtpStep.SENDER):
            await client.mail(self._options.sender.addr_spec)
        refused: dict[str, aiosmtplib.SMTPResponseException] = {}
        with _before_sending(SmtpStep.RECIPIENT):
            for recipient in recipients:
                try:
                    await client.rcpt(recipient)
                except aiosmtplib.SMTPRecipientRefused as refusal:
                    refused[recipient] = refusal
        return refused


async def _finish_mail(client: aiosmtplib.SMTP, content: bytes) -> None:
    """Send the text to the accepted recipients. Raises SendError."""
    try:
        await client.data(content)
    except aiosmtplib.SMTPResponseException as error:
        raise _error_of(SmtpStep.TEXT, error) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else "the connection broke before its answer"
        raise OutcomeUnknown(f"{_WHO}: {reason}") from None


async def _cancel_mail(client: aiosmtplib.SMTP) -> None:
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.rset()


def _split_refused(refused: Refused) -> tuple[Refused, Refused]:
    """Return the deferred and the rejected recipients. Raises SendError if a refusal is not about a recipient."""
    deferred, rejected = dict[str, aiosmtplib.SMTPResponseException](), dict[str, aiosmtplib.SMTPResponseException]()
    for recipient, refusal in refused.items():
        act, _ = _find_reaction(SmtpStep.RECIPIENT, refusal)
        if act is Act.PARK_WORKSPACE:
            raise _error_of(SmtpStep.RECIPIENT, refusal)
        (deferred if act is Act.WAIT else rejected)[recipient] = refusal
    return deferred, rejected


@contextlib.contextmanager
def _before_sending(stage: SmtpStep) -> Iterator[None]:
    """Raise SendError for failures that occur before the text is sent, when nothing can have arrived.

    The errors do not contain the library's texts, which may contain the login.
    """
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        raise _error_of(stage, error) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        reason = "no answer in time" if isinstance(error, TimeoutError) else "the connection could not be kept"
        raise errors.unsent_error(error, who=_WHO) or RetryLater(f"{_WHO}: {reason}") from None


#: Maximum length of a line (RFC 5322, section 2.1.1, and RFC 2047, section 2).
_LINE_LENGTH = 76
#: The value of a header field: printable ASCII characters, folded into lines.
_FIELD = LazyPattern(r"[ -~]*(?:\r\n [!-~][ -~]*)*")


# We write the headers ourselves, because ``EmailMessage`` writes encoded words of more than the 75 characters that
# RFC 2047 allows, and leaves first lines empty.


def encode_words(text: str, *, name: str) -> str:
    """Encode a text as the value of the field ``name``."""
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, maxlinelen=_LINE_LENGTH, header_name=name).encode(linesep="\r\n")


def encode_mailboxes(addresses: Sequence[Address]) -> str:
    """Encode addresses as a list, with one line for each address."""
    return ",\r\n ".join(_encode_mailbox(address) for address in addresses)


def _encode_mailbox(address: Address) -> str:
    if address.display_name.isascii():
        return formataddr((address.display_name, address.addr_spec))
    return f"{encode_words(address.display_name, name='Reply-To')}\r\n <{address.addr_spec}>"


def encode_headers(fields: Mapping[str, str]) -> bytes:
    """Encode all fields. Raises ValueError for a value that is not printable ASCII or would begin a new field."""
    for name, value in fields.items():
        if not _FIELD.fullmatch(value):
            raise ValueError(f"the value of the header {name} has characters that are not allowed")
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("ascii")


#: Maximum bytes of the HTML part. Gmail clips mails of more than 102 kB in all (support.google.com/mail, "Message
#: clipped").
HTML_LIMIT_BYTES = 80_000
_SUBJECT_LENGTH = 180
#: Mail programs drop style sheets but keep the styles of elements.
_CSS = {
    Style.HEAD: "margin:4px 0 10px;font-size:19px;line-height:1.3",
    Style.LINE: "margin:6px 0",
    Style.QUOTE: "margin:8px 0;padding-left:12px;border-left:3px solid #d0d0d0",
    Style.ITEM: "margin:6px 0;padding-left:22px",
    Style.SMALL: "margin:12px 0 0;font-size:13px;line-height:1.4;color:#666666",
}
_PAGE = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n'
    '<body style="margin:0;padding:16px;max-width:640px;font:15px/1.5 -apple-system,Segoe UI,Arial,sans-serif;'
    'color:#1d1c1d;overflow-wrap:anywhere">\n{body}\n'
    '<p style="margin:16px 0 0;font-size:12px;color:#888888">{foot}</p>\n'
    "</body></html>\n"
)
_PICTURE = "float:right;max-height:96px;margin:0 0 8px 12px;border-radius:4px"
_POLICY = email.policy.SMTP.clone(cte_type="7bit")
_DOT_ATOM = LazyPattern(r"[A-Za-z0-9-]+")


def message_id(delivery_id: str, domain: str) -> str:
    """Return the Message-ID (RFC 5322, 3.6.4). All attempts have the same id, so mail programs drop repeated mails."""
    return f"<{''.join(_DOT_ATOM.findall(delivery_id))}@wirewatch.{domain}>"


def compose(delivery: Delivery, options: Options, *, name: str, now: datetime, zone: tzinfo) -> bytes:
    """Return a mail. ``name`` is the channel's name, which the mail contains so that readers can filter by it."""
    message, sender = delivery.message, options.sender
    fields = {
        "From": encode_mailboxes([sender]),
        "To": encode_mailboxes(options.to),
        "Subject": encode_words(subject_of(delivery), name="Subject"),
        "Date": format_datetime(now),
        "Message-ID": message_id(delivery.id, sender.domain),
    }
    if delivery.reply_to is not None:
        # Replies refer to the head (RFC 5322, section 3.6.4), because a mailbox may lack other replies.
        fields |= {"In-Reply-To": delivery.reply_to.ref, "References": delivery.reply_to.ref}
    if message.severity is Severity.HIGH:
        fields["Importance"] = "high"
    # Prevent automatic answers: RFC 3834, section 5; Exchange has its own header.
    fields |= {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    label, shown_name = "-".join(_DOT_ATOM.findall(name)) or "alerts", phrases.cut(phrases.clean(name), 60)
    # By default, requests to unsubscribe go to the sender's mailbox, which a person reads.
    mail_to_sender = f"mailto:{sender.addr_spec}?subject={quote(f'unsubscribe {shown_name}', safe='')}"
    unsubscribe = options.unsubscribe or mail_to_sender
    fields |= {"List-Id": f"<{label}.wirewatch.{sender.domain}>", "List-Unsubscribe": f"<{unsubscribe}>"}
    if unsubscribe.startswith("https:"):
        # Let readers unsubscribe with one click (RFC 8058, section 3.1).
        fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    foot = f"Sent by Wirewatch to the list {shown_name}."
    return encode_headers(fields) + _build_content(delivery, foot, zone).as_bytes()


def _build_content(delivery: Delivery, foot: str, zone: tzinfo) -> EmailMessage:
    """Return the text and HTML parts in ASCII lines of at most 76 characters, which no server changes."""
    content = EmailMessage(policy=_POLICY)
    text = rendering.plain_message(delivery.message, names_story=delivery.reply_to is None, zone=zone)
    content.set_content(f"{text}\n\n-- \n{foot}\n", cte="quoted-printable")
    if not delivery.is_plain:
        post = post_of(delivery.message)
        address = html.escape(post.picture) if post else ""
        picture = f'<img src="{address}" width="96" alt="" style="{_PICTURE}">\n' if address else ""
        page = outline.render_to_fit(
            delivery,
            lambda lines: _PAGE.format(
                body=picture + rendering.render_html(lines, styles=_CSS), foot=html.escape(foot)
            ),
            _fits,
            zone=zone,
        )
        content.add_alternative(page, subtype="html", cte="quoted-printable")
    return content


def _fits(page: str) -> bool:
    return len(page.encode()) <= HTML_LIMIT_BYTES


def _shows_all_stories(listing: Listing) -> bool:
    return outline.shows_all_stories(listing, lambda lines: rendering.render_html(lines, styles=_CSS), _fits)


def subject_of(delivery: Delivery) -> str:
    """Return the subject. A reply has "Re:" and the subject of its head, because Gmail groups threads by subject."""
    message = delivery.message
    if delivery.reply_to is not None and delivery.reply_to.subject:
        return f"Re: {delivery.reply_to.subject}"
    words = rendering.plain_title(message, _SUBJECT_LENGTH)
    if not isinstance(content_of(message), Listing | Notice):
        words = phrases.headline(message.stories[0], _SUBJECT_LENGTH)
        words = f"[High] {words}" if message.severity is Severity.HIGH else words
        words = f"Re: {words}" if isinstance(message, Reply) else words
    # Break text that looks like an encoded word (RFC 2047), because mail programs would decode it.
    return words.replace("=?", "= ?")


class SmtpStep(StrEnum):
    """The step of an SMTP conversation to which an answer belongs.

    The step determines the meaning of a code: 550 is about one recipient after RCPT, and about the content after the
    text.
    """

    CONNECT = "the connection"
    LOGIN = "the login"
    SENDER = "the sender"
    RECIPIENT = "a recipient"
    TEXT = "the message"


_LOGIN = "correct username and password; many providers require an app password"
_NEEDS_LOGIN = "the server requires a login: add username and password"
_MAY_NOT_SEND = "let this login send as that address, or set sender to its own address"
_GONE = "correct or remove the address under to"

#: Step -> prefix of a code -> reaction and advice to the operator (for channel-answers.md). The longest prefix counts.
#: The codes are from RFC 5321, section 4.2.3; the more exact codes x.y.z are from RFC 3463.
ERRORS: Mapping[SmtpStep, ErrorTable] = {
    SmtpStep.CONNECT: {
        "4": (Act.WAIT, ""),
        "5": (Act.PARK_CHANNEL, "the server accepts no mail from this machine: ask its admin, or use another server"),
    },
    SmtpStep.LOGIN: {
        "4": (Act.WAIT, ""),
        "432": (Act.PARK_WORKSPACE, _LOGIN),
        "5": (Act.PARK_WORKSPACE, _LOGIN),
        "538": (Act.PARK_WORKSPACE, "the server accepts a login only over TLS: set security to starttls or tls"),
    },
    SmtpStep.SENDER: {
        "4": (Act.WAIT, ""),
        "5": (Act.PARK_CHANNEL, _MAY_NOT_SEND),
        "530": (Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "552": (Act.SIMPLIFY, ""),
        "5.3.4": (Act.SIMPLIFY, ""),
    },
    SmtpStep.RECIPIENT: {
        "4": (Act.WAIT, ""),
        "5": (Act.LEAVE_OUT, _GONE),
        "530": (Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "5.7.1": (Act.LEAVE_OUT, "the server does not relay to this address: log in, or use the server of its domain"),
    },
    SmtpStep.TEXT: {
        "4": (Act.WAIT_ALONE, ""),
        "5": (Act.SIMPLIFY, ""),
        "530": (Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "5.7.0": (Act.PARK_CHANNEL, _MAY_NOT_SEND),
        "5.7.8": (Act.PARK_WORKSPACE, _LOGIN),
        # Gmail and others: the sender's domain does not authorize this server (SPF, DKIM).
        "5.7.26": (Act.PARK_CHANNEL, "the sender's domain must allow this server: set up SPF and DKIM for it"),
    },
}
_ENHANCED = LazyPattern(r"[245]\.\d{1,3}\.\d{1,3}\b")


def _find_reaction(stage: SmtpStep, refusal: aiosmtplib.SMTPResponseException) -> tuple[Act, str]:
    """Return the reaction to a refusal, and the advice to the operator."""
    enhanced = _ENHANCED.match(refusal.message)
    codes = [str(refusal.code), *([enhanced[0]] if enhanced else [])]
    starts = [
        start for start in ERRORS[stage] if start in codes or (len(start) == 1 and start in [c[0] for c in codes])
    ]
    # A code other than 4xx or 5xx is not a valid refusal, so try again.
    return ERRORS[stage][max(starts, key=len)] if starts else (Act.WAIT, "")


def _error_of(stage: SmtpStep, refusal: aiosmtplib.SMTPResponseException) -> SendError:
    """Return the error for a refusal, with the server's own text, which is written for people."""
    act, advice = _find_reaction(stage, refusal)
    # A server may repeat the credentials in its answer to a login.
    answer = "" if stage is SmtpStep.LOGIN else _answer_text(refusal)
    text = f"{_WHO} answered {refusal.code} to {stage}" + (f" ({answer})" if answer else "")
    return send_error(act, text, advice=advice)


def _answer_text(refusal: aiosmtplib.SMTPResponseException) -> str:
    return phrases.cut(phrases.clean(refusal.message), 200)

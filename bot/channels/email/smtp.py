"""Talk to a mail server: connect, TLS, login, one transaction; and map each of its refusals to what is done about it.

Until the text is sent nothing can have arrived, so a failure before is tried again; from then until the server's
answer the outcome is unknown.

Codes of RFC 5321, section 4.2.3, and of RFC 3463 (x.y.z, more exact, where a server gives them). The meaning of a
code depends on the command that it answers: 550 after RCPT is about one recipient, after the text about its content.
"""

from __future__ import annotations

import contextlib
import re
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import aiosmtplib

from bot import model
from bot.channels.kit import errors, phrases
from bot.channels.kit.errors import Act


class Stage(StrEnum):
    """The step of a conversation that an answer belongs to."""

    CONNECT = "the connection"
    LOGIN = "the login"
    SENDER = "the sender"
    RECIPIENT = "a recipient"
    TEXT = "the message"


#: The reaction to an answer about one recipient, for docs/reference/channel-answers.md.
LEAVE_OUT = "send to the other recipients, name this one in the log"


@dataclass(frozen=True, slots=True)
class Rule:
    """The reaction to an answer."""

    #: None means ``LEAVE_OUT``.
    act: Act | None
    #: Advice to the operator.
    advice: str = ""


_LOGIN = "correct username and password; many providers want an app password here"
_NEEDS_LOGIN = "the server requires a login: add username and password"
_MAY_NOT_SEND = "let this login send as that address, or set sender to its own address"
_GONE = "correct or remove the address under to"

#: Stage -> the start of a code -> the reaction; the longest start counts (for channel-answers.md).
ERRORS: Mapping[Stage, Mapping[str, Rule]] = {
    Stage.CONNECT: {
        "4": Rule(Act.WAIT),
        "5": Rule(Act.PARK_CHANNEL, "the server accepts no mail from this machine: ask its admin, or name another"),
    },
    Stage.LOGIN: {
        "4": Rule(Act.WAIT),
        "432": Rule(Act.PARK_WORKSPACE, _LOGIN),
        "5": Rule(Act.PARK_WORKSPACE, _LOGIN),
        "538": Rule(Act.PARK_WORKSPACE, "the server accepts a login only over TLS: set security to starttls or tls"),
    },
    Stage.SENDER: {
        "4": Rule(Act.WAIT),
        "5": Rule(Act.PARK_CHANNEL, _MAY_NOT_SEND),
        "530": Rule(Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "552": Rule(Act.SIMPLIFY),
        "5.3.4": Rule(Act.SIMPLIFY),
    },
    Stage.RECIPIENT: {
        "4": Rule(Act.WAIT),
        "5": Rule(None, _GONE),
        "530": Rule(Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "5.7.1": Rule(None, "the server does not relay to this address: log in, or name the server of its domain"),
    },
    Stage.TEXT: {
        "4": Rule(Act.WAIT_ALONE),
        "5": Rule(Act.SIMPLIFY),
        "530": Rule(Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "5.7.0": Rule(Act.PARK_CHANNEL, _MAY_NOT_SEND),
        "5.7.8": Rule(Act.PARK_WORKSPACE, _LOGIN),
        # Gmail and others: the sender's domain does not authorize this server (SPF, DKIM).
        "5.7.26": Rule(Act.PARK_CHANNEL, "the sender's domain must allow this server: set up SPF and DKIM for it"),
    },
}
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


def rule_for(stage: Stage, code: int, text: str) -> Rule:
    """Return the rule for an answer that is not a success."""
    enhanced = _ENHANCED.match(text)
    codes = [str(code), *([enhanced[0]] if enhanced else [])]
    starts = [
        start for start in ERRORS[stage] if start in codes or (len(start) == 1 and start in [c[0] for c in codes])
    ]
    # Any answer except 4xx and 5xx is not SMTP.
    return ERRORS[stage][max(starts, key=len)] if starts else Rule(Act.WAIT)


def error_of(stage: Stage, code: int, text: str) -> model.SendError:
    """Return the error for an answer, with the server's own text, which is written for people."""
    rule = rule_for(stage, code, text)
    server_text = phrases.cut(phrases.clean(text), 200)
    message = f"the mail server answered {code} to {stage}" + (f" ({server_text})" if server_text else "")
    return errors.send_error(rule.act or Act.PARK_CHANNEL, message, advice=rule.advice)


#: Seconds for each answer; the sender limits the whole call.
_TIMEOUT = 20
_QUIT_TIMEOUT = 1
_WHO = "the mail server"


class Security(StrEnum):
    """The encryption of the connection."""

    #: TLS from the first byte (RFC 8314), port 465.
    TLS = "tls"
    #: TLS before any other command (RFC 3207), port 587; never falls back to an unencrypted connection.
    STARTTLS = "starttls"
    #: Unencrypted, port 25: for a server on this machine or in a trusted network.
    NONE = "none"


PORTS = {Security.TLS: 465, Security.STARTTLS: 587, Security.NONE: 25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A username and its password."""

    username: str
    password: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the server."""

    code: int
    text: str


class Session:
    """An open, logged-in connection."""

    def __init__(self, client: aiosmtplib.SMTP) -> None:
        self._client = client

    async def open(self, sender: str, recipients: Sequence[str]) -> Mapping[str, Answer]:
        """Start a mail and return the recipients that the server refuses, with its answers. Raises SendError."""
        async with _before_sending(Stage.SENDER):
            await self._client.mail(sender)
        refused: dict[str, Answer] = {}
        async with _before_sending(Stage.RECIPIENT):
            for recipient in recipients:
                try:
                    await self._client.rcpt(recipient)
                except aiosmtplib.SMTPRecipientRefused as error:
                    refused[recipient] = Answer(error.code, error.message)
        return refused

    async def finish(self, text: bytes) -> None:
        """Send the text to the accepted recipients. Raises SendError."""
        try:
            await self._client.data(text)
        except aiosmtplib.SMTPResponseException as error:
            raise error_of(Stage.TEXT, error.code, error.message) from None
        except (aiosmtplib.SMTPException, OSError) as error:
            reason = (
                "no answer in time" if isinstance(error, TimeoutError) else "the connection broke before its answer"
            )
            raise model.OutcomeUnknown(f"{_WHO}: {reason}") from None

    async def forget(self) -> None:
        """Cancel the mail."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await self._client.rset()


@contextlib.asynccontextmanager
async def open_session(
    host: str, port: int, *, security: Security, login: Login | None, name: str
) -> AsyncIterator[Session]:
    """Connect and log in. ``name`` is our name in the greeting. Raises SendError."""
    client = aiosmtplib.SMTP(
        hostname=host,
        port=port,
        local_hostname=name,
        timeout=_TIMEOUT,
        use_tls=security is Security.TLS,
        start_tls=False,
        # Trusts the system's certificates, or the file SSL_CERT_FILE.
        tls_context=None if security is Security.NONE else ssl.create_default_context(),
    )
    try:
        async with _before_sending(Stage.CONNECT):
            await client.connect()
            await client.ehlo()
            if security is Security.STARTTLS:
                if not client.supports_extension("starttls"):
                    raise model.ChannelClosed(f"{_WHO} offers no STARTTLS; set security to tls (port 465), or to none")
                await client.starttls()
                await client.ehlo()
        if login is not None:
            async with _before_sending(Stage.LOGIN):
                if not client.supports_extension("auth"):
                    raise model.ChannelClosed(
                        f"{_WHO} accepts no login; remove username and password, or name another server"
                    )
                await client.login(login.username, login.password)
        yield Session(client)
        # The server has the mail already, so a failing QUIT changes nothing. Do not wait long for it: if we were
        # stopped then, the mail would not be recorded as sent.
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=_QUIT_TIMEOUT)
    finally:
        client.close()


@contextlib.asynccontextmanager
async def _before_sending(stage: Stage) -> AsyncIterator[None]:
    """Map failures before the text is sent, when nothing can have arrived.

    Their texts do not repeat the library's, which may contain the login.
    """
    try:
        yield
    except aiosmtplib.SMTPResponseException as error:
        # A server may repeat the credentials in its answer to a login.
        text = "" if stage is Stage.LOGIN else error.message
        raise error_of(stage, error.code, text) from None
    except (aiosmtplib.SMTPException, OSError) as error:
        raise _unsent_error(error) from None


def _unsent_error(error: BaseException) -> model.RetryLater:
    cause: BaseException | None = error
    while cause is not None:
        if wait := errors.unsent_error(cause, who=_WHO):
            return wait
        cause = cause.__cause__ or cause.__context__
    reason = "no answer in time" if isinstance(error, TimeoutError) else "the connection could not be kept"
    return model.RetryLater(f"{_WHO}: {reason}")

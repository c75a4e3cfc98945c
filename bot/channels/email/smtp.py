"""One conversation with a mail server: connect, TLS, login, one transaction. Says what each failure means for the mail.

Until the text is sent nothing can have arrived, so whatever breaks before is tried again; from then on until the
server's answer the outcome is unknown.
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import aiosmtplib

from bot import ports
from bot.channels.email.errors import Stage, error_of
from bot.channels.kit import http_errors

#: Seconds for each answer; the sender limits the whole call.
_TIMEOUT = 20
_GOODBYE = 1
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
        async with _before_it_left(Stage.SENDER):
            await self._client.mail(sender)
        refused: dict[str, Answer] = {}
        async with _before_it_left(Stage.RECIPIENT):
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
            raise ports.Unknown(f"{_WHO}: {reason}") from None

    async def forget(self) -> None:
        """Cancel the mail."""
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await self._client.rset()


@contextlib.asynccontextmanager
async def session(
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
        async with _before_it_left(Stage.CONNECT):
            await client.connect()
            await client.ehlo()
            if security is Security.STARTTLS:
                if not client.supports_extension("starttls"):
                    raise ports.Parked(f"{_WHO} offers no STARTTLS; set security to tls (port 465), or to none")
                await client.starttls()
                await client.ehlo()
        if login is not None:
            async with _before_it_left(Stage.LOGIN):
                if not client.supports_extension("auth"):
                    raise ports.Parked(f"{_WHO} accepts no login; remove username and password, or name another server")
                await client.login(login.username, login.password)
        yield Session(client)
        # The server has the mail already, so a failing QUIT changes nothing. Do not wait long for it: if we were
        # stopped then, the mail would not be recorded as sent.
        with contextlib.suppress(aiosmtplib.SMTPException, OSError):
            await client.quit(timeout=_GOODBYE)
    finally:
        client.close()


@contextlib.asynccontextmanager
async def _before_it_left(stage: Stage) -> AsyncIterator[None]:
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
        raise _never_left(error) from None


def _never_left(error: BaseException) -> ports.Wait:
    cause: BaseException | None = error
    while cause is not None:
        if wait := http_errors.never_left(cause, who=_WHO):
            return wait
        cause = cause.__cause__ or cause.__context__
    reason = "no answer in time" if isinstance(error, TimeoutError) else "the connection could not be kept"
    return ports.Wait(f"{_WHO}: {reason}")

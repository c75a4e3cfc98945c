"""A strict local mail server: aiosmtpd, which refuses what the standards forbid and keeps what it took.

    with smtp.serve() as server:
        server.script("RCPT", "450 4.7.1 greylisted")
        ...
        server.mails

Each rule names its source. As at a provider, mail is taken for ``example.org`` only, and after a login where one is
asked for.
"""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import re
import socket
import ssl
import struct
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

TLS = Path(__file__).parent / "tls"
USER, PASSWORD = "desk-bot", "correct-horse"
#: Mailboxes of example.org that do not exist.
UNKNOWN = frozenset({"nobody@example.org"})
#: Faults that a script may name besides an answer: the connection breaks before or after the command took effect.
RESET, RESET_AFTER, HANG = "reset", "reset_after", "hang"
_ONCE = ("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "List-Unsubscribe", "List-Id")
_MSG_ID = re.compile(r"<[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+>")
_ENCODED_WORD = re.compile(rb"=\?[!->@-~]+\?[bqBQ]\?[!->@-~]*\?=")


class Refused(Exception):
    """The server's answer."""


def parse(content: bytes) -> EmailMessage:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def check(content: bytes) -> EmailMessage:
    """A mail as the standards allow it. Raises Refused."""
    # RFC 5321, section 2.3.8: a line ends with CR LF, and neither occurs alone.
    if re.search(rb"(?<!\r)\n|\r(?!\n)|\0", content):
        raise Refused("550 5.6.11 bare CR, LF or NUL")
    # RFC 5321, section 2.4: without 8BITMIME only ASCII.
    if not content.isascii():
        raise Refused("550 5.6.1 octets above 127")
    # RFC 5322, section 2.1.1.
    if any(len(line) > 998 for line in content.split(b"\r\n")):
        raise Refused("550 5.6.0 a line of more than 998 octets")
    head = content.partition(b"\r\n\r\n")[0]
    for line in head.split(b"\r\n"):
        # RFC 2047, section 2: an encoded word has 75 characters at most, a line with one 76.
        if _ENCODED_WORD.search(line) and (len(line) > 76 or any(len(w) > 75 for w in _ENCODED_WORD.findall(line))):
            raise Refused("550 5.6.0 an encoded word is too long")
        if not re.match(rb"[!-9;-~]+:[ \t]|[ \t]+\S", line):
            raise Refused(f"550 5.6.0 no header field: {line[:40]!r}")
    mail = parse(content)
    for part in mail.walk():
        if part.defects:
            raise Refused(f"550 5.6.0 {part.defects[0]}")
    # RFC 5322, section 3.6: these at most once, and these must be.
    for name in _ONCE:
        if len(mail.get_all(name, [])) > 1:
            raise Refused(f"550 5.6.0 {name} twice")
    for name in ("From", "To", "Date", "Message-ID"):
        if not mail[name] or mail[name].defects:
            raise Refused(f"550 5.6.0 no valid {name}")
    # RFC 5322, section 3.6.4.
    for name in ("Message-ID", "In-Reply-To", "References"):
        if mail[name] and not _MSG_ID.fullmatch(mail[name].strip()):
            raise Refused(f"550 5.6.0 {name}")
    # RFC 2369, section 2, and RFC 8058, section 3.1: one click needs an https: address.
    listed = str(mail["List-Unsubscribe"] or "")
    if listed and not re.fullmatch(r"<(mailto:|https://)[^\s<>]+>", listed):
        raise Refused("550 5.6.0 List-Unsubscribe")
    if mail["List-Unsubscribe-Post"] and "https://" not in listed:
        raise Refused("550 5.6.0 List-Unsubscribe-Post without https:")
    return mail


class Server(Controller):
    """``security``: as the channel's key. Over TLS nothing is taken before a login."""

    def __init__(self, *, security: str = "none", is_strict: bool = True) -> None:
        #: False for the mails of libraries that do not follow the standards in all.
        self.is_strict = is_strict
        self.mails: list[EmailMessage] = []
        #: Recipients of each mail, as the envelope had them.
        self.envelopes: list[list[str]] = []
        #: Commands as they came, faulty ones too.
        self.seen: list[str] = []
        self._scripts: dict[str, deque[str]] = defaultdict(deque)
        self.stopped = threading.Event()
        self.security = security
        context = None
        if security != "none":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(TLS / "server.pem", TLS / "server.key")
        self._starttls = context if security == "starttls" else None
        implicit = context if security == "tls" else None
        super().__init__(self, hostname="127.0.0.1", port=0, ready_timeout=10, ssl_context=implicit)

    def script(self, command: str, answer: str, *, times: int = 1) -> None:
        """Set the answer to the next ``times`` of MAIL, RCPT, "RCPT address", DATA or AUTH."""
        self._scripts[command].extend([answer] * times)

    def factory(self) -> SMTP:
        return SMTP(
            self,
            hostname="mail.test",
            tls_context=self._starttls,
            require_starttls=self._starttls is not None,
            authenticator=self._login,
            auth_required=self.security != "none",
            auth_require_tls=self._starttls is not None,
        )

    def _trigger_server(self) -> None:
        # Port 0: the port is known only now.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # it ships half its types

    def _login(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        self.seen.append("AUTH")
        if self._scripts["AUTH"]:
            return AuthResult(success=False, handled=False, message=self._scripts["AUTH"].popleft())
        assert isinstance(data, LoginPassword)
        is_right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=False, message=None if is_right else "535 5.7.8 bad credentials")

    async def handle_MAIL(  # noqa: N802 - its name there
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._meet(server, "MAIL")
        if answer:
            return answer
        envelope.mail_from = address
        return "250 2.1.0 sender ok"

    async def handle_RCPT(  # noqa: N802 - its name there
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._meet(server, f"RCPT {address}") or await self._meet(server, "RCPT")
        if answer:
            return answer
        if address in UNKNOWN:
            return "550 5.1.1 no such user here"
        if not address.endswith("@example.org"):
            return "554 5.7.1 relay access denied"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 recipient ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        fault = await self._meet(server, "DATA")
        if fault and fault != RESET_AFTER:
            return fault
        assert isinstance(envelope.content, bytes)
        try:
            mail = check(envelope.content) if self.is_strict else parse(envelope.content)
        except Refused as refused:
            return str(refused)
        self.mails.append(mail)
        self.envelopes.append(list(envelope.rcpt_tos))
        if fault:
            await self._break(server, RESET)
        return "250 2.0.0 taken"

    async def _meet(self, server: SMTP, command: str) -> str | None:
        if command != "RCPT":
            self.seen.append(command)
        fault = self._scripts[command].popleft() if self._scripts[command] else None
        if fault in (RESET, HANG):
            await self._break(server, fault)
        return fault

    async def _break(self, server: SMTP, how: str) -> None:
        while how == HANG and not self.stopped.is_set():  # noqa: ASYNC110 - stopped by another thread
            await asyncio.sleep(0.05)
        transport = server.transport
        assert isinstance(transport, asyncio.WriteTransport)
        with contextlib.suppress(OSError):
            result = transport.get_extra_info("socket")
            result.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        # The client is gone: send it nothing more.
        await asyncio.sleep(3600)


@contextlib.contextmanager
def serve(*, security: str = "none", is_strict: bool = True) -> Iterator[Server]:
    server = Server(security=security, is_strict=is_strict)
    server.start()
    try:
        yield server
    finally:
        server.stopped.set()
        server.stop(no_assert=True)

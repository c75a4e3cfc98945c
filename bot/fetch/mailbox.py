"""Fetch the new mails of a mailbox (IMAP, RFC 3501), which is polled like a feed: ``imaps://host/folder``.

    Request (its etag identifies the last mail that was read) → addresses checked → TLS → login → later mails → Response

Changes nothing in the mailbox unless ``mark_seen`` is set. Blocking calls run in threads. Limits the bytes and the time
of the server's answers.
"""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Self, TypeVar
from urllib.parse import unquote, urlsplit

import imap_tools

from bot.durations import Clock
from bot.feeds.kit import packing
from bot.fetch.access import Keys
from bot.fetch.guard import Guard
from bot.model.errors import AddressRefused, Unreachable
from bot.model.fetching import Request, Response

_T = TypeVar("_T")
#: A function that gets each connection, so that the event loop can close it.
_Opened = Callable[[socket.socket], None]
#: Maximum mails per poll. The next poll reads the remaining mails.
_MOST_MAILS = 50
#: Maximum bytes that are read of one mail. The text comes first; most of the rest is pictures.
_MOST_BYTES_OF_MAIL = 2_000_000
#: Maximum bytes that a server may send in one session in addition to the mails.
_MOST_TALK = 20_000_000
#: Share of a poll's time after which no further mail is requested.
_SHARE_OF_TIME = 0.5
#: A first poll reads the mails of this many days.
_FIRST_DAYS = 14
_MOST_AT_ONCE = 32
_PORTS = {"imaps": 993, "imap": 143}
_FAILURES = (imaplib.IMAP4.error, imap_tools.ImapToolsError, OSError, ValueError, EOFError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """One folder of one mailbox, with the login and the limits for reading it."""

    scheme: str
    host: str
    port: int
    folder: str
    addresses: Sequence[str]
    user: str
    password: str = field(repr=False)
    tls: ssl.SSLContext
    seconds: float
    most_bytes: int
    sender: str | None
    marks_seen: bool


class _Client(imaplib.IMAP4):
    """An IMAP client that connects to checked addresses and reads a limited number of bytes."""

    def __init__(self, box: _Box, opened: _Opened) -> None:
        self._box = box
        self._opened = opened
        self._bytes_left = box.most_bytes + _MOST_TALK
        super().__init__(box.host, box.port, timeout=box.seconds)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        for place, address in enumerate(self._box.addresses, 1):
            try:
                plain = socket.create_connection((address, self._box.port), timeout=self._box.seconds)
            except OSError:
                if place == len(self._box.addresses):
                    raise
                continue
            self._opened(plain)
            if self._box.scheme == "imap":
                return plain
            try:
                return self._box.tls.wrap_socket(plain, server_hostname=self._box.host)
            except OSError:
                plain.close()
                raise
        raise OSError("no address")

    def read(self, size: int) -> bytes:
        self._count(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._count(len(line))
        return line

    def _count(self, size: int) -> None:
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise self.abort("the server sends more than requested")


class _MailBox(imap_tools.BaseMailBox):
    """A context manager that logs in to a mailbox and opens its folder."""

    def __init__(self, box: _Box, opened: _Opened) -> None:
        self._box = box
        self._opened = opened
        super().__init__()

    def __enter__(self) -> Self:
        box = self._box
        if box.scheme == "imap":
            # A password is never sent unencrypted.
            self.client.starttls(ssl_context=box.tls)
        if (box.user + box.password).isascii():
            self.login(box.user, box.password, initial_folder=None)
        else:
            self.login_utf8(box.user, box.password, initial_folder=None)
        self.folder.set(box.folder, readonly=not box.marks_seen)
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(*_FAILURES):
            if error[0] is None:
                self.logout()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return _Client(self._box, self._opened)


class Mailboxes:
    """Reads the mailboxes among the feeds."""

    def __init__(self, keys: Keys, guard: Guard, clock: Clock, *, tls: ssl.SSLContext) -> None:
        self._keys = keys
        self._guard = guard
        self._clock = clock
        self._tls = tls
        # Own threads, because a slow server occupies its thread until the timeout.
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="mailbox")

    async def close(self) -> None:
        """Stop the threads, whose connections are already closed."""
        await asyncio.to_thread(self._threads.shutdown)

    async def get(self, request: Request, *, seconds: float, most_bytes: int) -> Response:
        """Return the new mails as one document with status 200, or status 304 if there are none. Raises FetchError."""
        box = await self._box(request, seconds, most_bytes)
        since = self._clock.now().date() - timedelta(days=_FIRST_DAYS)
        return await self._within(box, lambda mailbox: _fetch_mails(mailbox, box, request, since), seconds)

    async def _box(self, request: Request, seconds: float, most_bytes: int) -> _Box:
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        access = request.access
        if access is None or access.auth is None or access.auth.basic is None:
            raise AddressRefused("a mailbox needs a login: write auth: {basic: {user: NAME, password: env:NAME}}")
        if access.proxy:
            raise AddressRefused("mailboxes cannot be read through a proxy; remove proxy: from this feed or its host")
        port = parts.port or _PORTS[parts.scheme]
        options = json.loads(request.options)
        return _Box(
            scheme=parts.scheme,
            host=host,
            port=port,
            folder=unquote(parts.path.strip("/")) or "INBOX",
            addresses=await self._guard.addresses(host, port, seconds),
            user=access.auth.basic.user,
            password=self._keys.password(access.auth.basic),
            tls=self._keys.tls(access) or self._tls,
            seconds=seconds,
            most_bytes=most_bytes,
            sender=options.get("sender"),
            marks_seen=bool(options.get("mark_seen")),
        )

    async def _within(self, box: _Box, work: Callable[[_MailBox], _T], seconds: float) -> _T:
        """Call ``work`` in a thread. Then, or after ``seconds``, close the connection, which ends the thread."""
        opened: list[socket.socket] = []

        def use() -> _T:
            mailbox = _MailBox(box, lambda connection: opened.append(connection.dup()))
            try:
                with mailbox:
                    return work(mailbox)
            finally:
                # Close the connection here too, because __exit__ is not called if __enter__ fails.
                with contextlib.suppress(*_FAILURES):
                    mailbox.client.shutdown()

        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, use)
        except TimeoutError:
            raise Unreachable(f"no complete answer within {seconds:g} seconds; it will be tried again") from None
        except _FAILURES as error:
            raise Unreachable(_describe_failure(box, error)) from error
        finally:
            for connection in opened:
                with contextlib.suppress(OSError), connection:
                    connection.shutdown(socket.SHUT_RDWR)


def _fetch_mails(mailbox: _MailBox, box: _Box, request: Request, since: date) -> Response:
    _, validity = mailbox.client.response("UIDVALIDITY")
    valid = (validity[-1] or b"0").decode("ascii", "replace")
    former, _, last = (request.etag or "").partition(".")
    is_known = former == valid and last.isdigit()
    criteria: dict[str, Any] = {"uid": imap_tools.U(str(int(last) + 1), "*")} if is_known else {"date_gte": since}
    if box.sender:
        criteria["from_"] = box.sender
    # Filter the result, because ``n:*`` returns the last mail even if its number is lower than n.
    uids = sorted({int(uid) for uid in mailbox.uids(imap_tools.AND(**criteria), charset="UTF-8") if uid.isdigit()})
    uids = [uid for uid in uids if not is_known or uid > int(last)]
    uids = uids[:_MOST_MAILS] if is_known else uids[-_MOST_MAILS:]
    if not uids and is_known:
        return Response(status=304, url=request.url)
    # Stop early if the server is slow, so that the next poll continues with the remaining mails.
    until = time.monotonic() + box.seconds * _SHARE_OF_TIME
    packed, etag = bytearray(packing.MAILS_HEAD), request.etag if is_known else f"{valid}.0"
    uids_read, refused = list[str](), list[int]()
    for uid in uids:
        mail = _mail(mailbox.client, uid)
        if mail is None:
            refused.append(uid)
            continue
        if uids_read and (len(packed) + len(mail) > box.most_bytes or time.monotonic() > until):
            break
        # The server delivers a later mail, so it refuses only some. Pack those as empty mails, which count as skipped.
        packed += b"".join(packing.pack_mail(b"", f"{valid}.{refused_uid}") for refused_uid in refused)
        refused.clear()
        etag = f"{valid}.{uid}"
        packed += packing.pack_mail(mail, etag)
        uids_read.append(str(uid))
    if refused and not uids_read:
        raise ValueError(f"the server refuses to deliver mail {refused[0]}")
    if box.marks_seen and uids_read:
        mailbox.flag(uids_read, imap_tools.MailMessageFlags.SEEN, True)
    return Response(status=200, url=request.url, body=bytes(packed), content_type=packing.MAILS_TYPE, etag=etag)


def _mail(client: imaplib.IMAP4, uid: int) -> bytes | None:
    """Return the beginning of a mail. Return b"" if it has been deleted, and None if the server refuses it.

    Does not mark the mail as seen.
    """
    try:
        status, parts = client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{_MOST_BYTES_OF_MAIL}>)")
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        return None
    return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), b"" if status == "OK" else None)


def _describe_failure(box: _Box, error: BaseException) -> str:
    """Describe an error for people. Mask the password, which the server may repeat."""
    if isinstance(error, ssl.SSLError):
        return f"{box.host}: the TLS handshake failed ({error.reason or 'certificate refused'})"
    if isinstance(error, imap_tools.MailboxLoginError):
        return f"{box.host}: the login is refused; check auth: of this feed"
    if isinstance(error, imap_tools.MailboxFolderSelectError):
        return f'{box.host}: the folder "{box.folder}" does not exist'
    text = re.sub(r"\s+", " ", str(error))
    text = (text.replace(box.password, "***") if box.password else text)[:200]
    return f"{box.host}: the mailbox could not be read ({type(error).__name__}: {text}); it will be tried again"

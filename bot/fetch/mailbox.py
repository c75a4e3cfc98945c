"""New mails of a mailbox (IMAP, RFC 3501), polled as a feed is: ``imaps://host/folder``.

    Request (etag: what was read last) → addresses checked → TLS → login → mails after that → Answer

Nothing is changed in the mailbox, unless ``mark_seen`` asks for it. Blocking, in threads; whatever the server sends
is bounded in bytes and time.
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

from bot import ports
from bot.fetch import mails
from bot.fetch.access import Keys
from bot.fetch.ssrf import GuardBackend

_T = TypeVar("_T")
#: Called with each connection, so that it can be closed from outside.
_Opened = Callable[[socket.socket], None]
#: Mails of one poll; the rest is read at the next.
_MOST_MAILS = 50
#: Of one mail: its text comes first, and what follows it are mostly pictures.
_MOST_BYTES_OF_MAIL = 2_000_000
#: Bytes that a server may send in one session beside the mails.
_MOST_TALK = 20_000_000
#: Of the time of a poll, after which no further mail is asked for.
_SHARE_OF_TIME = 0.5
#: A first poll looks back so far.
_FIRST_DAYS = 14
#: A server may close a connection that idles longer than 29 minutes (RFC 2177); routers forget it earlier.
_IDLE_SECONDS = 240
_MOST_AT_ONCE = 32
_PORTS = {"imaps": 993, "imap": 143}
_FAILURES = (imaplib.IMAP4.error, imap_tools.ImapToolsError, OSError, ValueError, EOFError)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Box:
    """One folder of one mailbox, and what is needed to read it."""

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
    """Connects to addresses that were checked, and reads no more than it may."""

    def __init__(self, box: _Box, opened: _Opened) -> None:
        self._box = box
        self._opened = opened
        self._left = box.most_bytes + _MOST_TALK
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
        self._take(size)
        return super().read(size)

    def readline(self) -> bytes:
        line = super().readline()
        self._take(len(line))
        return line

    def _take(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise self.abort("the server sends more than was asked for")


class _MailBox(imap_tools.BaseMailBox):
    """Logged in, its folder opened."""

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
        _, counts = self.folder.set(box.folder, readonly=not box.marks_seen)
        self.count = bytes(counts[0] or b"0")
        return self

    def __exit__(self, *error: object) -> None:
        with contextlib.suppress(*_FAILURES):
            if error[0] is None:
                self.logout()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return _Client(self._box, self._opened)


class Mailboxes:
    """The mailboxes among the feeds."""

    def __init__(self, keys: Keys, guard: GuardBackend, clock: ports.Clock, *, tls: ssl.SSLContext) -> None:
        self._keys = keys
        self._guard = guard
        self._clock = clock
        self._tls = tls
        # An IDLE occupies its thread for minutes.
        self._threads = ThreadPoolExecutor(_MOST_AT_ONCE, thread_name_prefix="mailbox")
        #: Address -> how many mails there were when it was last waited for.
        self._counts: dict[str, bytes] = {}

    async def close(self) -> None:
        """End the threads; their connections are ended already."""
        await asyncio.to_thread(self._threads.shutdown)

    async def get(self, request: ports.Request, *, seconds: float, most_bytes: int) -> ports.Answer:
        """200 with new mails as ``mails`` packs them, or 304. Raises FetchError."""
        box = await self._box(request, seconds, most_bytes)
        since = self._clock.now().date() - timedelta(days=_FIRST_DAYS)
        return await self._within(box, lambda mailbox: _read(mailbox, box, request, since), seconds)

    async def wait(self, request: ports.Request, *, seconds: float) -> bool:
        """Whether something came, as the server says it (IDLE); False: not within some minutes. Raises FetchError."""
        box = await self._box(request, seconds, 0)
        before = self._counts.get(request.url)
        count, has_come = await self._within(box, lambda mailbox: _idle(mailbox, before), seconds + _IDLE_SECONDS)
        self._counts[request.url] = count
        return has_come

    async def _box(self, request: ports.Request, seconds: float, most_bytes: int) -> _Box:
        parts = urlsplit(request.url)
        host = parts.hostname or ""
        access = request.access
        if access is None or access.login is None or access.login.user is None:
            raise ports.Refused("a mailbox needs a login: write auth: {basic: {user: NAME, password: env:NAME}}")
        if access.proxy:
            raise ports.Refused("a mailbox is not read through a proxy: remove proxy: of this feed or of its host")
        port = parts.port or _PORTS[parts.scheme]
        told = json.loads(request.options)
        return _Box(
            scheme=parts.scheme,
            host=host,
            port=port,
            folder=unquote(parts.path.strip("/")) or "INBOX",
            addresses=await self._guard.addresses(host, port, seconds),
            user=access.login.user,
            password=self._keys.password(access.login),
            tls=self._keys.tls(access) or self._tls,
            seconds=seconds,
            most_bytes=most_bytes,
            sender=told.get("sender"),
            marks_seen=bool(told.get("mark_seen")),
        )

    async def _within(self, box: _Box, work: Callable[[_MailBox], _T], seconds: float) -> _T:
        """In a thread that ends with its connection: a server that drips bytes cannot hold it."""
        opened: list[socket.socket] = []

        def use() -> _T:
            mailbox = _MailBox(box, lambda connection: opened.append(connection.dup()))
            try:
                with mailbox:
                    return work(mailbox)
            finally:
                # Also where __enter__ failed, so that __exit__ was not called.
                with contextlib.suppress(*_FAILURES):
                    mailbox.client.shutdown()

        try:
            async with asyncio.timeout(seconds):
                return await asyncio.get_running_loop().run_in_executor(self._threads, use)
        except TimeoutError:
            raise ports.Unreachable(f"no whole answer within {seconds:g} seconds; it will be tried again") from None
        except _FAILURES as error:
            raise ports.Unreachable(_told(box, error)) from error
        finally:
            for connection in opened:
                with contextlib.suppress(OSError), connection:
                    connection.shutdown(socket.SHUT_RDWR)


def _read(mailbox: _MailBox, box: _Box, request: ports.Request, since: date) -> ports.Answer:
    _, validity = mailbox.client.response("UIDVALIDITY")
    valid = (validity[-1] or b"0").decode("ascii", "replace")
    before, _, last = (request.etag or "").partition(".")
    is_known = before == valid and last.isdigit()
    wanted: dict[str, Any] = {"uid": imap_tools.U(str(int(last) + 1), "*")} if is_known else {"date_gte": since}
    if box.sender:
        wanted["from_"] = box.sender
    # ``n:*`` names the last mail also where that is an earlier one.
    found = sorted({int(uid) for uid in mailbox.uids(imap_tools.AND(**wanted), charset="UTF-8") if uid.isdigit()})
    uids = [uid for uid in found if not is_known or uid > int(last)]
    uids = uids[:_MOST_MAILS] if is_known else uids[-_MOST_MAILS:]
    if not uids and is_known:
        return ports.Answer(status=304, url=request.url)
    # A slow server is asked for the rest at the next poll, rather than for the same mails again.
    until = time.monotonic() + box.seconds * _SHARE_OF_TIME
    packed, etag = bytearray(mails.HEAD), request.etag if is_known else f"{valid}.0"
    read, refused = list[str](), list[int]()
    for uid in uids:
        mail = _mail(mailbox.client, uid)
        if mail is None:
            refused.append(uid)
            continue
        if read and (len(packed) + len(mail) > box.most_bytes or time.monotonic() > until):
            break
        # The server gives a later mail, so those that it refused will not be had at the next poll either.
        packed += b"".join(mails.packed(b"", f"{valid}.{other}") for other in refused)
        refused.clear()
        etag = f"{valid}.{uid}"
        packed += mails.packed(mail, etag)
        read.append(str(uid))
    if refused and not read:
        raise ValueError(f"the server refuses to give mail {refused[0]}")
    if box.marks_seen and read:
        mailbox.flag(read, imap_tools.MailMessageFlags.SEEN, True)
    return ports.Answer(status=200, url=request.url, body=bytes(packed), content_type=mails.TYPE, etag=etag)


def _mail(client: imaplib.IMAP4, uid: int) -> bytes | None:
    """Return the beginning of a mail, empty if it was deleted meanwhile, None if the server refuses to give it.

    Asking so sets no flag.
    """
    try:
        status, parts = client.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{_MOST_BYTES_OF_MAIL}>)")
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        return None
    return next((bytes(part[1]) for part in parts if isinstance(part, tuple)), b"" if status == "OK" else None)


def _idle(mailbox: _MailBox, before: bytes | None) -> tuple[bytes, bool]:
    """How many mails there are now, and whether some came, also since ``before``; None: nobody has looked yet."""
    if mailbox.count != before:
        return mailbox.count, True
    if "IDLE" not in mailbox.client.capabilities and "IDLE" not in str(mailbox.client.capability()):
        raise ValueError("the server has no IDLE")
    said = mailbox.idle.wait(timeout=_IDLE_SECONDS)
    counted = [found[1] for line in said if (found := re.match(rb"\* (\d+) EXISTS", line))]
    return (counted or [mailbox.count])[-1], bool(counted)


def _told(box: _Box, error: BaseException) -> str:
    """For people; the password is cut out of what the server says."""
    if isinstance(error, ssl.SSLError):
        return f"{box.host}: no TLS connection could be agreed on ({error.reason or 'certificate refused'})"
    if isinstance(error, imap_tools.MailboxLoginError):
        return f"{box.host}: the login is refused; look at auth: of this feed"
    if isinstance(error, imap_tools.MailboxFolderSelectError):
        return f'{box.host}: there is no folder "{box.folder}"'
    said = re.sub(r"\s+", " ", str(error))
    said = (said.replace(box.password, "***") if box.password else said)[:200]
    return f"{box.host}: the mailbox could not be read ({type(error).__name__}: {said}); it will be tried again"

"""A real IMAP server (pymap) on 127.0.0.1, with STARTTLS, and a door with TLS from the first byte before it."""

from __future__ import annotations

import asyncio
import contextlib
import imaplib
import re
import ssl
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.testbed.servers import ports
from tests.testbed.servers.feeds import TLS

USER, PASSWORD = "desk@news.test", "open-sesame"
#: pymap hashes passwords in half a million rounds, which takes longer than everything else that a test does with it.
_PROGRAM = """
import functools, pymap.config, pymap.main, pysasl.hashing
pymap.config.BuiltinHash = functools.partial(pysasl.hashing.BuiltinHash, rounds=1)
pymap.main.main()
"""


@dataclass(frozen=True, kw_only=True)
class Mailbox:
    """A folder of the mailbox of ``USER``, and what a test does to it."""

    port: int
    folder: str = "INBOX"

    def url(self) -> str:
        return f"imap://feeds.test:{self.port}/{self.folder}"

    def with_folder(self, name: str) -> Mailbox:
        """Create another folder in the same mailbox."""
        with self._client() as client:
            status, text = client.create(name)
            assert status == "OK", text
        return Mailbox(port=self.port, folder=name)

    def deliver(self, *mails: EmailMessage | bytes) -> None:
        with self._client() as client:
            for mail in mails:
                status, text = client.append(self.folder, "", "", mail if isinstance(mail, bytes) else mail.as_bytes())
                assert status == "OK", text

    def flags(self) -> list[str]:
        """Return the flags of each mail as the server writes them."""
        with self._client() as client:
            client.select(self.folder, readonly=True)
            _, result = client.fetch("1:*", "(FLAGS)")
        return [" ".join(re.findall(r"\\\w+", str(item))) for item in result if item]

    @contextlib.contextmanager
    def _client(self) -> Iterator[imaplib.IMAP4]:
        client = imaplib.IMAP4("127.0.0.1", self.port)
        context = ssl.create_default_context(cafile=TLS / "ca.pem")
        context.check_hostname = False
        client.starttls(context)
        client.login(USER, PASSWORD)
        yield client
        client.logout()


@contextlib.asynccontextmanager
async def serve() -> AsyncIterator[Mailbox]:
    port = ports.free()
    command = [sys.executable, "-c", _PROGRAM]
    command += ["--host", "127.0.0.1", "--port", str(port), "--cert", str(TLS / "server.pem"), "--key"]
    command += [str(TLS / "server.key"), "--no-service", "admin"]
    command += ["dict", "--demo-user", USER, "--demo-password", PASSWORD]
    with tempfile.TemporaryDirectory() as folder, ports.started(command, port, folder=Path(folder), seconds=20):
        yield Mailbox(port=port)


@contextlib.asynccontextmanager
async def tls_door(port: int) -> AsyncIterator[int]:
    """The port at which TLS is spoken, and what is behind it is the server at ``port``."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "server.pem", TLS / "server.key")

    async def pump(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            while data := await source.read(65_536):
                target.write(data)
                await target.drain()
        target.close()

    async def enter(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer))

    server = await asyncio.start_server(enter, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()

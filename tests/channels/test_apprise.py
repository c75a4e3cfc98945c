"""Apprise against a real SMTP server, and what it may not let through."""

from __future__ import annotations

import asyncio
import email
import email.policy
import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from bot import model
from bot.channels.kit import rendering
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuses: str | None = None

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:  # noqa: N802 - its name there
        if self.refuses:
            return self.refuses
        self.mails.append(email.message_from_bytes(envelope.content, policy=email.policy.default))
        return "250 taken"


class Mail(Controller):
    """A real mail server on a free port."""

    def __init__(self) -> None:
        self.box = Mailbox()
        super().__init__(self.box, hostname="127.0.0.1", port=0, ready_timeout=10)

    def _trigger_server(self) -> None:
        # Port 0: the port is known only now.
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]  # it ships half its types

    @property
    def address(self) -> str:
        return f"mailto://127.0.0.1:{self.port}?from=bot@wirewatch.example&to=desk@example.org&mode=insecure"


@pytest.fixture
def mail() -> Iterator[Mail]:
    server = Mail()
    server.start()
    yield server
    server.stop()


def channel(address: str) -> model.Channel:
    return build("apprise", secrets=Secrets(URL=address), url="env:URL")


async def test_a_mail_arrives_whole(mail: Mail) -> None:
    await channel(mail.address).send(delivery(messages.EDIT))
    [taken] = mail.box.mails
    assert taken["Subject"] == "BlackBerry to leave Pakistan rather than open its servers to the regulator"
    text = taken.get_body(("plain", "html")).get_content()
    for words in ("unfettered access", "Karachi Herald", messages.HERALD, "regulator → PTA"):
        assert words in text


async def test_hostile_text_stays_text_in_a_mail(mail: Mail) -> None:
    for message in hostile.every_kind(hostile.BAD, messages.WIRE):
        await channel(mail.address).send(delivery(message))
    for taken in mail.box.mails:
        html = [part.get_content() for part in taken.walk() if part.get_content_type() == "text/html"]
        assert not any("<b>" in part or 'href="https://evil.example' in part for part in html)
        assert sorted(name.lower() for name in taken if name.lower() in ("to", "cc", "bcc")) == ["to"]
    assert len(mail.box.mails) == 8


async def test_a_mail_that_is_not_taken_is_of_unknown_outcome(mail: Mail) -> None:
    mail.box.refuses = "451 try later"
    with pytest.raises(model.OutcomeUnknown):
        await channel(mail.address).send(delivery(messages.POST))


class Limited(BaseHTTPRequestHandler):
    """A Matrix homeserver that takes nobody in for a while."""

    def do_POST(self) -> None:
        body = json.dumps({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 90_000}).encode()
        self.send_response(429)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_POST  # noqa: N815 - the base class looks for these names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        pass


@pytest.mark.timeout(30)
async def test_a_service_that_asks_for_a_pause_is_waited_for_by_us_and_not_asleep_in_the_plug_in() -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Limited)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        address = f"matrix://bot:s3cret@127.0.0.1:{server.server_address[1]}/%23desk:wirewatch.test"
        with pytest.raises(model.RetryLater) as caught:
            await channel(address).send(delivery(messages.POST))
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert caught.value.after == timedelta(seconds=90)


async def test_an_address_that_names_no_service_parks_without_showing_it() -> None:
    with pytest.raises(model.ChannelClosed, match="unknown service") as caught:
        await channel("nosuch://key-123").send(delivery(messages.POST))
    assert "key-123" not in str(caught.value)
    [line] = await channel("nosuch://key-123").check()
    assert not line.is_good


def test_long_text_is_cut_between_lines_so_that_no_address_is_cut() -> None:
    text = "\n".join(f"- Outlet {n} https://x.example/{n}" for n in range(100))
    kept = rendering.cut_lines(text, 200).split("\n")
    assert kept[-1] == "…"
    assert set(kept[:-1]) <= set(text.split("\n"))
    assert len("\n".join(kept)) <= 200

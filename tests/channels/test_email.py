"""Mail, against a server that refuses what the standards forbid."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.channels import email as mail
from bot.model.channels import Channel
from bot.model.errors import ChannelClosed, FormRefused, OutcomeUnknown, RetryLater
from bot.model.messages import Span
from bot.model.rules import Severity
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.fakes import FakeClock, MemoryKeyValues
from tests.testbed.servers import smtp

# A server that uses TLS from the first byte causes it.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")

DESK = "desk@example.org"


@pytest.fixture
def server() -> Iterator[smtp.Server]:
    with smtp.serve() as running:
        yield running


def channel(server: smtp.Server, /, secrets: Secrets | None = None, **keys: Any) -> Channel:
    written = {"to": DESK, "sender": "Wirewatch <bot@wirewatch.example>", "pace": "0 seconds", **keys}
    written = {"server": f"127.0.0.1:{server.port}", "security": server.security, **written}
    kept = {name: written.pop(name) for name in ("clock", "key_values", "zone") if name in written}
    return build("email", secrets=secrets, **kept, **written)


def part(taken: Any, kind: str) -> str:
    body = taken.get_body((kind,))
    return "" if body is None else str(body.get_content()).replace("\r\n", "\n")


async def test_a_mail_has_html_and_text_and_all_that_filters_and_threads_need(server: smtp.Server) -> None:
    receipt = await channel(server, zone=ZoneInfo("Asia/Karachi")).send(delivery(messages.POST))
    one_click = channel(server, unsubscribe="https://lists.example.org/off?list=desk")
    await one_click.send(delivery(messages.POST, id="send-2"))
    accepted, clickable = server.mails
    assert receipt.ref == accepted["Message-ID"] == "<send-1@wirewatch.wirewatch.example>"
    assert accepted["Subject"] == "[High] BlackBerry to leave Pakistan rather than open its servers to the regulator"
    assert (accepted["From"], accepted["To"]) == ("Wirewatch <bot@wirewatch.example>", DESK)
    assert (accepted["Importance"], accepted["Auto-Submitted"]) == ("high", "auto-generated")
    assert accepted["List-Id"] == "<desk.wirewatch.wirewatch.example>"
    assert accepted["List-Unsubscribe"] == "<mailto:bot@wirewatch.example?subject=unsubscribe%20desk>"
    assert accepted["List-Unsubscribe-Post"] is None
    assert clickable["List-Unsubscribe"] == "<https://lists.example.org/off?list=desk>"
    assert clickable["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    for kind, words in (("plain", "unfettered access"), ("html", "<strong>unfettered access</strong>")):
        assert words in part(accepted, kind)
        assert "2 Dec 14:02 PKT" in part(accepted, kind)
        assert " UTC" not in part(accepted, kind)
    assert f'<a href="{messages.WIRE}">' in part(accepted, "html")
    assert server.envelopes == [[DESK], [DESK]]


async def test_replies_are_in_the_thread_of_their_story_under_its_subject(server: smtp.Server) -> None:
    desk = channel(server)
    head = await desk.send(delivery(messages.POST))
    title = replace(messages.VIEW.title, spans=(Span(text="A corrected headline"),))
    corrected = replace(messages.CORRECTION, severity=Severity.LOW, story=replace(messages.VIEW, title=title))
    for number, message in enumerate((messages.NEW_FACT, corrected)):
        await desk.send(delivery(message, id=f"reply-{number}", reply_to=head))
    first, *replies = server.mails
    for reply in replies:
        assert reply["In-Reply-To"] == reply["References"] == first["Message-ID"]
        assert reply["Subject"] == f"Re: {first['Subject']}"
    assert part(replies[0], "plain").startswith("New in this story\n")
    assert "<del>15 December</del> → <strong>30 December</strong>" in part(replies[0], "html")


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
async def test_whatever_a_feed_says_is_a_valid_mail_that_breaks_out_of_nothing(server: smtp.Server, step: int) -> None:
    desk = channel(server)
    evil = "Bcc: all@example.org\r\nBcc: all@example.org\n\n<script>alert(1)</script> =?utf-8?q?a=0D=0ABcc:_x@y.z?= "
    all_messages = [*messages.ALL.values(), *hostile.ALL[::step]]
    all_messages += hostile.every_kind(evil, 'https://x.example/"><script>', many=2)
    all_messages += hostile.every_kind("\u202eevil" * 20_000, messages.WIRE, many=2)
    for number, message in enumerate(all_messages):
        for is_plain in (False, True):
            await desk.send(delivery(message, id=f"send-{number}-{is_plain}", is_plain=is_plain))
    assert [mail.is_multipart() for mail in server.mails] == [True, False] * len(all_messages)
    for item in server.mails:
        assert item["Bcc"] is None
        html = part(item, "html")
        assert len(html.encode()) <= mail.HTML_LIMIT_BYTES
        assert "<script" not in html.lower()
        assert "onerror" not in html
        assert not hostile.CONTROL & (set(html) | set(part(item, "plain")) | set(str(item["Subject"])))
    assert all(envelope == [DESK] for envelope in server.envelopes)


@given(st.text(max_size=400))
@settings(max_examples=10, deadline=None)
def test_a_subject_arrives_as_it_was_written_in_lines_that_any_server_takes(text: str) -> None:
    title = replace(messages.VIEW.title, spans=(Span(text=text),))
    message = replace(messages.POST, story=replace(messages.VIEW, title=title))
    options = mail.Options.model_validate({"to": DESK, "sender": DESK, "server": "x"})
    created = mail.compose(delivery(message), options, name=text, now=FakeClock().now(), zone=UTC)
    accepted = smtp.check(created)
    assert " ".join(str(accepted["Subject"]).split()) == " ".join(mail.subject_of(delivery(message)).split())


# -- recipients


async def test_an_unknown_recipient_is_named_in_the_log_and_parks_the_channel_if_there_is_no_other(
    server: smtp.Server,
) -> None:
    with structlog.testing.capture_logs() as lines:
        await channel(server, to=[DESK, "nobody@example.org"]).send(delivery(messages.POST))
    assert server.envelopes == [[DESK]]
    [line] = [item for item in lines if item["event"] == "recipient refused"]
    assert (line["recipient"], line["code"]) == ("nobody@example.org", 550)
    with pytest.raises(ChannelClosed, match=r"550 to a recipient \(5\.1\.1 no such user here\).*under to"):
        await channel(server, to="nobody@example.org").send(delivery(messages.POST))
    assert len(server.mails) == 1


async def test_a_recipient_that_is_put_off_gets_it_later_and_the_others_once(server: smtp.Server) -> None:
    kept = MemoryKeyValues()
    both = [DESK, "night@example.org"]
    server.script("RCPT night@example.org", "450 4.7.1 greylisted, come back later", times=2)
    for _ in range(2):
        with pytest.raises(RetryLater, match=r"1 recipient put off, such as night@example\.org: 450") as caught:
            await channel(server, to=both, key_values=kept).send(delivery(messages.POST))
        assert not caught.value.whole_channel, "other mails go on"
    await channel(server, to=both, key_values=kept).send(delivery(messages.POST))
    assert server.envelopes == [[DESK], ["night@example.org"]]
    assert len({item["Message-ID"] for item in server.mails}) == 1
    assert set(kept.kept.values()) == {"{}"}, "nothing is remembered of what is done"


async def test_a_recipient_that_is_put_off_for_hours_holds_up_nobody(server: smtp.Server) -> None:
    kept, clock = MemoryKeyValues(), FakeClock()
    desk = channel(server, to=[DESK, "full@example.org"], key_values=kept, clock=clock)
    server.script("RCPT full@example.org", "452 4.2.2 mailbox full", times=10)
    with pytest.raises(RetryLater):
        await desk.send(delivery(messages.POST))
    clock.advance(timedelta(hours=3))
    with structlog.testing.capture_logs() as heard:
        assert (await desk.send(delivery(messages.POST))).ref
    assert [line["recipient"] for line in heard] == ["full@example.org"]
    assert server.envelopes == [[DESK]]


# -- what breaks on the way


@pytest.mark.parametrize(
    ("command", "answer", "error"),
    [
        ("MAIL", "421 4.3.2 shutting down", RetryLater),
        ("RCPT", "451 4.3.0 try again", RetryLater),
        ("DATA", "454 4.3.0 too many messages", RetryLater),
        ("MAIL", smtp.RESET, RetryLater),
        ("RCPT", smtp.RESET, RetryLater),
        ("DATA", "554 5.7.1 this looks like spam", FormRefused),
        ("DATA", smtp.HANG, TimeoutError),
    ],
)
async def test_after_an_answer_or_a_break_before_the_end_of_the_text_the_channel_goes_on(
    server: smtp.Server, command: str, answer: str, error: type[Exception]
) -> None:
    server.script(command, answer)
    desk = channel(server)
    with pytest.raises(error):
        async with asyncio.timeout(0.5 if answer == smtp.HANG else None):
            await desk.send(delivery(messages.POST))
    await desk.send(delivery(messages.POST))
    assert len(server.mails) == 1


@pytest.mark.parametrize("fault", [smtp.RESET, smtp.RESET_AFTER])
async def test_a_connection_that_breaks_after_the_text_is_unknown_and_the_repetition_is_known_by_its_id(
    server: smtp.Server, fault: str
) -> None:
    server.script("DATA", fault)
    with pytest.raises(OutcomeUnknown):
        await channel(server).send(delivery(messages.POST))
    await channel(server).send(delivery(messages.POST))
    assert len(server.mails) == 1 + (fault == smtp.RESET_AFTER)
    assert len({item["Message-ID"] for item in server.mails}) == 1


async def test_a_server_that_takes_no_connection_or_sends_us_away_is_waited_for_or_parks() -> None:
    for greeting, error, words in (
        (b"421 4.3.2 too many connections\r\n", RetryLater, "421"),
        (b"554 5.7.1 your address is on a list\r\n", ChannelClosed, "accepts no mail from this machine"),
        (b"", RetryLater, "could not be kept"),
    ):

        async def greet(reader: object, writer: asyncio.StreamWriter, greeting: bytes = greeting) -> None:
            writer.write(greeting)
            writer.close()

        async with await asyncio.start_server(greet, "127.0.0.1", 0) as listening:
            port = listening.sockets[0].getsockname()[1]
            desk = build("email", to=DESK, sender=DESK, server=f"127.0.0.1:{port}", security="none")
            with pytest.raises(error, match=words):
                await desk.send(delivery(messages.POST))


# -- TLS and login


@pytest.fixture
def trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test's certificate is of feeds.test, which is here."""
    monkeypatch.setenv("SSL_CERT_FILE", str(smtp.TLS / "ca.pem"))
    really = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *rest, **more: really(host if host != "feeds.test" else "127.0.0.1", *rest, **more),
    )


def with_login(server: smtp.Server, /, password: str = smtp.PASSWORD, **keys: Any) -> Channel:
    written = {"server": f"feeds.test:{server.port}", "username": smtp.USER, "password": "env:MAIL_PASSWORD", **keys}
    return channel(server, Secrets(MAIL_PASSWORD=password), **written)


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_login_goes_over_tls_only_and_a_wrong_one_parks_without_showing_it(
    security: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with smtp.serve(security=security) as server:
        await with_login(server).send(delivery(messages.POST))
        assert len(server.mails) == 1
        with pytest.raises(ChannelClosed, match=r"535 to the login.*app password") as caught:
            await with_login(server, "wr0ng-s3cret").send(delivery(messages.POST))
        assert caught.value.whole_workspace
        assert "wr0ng-s3cret" not in f"{caught.value} {caplog.text}"
        with pytest.raises(ChannelClosed, match=r"530 to the sender.*add username and password"):
            await channel(server, server=f"feeds.test:{server.port}").send(delivery(messages.POST))
        # The client tries each way to log in.
        server.script("AUTH", "454 4.7.0 temporary authentication failure", times=2)
        with pytest.raises(RetryLater):
            await with_login(server).send(delivery(messages.POST))


async def test_a_certificate_that_is_not_trusted_stops_the_mail_before_the_login() -> None:
    with smtp.serve(security="starttls") as server:
        desk = with_login(server, server=f"127.0.0.1:{server.port}")
        with pytest.raises(RetryLater, match="its certificate is not trusted"):
            await desk.send(delivery(messages.POST))
        assert "AUTH" not in server.seen


async def test_a_server_without_starttls_is_not_spoken_to_in_clear(server: smtp.Server) -> None:
    with pytest.raises(ChannelClosed, match="offers no STARTTLS; set security to tls"):
        await channel(server, security="starttls").send(delivery(messages.POST))
    assert server.seen == []


# -- the set-up


async def test_check_goes_as_far_as_the_recipients_sends_nothing_and_says_what_to_do(server: smtp.Server) -> None:
    lines = await channel(server, to=[DESK, "nobody@example.org", "x@elsewhere.example"]).check()
    assert [line.is_good for line in lines] == [True, True, False, False]
    assert "correct or remove the address under to" in lines[2].help
    assert "does not relay" in lines[3].help
    server.script("MAIL", "553 5.7.1 sender address rejected")
    [line] = await channel(server).check()
    assert "set sender to its own address" in line.help
    assert server.mails == []

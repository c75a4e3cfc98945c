"""Apprise against a real SMTP server, and what it may not let through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.channels.kit import rendering
from bot.model.channels import Channel
from bot.model.errors import ChannelClosed, OutcomeUnknown, RetryLater
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, delivery
from tests.testbed.servers import faulty, smtp

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def server() -> Iterator[smtp.Server]:
    with smtp.serve(is_strict=False) as running:
        yield running


def mail_address(server: smtp.Server) -> str:
    return f"mailto://127.0.0.1:{server.port}?from=bot@wirewatch.example&to=desk@example.org&mode=insecure"


def channel(address: str) -> Channel:
    return build("apprise", secrets=Secrets(URL=address), url="env:URL")


async def test_a_mail_arrives_whole(server: smtp.Server) -> None:
    await channel(mail_address(server)).send(delivery(messages.EDIT))
    [mail] = server.mails
    assert mail["Subject"] == "BlackBerry to leave Pakistan rather than open its servers to the regulator"
    body = mail.get_body(("plain", "html"))
    assert body is not None
    for words in ("unfettered access", "Karachi Herald", messages.HERALD, "PTA in the text (regulator)"):
        assert words in body.get_content()


async def test_hostile_text_stays_text_in_a_mail(server: smtp.Server) -> None:
    for message in hostile.every_kind(hostile.BAD, messages.WIRE):
        await channel(mail_address(server)).send(delivery(message))
    for mail in server.mails:
        html = [part.get_content() for part in mail.walk() if part.get_content_type() == "text/html"]
        assert not any("<b>" in part or 'href="https://evil.example' in part for part in html)
        assert sorted(name.lower() for name in mail if name.lower() in ("to", "cc", "bcc")) == ["to"]
    assert len(server.mails) == 9


async def test_a_mail_that_is_not_taken_is_of_unknown_outcome(server: smtp.Server) -> None:
    server.script("DATA", "451 4.3.0 try later")
    with pytest.raises(OutcomeUnknown):
        await channel(mail_address(server)).send(delivery(messages.POST))


@pytest.mark.timeout(30)
async def test_a_service_that_asks_for_a_pause_is_waited_for_by_us_and_not_asleep_in_the_plug_in() -> None:
    limit = faulty.Answer(429, {"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 90_000})
    with faulty.serve(faulty.Always(limit)) as server:
        address = f"matrix://bot:s3cret@{server.url.removeprefix('http://')}/%23desk:wirewatch.test"
        with pytest.raises(RetryLater) as caught:
            await channel(address).send(delivery(messages.POST))
    assert caught.value.retry_after == timedelta(seconds=90)


async def test_an_address_that_names_no_service_parks_without_showing_it() -> None:
    with pytest.raises(ChannelClosed, match="unknown service") as caught:
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

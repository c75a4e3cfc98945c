"""Requests to a hub, the meaning of its answers, the next request, and which news really comes from it."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import pytest

from bot.feeds import websub
from bot.model.feeds import Subscription
from tests.feeds.documents import read
from tests.testbed.fakes import START

TOPIC = "https://wire.example/feed"
ONE = websub.new_subscription("https://wire.example/feed.xml", "https://hub.example/", TOPIC, now=START)
HOUR = timedelta(hours=1)


def is_signed(subscription: Subscription, written: str, body: bytes) -> bool:
    signature = websub.Signature(subscription, written)
    for n in range(len(body)):
        signature.update(body[n : n + 1])
    return signature.is_good()


def test_the_hub_is_asked_for_the_topic_with_a_callback_and_a_secret_of_this_subscription() -> None:
    form = {name: value for name, [value] in parse_qs(websub.subscribe_form(ONE, "https://watch.example/")).items()}
    assert form["hub.mode"] == "subscribe"
    assert form["hub.topic"] == TOPIC
    assert form["hub.callback"] == f"https://watch.example/websub/{ONE.token}"
    assert form["hub.secret"] == ONE.secret
    other = websub.new_subscription(ONE.feed, ONE.hub, TOPIC, now=START)
    assert len({ONE.token, ONE.secret, other.token, other.secret}) == 4
    assert len(ONE.token) > 40


@pytest.mark.parametrize(
    ("seconds", "lease"),
    [("864000", timedelta(days=10)), ("1", timedelta(minutes=5)), ("9" * 9, timedelta(days=30)), ("x", websub.LEASE)],
)
def test_a_verified_subscription_is_renewed_before_its_lease_ends(seconds: str, lease: timedelta) -> None:
    requested = websub.after_request(ONE, None, now=START)
    verified = websub.after_verification(requested, topic=TOPIC, lease_seconds=seconds, now=START)
    assert verified
    assert (verified.until, verified.next_at) == (START + lease, START + lease * 4 / 5)
    assert websub.after_verification(requested, topic=TOPIC + "2", lease_seconds=seconds, now=START) is None


def test_failures_are_tried_again_later_and_later_up_to_a_day() -> None:
    subscription, waits = ONE, []
    for _ in range(9):
        subscription = websub.after_request(subscription, "the hub answered 500", now=START)
        waits.append(subscription.next_at - START)
    assert waits[:3] == [HOUR / 2, HOUR, HOUR * 2]
    assert waits[-1] == timedelta(days=1)
    assert subscription.error == "the hub answered 500"
    denied = websub.after_denial(replace(subscription, until=START + HOUR), "x" * 9_999, now=START)
    assert denied.until is None
    assert denied.error
    assert len(denied.error) < 400


def test_a_hub_that_never_asks_back_is_a_failure() -> None:
    requested = websub.after_request(ONE, None, now=START)
    assert not websub.has_expired(requested, now=START + HOUR / 2)
    assert websub.has_expired(requested, now=requested.next_at)
    failed = websub.after_silence(requested, now=requested.next_at)
    assert "web.public_url" in (failed.error or "")
    assert failed.next_at > requested.next_at


@pytest.mark.parametrize("method", ["sha1", "sha256", "sha384", "sha512"])
def test_news_is_the_hubs_where_its_secret_signed_these_very_bytes(method: str) -> None:
    signature = hmac.new(ONE.secret.encode(), b"news", method).hexdigest()
    assert is_signed(ONE, f"{method}={signature}", b"news")
    assert is_signed(ONE, f"{method}={signature.upper()}", b"news")
    for forged in (
        "",
        signature,
        f"{method}=",
        f"md5={hashlib.md5(b'news').hexdigest()}",
        f"{method}={hmac.new(b'guess', b'news', method).hexdigest()}",
        f"{method}=\u00e9",
    ):
        assert not is_signed(ONE, forged, b"news")
    assert not is_signed(ONE, f"{method}={signature}", b"news!")


ATOM = '<feed xmlns="http://www.w3.org/2005/Atom">'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            """<rss xmlns:atom="http://www.w3.org/2005/Atom"><channel>
            <atom:link rel="hub" href='https://hub.example/?a&amp;b'/><atom:link href="/feed" rel="self" type="x"/>
            <link>https://wire.example/</link><item/></channel></rss>""",
            ("https://hub.example/?a&b", "https://wire.example/feed"),
        ),
        (
            f'{ATOM}<link rel="alternate" href="/"/><link rel="hub" href="https://h.example"/><entry/></feed>',
            ("https://h.example", None),
        ),
        (
            '{"feed_url": "https:\\/\\/wire.example\\/j", "hubs": [{"url": "https://h.example"}], "items": []}',
            ("https://h.example", "https://wire.example/j"),
        ),
        ("<rss><channel><item><link rel='hub' href='https://evil.example'/></item></channel></rss>", (None, None)),
        (f'{ATOM}<link rel="hub" href="javascript:x"/></feed>', (None, None)),
        (f'{ATOM}<link rel="hub" href="https://h.example/{"x" * 9_000}"/></feed>', (None, None)),
    ],
)
def test_a_feed_names_its_hub_and_its_own_address(content: str, expected: tuple[str | None, str | None]) -> None:
    reading = read(content, url="https://wire.example/feed.xml")
    assert (reading.hub, reading.topic) == expected


_PUBLIC = "https://watch.example/"
_ASKED = websub.after_request(ONE, None, now=START)
_ACTIVE = replace(_ASKED, asked_at=None, until=START + 10 * 24 * HOUR)
_REFUSED = websub.after_denial(ONE, "no more", now=START)


@pytest.mark.parametrize(
    ("subscription", "public_url", "line"),
    [
        (ONE, None, "names a hub; without web.public_url it is only polled"),
        (ONE, _PUBLIC, "only polled: the request to its hub is due"),
        (_ASKED, _PUBLIC, "only polled: its hub has not confirmed the subscription yet"),
        (_ACTIVE, _PUBLIC, f"its hub pushes until {START + 10 * 24 * HOUR:%Y-%m-%d %H:%M} UTC"),
        (
            replace(_ACTIVE, error="no answer"),
            _PUBLIC,
            f"its hub pushes until {START + 10 * 24 * HOUR:%Y-%m-%d %H:%M} UTC; not renewed yet: no answer",
        ),
        (
            _REFUSED,
            _PUBLIC,
            f"only polled: the hub refuses: no more; next request to the hub {_REFUSED.next_at:%Y-%m-%d %H:%M} UTC",
        ),
        (replace(_ACTIVE, until=START - HOUR), _PUBLIC, "only polled: the subscription has ended"),
    ],
)
def test_a_subscription_is_told_in_one_line(subscription: Subscription, public_url: str | None, line: str) -> None:
    assert websub.describe_subscription(subscription, public_url=public_url, now=START) == line


def test_a_feed_that_names_another_hub_in_each_document_has_one_request_an_hour() -> None:
    def asked_at(changed_at: datetime | None) -> datetime:
        return websub.new_subscription("f", "https://h.example/", TOPIC, now=START, changed_at=changed_at).next_at

    assert asked_at(None) == asked_at(START - HOUR) == START
    assert asked_at(START - HOUR / 12) == START + HOUR

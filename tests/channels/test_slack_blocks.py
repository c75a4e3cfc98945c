"""Block Kit as Slack takes it: golden files, every limit, and nothing of a feed that pings, formats or hides."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.kit import phrases
from bot.channels.slack import blocks as slack_blocks
from bot.channels.slack.blocks import escape_to
from bot.testing import hostile, messages
from tests.channels.context import check_golden_blocks, objects


@pytest.mark.parametrize("name", messages.ALL)
def test_the_blocks_are_those_of_the_golden_file(name: str) -> None:
    check_golden_blocks(name, slack_blocks.build_blocks(messages.ALL[name]))


def test_untrusted_text_stands_only_where_slack_reads_no_markup() -> None:
    for message in hostile.every_kind(hostile.BAD, messages.WIRE):
        for piece in objects(slack_blocks.build_blocks(message, names_story=True)):
            if piece.get("type") == "mrkdwn":
                assert piece["verbatim"] is True
                assert not any(ping in str(piece["text"]) for ping in hostile.PINGS)
            if "text" in piece and isinstance(piece["text"], str):
                assert not hostile.CONTROL & set(piece["text"])


def test_only_web_addresses_are_links_and_each_label_tells_the_true_host() -> None:
    for link in hostile.LINKS:
        for message in hostile.every_kind("bank.example", link, many=1):
            for piece in objects(slack_blocks.build_blocks(message, names_story=True)):
                if piece.get("type") == "link":
                    assert str(piece["url"]).startswith(("https://evil.example", "https://xn--", "https://x.example"))
                    assert "bank.example (" in str(piece["text"])


@pytest.mark.parametrize(
    ("label", "address", "host"),
    [
        ("dawn.com", "https://awn.co/x", "awn.co"),
        ("https://www.dawn.com/news/123", "https://dawn.co/x", "dawn.co"),
        ("www.paypal.com", "https://pal.com/", "pal.com"),
        ("bank\u2024com", "https://evil.example/", "evil.example"),
        ("bank\uff0ecom", "https://evil.example/", "evil.example"),
        ("bank\u3002com", "https://evil.example/", "evil.example"),
        ("dawn.com or evil.com", "https://dawn.com/x", "dawn.com"),
    ],
)
def test_a_label_never_shows_another_host_alone(label: str, address: str, host: str) -> None:
    assert phrases.link_label(label, address) == f"{label} ({host})"


@pytest.mark.parametrize(
    "label", ["Dawn", "dawn.com", "www.dawn.com", "epaper.dawn.com: the page", "U.S. sues over 3.5 km"]
)
def test_a_label_of_the_same_site_is_left_alone(label: str) -> None:
    assert phrases.link_label(label, "https://www.dawn.com/news/1") == label


@given(text=st.text(), limit=st.integers(0, 60))
def test_a_cut_is_never_too_long_and_the_escaping_never_cut(text: str, limit: int) -> None:
    assert phrases.size(phrases.cut(text, limit)) <= limit or phrases.size(text) <= limit
    escaped = escape_to(text, limit)
    assert phrases.size(escaped) <= limit
    remaining = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set(remaining) & set("&<>")

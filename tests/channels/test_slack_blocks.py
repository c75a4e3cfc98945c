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


def test_only_web_addresses_are_links_and_each_label_tells_the_true_host() -> None:
    for link in hostile.LINKS:
        for message in hostile.every_kind("bank.example", link, many=1):
            for piece in objects(slack_blocks.build_blocks(message, names_story=True)):
                if piece.get("type") == "link":
                    assert str(piece["url"]).startswith(("https://evil.example", "https://xn--", "https://x.example"))
                    assert "bank.example (" in str(piece["text"])


@pytest.mark.parametrize(
    ("label", "address", "is_honest"),
    [
        ("dawn.com", "https://awn.co/x", False),
        ("https://www.dawn.com/news/123", "https://dawn.co/x", False),
        ("bank\u2024com", "https://evil.example/", False),
        ("bank\uff0ecom", "https://evil.example/", False),
        ("dawn.com or evil.com", "https://dawn.com/x", False),
        ("Dawn", "https://www.dawn.com/news/1", True),
        ("www.dawn.com", "https://www.dawn.com/news/1", True),
        ("epaper.dawn.com: the page", "https://www.dawn.com/news/1", True),
        ("U.S. sues over 3.5 km", "https://www.dawn.com/news/1", True),
    ],
)
def test_a_label_never_shows_another_host_alone(label: str, address: str, is_honest: bool) -> None:
    host = address.split("/")[2].removeprefix("www.")
    assert phrases.link_label(label, address) == (label if is_honest else f"{label} ({host})")


@given(text=st.text(), limit=st.integers(0, 60))
def test_a_cut_is_never_too_long_and_the_escaping_never_cut(text: str, limit: int) -> None:
    assert phrases.size(phrases.cut(text, limit)) <= limit or phrases.size(text) <= limit
    escaped = escape_to(text, limit)
    assert phrases.size(escaped) <= limit
    remaining = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set(remaining) & set("&<>")

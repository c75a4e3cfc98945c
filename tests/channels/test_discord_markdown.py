"""Whatever a feed says is plain text in Discord's Markdown, and a message made of it keeps Discord's limits."""

from __future__ import annotations

import re
from datetime import UTC

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.channels.discord import markdown
from bot.testing import hostile, messages
from testbed.servers import discord_rules

FRAGMENTS = (
    *hostile.PINGS,
    *(
        "@here",
        "<@&1>",
        "discord.gg/x",
        "https://x.example/_a_",
        "**",
        "~~",
        "`",
        "||",
        "> ",
        "# ",
        "- ",
        "1. ",
        "[a](b)",
    ),
    *("\\", "<t:1>", ":smile:", "مرحبا", "\U0001f469\u200d\U0001f467", "e\u0301"),
)
TEXT = st.text() | st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join)


@given(TEXT)
@settings(max_examples=400)
def test_every_mark_of_discords_markdown_is_escaped(text: str) -> None:
    told = markdown.escape(text)
    assert not discord_rules.MENTION.search(told)
    # After a backslash a mark is a character.
    bare = re.sub(r"\\.", ".", told)
    assert not set("*_~`|<>[]/") & set(bare)
    assert not bare.lstrip().startswith(("#", "-", "+"))
    assert told.replace("\\", "").replace("\u2060", "") == text.replace("\\", "").replace("\u2060", "")


@given(TEXT.map(lambda text: text * 30))
@settings(max_examples=15, deadline=None)
def test_whatever_a_feed_says_a_message_keeps_discords_limits(text: str) -> None:
    for message in hostile.every_kind(text, messages.WIRE, many=30):
        for is_plain in (False, True):
            body = markdown.build_payload(message, zone=UTC, ref="0123abcd", names_story=True, is_plain=is_plain)
            discord_rules.check_message(body, known=discord_rules.CREATE)

"""A feed's picture of an article is in the message of a channel that shows pictures, and in no other."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from bot.model.stories import ArticleId, JoinReason
from bot.stories import summaries
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import BOT, RULES, rss, world
from tests.testbed import made
from tests.testbed.servers.feeds import Reply

PICTURE = "https://img.example.org/blackberry.jpg"
PAGE_PICTURE = "https://img.example.org/page.jpg"


async def test_only_a_channel_with_the_key_shows_the_picture_of_the_article(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as desk:
        bot = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, picture: true}}\n  ops")
        desk.configure("wire", bot=bot, rules=RULES.replace("notify: desk", "notify: [desk, ops]"))
        await desk.once()
        enclosure = f'<enclosure url="{PICTURE}" type="image/jpeg" length="1"/></item>'
        desk.outlets.serve("/wire.xml", rss("wire", FIRST).replace(b"</item>", enclosure.encode()))
        await desk.once()
        (head,), (other,) = desk.heads(), [m for m in desk.heads("ops") if FIRST.title in json.dumps(m)]
        assert f'"image_url": "{PICTURE}"' in json.dumps(head)
        assert "img.example.org" not in json.dumps(other)


@pytest.mark.parametrize("named_by_feed", ["", PICTURE])
async def test_the_picture_of_a_page_that_is_read_for_its_text_is_shown_if_the_feed_names_none(
    named_by_feed: str, tmp_path: Path
) -> None:
    async with world(tmp_path / "config") as desk:
        bot = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, picture: true}}\n  ops")
        desk.configure("wire", bot=bot, feed_keys="full_text: always")
        await desk.once()
        teaser = dataclasses.replace(FIRST, link=desk.outlets.url("/article"), text=f"{FIRST.text[:60]} …")
        body = rss("wire", teaser)
        if named_by_feed:
            enclosure = f'<enclosure url="{named_by_feed}" type="image/jpeg" length="1"/></item>'
            body = body.replace(b"</item>", enclosure.encode())
        desk.outlets.serve("/wire.xml", body)
        head = f'<head><meta property="og:image" content="{PAGE_PICTURE}"></head>'
        page = f"<html>{head}<body><article><p>{FIRST.text * 2}</p></article></body></html>"
        desk.outlets.serve("/article", Reply(body=page.encode(), headers={"content-type": "text/html"}))
        await desk.once()
        (message,) = desk.heads()
        assert f'"image_url": "{named_by_feed or PAGE_PICTURE}"' in json.dumps(message)


def test_a_syndicated_copy_has_no_picture() -> None:
    story = made.story("s", replace(made.article("a"), picture=PICTURE))
    assert summaries.make_view(story, {}).picture == PICTURE
    (member,) = story.members
    join = replace(member.join, reason=JoinReason.COPY, copy_of=ArticleId("b"))
    assert summaries.make_view(replace(story, members=(replace(member, join=join),)), {}).picture == ""

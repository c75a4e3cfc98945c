"""A feed's picture of an article is in the message of a channel that shows pictures, and in no other."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from bot.model.stories import ArticleId, JoinReason
from bot.stories import summaries
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import BOT, RULES, World, rss, world
from tests.testbed import made

PICTURE = "https://img.example.org/blackberry.jpg"


def publish(desk: World, picture: str) -> None:
    enclosure = f'<enclosure url="{picture}" type="image/jpeg" length="1"/></item>'
    desk.outlets.serve("/wire.xml", rss("wire", FIRST).replace(b"</item>", enclosure.encode()))


async def test_only_a_channel_with_the_key_shows_the_picture_of_the_article(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as desk:
        bot = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, picture: true}}\n  ops")
        desk.configure("wire", bot=bot, rules=RULES.replace("notify: desk", "notify: [desk, ops]"))
        await desk.once()
        publish(desk, PICTURE)
        await desk.once()
        (head,), (other,) = desk.heads(), [m for m in desk.heads("ops") if FIRST.title in json.dumps(m)]
        assert f'"image_url": "{PICTURE}"' in json.dumps(head)
        assert "img.example.org" not in json.dumps(other)


async def test_a_picture_on_a_private_host_is_not_shown(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as desk:
        bot = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, picture: true}}\n  ops")
        desk.configure("wire", bot=bot)
        await desk.once()
        publish(desk, "https://192.168.1.1/reboot.jpg")
        await desk.once()
        (head,) = desk.heads()
        assert "192.168.1.1" not in json.dumps(head)


def test_a_syndicated_copy_has_no_picture() -> None:
    story = made.story("s", replace(made.article("a"), picture=PICTURE))
    assert summaries.make_brief(story, {}).picture == PICTURE
    (member,) = story.members
    join = replace(member.join, reason=JoinReason.COPY, copy_of=ArticleId("b"))
    assert summaries.make_brief(replace(story, members=(replace(member, join=join),)), {}).picture == ""

"""A feed's picture of an article is in the message of a channel that shows pictures, and in no other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from msgspec import structs

from bot.model.stories import ArticleId, JoinReason
from bot.stories import summaries
from tests.journeys.test_seed_story import FIRST, OTHER_EVENT
from tests.journeys.world import BOT, RULES, as_text, rss, world
from tests.testbed import made
from tests.testbed.servers.feeds import Reply

PICTURE = "https://img.example.org/blackberry.jpg"
PAGE_PICTURE = "https://img.example.org/page.jpg"


async def test_only_a_channel_with_the_key_shows_the_picture_that_the_feed_or_else_the_page_names(
    tmp_path: Path,
) -> None:
    async with world(tmp_path / "config") as desk:
        bot = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, picture: true}}\n  ops")
        rules = RULES.replace("notify: desk", "notify: [desk, ops]")
        desk.configure("wire", "courier", bot=bot, rules=rules, feed_keys="full_text: always")
        await desk.once()
        head = f'<head><meta property="og:image" content="{PAGE_PICTURE}"></head>'
        for outlet, item in {"wire": FIRST, "courier": replace(OTHER_EVENT, at=FIRST.at)}.items():
            page = f"<html>{head}<body><article><p>{item.text * 2}</p></article></body></html>"
            desk.outlets.serve(f"/{item.id}", Reply(body=page.encode(), headers={"content-type": "text/html"}))
            teaser = replace(item, link=desk.outlets.url(f"/{item.id}"), text=f"{item.text[:60]} …")
            desk.publish(outlet, teaser)
            if outlet == "wire":
                enclosure = f'<enclosure url="{PICTURE}" type="image/jpeg" length="1"/></item>'
                body = rss(outlet, teaser).replace(b"</item>", enclosure.encode())
                desk.outlets.serve(f"/{outlet}.xml", body)
        await desk.once()
        heads = {
            item.id: next(as_text(m) for m in desk.heads() if item.title in as_text(m)) for item in (FIRST, OTHER_EVENT)
        }
        assert f'"image_url": "{PICTURE}"' in heads[FIRST.id]
        assert f'"image_url": "{PAGE_PICTURE}"' in heads[OTHER_EVENT.id]
        assert "img.example.org" not in str([as_text(message) for message in desk.heads("ops")])


def test_a_syndicated_copy_has_no_picture() -> None:
    story = made.story("s", structs.replace(made.article("a"), picture=PICTURE))
    assert summaries.make_view(story, {}).picture == PICTURE
    (member,) = story.members
    join = structs.replace(member.join, reason=JoinReason.COPY, copy_of=ArticleId("b"))
    assert summaries.make_view(structs.replace(story, members=(structs.replace(member, join=join),)), {}).picture == ""

"""A message hides nothing of what joined its story, and keeps the headline that it was posted with."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from msgspec import structs

from bot.app.runtime import App
from bot.chat import ChatCommands
from bot.model.alerts import AlertAction
from bot.model.channels import ChatRequest, Person
from bot.model.stories import ArticleId, JoinReason
from bot.queries import assistants
from bot.stories import summaries
from tests.channels.context import objects
from tests.journeys.test_seed_story import FIRST, OTHER_EVENT, SECOND, THIRD
from tests.journeys.world import BOT, RULES, Item, World, as_text, rss, watching, world
from tests.testbed import made
from tests.testbed.fakes import START
from tests.testbed.servers.feeds import Reply
from tests.web.conftest import page_over

NUMBERED = replace(FIRST, text=FIRST.text + " It has 5,000 business customers in Pakistan.")
CORRECTED = replace(NUMBERED, text=NUMBERED.text.replace("5,000", "9,000"))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "courier", "ledger", rules=RULES.replace("high", "normal"))
        yield setup


def links(message: Mapping[str, Any], *, kind: str = "rich_text_section") -> list[tuple[str, str]]:
    """Return label and address of each link in the parts of a message of one kind."""
    parts = [part for part in objects(message["blocks"]) if part.get("type") == kind]
    return [(item["text"], item["url"]) for part in parts for item in objects(part) if item.get("type") == "link"]


async def test_each_outlets_headline_is_listed_and_the_first_stays_the_headline_unless_people_take_it_out(
    desk: World,
) -> None:
    await desk.once()
    for outlet, item in {"wire": FIRST, "courier": SECOND, "ledger": THIRD}.items():
        await desk.poll(outlet, item)
    (message,) = desk.heads()
    assert "official" not in as_text(message), "only a rule with the key official says so"
    (headline, *_) = links(message)
    assert headline == (FIRST.title, "https://wire.example/w1")
    assert links(message, kind="rich_text_list") == [
        (THIRD.title, "https://ledger.example/l1"),
        (SECOND.title, "https://courier.example/c1"),
    ]
    (story,) = await desk.stories()
    await desk.close()
    async with page_over(desk.folder) as page:
        answer = json.loads((await page.get(f"/api/v1/stories/{story.id}")).content)
        shown = (await page.get(f"/story/{story.id}")).text
        (entry,) = json.loads((await page.get("/feeds/all.json")).content)["items"]
    assert answer["byline"]["outlet"] == "wire"
    assert [(line["title"], line["outlet"]) for line in answer["coverage"]] == [
        (THIRD.title, "ledger"),
        (SECOND.title, "courier"),
    ]
    assert shown.index(SECOND.title) < shown.index(THIRD.title), "a timeline begins with the oldest"
    assert entry["content_html"].index(THIRD.title) < entry["content_html"].index(SECOND.title), "the newest first"
    assert "3 outlets" in shown

    await desk.call("stories", "split", story.id, "https://wire.example/w1")
    await desk.once()
    remaining, apart = desk.heads()
    assert [links(message)[0][0] for message in (remaining, apart)] == [SECOND.title, FIRST.title]
    assert [label for label, _ in links(remaining, kind="rich_text_list")] == [THIRD.title]
    assert links(apart, kind="rich_text_list") == []


async def test_feeds_that_are_first_polled_within_two_minutes_get_one_first_look(tmp_path: Path) -> None:
    async with world(tmp_path) as setup:
        setup.configure("courier", "ledger", "wire")
        setup.publish("courier", replace(OTHER_EVENT, at=FIRST.at))
        setup.publish("ledger", FIRST)
        async with setup.opened() as running:
            await _poll_next(running)
            assert await running.pipeline.release(running.settings) == []
            await _poll_next(running)
            setup.clock.advance(timedelta(minutes=3))
            # One feed is not polled yet.
            decisions = await running.pipeline.release(running.settings)
            assert [decision.action for decision in decisions] == [AlertAction.POST] * 2
        await setup.once(minutes=0)
        (head,) = setup.heads()
        assert "2 stories found on the first look" in str(head["blocks"])


async def _poll_next(running: App) -> None:
    """Poll one feed, the first in the order of addresses."""
    token, states = await running.pipeline.claim(limit=1)
    await running.pipeline.run(token, states, running.settings)


async def test_a_first_message_shows_the_value_that_its_headline_no_longer_has(desk: World) -> None:
    fined = replace(FIRST, title="PTA fines BlackBerry 20 million rupees over backdoor refusal")
    lower = replace(
        SECOND,
        title="PTA cuts fine of BlackBerry over backdoor refusal to 2 million rupees",
        text="The PTA has cut the fine of BlackBerry over a backdoor from 20 million rupees to 2 million rupees.",
        at=FIRST.at + timedelta(minutes=4),
    )
    desk.publish("wire", fined, replace(OTHER_EVENT, at=FIRST.at))
    desk.publish("courier", lower)
    await desk.once()
    (head,) = desk.heads()
    shown = str(head["blocks"])
    assert shown.index(fined.title) < shown.index("Latest") < shown.rindex(lower.title)


async def test_a_first_looks_message_grows_with_its_stories_and_news_gets_a_message_of_its_own(desk: World) -> None:
    old = Item(id="old", title="PTA fines BlackBerry over a backdoor in Multan", at=FIRST.at - timedelta(days=90))
    await desk.poll("wire", NUMBERED, replace(OTHER_EVENT, at=FIRST.at), old)
    (gathered,) = desk.heads()
    assert "2 stories found on the first look" in str(gathered["blocks"])
    await desk.poll("courier", SECOND)
    (gathered,) = desk.heads()
    assert gathered["edits"] == 1
    assert {FIRST.title, SECOND.title, OTHER_EVENT.title} <= {label for label, _ in links(gathered)}

    await desk.poll("wire", CORRECTED, replace(OTHER_EVENT, at=FIRST.at))
    gathered, own = desk.heads()
    assert links(own)[0] == (FIRST.title, "https://wire.example/w1")
    assert links(own, kind="rich_text_list") == [(SECOND.title, "https://courier.example/c1")]
    (reply,) = desk.replies()
    assert reply["thread_ts"] == own["ts"]
    assert "9,000" in str(reply["blocks"])

    await desk.poll("ledger", THIRD)
    gathered, own = desk.heads()
    assert THIRD.title in str(own["blocks"])
    assert len(desk.replies()) == 1


# -- a story has one headline, which every door shows: the message's, with what its outlet corrected in it


REGULATOR_RULES = """\
rules:
  - name: Regulators
    all: {who: [regulator], what: [fine*]}
    notify: [desk, ops]
"""
FINE = Item(
    id="1",
    title="Regulator fines Northwind Telecom 4 million dollars",
    text="The regulator fines Northwind Telecom 4 million dollars over its outage of March. The company will appeal.",
)
CORRECTED_FINE = replace(
    FINE,
    title="Regulator fines Northwind Telecom 6 million dollars",
    text="The regulator fines Northwind Telecom 6 million dollars over its outage of March. The company will appeal.",
)


async def test_every_door_shows_a_corrected_headline_and_feeds_out_the_correction_once(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    async with watching(folder, "wire", rules=REGULATOR_RULES) as setup:
        await setup.poll("wire", FINE)
        await setup.poll("wire", CORRECTED_FINE)
        (head,) = setup.heads()
        assert CORRECTED_FINE.title in str(head["blocks"])
        (story,) = await setup.stories()
        assert (await setup.call("stories")).stdout.splitlines()[0] == CORRECTED_FINE.title
    async with page_over(folder) as page:
        answer = json.loads((await page.get(f"/api/v1/stories/{story.id}")).content)
        assert answer["title"] == CORRECTED_FINE.title
        assert CORRECTED_FINE.title in (await page.get("/stories")).text
        (entry,) = json.loads((await page.get("/feeds/all.json")).content)["items"]
        assert entry["title"] == CORRECTED_FINE.title
        # Two channels have a message of each.
        assert entry["content_html"].count("changed the headline") == 1
        assert entry["content_html"].count("changed the text") == 1
        assert "6 million dollars over its outage" in entry["content_html"].partition("</p>")[0]
        chat = ChatCommands(page.running)
        (home, *_) = await chat.answer(
            ChatRequest(id="1", person=Person(id="U0", member_of=frozenset({"desk"})), is_page=True),
            channels=("desk",),
        )
        assert [brief.title.text for brief in home.message.stories] == [CORRECTED_FINE.title]
        async with Client(assistants.server_of(chat._queries)) as client:
            output = await client.call_tool("story", {"id": story.id})
    assert f'"title": "{CORRECTED_FINE.title}"' in output.content[0].text.partition('"articles"')[0]  # type: ignore[union-attr]


async def test_first_posts_that_wait_name_their_outlets_and_are_messages_of_their_own(tmp_path: Path) -> None:
    bot, rules = BOT + "gather: 90 seconds\n", RULES.replace("high", "normal")
    async with watching(tmp_path / "config", "wire", "courier", "observer", bot=bot, rules=rules) as it:
        it.publish("wire", FIRST)
        it.publish("observer", replace(OTHER_EVENT, at=START))
        await it.once()
        await it.poll("courier", SECOND, minutes=1)
        assert it.heads() == []
        await it.once(minutes=1)
        heads = [str(message["blocks"]) for message in it.heads()]
        assert len(heads) == 2
        (both,) = [head for head in heads if "wire" in head]
        assert "courier" in both
        assert "2 outlets" in both


# -- pictures


PICTURE = "https://img.example.org/blackberry.jpg"
PAGE_PICTURE = "https://img.example.org/page.jpg"


async def test_only_a_channel_with_the_key_shows_the_picture_that_the_feed_or_else_the_page_names(
    tmp_path: Path,
) -> None:
    bot = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, picture: true}}\n  ops")
    rules = RULES.replace("notify: desk", "notify: [desk, ops]")
    async with watching(tmp_path, "wire", "courier", bot=bot, rules=rules, feed_keys="full_text: always") as desk:
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
        [other] = [text for text in map(as_text, desk.heads("ops")) if FIRST.title in text]
        assert "img.example.org" not in other


def test_a_syndicated_copy_has_no_picture() -> None:
    story = made.story("s", structs.replace(made.article("a"), picture=PICTURE))
    assert summaries.make_view(story, {}).picture == PICTURE
    (member,) = story.members
    join = structs.replace(member.join, reason=JoinReason.COPY, copy_of=ArticleId("b"))
    assert summaries.make_view(structs.replace(story, members=(structs.replace(member, join=join),)), {}).picture == ""


# -- where the news comes from: outlets that repeat one report count once, and a primary source leads


ECHO = replace(FIRST, text=FIRST.text.replace("BES servers.", "BES servers, Reuters reported."))
CITES_LATER = replace(FIRST, text=f"{FIRST.text} The minister told Reuters that it stands.")
SECOND_ECHO = replace(SECOND, text=f"A source told Reuters about the demand. {SECOND.text}")
#: Above the others in the list only because it is official, for it is not the last to join.
NOTICE = Item(
    id="n1",
    title="Notice on BlackBerry: PTA asks for access to BES servers, no backdoor",
    text="The PTA has asked BlackBerry for lawful access to its BES servers in Pakistan, not for a backdoor.",
)


def _configure(desk: World, *keys: str) -> None:
    rules = RULES.replace("    severity: high\n", "".join(f"    {key}\n" for key in keys))
    desk.configure("wire", "courier", "ledger", "regulator", rules=rules)
    feeds = desk.folder / "feeds.yaml"
    feeds.write_text(feeds.read_text().replace("owner: regulator", "owner: regulator, primary: true"))


async def test_two_outlets_that_repeat_one_report_are_not_two_outlets_and_a_primary_source_leads(desk: World) -> None:
    _configure(desk, "min_outlets: 2", "official: say")
    await desk.once()
    await desk.poll("wire", ECHO)
    await desk.poll("courier", SECOND_ECHO)
    assert desk.heads() == []
    (story,) = await desk.stories()
    assert [decision.detail for decision in await desk.decisions(story)][-1] == "1 of 2 independent outlets"
    await desk.poll("ledger", THIRD)
    (head,) = desk.heads()
    assert "3 outlets, 2 citing Reuters" in as_text(head)
    assert "no official source yet" in as_text(head)
    await desk.poll("regulator", NOTICE)
    (head,) = desk.heads()
    text = as_text(head["blocks"])
    assert "no official source yet" not in text
    assert text.index("official since") < text.index(ECHO.title)
    assert text.index(NOTICE.title) < text.index(THIRD.title)


async def test_every_view_names_the_report_that_an_article_repeats_and_the_sentence_that_says_so(desk: World) -> None:
    _configure(desk)
    await desk.once()
    desk.publish("wire", CITES_LATER)
    desk.publish("regulator", NOTICE)
    await desk.once()
    await desk.close()
    (story,) = await desk.stories()
    sentence = CITES_LATER.text.rpartition(". ")[2]
    async with page_over(desk.folder) as page:
        answer = json.loads((await page.get(f"/api/v1/stories/{story.id}")).content)
        shown = (await page.get(f"/story/{story.id}")).text
    by_outlet = {article["outlet"]: article for article in answer["articles"]}
    assert by_outlet["wire"]["origins"] == [{"name": "Reuters", "sentence": sentence, "is_lead": False}]
    assert (by_outlet["wire"]["is_official"], by_outlet["regulator"]["is_official"]) == (False, True)
    assert "Also cites Reuters" in shown
    assert "<em>official</em>" in shown
    explained = await desk.call("explain", "--url", "https://wire.example/w1")
    assert f"also cites Reuters: “{sentence}”" in " ".join(explained.stdout.split())
    (row,) = json.loads((await desk.call("stories", "--format", "json")).stdout)
    assert (row["voices"], row["official_since"]) == (2, NOTICE.at.isoformat())

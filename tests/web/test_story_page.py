"""The permalink of a story."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from msgspec.structs import replace

from bot import storage
from bot.model.alerts import AlertAction, Reason
from bot.model.messages import Receipt, SendState
from bot.model.stories import SendId, StoryId
from bot.queries.stories import StoryRow
from bot.testing.messages import CORRECTION, NEW_FACT
from bot.web.formatting import build_timeline
from tests.testbed import made
from tests.testbed.fakes import START
from tests.web.conftest import ACTS, TOKEN, Page, listening, page_over
from tests.web.made import add_long_story
from tests.web.markup import elements, text_of, tree_of, values
from tests.web.test_pages import story_path


async def test_a_story_tells_what_happened_in_its_order_and_which_commands_change_it(shared: Page) -> None:
    tree = tree_of((await shared.get(await story_path(shared, "BlackBerry to leave"))).text)
    moments = [text_of(item) for item in elements(tree, "//ol[@class='timeline']/li")]
    assert "First report: wire" in moments[0]
    assert "desk: posted, first report sent" in moments[0]
    assert "desk: replied, added outlet sent" in moments[2], "each message is at the step that it carries out"
    assert "desk: edited, added outlet (ledger) sent" in moments[2]
    assert [word for moment in moments for word in re.findall("Report: (courier|ledger)", moment)] == [
        "courier",
        "ledger",
    ]
    times = values(tree, "//ol[@class='timeline']/li/time/@datetime")
    assert times == sorted(times)
    assert {"BlackBerry", "PTA", "backdoor"} <= {mark.text_content() for mark in elements(tree, "//mark")}
    commands = [element.text_content() for element in elements(tree, "//section[@aria-labelledby='commands']//code")]
    # An interactive zsh has no comments: a title behind "#" would be run with the command.
    assert [re.sub(r"\b[0-9a-f]{8}\b", "ID", line) for line in commands] == [
        "wirewatch stories split ID ARTICLE",
        "wirewatch stories merge ID OTHER",
        *["ID"] * (len(commands) - 2),
    ]


async def test_the_newest_fact_leads_and_each_change_and_message_stands_once_in_the_timeline(page: Page) -> None:
    story = StoryId((await story_path(page, "BlackBerry to leave")).removeprefix("/story/"))
    receipt = Receipt(ref="1", place="C1", link="https://chat.example/archives/C1/p1", sent_at=page.clock.now())
    sent = replace(made.sending("linked", story=story), state=SendState.SENT, receipt=receipt)
    hostile = replace(receipt, link="javascript:alert(1)")
    edit = replace(CORRECTION.facts[0], before="5,000", after="500 <b>", outlet="courier")

    def write(tx: storage.Transaction) -> None:
        tx.outbox.add([sent, replace(sent, id=SendId("hostile"), receipt=hostile)])
        tx.stories.decide([made.decision(story, at=page.clock.now(), facts=(NEW_FACT.facts[0], edit))])
        add_long_story(tx)

    await page.running.store.write(write)
    tree = tree_of((await page.get(f"/story/{story}")).text)
    given, ours = values(tree, "//ol[@class='timeline']//a[text()='open in the chat']/@href")
    assert given.startswith("https://test.slack.example/archives/C"), "as the channel itself gave it"
    assert ours == receipt.link
    assert "deadline: 15 December → 30 December" in text_of(tree)
    assert "changed the headline: 5,000 → 500 <b> courier" in text_of(tree)

    for path in ("/stories", "/story/long"):
        tree = tree_of((await page.get(path)).text)
        [latest] = elements(tree, "//p[@class='latest'][contains(., 'penalty')]")
        assert text_of(latest) == "Latest: Correction: penalty: $20 million → $2 million Paper 7"
        lead = latest.getnext()
        assert text_of(lead) == "The regulator may fine BlackBerry up to $20 million over its servers in Pakistan."
        assert [struck.text_content() for struck in elements(lead, "./del")] == ["$20 million"]
    moments = [text_of(item) for item in elements(tree, "//ol[@class='timeline']/li")]
    assert len(moments) == 8
    assert "desk, ops: posted, first report" in moments[0]
    assert "desk, ops: edited, added outlet" in moments[1]
    zone = page.running.settings.bot.timezone
    assert text_of(elements(tree, "//ol//time")[0]) == f"{START.astimezone(zone):%-d %b %Y, %H:%M}"
    [first] = elements(tree, "//main/p[starts-with(., 'First report')]/a")
    assert first.get("href") == "https://dawn.example/0"
    answer = (await page.get("/api/v1/stories/long")).json()
    assert answer["latest"]["after"] == "$2 million"
    assert answer["facts"] == [answer["latest"]]


def test_a_first_report_of_one_poll_stands_at_the_first_of_its_articles() -> None:
    first, second = made.article("first"), replace(made.article("second"), outlet="Tech Circle")
    decision = made.decision("s", article=second.id)
    row = StoryRow(story=made.story("s", first, second), decisions=(decision,), messages=())
    assert [(moment.at, len(moment.steps)) for moment in build_timeline(row)] == [(START, 1), (START, 0)]


async def test_a_card_names_outlets_mark_related_story_and_what_became_of_it_in_each_channel(page: Page) -> None:
    now = page.clock.now()

    def add(tx: storage.Transaction) -> None:
        outlets = ("Dawn", "Herald", "Courier", "Wire")
        articles = [replace(made.article(name), outlet=name, owner=name, first_seen=now) for name in outlets]
        article = replace(made.article("denial"), title="PTA denies plan to ban BlackBerry", first_seen=now)
        denied, denial = made.story("denied", *articles), made.story("denial", article)
        [opener] = denial.members
        related = replace(opener, join=replace(opener.join, near=denied.id))
        tx.articles.add([*articles, article])
        tx.stories.save(replace(denied, last_seen=now))
        tx.stories.save(replace(denial, title=article.title, members=(related,), last_seen=now))
        tx.stories.save(replace(made.story("younger"), merged_into=denied.id))
        tx.stories.decide([made.decision("denied", AlertAction.HOLD, Reason.QUIET_HOURS, channel="ops")])
        tx.outbox.add([made.sending(channel, channel=channel, story="denied") for channel in ("desk", "alerts")])

    await page.running.store.write(add)
    tree = tree_of((await page.get("/stories")).text)
    cards = {values(card, "./h2/@id")[0]: text_of(card) for card in elements(tree, "//article")}
    assert "Dawn, Herald, Courier and 1 more" in cards["s-denied"]
    assert "4 independent outlets" in cards["s-denied"]
    assert "ops: held, quiet hours" in cards["s-denied"]
    assert "alerts, desk: pending" in cards["s-denied"] or "desk, alerts: pending" in cards["s-denied"]
    assert "Denial" in cards["s-denial"]
    assert "Perhaps related: Headline of Dawn" in cards["s-denial"]
    answer = await page.get("/story/younger")
    assert (answer.status_code, answer.headers["location"]) == (308, "/story/denied")
    for unknown in ("none", "%3Cscript%3E"):
        assert (await page.get(f"/story/{unknown}")).status_code == 404


async def test_a_reader_whose_token_may_act_splits_and_merges_on_the_page_and_nobody_else(filled: Path) -> None:
    async with page_over(filled, listening(has_token=True, has_tokens=True)) as page:
        await page.running.store.write(add_long_story)
        story = (await page.running.store.read(lambda tx: tx.stories.get([StoryId("long")])))[StoryId("long")]
        own = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        form = {"articles": story.members[3].article.id}

        async def send(token: str, headers: dict[str, str]) -> httpx.Response:
            async with httpx.AsyncClient(base_url=page.site.url, auth=("me", token)) as client:
                assert ("Split off" in (await client.get("/story/long")).text) is (token == ACTS)
                return await client.post("/story/long/split", data=form, headers=headers)

        assert (await send(TOKEN, own)).status_code == 403
        assert (await send(ACTS, {})).status_code == 403
        assert (await send(ACTS, {**own, "sec-fetch-site": "cross-site"})).status_code == 403
        assert await page.running.store.read(lambda tx: len(tx.rulings.waiting())) == 0
        assert "1 article becomes a separate story" in (await send(ACTS, own)).text
        assert await page.running.store.read(lambda tx: len(tx.rulings.waiting())) == 1

"""The permalink of a story."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
from msgspec.structs import replace

from bot import storage
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.archive import Arrival
from bot.model.messages import Receipt, SendState
from bot.model.stories import EDITED, ArticleId, Fact, SendId, StoryId
from bot.queries.stories import StoryRow
from bot.web.formatting import build_timeline
from tests.testbed import made
from tests.testbed.fakes import START
from tests.web.conftest import ACTS, TOKEN, Page, listening, page_over
from tests.web.made import add_long_story
from tests.web.markup import elements, text_of, tree_of, values


async def _link(page: Page, title: str) -> str:
    tree = tree_of((await page.get("/stories")).text)
    (link,) = [element.get("href") for element in elements(tree, "//h2/a") if title in text_of(element)]
    return str(link)


async def test_a_story_tells_what_happened_in_its_order(shared: Page) -> None:
    tree = tree_of((await shared.get(await _link(shared, "BlackBerry to leave"))).text)
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


async def test_a_message_is_a_link_where_its_channel_gives_addresses(page: Page) -> None:
    story = StoryId((await _link(page, "BlackBerry to leave")).removeprefix("/story/"))
    receipt = Receipt(ref="1", place="C1", link="https://chat.example/archives/C1/p1", sent_at=page.clock.now())
    sent = replace(made.sending("linked", story=story), state=SendState.SENT, receipt=receipt)
    hostile = replace(receipt, link="javascript:alert(1)")
    rows = [sent, replace(sent, id=SendId("hostile"), receipt=hostile)]
    await page.running.store.write(lambda tx: tx.outbox.add(rows))
    tree = tree_of((await page.get(f"/story/{story}")).text)
    links = values(tree, "//ol[@class='timeline']//a[text()='open in the chat']/@href")
    assert len(links) == 2
    assert links[0].startswith("https://test.slack.example/archives/C"), "as the channel itself gave it"
    assert links[1:] == [receipt.link]


async def test_a_rule_is_shown_with_its_yaml_and_near_misses_when_asked_for(shared: Page) -> None:
    address = {"name": "BlackBerry in Pakistan"}
    tree = tree_of((await shared.get("/rule", params=address)).text)
    (yaml,) = elements(tree, "//pre[@aria-labelledby='yaml']")
    assert yaml.text_content().startswith("name: BlackBerry in Pakistan\nall:\n  product:   [$blackberry_server")
    assert "Look through the last 7 days" in text_of(tree)
    near = text_of(tree_of((await shared.get("/rule", params={**address, "near": "1"})).text))
    assert "5 articles since" in near
    assert "3 matches." in near
    foreign = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    answer = await shared.get("/rule", params={**address, "near": "1"}, headers=foreign)
    assert "Look through the last 7 days" in text_of(tree_of(answer.text))


async def test_a_feed_is_shown_with_its_delay_and_last_articles(page: Page) -> None:
    states = await page.running.store.read(lambda tx: tx.feeds.all())
    url = next(state.url for state in states if state.url.endswith("courier.xml"))
    tree = tree_of((await page.get("/feed", params={"url": url})).text)
    delay = next(tile for tile in elements(tree, "//dl/div") if text_of(tile).startswith("Delay"))
    assert text_of(delay) == (
        "Delay1 hfrom an article's date until it is here, for half of 1; for one in ten more than 1 h"
    )
    assert values(tree, "//section[@aria-labelledby='last']//li/a/text()") == [
        "BlackBerry quits Pakistan over PTA demand for a backdoor into BES"
    ]


async def test_the_overview_draws_the_matches_of_a_month_and_says_what_waits(page: Page) -> None:
    arrival = Arrival(article=made.article("waits"), matches=(), is_baseline=False)
    alert = Alert(
        story=StoryId("held"),
        channel="desk",
        state=AlertState.HELD,
        rules=(),
        reason=Reason.BRIEF,
        held_until=page.clock.now(),
    )

    def add(tx: storage.Transaction) -> None:
        tx.articles.add([arrival.article])
        tx.decision_queue.add([arrival])
        tx.stories.save(made.story("held", arrival.article))
        tx.stories.save_alert(alert)

    await page.running.store.write(add)
    tree = tree_of((await page.get("/")).text)
    (chart,) = elements(tree, "//section[@aria-labelledby='chart']")
    assert "5 matched articles in 30 days" in text_of(chart)
    assert values(chart, ".//*[@role='img']/@aria-label")[0].startswith("5 in 30 days, oldest first: 0, 0")
    page_text = text_of(tree)
    assert re.search(r"1 with problems, \d late", page_text)
    assert "1 story held in desk: brief" in page_text
    assert "1 article to decide" in page_text


async def test_changes_and_corrections_stand_in_the_timeline(page: Page) -> None:
    story = (await _link(page, "BlackBerry to leave")).removeprefix("/story/")
    article_id = ArticleId("a")
    fact = Fact(
        kind="date",
        label="deadline",
        before="30 November",
        after="30 December",
        sentence="",
        article=article_id,
        outlet="wire",
    )
    edit = replace(fact, kind=EDITED, label="headline", before="5,000", after="500 <b>", outlet="courier")
    decision = Decision(
        at=page.clock.now(),
        story=StoryId(story),
        channel="desk",
        action=AlertAction.POST,
        reason=Reason.FIRST_REPORT,
        facts=(fact, edit),
    )
    await page.running.store.write(lambda tx: tx.stories.decide([decision]))
    page_text = text_of(tree_of((await page.get(f"/story/{story}")).text))
    assert "deadline: 30 November → 30 December" in page_text
    assert "changed the headline: 5,000 → 500 <b> courier" in page_text


async def test_the_commands_to_copy_name_ids_only(shared: Page) -> None:
    tree = tree_of((await shared.get(await _link(shared, "BlackBerry to leave"))).text)
    commands = [element.text_content() for element in elements(tree, "//section[@aria-labelledby='commands']//code")]
    # An interactive zsh has no comments: a title behind "#" would be run with the command.
    assert [re.sub(r"\b[0-9a-f]{8}\b", "ID", line) for line in commands] == [
        "wirewatch stories split ID ARTICLE",
        "wirewatch stories merge ID OTHER",
        *["ID"] * (len(commands) - 2),
    ]


async def test_the_newest_fact_leads_and_the_old_value_is_struck_in_the_summary(page: Page) -> None:
    await page.running.store.write(add_long_story)
    for path in ("/story/long", "/stories"):
        tree = tree_of((await page.get(path)).text)
        [latest] = elements(tree, "//p[@class='latest'][contains(., 'penalty')]")
        assert text_of(latest) == "Latest: Correction: penalty: $20 million → $2 million Paper 7"
        lead = latest.getnext()
        assert text_of(lead) == "The regulator may fine BlackBerry up to $20 million over its servers in Pakistan."
        assert [struck.text_content() for struck in elements(lead, "./del")] == ["$20 million"]
    answer = (await page.get("/api/v1/stories/long")).json()
    assert answer["latest"]["after"] == "$2 million"
    assert answer["facts"] == [answer["latest"]]


async def test_each_event_stands_once_in_a_timeline_with_times_in_the_zone_of_the_page(page: Page) -> None:
    await page.running.store.write(add_long_story)
    tree = tree_of((await page.get("/story/long")).text)
    moments = [text_of(item) for item in elements(tree, "//ol[@class='timeline']/li")]
    assert len(moments) == 8
    assert "desk, ops: posted, first report" in moments[0]
    assert "desk, ops: edited, added outlet" in moments[1]
    zone = page.running.settings.bot.timezone
    assert text_of(elements(tree, "//ol//time")[0]) == f"{START.astimezone(zone):%-d %b %Y, %H:%M}"
    [first] = elements(tree, "//main/p[starts-with(., 'First report')]/a")
    assert first.get("href") == "https://dawn.example/0"


def test_a_first_report_of_one_poll_stands_at_the_first_of_its_articles() -> None:
    first, second = made.article("first"), replace(made.article("second"), outlet="Tech Circle")
    decision = Decision(
        at=START,
        story=StoryId("s"),
        channel="desk",
        action=AlertAction.POST,
        reason=Reason.FIRST_REPORT,
        article=second.id,
    )
    row = StoryRow(story=made.story("s", first, second), decisions=(decision,), messages=())
    assert [(moment.at, len(moment.steps)) for moment in build_timeline(row)] == [(START, 1), (START, 0)]


async def test_a_card_names_outlets_mark_related_story_and_what_became_of_it_in_each_channel(page: Page) -> None:
    now = page.clock.now()

    def add(tx: storage.Transaction) -> None:
        outlets = ("Dawn", "Herald", "Courier", "Wire")
        articles = [replace(made.article(name), outlet=name, first_seen=now) for name in outlets]
        article = replace(made.article("denial"), title="PTA denies plan to ban BlackBerry", first_seen=now)
        denied, denial = made.story("denied", *articles), made.story("denial", article)
        [opener] = denial.members
        related = replace(opener, join=replace(opener.join, near=denied.id))
        tx.articles.add([*articles, article])
        tx.stories.save(replace(denied, last_seen=now))
        tx.stories.save(replace(denial, title=article.title, members=(related,), last_seen=now))
        held = Decision(at=START, story=denied.id, channel="ops", action=AlertAction.HOLD, reason=Reason.QUIET_HOURS)
        tx.stories.decide([held])
        tx.outbox.add([made.sending(channel, channel=channel, story="denied") for channel in ("desk", "alerts")])

    await page.running.store.write(add)
    tree = tree_of((await page.get("/stories")).text)
    cards = {values(card, "./h2/@id")[0]: text_of(card) for card in elements(tree, "//article")}
    assert "Dawn, Herald, Courier and 1 more" in cards["s-denied"]
    assert "ops: held, quiet hours" in cards["s-denied"]
    assert "alerts, desk: pending" in cards["s-denied"] or "desk, alerts: pending" in cards["s-denied"]
    assert "Denial" in cards["s-denial"]
    assert "Perhaps related: Headline of Dawn" in cards["s-denial"]


async def test_a_reader_whose_token_may_act_splits_and_merges_on_the_page_and_nobody_else(filled: Path) -> None:
    async with page_over(filled, listening(has_token=True, has_tokens=True)) as page:
        await page.running.store.write(add_long_story)
        stories = await page.running.store.read(lambda tx: tx.stories.since(None))
        [story] = [story for story in stories if story.id == "long"]
        own = {"sec-fetch-site": "same-origin", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
        form = {"articles": story.members[3].article.id}

        async def send(token: str, headers: dict[str, str]) -> httpx.Response:
            async with httpx.AsyncClient(base_url=page.site.url, auth=("me", token)) as client:
                return await client.post("/story/long/split", data=form, headers=headers)

        assert (await send(TOKEN, own)).status_code == 403
        assert (await send(ACTS, {})).status_code == 403
        assert (await send(ACTS, {**own, "sec-fetch-site": "cross-site"})).status_code == 403
        assert await page.running.store.read(lambda tx: len(tx.rulings.waiting())) == 0
        async with httpx.AsyncClient(base_url=page.site.url, auth=("me", ACTS)) as client:
            assert "Split off" in (await client.get("/story/long")).text
        async with httpx.AsyncClient(base_url=page.site.url, auth=("me", TOKEN)) as client:
            assert "Split off" not in (await client.get("/story/long")).text
        assert "1 article becomes a separate story" in (await send(ACTS, own)).text
        assert await page.running.store.read(lambda tx: len(tx.rulings.waiting())) == 1


async def test_a_merged_story_leads_to_the_one_that_it_became(page: Page) -> None:
    first, second = made.article("m1"), made.article("m2")

    def add(tx: storage.Transaction) -> None:
        tx.articles.add([first, second])
        tx.stories.save(made.story("older", first))
        tx.stories.save(replace(made.story("younger", second), merged_into=StoryId("older")))

    await page.running.store.write(add)
    answer = await page.get("/story/younger")
    assert (answer.status_code, answer.headers["location"]) == (308, "/story/older")
    assert (await page.get("/story/none")).status_code == 404
    assert (await page.get("/story/%3Cscript%3E")).status_code == 404


async def test_a_rule_has_a_page_with_its_stories_and_a_feed_one_with_its_rhythm(shared: Page) -> None:
    page_text = text_of(tree_of((await shared.get("/rule", params={"name": "BlackBerry in Pakistan"})).text))
    assert "3 articles in 90 days" in page_text
    assert "BlackBerry to leave Pakistan" in page_text
    assert (await shared.get("/rule", params={"name": "none"})).status_code == 404
    hostile = await shared.get("/rule", params={"name": "Wombats <b onclick=x>&</b>"})
    assert elements(tree_of(hostile.text), "//script | //b | //img") == []
    link = next(item for item in values(tree_of((await shared.get("/feeds")).text), "//th/a/@href") if "broken" in item)
    page_text = text_of(tree_of((await shared.get(link)).text))
    assert "failed once" in page_text
    assert "not learnt" in page_text
    assert (await shared.get("/feed", params={"url": "https://none.example/"})).status_code == 404


async def test_what_a_hostile_feed_says_stays_text(shared: Page) -> None:
    tree = tree_of((await shared.get(await _link(shared, "Wombat <script>"))).text)
    assert elements(tree, "//script | //img | //b | //svg[@onload]") == []
    schemes = {link.partition(":")[0] for link in values(tree, "//a/@href") if ":" in link}
    assert schemes <= {"http", "https"}
    assert "Wombat <script>document.title='taken'</script>" in text_of(tree)

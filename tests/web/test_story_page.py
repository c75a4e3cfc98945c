"""The permalink of a story."""

from __future__ import annotations

import re
from dataclasses import replace

from bot import storage
from bot.feeds import websub
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.archive import Arrival
from bot.model.messages import Receipt, SendState
from bot.model.stories import ArticleId, Edit, Fact, SendId, StoryId
from tests.testbed import made
from tests.web.conftest import Page
from tests.web.markup import elements, text_of, tree_of, values


async def _link(page: Page, title: str) -> str:
    tree = tree_of((await page.get("/stories")).text)
    (link,) = [found.get("href") for found in elements(tree, "//h2/a") if title in text_of(found)]
    return str(link)


async def test_a_story_tells_what_happened_in_its_order(shared: Page) -> None:
    tree = tree_of((await shared.get(await _link(shared, "BlackBerry to leave"))).text)
    moments = [text_of(item) for item in elements(tree, "//ol[@class='timeline']/li")]
    assert "First report: wire" in moments[0]
    assert "desk: post, first report" in moments[1]
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
    hub = websub.new_subscription(url, "https://hub.example/", url, now=page.clock.now())
    await page.running.store.write(lambda tx: tx.subscriptions.want(hub))
    tree = tree_of((await page.get("/feed", params={"url": url})).text)
    assert "names a hub; without web.public_url it is only polled" in text_of(tree)
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
        reason=Reason.DIGEST,
        held_until=page.clock.now(),
    )

    def add(tx: storage.Transaction) -> None:
        tx.articles.add([arrival.article])
        tx.decision_queue.add([arrival], [])
        tx.stories.save(made.story("held", arrival.article))
        tx.stories.save_alert(alert)

    await page.running.store.write(add)
    tree = tree_of((await page.get("/")).text)
    (chart,) = elements(tree, "//section[@aria-labelledby='chart']")
    assert "5 matched articles in 30 days" in text_of(chart)
    assert values(chart, ".//*[@role='img']/@aria-label")[0].startswith("5 in 30 days, oldest first: 0, 0")
    said = text_of(tree)
    assert re.search(r"1 with problems, \d late", said)
    assert "1 story held in desk: digest" in said
    assert "1 article to decide" in said


async def test_changes_and_corrections_stand_in_the_timeline(page: Page) -> None:
    story = (await _link(page, "BlackBerry to leave")).removeprefix("/story/")
    one = ArticleId("a")
    fact = Fact(
        kind="date",
        label="deadline",
        before="30 November",
        after="30 December",
        sentence="",
        article=one,
        outlet="wire",
    )
    edit = Edit(article=one, outlet="courier", field="title", before="5,000", after="500 <b>")
    decision = Decision(
        at=page.clock.now(),
        story=StoryId(story),
        channel="desk",
        action=AlertAction.POST,
        reason=Reason.FIRST_REPORT,
        facts=(fact,),
        edits=(edit,),
    )
    await page.running.store.write(lambda tx: tx.stories.decide([decision]))
    said = text_of(tree_of((await page.get(f"/story/{story}")).text))
    assert "deadline: 30 November → 30 December" in said
    assert "courier corrected its title: 5,000 → 500 <b>" in said


async def test_the_commands_to_copy_name_ids_only(shared: Page) -> None:
    tree = tree_of((await shared.get(await _link(shared, "BlackBerry to leave"))).text)
    commands = [one.text_content() for one in elements(tree, "//section[@aria-labelledby='commands']//code")]
    assert len([line for line in commands if re.fullmatch(r"wirewatch stories split \w{20} \w+", line)]) == 3
    # An interactive zsh has no comments: a title behind "#" would be run with the command.
    assert [line for line in commands if not re.fullmatch(r"wirewatch stories (split|merge) \w{20} \w+", line)] == []


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
    said = text_of(tree_of((await shared.get("/rule", params={"name": "BlackBerry in Pakistan"})).text))
    assert "3 articles in 90 days" in said
    assert "BlackBerry to leave Pakistan" in said
    assert (await shared.get("/rule", params={"name": "none"})).status_code == 404
    hostile = await shared.get("/rule", params={"name": "Wombats <b onclick=x>&</b>"})
    assert elements(tree_of(hostile.text), "//script | //b | //img") == []
    link = next(each for each in values(tree_of((await shared.get("/feeds")).text), "//th/a/@href") if "broken" in each)
    said = text_of(tree_of((await shared.get(link)).text))
    assert "failed once" in said
    assert "not learnt" in said
    assert (await shared.get("/feed", params={"url": "https://none.example/"})).status_code == 404


async def test_what_a_hostile_feed_says_stays_text(shared: Page) -> None:
    tree = tree_of((await shared.get(await _link(shared, "Wombat <script>"))).text)
    assert elements(tree, "//script | //img | //b | //svg[@onload]") == []
    schemes = {link.partition(":")[0] for link in values(tree, "//a/@href") if ":" in link}
    assert schemes <= {"http", "https"}
    assert "Wombat <script>document.title='taken'</script>" in text_of(tree)

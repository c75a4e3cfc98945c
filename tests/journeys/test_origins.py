"""Where the news comes from: outlets that repeat one report count once, and a primary source leads."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.journeys.test_seed_story import FIRST, SECOND, THIRD
from tests.journeys.world import RULES, Item, World, as_text, world
from tests.web.conftest import page_over

ECHO = replace(FIRST, text=FIRST.text.replace("BES servers.", "BES servers, Reuters reported."))
CITES_LATER = replace(FIRST, text=f"{FIRST.text} The minister told Reuters that it stands.")
SECOND_ECHO = replace(SECOND, text=f"A source told Reuters about the demand. {SECOND.text}")
#: Above the others in the list only because it is official, for it is not the last to join.
NOTICE = Item(
    id="n1",
    title="Notice on BlackBerry: PTA asks for access to BES servers, no backdoor",
    text="The PTA has asked BlackBerry for lawful access to its BES servers in Pakistan, not for a backdoor.",
)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as setup:
        yield setup


def _configure(desk: World, *keys: str) -> None:
    rules = RULES.replace("    severity: high\n", "".join(f"    {key}\n" for key in keys))
    desk.configure("wire", "courier", "ledger", "regulator", rules=rules)
    feeds = desk.folder / "feeds.yaml"
    feeds.write_text(feeds.read_text().replace("owner: regulator", "owner: regulator, primary: true"))


async def test_two_outlets_that_repeat_one_report_are_not_two_outlets(desk: World) -> None:
    _configure(desk, "min_outlets: 2")
    await desk.once()
    desk.publish("wire", ECHO)
    await desk.once()
    desk.publish("courier", SECOND_ECHO)
    await desk.once()
    assert desk.heads() == []
    (story,) = await desk.stories()
    assert [decision.detail for decision in await desk.decisions(story)][-1] == "1 of 2 independent outlets"
    desk.publish("ledger", THIRD)
    await desk.once()
    (head,) = desk.heads()
    assert "3 outlets, 2 citing Reuters" in as_text(head)
    assert "official" not in as_text(head), "only a rule with the key official says so"


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


async def test_a_primary_source_leads_and_its_time_is_in_the_head(desk: World) -> None:
    _configure(desk, "official: say")
    await desk.once()
    desk.publish("wire", FIRST)
    await desk.once()
    (head,) = desk.heads()
    assert "no official source yet" in as_text(head)
    desk.publish("regulator", NOTICE)
    await desk.once()
    desk.publish("courier", SECOND)
    await desk.once()
    (head,) = desk.heads()
    text = json.dumps(head["blocks"], ensure_ascii=False)
    assert "no official source yet" not in text
    assert text.index("official since") < text.index(FIRST.title)
    assert text.index(NOTICE.title) < text.index(SECOND.title)

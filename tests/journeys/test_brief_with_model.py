"""A brief with a language model: its sentences come in time or not at all, and only where a quote supports them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.model.alerts import AlertAction
from bot.queries.brief import BRIEF, BriefParameters
from bot.queries.registry import Answers
from tests.journeys.test_brief import BOTH, EXIT, FIRST, KETTLES, LADDERS, WITH_BRIEF, at, posted
from tests.journeys.test_buttons import until
from tests.journeys.test_language_model import KEY_VARIABLE, MODEL, Server, running
from tests.journeys.world import World, world
from tests.testbed.commands import wirewatch
from tests.testbed.servers import chat_completions, faulty
from tests.web.conftest import page_over

FALSE = "Acme recalls 900 kettles in Lahore because the switch may overheat."
RUNGS = "Borealis recalls its ladders since their rungs come loose."
MARK = "[summary by local-model]"


@asynccontextmanager
async def newsroom(folder: Path, more: str = ", timeout: 5 seconds") -> AsyncIterator[tuple[World, Server]]:
    with faulty.serve(chat_completions.Model()) as server:
        async with world(folder) as desk:
            desk.environ[KEY_VARIABLE] = chat_completions.KEY
            model = MODEL.format(url=server.url, uses="summary", more=more)
            desk.configure("wire", bot=WITH_BRIEF + model, rules=BOTH)
            await desk.once()
            yield desk, server


def number(data: Mapping[str, Any], start: str) -> int:
    """Return the number of the sentence of a prompt that begins with some words."""
    texts = {text: int(n) for story in data["stories"] for n, text in story["sentences"].items()}
    return next(n for text, n in texts.items() if text.startswith(start))


def overview(data: Mapping[str, Any]) -> Mapping[str, Any]:
    recall, rungs = number(data, "The maker Acme"), number(data, "The Norwegian maker")
    pairs = ((RUNGS, rungs), (FALSE, recall), (f"{RUNGS[:-1]} at www.evil.example.", rungs))
    return {"sentences": [{"text": text, "support": support} for text, support in pairs]}


async def test_supported_sentences_stand_at_the_top_and_false_ones_are_left_out(tmp_path: Path) -> None:
    async with newsroom(tmp_path) as (desk, server):
        server.service.answer_with("summary", overview)
        desk.publish("wire", KETTLES, LADDERS)
        await desk.once()
        await at(desk, FIRST)
        (brief,) = posted(desk)
        for _ in range(2):
            await desk.once()

    assert f"{RUNGS} {MARK}" in brief
    assert "“The Norwegian maker Borealis recalls its ladders of the year 2014" in brief
    assert brief.index(RUNGS) < brief.index("New stories")
    assert FALSE not in brief
    assert "evil" not in brief
    assert len(posted(desk)) == 1
    assert [set(data) for _, data in server.service.asked] == [{"stories"}]


async def test_a_brief_without_a_supported_sentence_is_posted_as_without_a_model(tmp_path: Path) -> None:
    async with newsroom(tmp_path) as (desk, server):
        server.service.answer_with(
            "summary", lambda data: {"sentences": [{"text": FALSE, "support": number(data, "The maker Acme")}]}
        )
        desk.publish("wire", KETTLES, LADDERS)
        await desk.once()
        await at(desk, FIRST)
        (brief,) = posted(desk)

    assert KETTLES.title in brief
    assert MARK not in brief


async def test_a_brief_with_one_story_asks_nothing(tmp_path: Path) -> None:
    async with newsroom(tmp_path) as (desk, server):
        desk.publish("wire", KETTLES)
        await desk.once()
        await at(desk, FIRST)
        (brief,) = posted(desk)

    assert KETTLES.title in brief
    assert server.service.asked == []


async def test_the_brief_leaves_without_the_sentences_of_a_model_that_hangs_and_lists_each_story_once(
    tmp_path: Path,
) -> None:
    async with newsroom(tmp_path, more=", wait: 2 seconds, timeout: 30 seconds") as (desk, server):
        server.fail("complete", "hang", times=9)
        server.hang_seconds = 60
        desk.publish("wire", KETTLES, LADDERS)
        await desk.once()
        desk.clock.advance(FIRST - desk.clock.now())
        async with running(desk):
            await until(lambda: server.asked("complete"))
            assert posted(desk) == [], "the brief waits for the model"
            await until(lambda: bool(posted(desk)))
            await asyncio.sleep(0.5)
        server.stopped.set()

        decisions = [await desk.decisions(story) for story in await desk.stories()]

    (brief,) = posted(desk)
    assert KETTLES.title in brief
    assert LADDERS.title in brief
    assert MARK not in brief
    actions = [[decision.action for decision in of_story] for of_story in decisions]
    assert actions == [[AlertAction.HOLD, AlertAction.POST]] * 2, "the stories wait with their brief, not for the next"


async def test_a_single_run_does_not_wait_longer_than_configured_for_a_model_that_hangs(tmp_path: Path) -> None:
    async with newsroom(tmp_path, more=", wait: 1 second, timeout: 30 seconds") as (desk, server):
        server.fail("complete", "hang", times=9)
        server.hang_seconds = 60
        desk.publish("wire", KETTLES, LADDERS)
        await desk.once()
        async with asyncio.timeout(30):
            await at(desk, FIRST)
        server.stopped.set()

    (brief,) = posted(desk)
    assert LADDERS.title in brief


async def test_a_stored_summary_replaces_the_quote_on_the_page_and_in_the_command_which_ask_nothing(
    tmp_path: Path,
) -> None:
    text = "The company calls it a backdoor demand."
    async with newsroom(tmp_path) as (desk, server):
        server.service.answer_with("summary", lambda data: {"sentences": [{"text": text, "support": 2}]})
        desk.publish("wire", EXIT, replace(KETTLES, at=KETTLES.at + timedelta(minutes=1)))
        await desk.once()
        async with desk.opened() as app:
            shown = await Answers(app).ask(BRIEF, BriefParameters(since="24h"))
        words = ("brief", "--since", "2015-12-01", "--until", "2015-12-02", "--config", str(desk.folder))
        printed = wirewatch(*words, folder=desk.folder).stdout

        async with page_over(desk.folder) as page:
            html = (await page.get("/brief?since=24h")).text

    entries = {entry.headline: entry for entry in shown.sections[0].entries}
    summary = entries[EXIT.title].summary
    assert summary is not None
    assert (summary.text, summary.outlet) == (text, "wire")
    assert summary.quote == "The company calls the demand a backdoor."
    assert entries[KETTLES.title].summary is None
    assert "the switch may overheat" in entries[KETTLES.title].quote
    assert f"{text} {MARK}" in printed
    assert len(server.service.asked) == 1
    assert printed.count(MARK) == 1
    assert f'{text} <span class="note">{MARK}</span>' in html

"""A language model chooses the sentence of an article that is posted as new; the message itself never waits for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.model.alerts import Reason
from bot.model.stories import JoinReason
from tests.journeys.test_language_model import newsroom
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import Item, World, as_text
from tests.testbed.fakes import START

DATED = replace(
    FIRST,
    text="BlackBerry will end its business in Pakistan by 30 November, after the Pakistan Telecommunication Authority "
    "demanded unfettered access to its BES servers. The company calls the demand a backdoor.",
)
MOVED = Item(
    id="m1",
    title="Pakistan moves BlackBerry deadline from 30 November to 30 December",
    text="The PTA has moved the deadline for BlackBerry from 30 November to 30 December. The regulator still wants "
    "a backdoor into its BES servers.",
    at=START + timedelta(minutes=10),
)


#: Only a model finds something new in it.
QUIET = Item(
    id="q1",
    title="BlackBerry leaves Pakistan, customers are paid back",
    text="Mobilink will pay back 3,000 customers. The PTA still wants unfettered access to the BES servers of "
    "BlackBerry, a backdoor for the company.",
    at=START + timedelta(minutes=10),
)
REFUND = "Mobilink will pay back 3,000 customers."


def choose(*texts: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Choose the first sentence that contains one of the texts, or none."""
    return lambda data: {
        "sentence": next(
            (
                int(number)
                for number, sentence in data["article"]["sentences"].items()
                if any(text in sentence for text in texts)
            ),
            0,
        )
    }


async def publish(desk: World, last: Item = MOVED) -> None:
    for outlet, item in (("wire", DATED), ("courier", last)):
        desk.publish(outlet, item)
        await desk.once()


async def test_the_chosen_sentence_is_told_as_it_is_in_the_thread(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", choose(REFUND))

        await publish(desk, QUIET)

        [reply] = desk.replies()
        assert REFUND in as_text(reply)
        [(_, data)] = server.service.asked
        assert data["story"] == [DATED.title]
        assert data["article"]["headline"] == QUIET.title
        [story] = await desk.stories()
        reasons = [decision.reason for decision in await desk.decisions(story)]
        assert reasons == [Reason.FIRST_REPORT, Reason.NEW_FACT, Reason.ADDED_OUTLET]


async def test_no_answer_hides_a_change_that_the_article_states(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", choose())

        await publish(desk)

        [reply] = desk.replies()
        assert "30 December" in as_text(reply)
        assert "courier" in as_text(desk.heads()[0])


async def test_an_agency_copy_under_another_headline_is_not_asked_about(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        await publish(desk, replace(DATED, id="copy", title="Mobile: BlackBerry is to quit the country over servers"))

        [story] = await desk.stories()
        assert [member.join.reason for member in story.members][1:] == [JoinReason.COPY]
        assert server.asked("complete") == 0


async def test_without_an_answer_that_holds_the_change_is_told(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", lambda data: '{"sentence": 99}')

        await publish(desk)

        [reply] = desk.replies()
        assert "30 December" in as_text(reply)

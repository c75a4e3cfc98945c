"""A language model chooses which sentences of an article are posted as new; the message itself never waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.model.alerts import Reason
from bot.model.stories import JoinReason
from tests.journeys.test_language_model import SAME, UNSURE, newsroom
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


def chosen(*among: str, before: str = "", after: str = "") -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Choose the updates whose sentence contains one of the texts, with the value that they replace."""
    return lambda data: {
        "updates": [
            {"number": update["number"], "before": before, "after": after}
            for update in data["updates"]
            if any(text in update["sentence"] for text in among)
        ][:3]
    }


ALL = chosen("")
NONE = chosen()
NOT_OFFERED = {"updates": [{"number": 99, "before": "", "after": ""}]}


async def publish(desk: World, last: Item = MOVED) -> None:
    for outlet, item in (("wire", DATED), ("courier", last)):
        desk.publish(outlet, item)
        await desk.once()


async def test_a_chosen_change_is_told_in_the_thread_and_at_the_head(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", chosen("from 30 November", before="30 November", after="30 December"))

        await publish(desk)

        [reply] = desk.replies()
        assert "deadline" in as_text(reply)
        assert "30 November" in as_text(reply)
        assert "30 December" in as_text(reply)
        assert "Latest" in as_text(desk.heads()[0])
        [(_, data)] = server.service.asked
        assert [item["headline"] for item in data["story"]] == [DATED.title]
        assert data["article"]["headline"] == MOVED.title
        assert data["updates"][0]["guess"] == "deadline: 30 November → 30 December"
        [story] = await desk.stories()
        reasons = [decision.reason for decision in await desk.decisions(story)]
        assert reasons == [Reason.FIRST_REPORT, Reason.NEW_FACT, Reason.ADDED_OUTLET]


async def test_no_answer_hides_a_change_that_the_article_states(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", NONE)

        await publish(desk)

        [reply] = desk.replies()
        assert "30 December" in as_text(reply)
        assert "courier" in as_text(desk.heads()[0])


async def test_an_arrow_that_the_model_takes_for_wrong_is_not_posted_and_its_sentence_is(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", chosen(MOVED.title))

        await publish(desk)

        [reply] = desk.replies()
        assert MOVED.title in as_text(reply)
        assert "→" not in as_text(reply)


async def test_an_arrow_that_only_the_model_sees_is_posted_with_the_values_of_both_reports(tmp_path: Path) -> None:
    doubled = replace(QUIET, text=QUIET.text.replace("3,000 customers", "ten thousand companies"))
    sentence = doubled.text.partition(". ")[0]
    first = replace(DATED, text=f"{DATED.text} Some 5,000 companies use it.")
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", chosen(sentence, before="5,000", after="ten thousand"))
        for outlet, item in (("wire", first), ("courier", doubled)):
            desk.publish(outlet, item)
            await desk.once()

        assert all("guess" not in update for _, data in server.service.asked for update in data["updates"])
        [reply] = desk.replies()
        assert "5,000" in as_text(reply)
        assert "*ten thousand*" in as_text(reply) or "ten thousand" in as_text(reply).replace(sentence, "")
        assert sentence in as_text(reply)


async def test_an_agency_copy_under_another_headline_is_not_asked_about(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        await publish(desk, replace(DATED, id="copy", title="Mobile: BlackBerry is to quit the country over servers"))

        [story] = await desk.stories()
        assert [member.join.reason for member in story.members][1:] == [JoinReason.COPY]
        assert server.asked("complete") == 0


#: It has news of the event of DATED, in words that leave the event unsure.
UNSURE_NEWS = replace(
    UNSURE,
    title="BlackBerry customers in Pakistan prepare",
    text=f"{REFUND} {UNSURE.text}",
    at=START + timedelta(minutes=10),
)
BOTH = "[same_event, facts]"


def same_with(choice: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Answer that the article is about the event of the first story, with a choice of updates."""
    return lambda data: SAME | choice(data)


async def test_one_call_answers_which_event_an_article_tells_and_what_of_it_is_new(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses=BOTH) as (desk, server):
        server.service.answer_with("same_event", same_with(chosen(REFUND)))

        await publish(desk, UNSURE_NEWS)

        [(use, data)] = server.service.asked
        assert use == "same_event"
        assert DATED.text.partition(". ")[0] + "." in data["stories"][0]["reports"][0]["sentences"]
        assert REFUND in [update["sentence"] for update in data["updates"]]
        [story] = await desk.stories()
        assert len(story.members) == 2
        [reply] = desk.replies()
        assert REFUND in as_text(reply)
        assert UNSURE_NEWS.title not in as_text(reply)


async def test_of_another_event_an_article_has_no_news_for_the_nearest_story(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses=BOTH) as (desk, server):
        other = {"verdict": "other", "stories": [], "sentence": 0}
        server.service.answer_with("same_event", lambda data: other | ALL(data))

        await publish(desk, UNSURE_NEWS)

        assert server.asked("complete") == 1
        assert len(desk.heads()) == 2
        assert desk.replies() == []


async def test_an_answer_about_the_event_counts_without_a_choice_that_holds_and_there_is_no_second_call(
    tmp_path: Path,
) -> None:
    async with newsroom(tmp_path, uses=BOTH) as (desk, server):
        server.service.answer_with("same_event", lambda data: json.dumps(SAME | NOT_OFFERED))

        await publish(desk, UNSURE_NEWS)

        assert [use for use, _ in server.service.asked] == ["same_event"]
        [story] = await desk.stories()
        assert len(story.members) == 2
        assert all(REFUND not in as_text(reply) for reply in desk.replies())


async def test_without_an_answer_that_holds_the_change_is_told(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", lambda data: NOT_OFFERED)

        await publish(desk)

        [reply] = desk.replies()
        assert "30 December" in as_text(reply)


async def test_a_sentence_that_only_the_model_finds_new_is_quoted_as_it_stands_in_the_article(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", chosen(REFUND))

        await publish(desk, QUIET)

        [reply] = desk.replies()
        assert REFUND in as_text(reply)
        assert QUIET.title not in as_text(reply)
        [(_, data)] = server.service.asked
        assert REFUND in [update["sentence"] for update in data["updates"]]
        assert all("guess" not in update for update in data["updates"])


async def test_what_only_a_model_may_find_new_is_not_told_without_its_answer(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", lambda data: "no JSON")

        await publish(desk, QUIET)

        assert server.asked("complete") == 1
        assert desk.replies() == []
        assert "courier" in as_text(desk.heads()[0])

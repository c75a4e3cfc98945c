"""A language model chooses what of an article is told as new; the message itself never waits for it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import model
from testbed.fakes import START
from tests.journeys.test_language_model import newsroom
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import Item, World

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


#: Told by nobody but a model: the bot finds nothing surely new in it.
QUIET = Item(
    id="q1",
    title="BlackBerry leaves Pakistan, customers are paid back",
    text="Mobilink will pay back 3,000 customers. The PTA still wants unfettered access to the BES servers of "
    "BlackBerry, a backdoor for the company.",
    at=START + timedelta(minutes=10),
)
REFUND = "Mobilink will pay back 3,000 customers."


def chosen(*among: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Those updates that have one of the texts in their sentence."""
    return lambda data: {
        "updates": [
            {"number": each["number"], "words": each["sentence"]}
            for each in data["updates"]
            if any(text in each["sentence"] for text in among)
        ]
    }


ALL = chosen("")
NONE = chosen()


async def tell(made: World, last: Item = MOVED) -> None:
    for outlet, item in (("wire", DATED), ("courier", last)):
        made.publish(outlet, item)
        await made.once()


def shown(message: Any) -> str:
    return json.dumps(message, ensure_ascii=False)


async def test_a_chosen_change_is_told_in_the_thread_and_at_the_head(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (made, server):
        server.service.answer_with("facts", ALL)

        await tell(made)

        [reply] = made.replies()
        assert "30 November" in shown(reply)
        assert "30 December" in shown(reply)
        assert "Latest" in shown(made.heads()[0])
        [(_, data)] = server.service.asked
        assert [each["headline"] for each in data["story"]] == [DATED.title]
        assert data["article"]["headline"] == MOVED.title
        assert (data["updates"][0]["before"], data["updates"][0]["after"]) == ("30 November", "30 December")
        [story] = await made.stories()
        reasons = [decision.reason for decision in await made.decisions(story)]
        assert reasons == [
            model.Reason.FIRST_REPORT,
            model.Reason.ADDED_OUTLET,
            model.Reason.NEW_FACT,
            model.Reason.NEW_FACT,
        ]


async def test_a_change_that_is_not_chosen_is_not_told_and_its_outlet_still_shown(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (made, server):
        server.service.answer_with("facts", NONE)

        await tell(made)

        assert made.replies() == []
        assert "courier" in shown(made.heads()[0])
        assert "Latest" not in shown(made.heads()[0])


BAD = {
    "an update that was not offered": lambda data: {"updates": [{"number": 99, "words": MOVED.title}]},
    "words of nobody": lambda data: {"updates": [{"number": 1, "words": "the deadline stays"}]},
    "words of another update": lambda data: {"updates": [{"number": 1, "words": data["updates"][-1]["sentence"]}]},
    "no JSON": lambda data: "rejected",
}


@pytest.mark.parametrize("made_up", BAD.values(), ids=list(BAD))
async def test_without_an_answer_that_holds_the_change_is_told(
    tmp_path: Path, made_up: Callable[[dict[str, Any]], Any]
) -> None:
    async with newsroom(tmp_path, uses="facts") as (made, server):
        server.service.answer_with("facts", made_up)

        await tell(made)

        [reply] = made.replies()
        assert "30 December" in shown(reply)


async def test_a_sentence_that_only_the_model_finds_new_is_quoted_as_it_stands_in_the_article(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (made, server):
        server.service.answer_with("facts", chosen(REFUND))

        await tell(made, QUIET)

        [reply] = made.replies()
        assert REFUND in shown(reply)
        assert QUIET.title not in shown(reply)
        [(_, data)] = server.service.asked
        assert REFUND in [each["sentence"] for each in data["updates"]]
        assert all("before" not in each for each in data["updates"])


async def test_what_only_a_model_may_find_new_is_not_told_without_its_answer(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="facts") as (made, server):
        server.service.answer_with("facts", lambda data: "no JSON")

        await tell(made, QUIET)

        assert server.asked("complete") == 1
        assert made.replies() == []
        assert "courier" in shown(made.heads()[0])

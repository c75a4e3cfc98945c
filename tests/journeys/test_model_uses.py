"""A language model chooses new sentences, judges what is about a rule's subject, and translates. No message waits."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model.actions import Useful, Verdict
from bot.model.alerts import Reason
from bot.model.stories import JoinReason
from tests.journeys.test_language_model import MODEL, Server, newsroom, publish
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import BOT, RULES, Item, World, as_text, rss
from tests.testbed.fakes import START
from tests.testbed.shown import story_post

# -- the sentence of an article that is posted as new


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


def choose(text: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Choose the first sentence that contains a text."""
    return lambda data: {
        "sentence": next(int(number) for number, words in data["article"]["sentences"].items() if text in words)
    }


async def test_the_chosen_sentence_is_told_as_it_is_in_the_thread_and_a_copy_is_not_asked_about(tmp_path: Path) -> None:
    copy = replace(DATED, id="copy", title="Mobile: BlackBerry is to quit the country over servers")
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", choose(REFUND))
        await publish(desk, DATED, QUIET, copy)

        [reply] = desk.replies()
        assert REFUND in as_text(reply)
        [(_, data)] = server.service.asked
        assert data["story"] == [DATED.title]
        assert data["article"]["headline"] == QUIET.title
        [story] = await desk.stories()
        assert [member.join.reason for member in story.members][2:] == [JoinReason.COPY]
        reasons = [decision.reason for decision in await desk.decisions(story)]
        assert reasons[:3] == [Reason.FIRST_REPORT, Reason.NEW_FACT, Reason.ADDED_OUTLET]


@pytest.mark.parametrize("answer", [{"sentence": 0}, '{"sentence": 99}'], ids=["nothing new", "it does not hold"])
async def test_no_answer_hides_a_change_that_the_article_states(tmp_path: Path, answer: Any) -> None:
    async with newsroom(tmp_path, uses="facts") as (desk, server):
        server.service.answer_with("facts", lambda data: answer)
        await publish(desk, DATED, MOVED)

        [reply] = desk.replies()
        assert "30 December" in as_text(reply)
        assert "courier" in as_text(desk.heads()[0])


# -- whether an article is about a rule's subject: what is rejected is listed, not posted


ABOUT = RULES.replace(
    "severity: high",
    "severity: normal\n    about: demands of the authorities in Pakistan to read messages of BlackBerry",
)
NOVEL = "In this novel a teacher of a PTA finds a BlackBerry behind a back door."
BOOK = Item(
    id="b1",
    title="A novel about a backdoor, a BlackBerry and the PTA",
    text=f"{NOVEL} It is for sale from Monday.",
)
NO = {"verdict": "irrelevant", "sentence": 1, "reason": "It reviews a novel."}
YES = {"verdict": "relevant", "sentence": 0, "reason": "It is about the demand."}


def verdict(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return NO if "novel" in data["article"]["headline"] else YES


async def test_a_rejected_article_is_listed_with_its_reason_not_posted_and_nothing_joins_it(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="relevance", rules=ABOUT) as (desk, server):
        server.service.answer_with("relevance", verdict)
        await publish(desk, BOOK, FIRST)

        assert len(desk.heads()) == 1
        rejected, posted = await desk.stories()
        assert (rejected.title, rejected.rules) == (BOOK.title, ())
        [member] = rejected.members
        assert member.join.reason is JoinReason.NOT_ABOUT
        text = f'BlackBerry in Pakistan: local-model: "{NOVEL}": It reviews a novel.'
        assert member.join.detail == text
        assert posted.rules == ("BlackBerry in Pakistan",)
        assert server.service.asked[0][1]["about"].startswith("demands of the authorities")
        listed = (await desk.call("stories")).stdout
        assert f"not what its rule is about: {text}" in " ".join(listed.split())
        explained = (await desk.call("explain", "--url", member.article.link)).stdout
        assert "asked: local-model, relevance, prompt version 2" in explained

        server.service.answer_with("relevance", lambda data: YES)
        await publish(desk, replace(BOOK, id="b2", title=f"{BOOK.title}, again"))
        assert [len(story.members) for story in await desk.stories()] == [1, 1, 1]
        assert len(desk.heads()) == 2


async def test_an_article_of_several_rules_waits_for_all_answers_and_the_rules_that_took_it_speak(
    tmp_path: Path,
) -> None:
    rules = ABOUT + "  - {name: Novels, all: [novel], notify: desk, about: new novels}\n"
    rules += "  - {name: Books, all: [novel], notify: desk}\n"
    async with newsroom(tmp_path, uses="[relevance, same_event]", rules=rules) as (desk, server):
        server.service.answer_with("relevance", lambda data: YES if data["about"] == "new novels" else NO)
        await publish(desk, BOOK)

        assert server.asked("complete") == 2
        [story] = await desk.stories()
        assert sorted(story.rules) == ["Books", "Novels"]
        [head] = desk.heads()
        assert "BlackBerry in Pakistan" not in as_text(head)


async def test_an_article_is_posted_unless_the_model_is_sure_and_under_a_rule_of_high_severity_it_is_not_asked(
    tmp_path: Path,
) -> None:
    high = "  - {name: Phones, all: [telephone], notify: desk, severity: high, about: telephones}\n"
    async with newsroom(tmp_path, uses="relevance", rules=ABOUT + high) as (desk, server):
        server.service.answer_with("relevance", lambda data: NO)
        await publish(desk, Item(id="t1", title="A novel about a telephone", text="It is for sale."))
        assert len(desk.heads()) == 1
        assert server.asked("complete") == 0

        server.service.answer_with("relevance", lambda data: {**NO, "verdict": "cannot_tell"})
        await publish(desk, BOOK)
        assert len(desk.heads()) == 2
        assert server.asked("complete") > 0


# -- a channel with `translate: en` shows headline and summary of a foreign article in English and in the original


GERMAN = Item(
    id="g1",
    title="BlackBerry verlässt Pakistan wegen Forderung der PTA",
    text="BlackBerry verlässt Pakistan, da die PTA eine Backdoor in BES forderte, was 5.000 Firmen betrifft.",
)
ENGLISH = {
    "texts": [
        "BlackBerry leaves Pakistan over a PTA demand",
        "BlackBerry leaves Pakistan because the PTA demanded a backdoor into BES, which affects 5,000 firms.",
    ]
}


@asynccontextmanager
async def english_channel(folder: Path) -> AsyncIterator[tuple[World, Server]]:
    """The channel of the rule wants English."""
    async with newsroom(folder, uses="translate") as (desk, server):
        bot = BOT.replace("desk: {{kind: slack,", "desk: {{kind: slack, translate: en,")
        desk.configure("wire", "courier", "echo", bot=bot + MODEL.format(url=server.url, uses="translate", more=""))
        yield desk, server


async def show_foreign(desk: World, item: Item = GERMAN, *, language: str = "de") -> str:
    """Publish an article in a feed of a language. Return its message."""
    document = rss("wire", item).replace(b"<description>d<", f"<language>{language}</language><description>d<".encode())
    desk.outlets.serve("/wire.xml", document)
    await desk.once()
    [head] = desk.heads()
    return as_text(head)


async def test_a_foreign_article_is_shown_in_both_languages_also_after_a_press_of_a_button(tmp_path: Path) -> None:
    async with english_channel(tmp_path) as (desk, server):
        server.service.answer_with("translate", lambda data: ENGLISH)
        shown = await show_foreign(desk)

        assert GERMAN.title in shown
        assert "was 5.000 Firmen betrifft." in shown
        assert f"en: {ENGLISH['texts'][0]} — {ENGLISH['texts'][1]} [translated by local-model]" in shown
        [(_, data)] = server.service.asked
        assert (data["from"], data["to"], data["texts"][0]) == ("de", "en", GERMAN.title)

        [story] = await desk.stories()
        await desk.press(Useful(), story)
        newest = (await desk.read(lambda tx: tx.outbox.of_story(story.id)))[-1]
        assert [judged.verdict for judged in story_post(newest.message).judgements] == [Verdict.USEFUL]
        assert newest.message.stories[0].summary[-1].text.endswith("[translated by local-model]")


async def test_of_a_long_article_the_translation_is_a_paragraph_of_its_own_that_says_who_made_it(
    tmp_path: Path,
) -> None:
    more = (
        "Die PTA nennt BlackBerry eine Frist, und die Kunden in Karatschi und Lahore warten auf eine Antwort. "
        "Auch die Backdoor in BES bleibt für BlackBerry und die PTA ein Streit, der schon seit dem Sommer andauert."
    )
    async with english_channel(tmp_path) as (desk, server):
        server.service.answer_with(
            "translate",
            lambda data: {"texts": [ENGLISH["texts"][0], *["A deadline for BES. " * 20] * (len(data["texts"]) - 1)]},
        )
        await show_foreign(desk, replace(GERMAN, text=f"{GERMAN.text} {more}"))

    quotes = [part for part in desk.heads()[0]["blocks"][0]["elements"] if part["type"] == "rich_text_quote"]
    assert len(quotes) == 2
    text = "".join(element.get("text", "") for element in quotes[1]["elements"])
    assert text.startswith(f"en: {ENGLISH['texts'][0]} — A deadline for BES. ")
    assert "… [translated by local-model] — wire" in text


@pytest.mark.parametrize(
    ("item", "language", "questions"),
    [(FIRST, "en-GB", 0), (GERMAN, "de", 1)],
    ids=["of an article in the language of the channel", "that does not hold"],
)
async def test_no_translation_is_shown(tmp_path: Path, item: Item, language: str, questions: int) -> None:
    async with english_channel(tmp_path) as (desk, server):
        server.service.answer_with("translate", lambda data: {"texts": ENGLISH["texts"][:1]})
        shown = await show_foreign(desk, item, language=language)

        assert item.title in shown
        assert "translated by" not in shown
        assert (server.asked("complete") > 0) == questions

"""A channel with ``translate: en`` shows headline and summary of a foreign article in English and in the original."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from bot.model.actions import Useful, Verdict
from bot.model.channels import Person, Press
from bot.pipeline import actions
from tests.journeys.test_language_model import MODEL, Server, newsroom
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import BOT, Item, World, as_text, rss
from tests.testbed.shown import story_post

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
async def english_channel(folder: Path, *, uses: str = "translate") -> AsyncIterator[tuple[World, Server]]:
    """The channel of the rule wants English; the feed of the first outlet is in German."""
    async with newsroom(folder, uses=uses) as (desk, server):
        bot = BOT.replace("desk: {{kind: slack,", "desk: {{kind: slack, translate: en,")
        desk.configure("wire", "courier", "echo", bot=bot + MODEL.format(url=server.url, uses=uses, more=""))
        yield desk, server


async def publish(desk: World, item: Item = GERMAN, *, language: str = "de") -> Any:
    document = rss("wire", item).replace(b"<description>d<", f"<language>{language}</language><description>d<".encode())
    desk.outlets.serve("/wire.xml", document)
    await desk.once()
    [head] = desk.heads()
    return as_text(head)


async def test_a_foreign_article_is_shown_in_both_languages(tmp_path: Path) -> None:
    async with english_channel(tmp_path) as (desk, server):
        server.service.answer_with("translate", lambda data: ENGLISH)

        shown = await publish(desk)

        assert GERMAN.title in shown
        assert "was 5.000 Firmen betrifft." in shown
        assert f"en: {ENGLISH['texts'][0]} — {ENGLISH['texts'][1]} [translated by local-model]" in shown
        [(_, data)] = server.service.asked
        assert (data["from"], data["to"], data["texts"][0]) == ("de", "en", GERMAN.title)


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

        await publish(desk, replace(GERMAN, text=f"{GERMAN.text} {more}"))

    quotes = [part for part in desk.heads()[0]["blocks"][0]["elements"] if part["type"] == "rich_text_quote"]
    assert len(quotes) == 2
    text = "".join(element.get("text", "") for element in quotes[1]["elements"])
    assert text.startswith(f"en: {ENGLISH['texts'][0]} — A deadline for BES. ")
    assert "… [translated by local-model] — wire" in text


async def test_an_article_in_the_language_of_the_channel_is_not_asked_about(tmp_path: Path) -> None:
    async with english_channel(tmp_path) as (desk, server):
        shown = await publish(desk, FIRST, language="en-GB")

        assert "translated by" not in shown
        assert server.asked("complete") == 0


async def test_a_pressed_button_leaves_the_translation_in_the_message(tmp_path: Path) -> None:
    async with english_channel(tmp_path) as (desk, server):
        server.service.answer_with("translate", lambda data: ENGLISH)
        await publish(desk)
        [story] = await desk.stories()
        async with desk.opened() as running:
            rows = await running.store.read(lambda tx: tx.outbox.of_story(story.id))
            receipt = rows[0].receipt
            assert receipt is not None
            press = Press(
                id="p1",
                person=Person(id="U0AMINA"),
                action=Useful(),
                story=story.id,
                place=receipt.place,
                ref=receipt.ref,
            )
            act = partial(actions.apply_press, pressed=press, channels=["desk"])
            await actions.carry_out(running.store, running.live.settings, act, now=desk.clock.now())
            newest = (await running.store.read(lambda tx: tx.outbox.of_story(story.id)))[-1]

        assert [judged.verdict for judged in story_post(newest.message).judgements] == [Verdict.USEFUL]
        assert newest.message.stories[0].summary[-1].text.endswith("[translated by local-model]")


async def test_a_translation_that_does_not_hold_is_not_shown(tmp_path: Path) -> None:
    async with english_channel(tmp_path) as (desk, server):
        server.service.answer_with("translate", lambda data: {"texts": ENGLISH["texts"][:1]})
        shown = await publish(desk)

        assert GERMAN.title in shown
        assert "translated by" not in shown

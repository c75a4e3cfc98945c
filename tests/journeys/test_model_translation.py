"""A channel with ``translate: en`` shows headline and summary of a foreign article in English and in the original."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.journeys.test_language_model import MODEL, Server, newsroom
from tests.journeys.test_model_summary import SHORT, summary
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import BOT, Item, World, as_text, rss

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


async def test_a_summary_of_the_model_is_translated_too(tmp_path: Path) -> None:
    async with english_channel(tmp_path, uses="[summary, translate]") as (desk, server):
        server.service.answer_with("summary", lambda data: summary((SHORT, 1)))
        server.service.answer_with("translate", lambda data: {"texts": [f"«{text}»" for text in data["texts"]]})
        shown = await publish(desk, FIRST, language="fr")

        assert f"{SHORT} [summary by local-model]" in shown
        assert f"«{SHORT}» [translated by local-model]" in shown
        # The article's own sentences, which the summary replaces, are not translated for nothing.
        assert [use for use, _ in server.service.asked] == ["summary", "translate"]


async def test_without_a_summary_that_holds_the_article_s_sentences_are_translated(tmp_path: Path) -> None:
    async with english_channel(tmp_path, uses="[summary, translate]") as (desk, server):
        server.service.answer_with("summary", lambda data: summary((f"{SHORT} Nobody in Peru knew.", 1)))
        server.service.answer_with("translate", lambda data: ENGLISH)
        shown = await publish(desk)

        assert "summary by" not in shown
        assert f"{ENGLISH['texts'][1]} [translated by local-model]" in shown
        assert [use for use, _ in server.service.asked] == ["summary", "translate"]


async def test_a_translation_that_does_not_hold_is_not_shown(tmp_path: Path) -> None:
    async with english_channel(tmp_path) as (desk, server):
        server.service.answer_with("translate", lambda data: {"texts": ENGLISH["texts"][:1]})
        shown = await publish(desk)

        assert GERMAN.title in shown
        assert "translated by" not in shown

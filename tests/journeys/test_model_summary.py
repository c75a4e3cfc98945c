"""A language model's summary takes the place of the article's sentences, after the alert and only where it holds."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from bot.model.actions import Useful, Verdict
from bot.model.alerts import AlertAction, Reason
from bot.model.channels import Person, Press
from bot.pipeline import actions
from tests.journeys.test_language_model import newsroom
from tests.journeys.test_seed_story import FIRST
from tests.journeys.world import Item, as_text

SUPPORT = (
    "BlackBerry will end its business in Pakistan after the Pakistan Telecommunication Authority demanded unfettered "
    "access to its BES servers."
)
SHORT = "BlackBerry ends its business in Pakistan after the Pakistan Telecommunication Authority demanded BES access."
DATED = "The order is from July."


def summary(*pairs: tuple[str, int]) -> dict[str, Any]:
    return {"sentences": [{"text": text, "support": support} for text, support in pairs]}


GOOD = summary((SHORT, 1), (DATED, 3))


async def test_the_alert_leaves_with_the_article_s_sentences_and_is_edited_when_the_summary_has_come(
    tmp_path: Path,
) -> None:
    async with newsroom(tmp_path, uses="summary") as (desk, server):
        server.service.answer_with("summary", lambda data: GOOD)
        desk.publish("wire", FIRST)
        await desk.once()

        [head] = desk.heads()
        assert SHORT in as_text(head)
        assert f"{DATED} [summary by local-model]" in as_text(head)
        assert SUPPORT not in as_text(head)
        [story] = await desk.stories()
        decisions = [(decision.action, decision.reason) for decision in await desk.decisions(story)]
        assert decisions == [
            (AlertAction.POST, Reason.FIRST_REPORT),
            (AlertAction.EDIT, Reason.SUMMARY),
        ]
        posted = next(request.body for method, request in desk.slack.requests if method == "chat.postMessage")
        assert "summary by" not in as_text(posted)

        text = "BlackBerry leaves Pakistan since the regulator PTA demanded a backdoor into its servers."
        desk.publish("courier", Item(id="c", title="BlackBerry leaves Pakistan", text=text))
        await desk.once()
        assert SHORT in as_text(desk.heads()[0])
        assert "courier" in as_text(desk.heads()[0])


async def test_a_pressed_button_leaves_the_summary_in_the_message(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="summary") as (desk, server):
        server.service.answer_with("summary", lambda data: GOOD)
        desk.publish("wire", FIRST)
        await desk.once()
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
            snapshot, now = running.live.settings, desk.clock.now()
            act = partial(actions.apply_press, pressed=press, channels=["desk"])
            await actions.carry_out(running.store, snapshot, act, now=now)
            newest = (await running.store.read(lambda tx: tx.outbox.of_story(story.id)))[-1]

        assert [judged.verdict for judged in newest.message.judgements] == [Verdict.USEFUL]
        assert newest.message.briefs[0].summary[0].text == SHORT


async def test_a_summary_that_does_not_hold_leaves_the_article_s_sentences(tmp_path: Path) -> None:
    async with newsroom(tmp_path, uses="summary") as (desk, server):
        server.service.answer_with("summary", lambda data: summary((SHORT.replace("Pakistan", "India", 1), 1)))
        desk.publish("wire", FIRST)
        await desk.once()

        [head] = desk.heads()
        assert "summary by" not in as_text(head)
        assert "unfettered access" in as_text(head)
        assert server.asked("complete") == 1

"""Claims of stories, escalation and silences: on SQLite, and on PostgreSQL with two workers.

A story of severity high that nobody claims goes to a second channel, once, with a link; a claim stops that.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

from tests.journeys import world as worlds
from tests.journeys.test_buttons import BOT, OTHER, Running, database, each_database, running, until
from tests.journeys.test_seed_story import FIRST, SECOND
from tests.testbed.servers import faulty, telegram

__all__ = ["database", "each_database"]

_SECOND = '  duty: {{kind: slack, to: "#second", token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.01 seconds}}'
_PEOPLE = "buttons: true, people: {{watch: S012ABCDEF}}"
DUTY = (
    BOT.replace("  ops:", f"{_SECOND}\n  ops:").replace("buttons: true", _PEOPLE)
    + "mention: {{high: watch}}\nescalate: {{after: 15 minutes, to: duty}}\n"
)
QUARTER = timedelta(minutes=15, seconds=1)


def called(it: Running) -> list[str]:
    return [str(message["blocks"]) for message in it.world.heads("second")]


async def test_first_posts_that_wait_name_their_outlets_and_are_messages_of_their_own(tmp_path: Path) -> None:
    async with worlds.world(tmp_path / "config") as it:
        rules = worlds.RULES.replace("high", "normal")
        it.configure("wire", "courier", "observer", bot=worlds.BOT + "gather: 90 seconds\n", rules=rules)
        await it.once()
        it.publish("wire", FIRST)
        it.publish("observer", OTHER)
        await it.once()
        it.publish("courier", SECOND)
        await it.once(minutes=1)
        assert it.heads() == []
        await it.once(minutes=1)
        heads = [str(message["blocks"]) for message in it.heads()]
        assert len(heads) == 2
        (both,) = [head for head in heads if "wire" in head]
        assert "courier" in both
        assert "2 outlets" in both


async def test_a_high_story_that_nobody_claims_is_told_once_on_the_second_channel_with_a_link_to_the_first(
    tmp_path: Path, database: str
) -> None:
    async with running(tmp_path, database, form=DUTY, severity="high") as it:
        await asyncio.sleep(0.5)
        assert called(it) == []
        it.clock.advance(QUARTER)
        await until(lambda: called(it))
        (output,) = called(it)
        assert "Not claimed in desk for 15 minutes" in output
        assert f"/p{it.head()['ts'].replace('.', '')}" in output
        assert "BlackBerry to leave Pakistan" in output
        assert "{'type': 'usergroup', 'usergroup_id': 'S012ABCDEF'}" in it.text()
        assert "'text': 'watch'" in output, "that channel does not know them"
        it.clock.advance(QUARTER)
        await it.hear("courier", SECOND, decided="edit: added outlet")
        assert len(called(it)) == 1


async def test_a_claim_is_shown_with_who_and_when_and_calls_nobody_until_it_is_released(
    tmp_path: Path, each_database: str
) -> None:
    async with running(tmp_path, each_database, form=DUTY, severity="high") as it:
        await it.press("claimed", user="U0BILAL")
        await until(lambda: "Claimed by" in it.text())
        assert "'user_id': 'U0BILAL'" in it.text()
        assert it.world.slack.workspace.whispers[-1]["text"] == "The story is claimed."
        it.clock.advance(QUARTER)
        await it.hear("courier", SECOND, decided="edit: added outlet")
        await until(lambda: "courier" in it.text())
        assert "Claimed by" in it.text()
        assert called(it) == []

        await it.press("unclaimed", user="U0BILAL")
        await until(lambda: "Claimed by" not in it.text())
        it.clock.advance(QUARTER)
        await until(lambda: called(it))
        assert len(called(it)) == 1


async def test_a_silence_by_button_keeps_back_what_it_names_and_is_listed_with_who_made_it(
    tmp_path: Path, database: str
) -> None:
    async with running(tmp_path, database) as it:
        await it.press("more", option="Silence in your channels for a day: BlackBerry in Pakistan")
        await until(lambda: it.world.slack.workspace.whispers)
        (silence,) = await it.bot.store.read(lambda tx: tx.silences.active(it.clock.now()))
        assert (silence.kind.value, silence.by) == ("rule", "amina")
        answer = it.world.slack.workspace.whispers[-1]
        assert f'Nothing is posted about rule "{silence.name}" in desk until' in answer["text"]
        command = answer["blocks"][0]["elements"][0]["elements"][-1]
        assert command == {"type": "text", "text": f"/wirewatch silence end {silence.id}", "style": {"code": True}}
        await until(lambda: silence.id in str(it.world.slack.workspace.messages("ops")))

        await it.hear("wire", OTHER, decided="silent: silenced")
        assert len(it.world.heads()) == 1
        it.clock.advance(timedelta(days=1, minutes=1))
        await it.hear("observer", OTHER, decided="post: first report")
        await until(lambda: len(it.world.heads()) == 2)


# -- a story claimed in Telegram, by a button


def presented(api: telegram.BotApi) -> str:
    """The story's message as it is now; empty: there is none."""
    return str(api.messages())


def telegram_form(server: faulty.Server[telegram.BotApi]) -> str:
    """Return a bot.yaml that posts in Telegram and escalates to Slack."""
    keys = f'to: "{telegram.NEWS}", api_url: "{server.url}", pace: 0.01 seconds, buttons: true, may_act: "77"'
    desk = "  desk: {{kind: telegram, " + keys + ", token: env:PLACE}}"
    lines = [desk if line.startswith("  desk:") else line for line in worlds.BOT.splitlines()]
    return "\n".join(lines).replace("  ops:", f"{_SECOND}\n  ops:") + "\nescalate: {{after: 15 minutes, to: duty}}\n"


async def test_a_claim_in_telegram_calls_nobody_and_its_end_calls_them_again(tmp_path: Path, database: str) -> None:
    with faulty.serve(telegram.BotApi()) as server:
        api = server.service
        form, environ = telegram_form(server), {"PLACE": telegram.TOKEN}
        async with running(
            tmp_path,
            database,
            form=form,
            severity="high",
            environ=environ,
            is_ready=lambda: "BlackBerry" in presented(api),
        ) as it:
            world, clock = it.world, it.clock
            await it.until_recorded()
            assert "Claimed by" not in presented(api)
            api.press("Claim", person=78, name="boss")
            api.press("Claim")
            await until(lambda: "Claimed by" in presented(api))
            assert "ann_desk" in presented(api)
            clock.advance(QUARTER)
            await asyncio.sleep(0.5)
            assert world.heads("second") == []

            api.press("Release")
            await until(lambda: "Claimed by" not in presented(api))
            clock.advance(QUARTER)
            await until(lambda: world.heads("second"))
            assert "https://t.me/c/1234567890/1" in str(world.heads("second")[0]["blocks"])

            api.press("Claim")
            await until(lambda: "Claimed by" in str(world.heads("second")[0]["blocks"]))
            text = str(world.heads("second")[0]["blocks"])
            assert "Claimed by '}, {'type': 'text', 'text': '@ann_desk'}" in text, "never an id"

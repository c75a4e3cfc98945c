"""Somebody types a command in Slack, or opens the app's page: the running bot answers that person alone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.journeys import test_buttons
from tests.journeys import world as worlds
from tests.journeys.test_buttons import Running, running, until
from tests.journeys.test_seed_story import FIRST

pytestmark = pytest.mark.asyncio(loop_scope="module")

RULE = "BlackBerry in Pakistan"
FEEDS = re.compile(r"4 feeds, all working|Problems with \d of 4 feeds")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    """A bot for all tests that leave no story behind and no silence in force."""
    async with running(tmp_path_factory.mktemp("desk")) as opened:
        yield opened


async def ask(it: Running, words: str, *, user: str = "U0AMINA") -> str:
    """Return the words of the answer."""
    answers = it.world.slack.workspace.answers
    count_before = len(answers)
    envelope = it.sockets.command(words, url=it.world.slack.response_url, user=user)
    assert await asyncio.to_thread(it.sockets.is_acknowledged, envelope)
    await until(lambda: len(answers) > count_before)
    assert answers[-1]["response_type"] == "ephemeral"
    return " ".join(re.findall(r"'(?:text|fallback)': [\"'](.*?)[\"'][,}]", str(answers[-1]["blocks"])))


async def test_why_says_which_rule_matches_an_article_and_what_was_posted(desk: Running) -> None:
    link = (await desk.stories())[0].members[0].article.link
    answer = await ask(desk, f"why <{link}|a label>")
    assert "1 rule matches this article" in answer
    assert "Its story: BlackBerry" in answer
    assert "desk: hold, baseline: the feed" in answer
    assert "earlier decision" not in answer
    assert "no article with the link" in await ask(desk, "why https://nowhere.example/x")
    assert "/wirewatch why LINK" in await ask(desk, "why")
    assert "no article with the link nonsense is in the archive" in await ask(desk, "why nonsense")


async def test_stories_and_the_page_show_the_story_with_its_link_and_a_sentence(desk: Running) -> None:
    answer = await ask(desk, "stories blackberry")
    assert f'1 story of "{RULE}" in the last 7 days' in answer
    assert FIRST.title in answer
    assert "No rule has this name" in await ask(desk, "stories unheard of")
    assert FEEDS.search(await ask(desk, "feeds"))
    envelope = desk.sockets.open_home(user="U0BILAL")
    assert await asyncio.to_thread(desk.sockets.is_acknowledged, envelope)
    homes = desk.world.slack.workspace.homes
    await until(lambda: "U0BILAL" in homes)
    assert "1 story in the last 24 hours" in str(homes["U0BILAL"])
    assert FIRST.title in str(homes["U0BILAL"])


async def test_a_silence_is_made_listed_and_ended_by_command_and_on_the_home_tab(desk: Running) -> None:
    assert "needs a name, an end and a reason" in await ask(desk, "silence rule x")
    for unwanted, why in (
        ("silence rule x for 2 hours: because", "No rule has this name"),
        ("silence rule blackberry for 8 days: because", "a silence from a chat lasts at most 7 days"),
        ("silence outlet wires for 2 hours: because", 'did you mean "wire"?'),
    ):
        assert why in (await ask(desk, unwanted)).replace("\\", "")
    answer = await ask(desk, f'silence rule "{RULE}" for 2 hours: the vote is over')
    assert f'Nothing is posted about rule "{RULE}" in desk until' in answer.replace("\\", "")
    listed = await ask(desk, "silence list")
    assert "the vote is over" in listed
    desk.sockets.open_home(user="U0BILAL")
    homes = desk.world.slack.workspace.homes
    await until(lambda: "the vote is over" in str(homes.get("U0BILAL")))
    assert FEEDS.search(str(homes["U0BILAL"]))
    desk.sockets.press_home(homes["U0BILAL"], "End this silence", user="U0BILAL")
    await until(lambda: "No silence is in force" in str(homes["U0BILAL"]))
    assert "has ended" in str(homes["U0BILAL"])
    desk.sockets.press_home(homes["U0BILAL"], "Refresh", user="U0BILAL")
    await until(lambda: "has ended" not in str(homes["U0BILAL"]))

    await ask(desk, "silence outlet wire for 2 hours: because")
    [silence] = re.findall(r"silence end ([0-9a-f]{8})", await ask(desk, "silence list"))
    assert "has ended" in await ask(desk, f"silence end {silence}")
    assert "No silence is in force" in await ask(desk, "silence list")
    assert "`/wirewatch silence list` lists the ids" in await ask(desk, "silence end ffffffff")


async def test_a_person_in_no_channel_of_the_bot_reads_and_silences_nothing(desk: Running) -> None:
    silences = await desk.bot.store.read(lambda tx: tx.silences.all())
    assert "/wirewatch why LINK" in await ask(desk, "help", user="U0EVE")
    for question in ("feeds", "stories blackberry", "silence list", f"silence rule {RULE} for 2 hours: no news today"):
        assert "You cannot ask here: only members" in await ask(desk, question, user="U0EVE")
    envelope = desk.sockets.open_home(user="U0EVE")
    assert await asyncio.to_thread(desk.sockets.is_acknowledged, envelope)
    homes = desk.world.slack.workspace.homes
    await until(lambda: "U0EVE" in homes)
    assert FIRST.title not in str(homes["U0EVE"])
    assert await desk.bot.store.read(lambda tx: tx.silences.all()) == silences


async def test_a_member_of_one_channel_does_not_read_or_silence_the_stories_of_another(tmp_path: Path) -> None:
    keys = 'kind: slack, token: env:SLACK_BOT_TOKEN, api_url: "{slack}", pace: 0.01 seconds, buttons: true'
    names = [f"copy{number}" for number in range(5)]
    channels = [f'{name}: {{{{{keys}, to: "#policy-alerts", app_token: env:APP}}}}' for name in names]
    channels.append(f'law: {{{{{keys}, to: "#second", app_token: env:APP}}}}')
    form = test_buttons.BOT.replace("  ops:", "".join(f"  {channel}\n" for channel in channels) + "  ops:")
    rules = worlds.RULES.replace("notify: desk", f"notify: [desk, {', '.join(names)}]")
    rules += "\n  - {name: Any law, any: {law: [law]}, notify: law}\n"
    async with running(tmp_path, form=form, rules=rules) as it:
        (channel,) = [item for item in it.world.slack.workspace.channels.values() if item.name == "second"]
        channel.members = ["U0LAW"]
        link = (await it.stories())[0].members[0].article.link
        answer = await ask(it, f"why {link}")
        assert len(re.findall(r"(?:desk|copy\d): ", answer)) == 4
        assert re.search(r"\d+ earlier decisions: `wirewatch stories` lists all", answer)

        assert "No rule has this name" in (answer := await ask(it, "stories blackberry", user="U0LAW"))
        assert RULE not in answer
        assert "Any law" in answer
        assert "No rule matches this article" in (answer := await ask(it, f"why {link}", user="U0LAW"))
        assert "desk:" not in answer
        for unwanted in (f"silence rule {RULE} for 2 hours: x", "silence rule blackberry for 2 hours: x"):
            assert "No rule has this name" in await ask(it, unwanted, user="U0LAW")
        assert await it.bot.store.read(lambda tx: tx.silences.all()) == []

        assert "in law until" in await ask(it, "silence outlet wire for 2 hours: a quiet day", user="U0LAW")
        (silence,) = await it.bot.store.read(lambda tx: tx.silences.all())
        assert silence.channels == ("law",)
        assert "where you may not act" in await ask(it, f"silence end {silence.id}")
        assert "has ended" in await ask(it, f"silence end {silence.id}", user="U0LAW")


async def test_a_member_whom_may_act_leaves_out_gets_and_changes_nothing(tmp_path: Path) -> None:
    guarded = test_buttons.BOT.replace("app_token: env:APP", "app_token: env:APP, may_act: U0AMINA")
    async with running(tmp_path, form=guarded) as it:
        words = f"silence rule {RULE} for 2 hours: no news today"
        for question in (words, "stories blackberry", "feeds"):
            assert "only members of a channel" in await ask(it, question, user="U0BILAL")
        assert await it.bot.store.read(lambda tx: tx.silences.all()) == []
        assert "Nothing is posted" in await ask(it, words)

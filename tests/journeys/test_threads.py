"""The replies in a story's thread after a second outlet's report."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.model.stories import JoinReason
from tests.journeys.world import BOT, Item, World, world

RULES = """\
rules:
  - name: Watched
    any: [Varnholm, Tarvik]
    notify: desk
{keys}"""

Report = tuple[str, str]
#: Name -> first report, the next outlet's report five hours later, and words of the reply. Each kind of news is in
#: tests/facts/test_news.py.
NEWS = {
    "a toll rises": (
        (
            "Ferry fire off Varnholm kills 12",
            "A fire on a ferry off Varnholm has killed 12 people, the coast guard said.",
        ),
        ("Death toll in Varnholm ferry fire rises to 31", "The fire on the ferry off Varnholm has killed 31 people."),
        ("Death toll in Varnholm ferry fire rises to 31",),
    ),
    "an authority denies": (
        (
            "Tarvik regulator to block messaging apps, official says",
            "The telecoms regulator of Tarvik will block foreign messaging apps from Sunday, an official said.",
        ),
        (
            "Tarvik regulator denies plan to block messaging apps",
            "The telecoms regulator of Tarvik has denied that it will block foreign messaging apps from Sunday.",
        ),
        ("Denial", "denies plan to block messaging apps"),
    ),
}

NO_NEWS: dict[str, tuple[Report, Report, tuple[str, ...]]] = {
    "the same in other words": (
        (
            "Ferry fire off Varnholm kills 12",
            "A fire on a ferry off Varnholm has killed 12 people, the coast guard said.",
        ),
        ("Twelve dead as ferry burns off Varnholm", "Twelve people died when a ferry caught fire off Varnholm."),
        (),
    ),
}


async def _publish(desk: World, outlet: str, report: Report) -> None:
    title, text = report
    desk.publish(outlet, Item(id=outlet, title=title, text=text, at=desk.clock.now()))
    await desk.once()


async def _thread(desk: World, first: Report, second: Report, *, keys: str = "", bot: str = BOT) -> list[Any]:
    """The replies after two outlets' reports, five hours apart, which must be of one story."""
    desk.configure("wire", "metro", rules=RULES.format(keys=keys), bot=bot)
    await desk.once()
    await _publish(desk, "wire", first)
    desk.clock.advance(timedelta(hours=5))
    await _publish(desk, "metro", second)
    assert len(await desk.stories()) == 1
    return desk.replies()


def _text(reply: object) -> str:
    return str(reply).replace("*", "").replace("~", "")


@pytest.mark.parametrize("cases", [NEWS, NO_NEWS], ids=["news", "no news"])
async def test_only_news_in_a_known_story_has_a_reply_in_its_thread(
    cases: Mapping[str, tuple[Report, Report, tuple[str, ...]]], tmp_path: Path
) -> None:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "metro", rules=RULES.format(keys=""))
        await setup.once()
        for outlet, number in (("wire", 0), ("metro", 1)):
            reports = [(name, case[number]) for name, case in cases.items()]
            at = setup.clock.now()
            setup.publish(outlet, *(Item(id=name, title=title, text=text, at=at) for name, (title, text) in reports))
            await setup.once()
            setup.clock.advance(timedelta(hours=5))
        heads = {name: next(head for head in setup.heads() if case[0][0] in str(head)) for name, case in cases.items()}
        replies = {
            name: [_text(reply["blocks"]) for reply in setup.replies() if reply["thread_ts"] == head["ts"]]
            for name, head in heads.items()
        }
        assert len(await setup.stories()) == len(cases)
        for name, (_, _, expected) in cases.items():
            assert len(replies[name]) == bool(expected), name
            assert all(words in replies[name][0] for words in expected), name


async def test_a_denial_is_no_corroboration(tmp_path: Path) -> None:
    first, denial, _ = NEWS["an authority denies"]
    repeated = ("Tarvik to block messaging apps from Sunday", denial[1].replace("has denied that it will", "will"))
    async with world(tmp_path / "denied") as setup:
        replies = await _thread(setup, first, denial, keys="    min_outlets: 2\n")
        [story] = await setup.stories()
        assert (replies, setup.heads()) == ([], [])
        assert [member.join.reason for member in story.members][1:] == [JoinReason.REVERSAL]
        assert story.owners == ("wire",)
    async with world(tmp_path / "confirmed") as setup:
        await _thread(setup, first, repeated, keys="    min_outlets: 2\n")
        assert len(setup.heads()) == 1


async def test_reports_of_a_denial_that_opened_the_story_corroborate_it(tmp_path: Path) -> None:
    _, denial, _ = NEWS["an authority denies"]
    repeated = (
        "Tarvik telecoms regulator denies it will block messaging apps",
        denial[1].replace("has denied", "denied"),
    )
    async with world(tmp_path / "config") as setup:
        await _thread(setup, denial, repeated, keys="    min_outlets: 2\n")
        assert len(setup.heads()) == 1


async def test_a_thread_of_all_names_each_article_that_joins_in_one_reply(tmp_path: Path) -> None:
    first, second, _ = NO_NEWS["the same in other words"]
    bot = BOT.replace("pace: 0.01 seconds}", "pace: 0.01 seconds, thread: all}", 1)
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "metro", "gazette", rules=RULES.format(keys=""), bot=bot)
        await setup.once()
        await _publish(setup, "wire", first)
        at = setup.clock.now()
        setup.publish("metro", Item(id="m", title=second[0], text=second[1], at=at))
        setup.publish(
            "gazette", Item(id="g", title="Ferry fire kills 12 near Varnholm", text=second[1] + " It sank.", at=at)
        )
        await setup.once()
        [reply] = setup.replies()
        assert "Joined this story" in _text(reply)
        assert all(
            words in _text(reply) for words in (second[0], "Ferry fire kills 12 near Varnholm", "metro", "gazette")
        )


async def test_the_rule_decides_over_the_channel_what_a_thread_gets(tmp_path: Path) -> None:
    first, second, _ = NO_NEWS["the same in other words"]
    bot = BOT.replace("pace: 0.01 seconds}", "pace: 0.01 seconds, thread: all}", 1)
    async with world(tmp_path / "channel") as setup:
        assert len(await _thread(setup, first, second, bot=bot)) == 1
    async with world(tmp_path / "rule") as setup:
        assert await _thread(setup, first, second, bot=bot, keys="    thread: news\n") == []

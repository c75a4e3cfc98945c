"""The replies in a story's thread after a second outlet's report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.model.stories import JoinReason
from tests.journeys.world import BOT, Item, World, world

RULES = """\
rules:
  - name: Watched
    any: [Oskarberg, Tarvik, Varnholm]
    notify: desk
{keys}"""

Report = tuple[str, str]
#: Name -> first report, the next outlet's report five hours later, and words of the reply, if there is one. Each kind
#: of news is in tests/facts/test_news.py.
CASES: dict[str, tuple[Report, Report, tuple[str, ...]]] = {
    "a toll rises": (
        (
            "Bridge collapse in Oskarberg kills 12",
            "A bridge has collapsed in Oskarberg and killed 12 people, the police said.",
        ),
        (
            "Death toll in Oskarberg bridge collapse rises to 31",
            "The collapse of the bridge in Oskarberg has killed 31 people.",
        ),
        ("Death toll in Oskarberg bridge collapse rises to 31",),
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
    "the same in other words": (
        (
            "Ferry fire off Varnholm kills 12",
            "A fire on a ferry off Varnholm has killed 12 people, the coast guard said.",
        ),
        ("Twelve dead as ferry burns off Varnholm", "Twelve people died when a ferry caught fire off Varnholm."),
        (),
    ),
}
PLAN, DENIAL, _ = CASES["an authority denies"]


async def _publish(desk: World, outlet: str, *reports: Report) -> None:
    at = desk.clock.now()
    desk.publish(outlet, *(Item(id=title, title=title, text=text, at=at) for title, text in reports))
    await desk.once()


def _text(reply: object) -> str:
    return str(reply).replace("*", "").replace("~", "")


async def test_only_news_in_a_known_story_has_a_reply_in_its_thread(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "metro", rules=RULES.format(keys=""))
        await setup.once()
        await _publish(setup, "wire", *(first for first, _, _ in CASES.values()))
        setup.clock.advance(timedelta(hours=5))
        await _publish(setup, "metro", *(second for _, second, _ in CASES.values()))
        assert len(await setup.stories()) == len(CASES)
        for name, (first, _, expected) in CASES.items():
            head = next(head for head in setup.heads() if first[0] in str(head))
            replies = [_text(reply["blocks"]) for reply in setup.replies() if reply["thread_ts"] == head["ts"]]
            assert len(replies) == bool(expected), name
            assert all(words in replies[0] for words in expected), name


async def test_a_denial_is_no_corroboration(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "metro", rules=RULES.format(keys="    min_outlets: 2\n"))
        await setup.once()
        await _publish(setup, "wire", PLAN)
        await _publish(setup, "metro", DENIAL)
        [story] = await setup.stories()
        assert (setup.replies(), setup.heads()) == ([], [])
        assert [member.join.reason for member in story.members][1:] == [JoinReason.REVERSAL]
        assert story.owners == ("wire",)


async def test_reports_of_a_denial_that_opened_the_story_corroborate_it(tmp_path: Path) -> None:
    repeated = (
        "Tarvik telecoms regulator denies it will block messaging apps",
        DENIAL[1].replace("has denied", "denied"),
    )
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "metro", rules=RULES.format(keys="    min_outlets: 2\n"))
        await setup.once()
        await _publish(setup, "wire", DENIAL)
        await _publish(setup, "metro", repeated)
        assert len(await setup.stories()) == len(setup.heads()) == 1


async def test_a_thread_of_all_names_each_article_that_joins_in_one_reply_except_where_the_rule_wants_news(
    tmp_path: Path,
) -> None:
    ferry, ferry_again, _ = CASES["the same in other words"]
    ferry_too = ("Ferry fire kills 12 near Varnholm", f"{ferry_again[1]} It sank.")
    plan_again = ("Tarvik to block messaging apps from Sunday", DENIAL[1].replace("has denied that it will", "will"))
    bot = BOT.replace("pace: 0.01 seconds}", "pace: 0.01 seconds, thread: all}", 1)
    rules = RULES.format(keys="").replace("Tarvik, ", "")
    rules += "  - {name: News, any: [Tarvik], notify: desk, thread: news}\n"
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "metro", "gazette", rules=rules, bot=bot)
        await setup.once()
        await _publish(setup, "wire", ferry, PLAN)
        setup.publish("gazette", Item(id="g", title=ferry_too[0], text=ferry_too[1], at=setup.clock.now()))
        await _publish(setup, "metro", ferry_again, plan_again)
        assert sorted(len(story.members) for story in await setup.stories()) == [2, 3]
        [reply] = setup.replies()
        assert "Joined this story" in _text(reply)
        assert all(words in _text(reply) for words in (ferry_again[0], ferry_too[0], "metro", "gazette"))

"""The replies in a story's thread after a second outlet's report."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from bot.model.stories import JoinReason
from tests.journeys.world import BOT, Item, World, as_text, watching

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


async def _publish(desk: World, outlet: str, *reports: Report, minutes: float = 5) -> None:
    at = desk.clock.now()
    items = [Item(id=title, title=title, text=text, at=at) for title, text in reports]
    await desk.poll(outlet, *items, minutes=minutes)


async def test_only_news_in_a_known_story_has_a_reply_in_its_thread(tmp_path: Path) -> None:
    async with watching(tmp_path / "config", "wire", "metro", rules=RULES.format(keys="")) as setup:
        await _publish(setup, "wire", *(first for first, _, _ in CASES.values()))
        setup.clock.advance(timedelta(hours=5))
        await _publish(setup, "metro", *(second for _, second, _ in CASES.values()))
        assert len(await setup.stories()) == len(CASES)
        for name, (first, _, expected) in CASES.items():
            head = next(head for head in setup.heads() if first[0] in str(head))
            replies = [as_text(reply["blocks"]) for reply in setup.replies() if reply["thread_ts"] == head["ts"]]
            assert len(replies) == bool(expected), name
            assert all(words in replies[0] for words in expected), name


async def test_a_denial_is_no_corroboration_except_of_a_story_that_it_opened(tmp_path: Path) -> None:
    opening = ("Varnholm port denies plan to close", "The port of Varnholm has denied that it will close on Sunday.")
    repeated = ("Varnholm port denies it will close", "The port of Varnholm denied that it will close on Sunday.")
    async with watching(tmp_path / "config", "wire", "metro", rules=RULES.format(keys="    min_outlets: 2\n")) as setup:
        await _publish(setup, "wire", PLAN, opening)
        await _publish(setup, "metro", DENIAL, repeated)
        denied, corroborated = sorted(await setup.stories(), key=lambda story: story.title)
        [head] = setup.heads()
        assert opening[0] in as_text(head)
        assert len(corroborated.owners) == 2
        assert [member.join.reason for member in denied.members][1:] == [JoinReason.REVERSAL]
        assert denied.owners == ("wire",)


async def test_a_thread_of_all_names_each_article_that_joins_in_one_reply_except_where_the_rule_wants_news(
    tmp_path: Path,
) -> None:
    ferry, ferry_again, _ = CASES["the same in other words"]
    ferry_too = ("Ferry fire kills 12 near Varnholm", f"{ferry_again[1]} It sank.")
    plan_again = ("Tarvik to block messaging apps from Sunday", DENIAL[1].replace("has denied that it will", "will"))
    bot = BOT.replace("pace: 0.01 seconds}", "pace: 0.01 seconds, thread: all}", 1)
    rules = RULES.format(keys="").replace("Tarvik, ", "")
    rules += "  - {name: News, any: [Tarvik], notify: desk, thread: news}\n"
    async with watching(tmp_path / "config", "wire", "metro", "gazette", rules=rules, bot=bot) as setup:
        await _publish(setup, "wire", ferry, PLAN)
        setup.publish("gazette", Item(id="g", title=ferry_too[0], text=ferry_too[1], at=setup.clock.now()))
        await _publish(setup, "metro", ferry_again, plan_again)
        assert sorted(len(story.members) for story in await setup.stories()) == [2, 3]
        [reply] = setup.replies()
        assert "Joined this story" in as_text(reply)
        assert all(words in as_text(reply) for words in (ferry_again[0], ferry_too[0], "metro", "gazette"))


# -- a rule with `group: rule`: all that it matches while coverage lasts is one message with its thread


GROUPED = """\
rules:
  - name: BlackBerry in Pakistan
    all: [BlackBerry, PTA]
    notify: desk
    group: rule
    quiet: 3 days
"""
OUTLETS = ("wire", "courier", "ledger")

EXIT = (
    "BlackBerry to exit Pakistan over government demand for access",
    "BlackBerry will leave Pakistan after the PTA demanded a backdoor to its BES servers.",
)
LIFTED = (
    "Pakistan lifts ban on BlackBerry Messenger in Sindh",
    "The PTA restored the chat service in the province; police had asked for access.",
)
FINED = (
    "PTA fines a seller of BlackBerry phones in Multan",
    "MULTAN, Dec 3 (Wire) - The PTA has fined a shop that sold BlackBerry phones without a licence. It will appeal.",
)


async def test_another_event_of_the_rule_is_a_reply_and_try_shows_the_messages_that_were_sent(tmp_path: Path) -> None:
    async with watching(tmp_path / "config", *OUTLETS, rules=GROUPED) as setup:
        for outlet, report in zip(OUTLETS, (EXIT, LIFTED, FINED), strict=True):
            await _publish(setup, outlet, report, minutes=60)
        (message,) = setup.heads()
        assert all(title in as_text(message) for title, _ in (EXIT, LIFTED, FINED))
        assert as_text(message).index("Latest") < as_text(message).index(FINED[0]), "the newest report"
        reply, _ = setup.replies()
        assert reply["thread_ts"] == message["ts"]
        assert "courier" in as_text(reply)
        assert LIFTED[1].split("; ")[0] in as_text(reply)

        output = (await setup.call("try", "BlackBerry in Pakistan", "--since", "9000d")).stdout
    _, counts, messages = output.partition("It would have made 1 post, 2 edits, 2 replies, about 1 story")
    assert counts, output
    assert EXIT[0] in messages
    assert f"reply, other event: {LIFTED[0]}" in messages
    assert f"reply, other event: {FINED[0]}" in messages


async def test_a_brief_has_one_entry_for_a_thread_with_the_headlines_of_its_events(tmp_path: Path) -> None:
    bot = BOT.replace("pace: 0.01 seconds}}\n  ops", "pace: 0.01 seconds, brief: 18:00}}\n  ops")
    async with watching(tmp_path / "config", *OUTLETS, bot=bot, rules=f"{GROUPED}    when: brief\n") as setup:
        await _publish(setup, "wire", EXIT, minutes=60)
        await _publish(setup, "courier", LIFTED, minutes=60)
        await setup.once(minutes=10 * 60)
        await _publish(setup, "ledger", FINED, minutes=60)
        await setup.once(minutes=24 * 60)
    first, second = map(as_text, setup.heads())
    assert "1 new story" in first
    assert first.index(EXIT[0]) < first.index("also: ") < first.index(LIFTED[0])
    assert "News in earlier stories" in second
    assert FINED[0] in second

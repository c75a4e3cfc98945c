"""A replay makes the messages that the live pipeline makes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import pytest

from bot import rules
from bot.model.archive import Arrival
from bot.model.messages import Message, MessageKind
from bot.model.rules import Rule
from bot.model.stories import Article
from bot.pipeline import join, turn
from bot.pipeline.dispatch import Dispatcher
from bot.queries import backtest
from tests.pipeline.archives import FEED, Archive, article, demo_story
from tests.rules.making import rule
from tests.testbed import fresh
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings

BLACKBERRY = rule(name="BlackBerry", any=["BlackBerry"])
TWO = rule(name="Two", any=["BlackBerry"], min_outlets=2)
CAPPED = rule(name="Capped", any=["BlackBerry", "Pakistan"], posts_per_hour=1)
END = START + timedelta(days=2)


def tried(articles: Sequence[Article], *given: Rule, **plan: Any) -> backtest.BacktestReport:
    compiled = tuple(map(rules.compile_rule, given))
    settings: dict[str, Any] = {
        "tried": compiled,
        "settings": make_settings(feeds=[FEED], rules=[]),
        "since": START - timedelta(days=1),
        "until": END,
    } | plan
    return backtest.run_backtest(Archive(articles).archive(since=settings["since"]), backtest.BacktestPlan(**settings))


async def live(articles: Sequence[Article], given: Sequence[Rule]) -> list[tuple[str, str, str]]:
    """Send the same articles through a desk with a real store, with a tick every 20 minutes."""
    clock = FakeClock(START)
    at_the_time = make_settings(rules=map(rules.compile_rule, given))
    index = at_the_time.rule_set
    store = fresh.in_memory(clock)
    working = join.StoryUpdater()
    arriving = sorted(articles, key=lambda one: (one.first_seen, one.id))
    batches = {moment: list(those) for moment, those in groupby(arriving, key=lambda one: one.first_seen)}

    def take(tx: Any, now: datetime) -> None:
        arrivals = []
        for one in batches.get(now, ()):
            matches = index.match(one, FEED, now=one.first_seen)
            if matches:
                tx.articles.add([one])
                tx.articles.add_matches(one.id, matches)
                arrivals.append(Arrival(article=one, matches=matches, is_baseline=False))

        def release(each: turn.Turn) -> None:
            Dispatcher(each).release(each.due_alerts())

        for step in (release, lambda each: working.update(each, arrivals), release):
            each = turn.Turn(tx, at_the_time, now)
            step(each)
            each.changes.write(tx)

    ticks = {START + timedelta(minutes=20 * number) for number in range(3 * 24)}
    for now in sorted(ticks | set(batches)):
        await store.write(lambda tx, now=now: take(tx, now))  # type: ignore[misc]
    rows = await store.read(lambda tx: tx.outbox.unsent())
    await store.close()
    return [summary_of(row.message.kind, row.channel, row.message) for row in rows]


def summary_of(kind: MessageKind, channel: str, message: Message) -> tuple[str, str, str]:
    return kind.value, channel, "; ".join(brief.title.text for brief in message.stories)


@pytest.mark.parametrize("given", [[CAPPED], [BLACKBERRY, TWO]], ids=["one with a limit", "two rules"])
async def test_the_example_story_makes_the_messages_that_it_makes_live(given: list[Rule]) -> None:
    articles = demo_story()
    expected = [item for item in await live(articles, given) if item[0] != "edit"]
    report = tried(articles, *given)
    results = [
        (message.kind.value, message.channel, "; ".join(message.headlines))
        for message in report.messages
        if message.kind is not MessageKind.EDIT
    ]
    assert sorted(results) == sorted(expected)
    assert expected


def test_a_story_that_waits_for_a_second_outlet_is_held_at_the_end() -> None:
    report = tried([article("BlackBerry quits Pakistan")], TWO)
    assert (report.messages, report.held) == ((), 1)


def test_what_came_with_a_feeds_first_answer_is_gathered_in_one_message() -> None:
    texts = {
        "BlackBerry quits Pakistan over regulator's order": "The telecom authority wanted the keys of its servers.",
        "Village fair: blackberry jam wins the prize": "The judges praised the taste of Mrs Howard's jar.",
        "Court fines Canadian maker of BlackBerry handsets": "A patent of Nokia was infringed, the judge said.",
    }
    titles = list(texts)
    report = tried([article(*text) for text in texts.items()], BLACKBERRY, baselines={FEED.url: START})
    (message,) = report.messages
    assert message.kind is MessageKind.LISTING
    assert sorted(message.headlines) == sorted(titles)


def test_of_very_many_matches_the_first_are_replayed_and_the_report_says_so() -> None:
    many = [article(f"BlackBerry {word} case number {word}", hours=n) for n, word in enumerate("abcdefgh")]
    report = tried(many, BLACKBERRY, replayed=3)
    assert report.simulated_until == START + timedelta(hours=3)
    assert (report.replayed, report.matched) == (3, len(many))
    assert len(report.rules[0].hits) == 8
    assert all(message.at < report.simulated_until for message in report.messages)

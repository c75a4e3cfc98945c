"""A trial of a rule: the messages that the live pipeline would make, and the articles that match or nearly match."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

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


# -- the articles that a rule would match, lose and nearly match


DAY = timedelta(days=1)
ALL = {"product": ["BES", "BlackBerry"], "regulator": ["PTA"], "demand": ["backdoor*"]}


def compiled(**keys: Any) -> rules.CompiledRule:
    return rules.compile_rule(rule(**({"all": ALL} if not keys.keys() & {"all", "any", "query"} else {}) | keys))


def trial(
    *articles: Article, given: rules.CompiledRule | None = None, zone: tzinfo = UTC, **plan: Any
) -> backtest.BacktestReport:
    settings = make_settings(feeds=[FEED], timezone=zone)
    return tried(articles, tried=(given or compiled(),), settings=settings, **plan)


HIT = article("BlackBerry quits after PTA sought backdoor into BES")
MISS = article("BlackBerry quits after a row with the PTA")
SMALL = article("BlackBerry quits after pta sought backdoor")
OTHERWISE = "written differently or too far apart"


@pytest.mark.parametrize(
    ("missed", "given", "what", "why"),
    [
        pytest.param(MISS, compiled(), "no demand", "2 of 3: no demand", id="one line is missing"),
        pytest.param(SMALL, compiled(), OTHERWISE, 'PTA found as "pta"', id="the wording is in another case"),
        pytest.param(HIT, compiled(none=["quits"]), "excluded", 'excluded by "quits"', id="it is excluded"),
    ],
)
def test_an_article_that_nearly_matches_is_listed_with_what_is_in_the_way(
    missed: Article, given: rules.CompiledRule, what: str, why: str
) -> None:
    (near,) = trial(missed, given=given).rules[0].near
    assert near.count == 1
    assert near.what == what
    assert why in near.examples[0].why


def test_near_misses_are_counted_whole_and_shown_newest_first() -> None:
    many = [article(f"BlackBerry and the PTA, part {number}", hours=number) for number in range(9)]
    (near,) = trial(*many).rules[0].near
    assert near.count == 9
    assert [hit.title[-1] for hit in near.examples] == ["8", "7", "6", "5", "4"]


def test_each_day_has_its_count_on_the_wall_clock_of_the_desk() -> None:
    late = replace(HIT, first_seen=START.replace(hour=20))
    (result,) = trial(late).rules
    assert result.by_day == {date(2015, 12, day): int(day == 2) for day in range(1, 5)}
    (result,) = trial(late, zone=ZoneInfo("Asia/Karachi")).rules
    assert result.by_day[date(2015, 12, 3)] == 1


def test_a_match_is_listed_with_its_words_and_compared_with_the_other_version() -> None:
    other = compiled(all={"product": ["BlackBerry"], "regulator": ["PTA"], "row": ["row", "sought"]})
    (result,) = trial(HIT, MISS, SMALL, given=compiled(), other_versions={"a rule": other}).rules
    (hit,) = result.hits
    assert (hit.title, hit.why) == (HIT.title, 'product "BES", regulator "PTA", demand "backdoor"')
    assert result.comparison is not None
    assert (result.comparison.both, result.comparison.starts) == (1, ())
    (stops,) = result.comparison.stops
    assert stops.title == MISS.title
    assert "no demand" in stops.why


def test_a_paused_rule_is_tried_and_one_that_is_over_is_not_found_after_its_end() -> None:
    assert len(trial(HIT, given=compiled(paused=True)).rules[0].hits) == 1
    assert trial(HIT, given=compiled(until=START)).rules[0].hits == ()
    assert len(trial(HIT, given=compiled(until=START + DAY)).rules[0].hits) == 1

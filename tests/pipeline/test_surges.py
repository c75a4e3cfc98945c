"""When a surge opens, changes and closes, where its messages go, and what a trial reports."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from bot import rules, storage
from bot.model.actions import SilenceKind
from bot.model.archive import Arrival
from bot.model.feeds import FeedState
from bot.model.messages import MessageKind, Outgoing
from bot.model.rules import ONLY_SURGES, Rule, Severity, SurgeLimits
from bot.model.settings import QuietHours
from bot.model.stories import Article, ArticleId
from bot.model.surges import Surge
from bot.pipeline.join import StoryUpdater
from bot.pipeline.turn import StoryCache, Turn
from bot.pipeline.volume import VolumeMonitor, count_members
from bot.queries.articles import find_story_place
from tests.pipeline.archives import FEED, article
from tests.queries.test_backtest_replay import tried
from tests.rules.making import rule
from tests.storage.conftest import address, postgres_address, postgres_database
from tests.storage.conftest import store as each_store
from tests.testbed import made
from tests.testbed.fakes import START
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import lead_of, lines_of

__all__ = ["address", "each_store", "postgres_address", "postgres_database"]

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
LOUD = rule(name="BlackBerry", any=["BlackBerry"], notify=("desk",), when=ONLY_SURGES)
PLACES = "Lahore Quetta Multan Sukkur Gwadar Kasur Okara Jhang Swabi Hangu Loralai Kohat".split()
#: Hour of the burst. By then, the rule has a history of more than three days.
BURST_HOUR = 88


def burst(*, hour: float = BURST_HOUR, event: str = "court hears BlackBerry case") -> list[Article]:
    """Return reports of one event, each by another outlet about its own place."""
    return [
        article(f"{place} {event}", f"{event.capitalize()} in {place}.", hours=hour, outlet=f"{place} News")
        for place in PLACES
    ]


#: Headlines that have nothing in common but the word of the rule.
UNRELATED = [
    "Farmers praise the BlackBerry harvest",
    "Police find stolen BlackBerry phones in a well",
    "Film about BlackBerry founders wins a prize",
    "School bans BlackBerry messages during exams",
    "Glass in jars: BlackBerry jam is recalled",
    "Airline warns of burning BlackBerry batteries",
    "Bears eat the BlackBerry crop of monks",
    "Pie contest with BlackBerry filling ends in a brawl",
    "Minister drops his BlackBerry into the river",
    "Museum buys the very first BlackBerry",
]


def unrelated(count: int = len(UNRELATED)) -> list[Article]:
    """Return reports of separate events, each by another outlet."""
    return [
        article(title, f"{title}, we learnt.", hours=BURST_HOUR, outlet=f"{place} Post")
        for title, place in zip(UNRELATED[:count], PLACES, strict=False)
    ]


#: One article in ten hours.
BEFORE = [article(f"BlackBerry phone number {number} is sold", hours=number * 10) for number in range(9)]


class Desk:
    """Decides articles and measures rules, hour by hour."""

    def __init__(self, store: storage.Store, *rules: Rule, restarts: bool = False, **bot_keys: Any) -> None:
        """``restarts``: whether the bot restarts each hour."""
        self._store = store
        self._bot_keys = bot_keys
        self._restarts = restarts
        self._start()
        self.rows: list[Outgoing] = []
        self.configure(*rules)

    def _start(self) -> None:
        self._cache, self._updater, self._monitor = StoryCache(), StoryUpdater(), VolumeMonitor()

    def configure(self, *loaded: Rule) -> None:
        compiled = [rules.compile_rule(rule) for rule in loaded]
        self._settings = make_settings(rules=compiled, feeds=[FEED], channels=["desk"], **self._bot_keys)

    async def run(
        self, articles: Sequence[Article], *, hours: range = range(BURST_HOUR + 8), off: range = range(0)
    ) -> None:
        """Run from the first hour to the last. Articles of hours in which the bot is off arrive afterwards."""
        waiting = sorted(articles, key=lambda one: one.first_seen)
        for hour in hours:
            now = START + hour * HOUR
            if hour not in off:
                due = [one for one in waiting if one.first_seen <= now]
                waiting = [one for one in waiting if one.first_seen > now]
                if self._restarts:
                    self._start()
                await self._store.write(partial(self._decide, due=due, now=now))

    def _decide(self, tx: storage.Transaction, *, due: Sequence[Article], now: datetime) -> None:
        arrivals = []
        for one in due:
            one = replace(one, first_seen=now)
            matches = self._settings.rule_set.match(one, FEED, now=now)
            if matches:
                tx.articles.add([one])
                tx.articles.add_matches(one.id, matches)
                arrivals.append(Arrival(article=one, matches=matches, is_baseline=False))
        if arrivals:
            turn = Turn(tx, self._settings, now, self._cache)
            self._updater.update(turn, arrivals)
            count_members(turn)
            self._write(turn)
        turn = Turn(tx, self._settings, now + timedelta(minutes=1), self._cache)
        self._monitor.measure(turn)
        self._write(turn)

    def _write(self, turn: Turn) -> None:
        self.rows += turn.rows
        turn.changes.write(turn.tx)

    async def surges(self) -> Sequence[Surge]:
        return await self._store.read(lambda tx: tx.volume.surges_since(START))


async def test_a_surge_opens_once_closes_with_its_peak_and_is_explained(each_store: storage.Store) -> None:
    desk = Desk(each_store, LOUD, restarts=True)
    reports = burst()
    await desk.run([*BEFORE, *reports])
    (surge,) = await desk.surges()
    assert surge.opened_at == START + BURST_HOUR * HOUR + timedelta(minutes=1)
    assert surge.closed_at is not None
    assert (surge.peak.count, surge.causes.outlet_count) == (12, 12)
    assert [row.message.kind for row in desk.rows] == [MessageKind.LISTING, MessageKind.EDIT]
    assert lead_of(desk.rows[-1].message).startswith("Surge over: BlackBerry: at its peak 12 articles in 6 hours")
    assert lines_of(desk.rows[0].message)[0].endswith(" last 24 hours")
    assert "; it lasted from 6 Dec 01:01 UTC to 6 Dec 07:01 UTC; " in lines_of(desk.rows[-1].message)[0]
    counted = await each_store.read(lambda tx: find_story_place(tx, reports[3].id))
    earlier = await each_store.read(lambda tx: find_story_place(tx, BEFORE[1].id))
    assert counted
    assert [(surge.rule, surge.count) for surge in counted.surges] == [("BlackBerry", 12)]
    assert earlier
    assert earlier.surges == []


async def test_after_a_surge_a_whole_window_passes_before_the_next(store: storage.Store) -> None:
    desk = Desk(store, LOUD)
    again = [replace(one, id=ArticleId(f"{one.id}2"), title=f"{one.title} again") for one in burst(hour=BURST_HOUR + 8)]
    await desk.run([*BEFORE, *burst(), *again], hours=range(BURST_HOUR + 20))
    first, *others = await desk.surges()
    assert first.closed_at is not None
    assert all(surge.opened_at - first.closed_at >= 6 * HOUR for surge in others)


NEW_FEED = FeedState(url="https://new.example/feed", due_at=START, baseline_at=START + 36 * HOUR)
#: Each day has the same twelve articles, and the bot is off on five of ten days.
DAYS = {
    0: "court hears BlackBerry case",
    1: "mayor bans sale of BlackBerry phones",
    2: "police find stolen BlackBerry",
    3: "shops run out of BlackBerry chargers",
    9: "farmers praise BlackBerry harvest",
}
#: The articles, the number of hours, and the hours in which the bot is off.
NO_SURGES: dict[str, tuple[list[Article], int, range]] = {
    "fewer than three outlets": (
        [replace(one, outlet=name, owner=name) for one, name in zip(burst(), "ab" * 6, strict=True)],
        BURST_HOUR + 2,
        range(0),
    ),
    "unrelated stories that only share a word": (unrelated(), BURST_HOUR + 2, range(0)),
    "undated articles that are found after an outage": (
        [replace(one, published=None) for one in burst()],
        BURST_HOUR + 14,
        range(BURST_HOUR - 2, BURST_HOUR + 10),
    ),
    "articles that were published over the hours of an outage": (
        [one for hour in range(78, 90) for one in burst(hour=hour)[hour - 78 : hour - 77]],
        BURST_HOUR + 10,
        range(78, 92),
    ),
    "articles of a feed that was just added": (
        [replace(one, feed=NEW_FEED.url) for one in burst()],
        BURST_HOUR + 2,
        range(0),
    ),
    "as many articles as on each day without an outage": (
        [one for day, event in DAYS.items() for one in burst(hour=24 * day + 8, event=event)],
        24 * 10,
        range(24 * 3 + 12, 24 * 9 - 6),
    ),
}


@pytest.mark.parametrize(("articles", "hours", "off"), NO_SURGES.values(), ids=NO_SURGES)
async def test_what_is_no_surge(store: storage.Store, articles: list[Article], hours: int, off: range) -> None:
    desk = Desk(store, LOUD)
    await store.write(lambda tx: tx.feeds.save([NEW_FEED]))
    await desk.run([*BEFORE, *articles], hours=range(hours), off=off)
    assert await desk.surges() == []


async def test_the_largest_story_comes_first_with_its_first_outlet_and_the_numbers_of_a_message_agree(
    store: storage.Store,
) -> None:
    desk = Desk(store, LOUD)
    early = article("Jhang court hears BlackBerry case", "Jhang hears it, says Early.", hours=70, outlet="Early News")
    more = [
        article("Jhang court hears BlackBerry case", f"In Jhang, {name} hears of it.", hours=BURST_HOUR, outlet=name)
        for name in ("North", "South")
    ]
    await desk.run([*BEFORE, early, *unrelated(4), *burst(), *more], hours=range(BURST_HOUR + 1))
    [message] = [row.message for row in desk.rows]
    (surge,) = await desk.surges()
    first = surge.causes.largest[0]
    assert message.stories[0].id == first.story
    assert message.stories[0].title.text == "Jhang court hears BlackBerry case"
    assert first.outlets[0] == "Early News"
    assert lead_of(message) == "Surge: BlackBerry: 18 articles in 6 hours, usually fewer than 1"
    causes = lines_of(message)[1]
    assert causes.startswith("Mostly one event, in 14 of 18 articles since 5 Dec 20:00 UTC, first from Early News at ")


async def test_the_articles_of_the_cause_have_another_period_than_the_window_and_the_message_states_it(
    store: storage.Store,
) -> None:
    desk = Desk(store, LOUD)
    more = [replace(one, id=ArticleId(f"{one.id}2")) for one in burst(hour=BURST_HOUR + 6)]
    more = [replace(one, outlet=f"Second {one.outlet}", owner=f"Second {one.outlet}") for one in more[:5]]
    await desk.run([*BEFORE, *burst(), *more], hours=range(BURST_HOUR + 7))
    message = desk.rows[-1].message
    assert lead_of(message).startswith("Surge: BlackBerry: 5 articles in 6 hours")
    assert lines_of(message)[1].startswith("One event, in 17 articles since 5 Dec 20:00 UTC, first from ")


async def test_a_bot_that_runs_once_a_day_reports_surges(store: storage.Store) -> None:
    desk = Desk(store, LOUD)
    await desk.run([*BEFORE, *burst(hour=5 * 24 - 1)], hours=range(0, 6 * 24, 24))
    (surge,) = await desk.surges()
    assert surge.opened_at.date() == (START + timedelta(days=5)).date()


async def test_an_open_surge_is_closed_when_its_rule_no_longer_reports_surges(store: storage.Store) -> None:
    _, plain, paused, changed, ended = loud_rules = [dataclasses.replace(LOUD, name=name) for name in "ABCDE"]
    desk = Desk(store, *loud_rules)
    await desk.run([*BEFORE, *burst()], hours=range(BURST_HOUR + 1))
    desk.configure(
        dataclasses.replace(plain, when=None),
        dataclasses.replace(paused, paused=True),
        dataclasses.replace(changed, version="2"),
        dataclasses.replace(ended, until=START),
    )
    await desk.run([], hours=range(BURST_HOUR + 1, BURST_HOUR + 3))
    closed_at = START + (BURST_HOUR + 1) * HOUR + timedelta(minutes=1)
    assert {surge.rule: surge.closed_at for surge in await desk.surges()} == dict.fromkeys("ABCDE", closed_at)
    edits = [lead_of(row.message) for row in desk.rows if row.message.kind is MessageKind.EDIT]
    assert sorted(lead.partition(":")[2][1:2] for lead in edits if lead.startswith("Surge over")) == list("ABCDE")


async def test_below_severity_high_the_first_message_waits_for_the_end_of_quiet_hours(store: storage.Store) -> None:
    hour = START.hour + BURST_HOUR % 24
    quiet = QuietHours(start=time((hour - 1) % 24), end=time((hour + 3) % 24), zone=ZoneInfo("UTC"))
    desk = Desk(store, LOUD, dataclasses.replace(LOUD, name="Loud", severity=Severity.HIGH), quiet_hours=quiet)
    await desk.run([*BEFORE, *burst()], hours=range(BURST_HOUR + 1))
    by_severity = {row.message.severity: row.due_at for row in desk.rows}
    assert by_severity[Severity.NORMAL].hour == (hour + 3) % 24
    assert by_severity[Severity.HIGH] < by_severity[Severity.NORMAL]


async def test_a_silenced_rule_posts_no_surge(store: storage.Store) -> None:
    silence = made.silence(SilenceKind.RULE, LOUD.name, until=None)
    await store.write(lambda tx: tx.silences.add(silence))
    desk = Desk(store, LOUD)
    await desk.run([*BEFORE, *burst()], hours=range(BURST_HOUR + 1))
    assert desk.rows == []
    assert len(await desk.surges()) == 1


def test_a_trial_says_when_and_why_the_rule_would_have_reported_a_surge() -> None:
    both = rule(name="BlackBerry", any=["BlackBerry"], notify=("desk",), volume=SurgeLimits())
    report, report_of_both = (tried([*BEFORE, *burst()], one, until=START + 6 * DAY) for one in (LOUD, both))
    assert report.has_volume
    (surge,) = report.surges
    assert surge.opened_at.date() == (START + BURST_HOUR * HOUR).date()
    assert surge.closed_at is not None
    assert (surge.peak.count, surge.causes.article_count) == (12, 12)
    kinds = [message.kind for message in report.messages]
    assert kinds.count(MessageKind.LISTING) == 1
    assert MessageKind.POST not in kinds
    assert len(report_of_both.surges) == 1
    assert MessageKind.POST in {message.kind for message in report_of_both.messages}, "and its stories"

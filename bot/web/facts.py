"""What the pages show, read from the store: one function a page, each inside one transaction that only reads."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot import model, ports
from bot.web import health

#: Days of a sparkline.
DAYS = 14
#: How far back a rule's last match is looked for.
LAST_MATCH = timedelta(days=90)

HEALTH_WORDS = ("ok", "new", "failing", "gone")


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A feed's health as one of ``HEALTH_WORDS``, and in more words."""

    word: str
    text: str


def health_of(state: model.FeedState) -> Health:
    if state.gone:
        return Health(word="gone", text="gone (410)")
    if state.failures:
        times = "once" if state.failures == 1 else f"{state.failures} times"
        return Health(word="failing", text=f"failed {times}")
    if state.baseline_at is None:
        return Health(word="new", text="not read yet")
    return Health(word="ok", text="ok")


ByDay = Mapping[str, Mapping[date, int]]


def by_day(counts: Sequence[ports.DayCount]) -> ByDay:
    """By name, then by day."""
    found: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for entry in counts:
        found[entry.name][entry.day] = entry.count
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    feeds: tuple[model.FeedState, ...]
    articles: int
    articles_today: int
    stories: int
    counts: Mapping[tuple[str, model.SendState], int]
    tick: datetime | None

    def count(self, *states: model.SendState) -> int:
        return sum(number for (_, state), number in self.counts.items() if state in states)


def overview(tx: ports.Transaction, now: datetime) -> Overview:
    tick = tx.notes.get(health.NAME_OF_TICK)
    return Overview(
        feeds=tuple(tx.feeds.all()),
        articles=tx.articles.count(),
        articles_today=tx.articles.count(since=now - timedelta(days=1)),
        stories=len(tx.stories.since(now - timedelta(days=7))),
        counts=tx.outbox.counts(),
        tick=datetime.fromisoformat(tick) if tick else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One story with all that was decided and said."""

    story: model.Story
    decisions: tuple[model.Decision, ...]
    messages: tuple[model.Outgoing, ...]


def stories(
    tx: ports.Transaction, *, since: datetime, rule: str | None, skip: int, most: int
) -> tuple[list[Told], int]:
    """A page of stories, the last that moved first, and how many there are in all."""
    found = [story for story in tx.stories.since(since) if story.merged_into is None]
    chosen = [story for story in reversed(found) if rule is None or rule in story.rules]
    return [_told(tx, story) for story in chosen[skip : skip + most]], len(chosen)


def _told(tx: ports.Transaction, story: model.Story) -> Told:
    return Told(story=story, decisions=tuple(tx.stories.decisions(story.id)), messages=_messages(tx, story.id))


def _messages(tx: ports.Transaction, story: model.StoryId) -> tuple[model.Outgoing, ...]:
    """Its own messages, and the gathered one that it stands in."""
    own = tuple(tx.outbox.of_story(story))
    heads = [alert.head for alert in tx.stories.alerts([story]) if alert.head and alert.is_gathered]
    known = {row.id for row in own}
    gathered = tuple(row for row in tx.outbox.get(heads).values() if row.id not in known)
    return (*gathered, *own)


def last_days(counts: ByDay, names: Collection[str]) -> Mapping[str, date]:
    """The last day with a count, by name."""
    return {name: max(counts[name]) for name in names if counts.get(name)}

"""The data of the pages, read from the store: one function per page, each in one read-only transaction."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot import model, storage
from bot.pipeline import silences
from bot.queries import watched
from bot.queries.stories import StoryRow, read_story
from bot.storage import keys

#: Broken feeds named on the overview.
SHOWN_BROKEN = 10
#: Shorter delays are normal: ticks come once a second, and an answer may be slow.
LATE = timedelta(seconds=30)
#: A digest comes each day; stories held for longer wait for the end of a silence or a cooldown.
_HELD_FOR = timedelta(days=2)

HEALTH_WORDS = tuple(health.value for health in model.FeedHealth)
#: The health of feeds that need attention.
BROKEN = (model.FeedHealth.FAILING, model.FeedHealth.GONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A feed's health: one of ``HEALTH_WORDS``, and a description."""

    word: str
    text: str


def health_of(state: model.FeedState) -> Health:
    """Describe a feed's health for the page."""
    match state.health:
        case model.FeedHealth.GONE:
            text = "gone (410)"
        case model.FeedHealth.FAILING:
            text = "failed once" if state.failures == 1 else f"failed {state.failures:,} times"
        case model.FeedHealth.NEW:
            text = "not read yet"
        case model.FeedHealth.OK:
            text = "ok"
    return Health(word=state.health.value, text=text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """The data of the first page."""

    feeds: Mapping[model.FeedHealth, int]
    #: The first feeds that need attention.
    broken: tuple[model.FeedState, ...]
    articles: int
    articles_today: int
    stories: int
    counts: Mapping[tuple[str, model.SendState], int]
    #: Feeds with a late poll.
    late_feeds: int
    #: Matched articles without a decision yet, and stories held for a digest, a cooldown or a morning.
    undecided: int
    held: int
    tick: datetime | None
    #: The active silences.
    silences: tuple[silences.ListedSilence, ...]

    def count(self, *states: model.SendState) -> int:
        """Return the number of messages in any of the states."""
        return sum(number for (_, state), number in self.counts.items() if state in states)

    @property
    def broken_count(self) -> int:
        """The number of feeds that need attention."""
        return sum(self.feeds.get(health, 0) for health in BROKEN)

    @property
    def is_mostly_broken(self) -> bool:
        """Whether at least half of the feeds need attention."""
        return self.broken_count > 0 and 2 * self.broken_count >= sum(self.feeds.values())


def overview(tx: storage.Transaction, now: datetime) -> Overview:
    """Read the first page's figures: articles of a day, stories of seven days."""
    return Overview(
        feeds=tx.feeds.counts(),
        broken=tuple(tx.feeds.page(health=BROKEN, skip=0, most=SHOWN_BROKEN)),
        articles=tx.articles.count(),
        articles_today=tx.articles.count(since=now - timedelta(days=1)),
        stories=tx.stories.count(since=now - timedelta(days=7)),
        counts=tx.outbox.counts(),
        late_feeds=tx.feeds.count_due(now=now - LATE),
        undecided=tx.decision_queue.count(),
        held=sum(alert.state is model.AlertState.HELD for alert in tx.stories.held_until(now + _HELD_FOR)),
        tick=keys.TICK.get(tx),
        silences=tuple(silences.list_silences(tx, now=now)),
    )


def feeds(tx: storage.Transaction, *, word: str, skip: int, most: int) -> tuple[Sequence[model.FeedState], int]:
    """Read a page of feeds, of one health or of all, and the total number of feeds."""
    healths = [health for health in model.FeedHealth if health.value == word] or list(model.FeedHealth)
    counts = tx.feeds.counts()
    total = sum(counts.get(health, 0) for health in healths)
    return tx.feeds.page(health=healths, skip=_at_most_last(skip, total, most), most=most), total


def _at_most_last(skip: int, total: int, most: int) -> int:
    """Limit ``skip`` to the last page."""
    return min(skip, max(0, total - 1) // most * most)


def stories(
    tx: storage.Transaction, *, since: datetime, rule: str | None, skip: int, most: int
) -> tuple[list[StoryRow], int]:
    """Read a page of stories, most recently changed first, and the total number of stories."""
    total = tx.stories.count(since=since, rule=rule)
    shown = tx.stories.newest(since=since, rule=rule, skip=_at_most_last(skip, total, most), most=most)
    return [read_story(tx, story) for story in shown], total


#: Maximum stories searched per rule for related ones, and related stories shown.
_LOOKED_AT, _RELATED = 40, 8
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryDetails:
    """One story with related stories."""

    row: StoryRow
    #: Stories that may be about the same event; the bot could not decide.
    perhaps_same: tuple[model.Story, ...]
    #: Stories of the same rules, around the same time.
    related: tuple[model.Story, ...]


def story(tx: storage.Transaction, story_id: model.StoryId) -> StoryDetails | None:
    """Read the story, or the story that it was merged into; return None if the id is unknown."""
    stored = tx.stories.resolve(story_id)
    if stored is None:
        return None
    since, until = stored.first_seen - _WEEK, (stored.last_seen + _WEEK, model.StoryId(""))
    candidates = {
        other.id: other
        for rule in stored.rules[:3]
        for other in tx.stories.newest(since=since, rule=rule, skip=0, most=_LOOKED_AT, after=until)
        if other.id != stored.id
    }
    if stored.nearest is not None and stored.nearest not in candidates:
        candidates |= tx.stories.get([stored.nearest])
    perhaps_same = [other for other in candidates.values() if stored.nearest == other.id or other.nearest == stored.id]
    related = [other for other in candidates.values() if other not in perhaps_same and other.first_seen <= until[0]]
    related.sort(key=lambda other: abs(other.first_seen - stored.first_seen))
    return StoryDetails(row=read_story(tx, stored), perhaps_same=tuple(perhaps_same), related=tuple(related[:_RELATED]))


def last_days(counts: watched.ByDay, names: Collection[str]) -> Mapping[str, date]:
    """Return the last day with a count, by name."""
    return {name: max(counts[name]) for name in names if counts.get(name)}

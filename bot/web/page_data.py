"""What the pages show, read from the store: one function a page, each inside one transaction that only reads."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from bot import model, storage
from bot.pipeline import silences
from bot.queries import building, watched
from bot.storage import keys

#: Broken feeds named on the overview.
SHOWN_BROKEN = 10
#: A tick a second and a slow answer are no lateness.
LATE = timedelta(seconds=30)
#: Digests come each day; what is held for longer is held for a silence or a cooldown.
_HELD_FOR = timedelta(days=2)

HEALTH_WORDS = tuple(health.value for health in model.FeedHealth)
#: Needs attention.
BROKEN = (model.FeedHealth.FAILING, model.FeedHealth.GONE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """A feed's health as one of ``HEALTH_WORDS``, and in more words."""

    word: str
    text: str


def health_of(state: model.FeedState) -> Health:
    """The feed's health for the page."""
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
    """What the first page shows."""

    feeds: Mapping[model.FeedHealth, int]
    #: The first of those that need a look.
    broken: tuple[model.FeedState, ...]
    articles: int
    articles_today: int
    stories: int
    counts: Mapping[tuple[str, model.SendState], int]
    #: Feeds whose poll is late.
    late: int
    #: Matched articles that are not decided yet, and stories that are held for a digest, a cooldown or a morning.
    undecided: int
    held: int
    tick: datetime | None
    #: In force.
    silences: tuple[silences.ListedSilence, ...]

    def count(self, *states: model.SendState) -> int:
        """How many messages are in any of the states."""
        return sum(number for (_, state), number in self.counts.items() if state in states)

    @property
    def broken_count(self) -> int:
        """How many feeds need a look."""
        return sum(self.feeds.get(health, 0) for health in BROKEN)

    @property
    def is_mostly_broken(self) -> bool:
        """Whether at least half of the feeds need a look."""
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
        late=tx.feeds.count_due(now=now - LATE),
        undecided=tx.decision_queue.count(),
        held=sum(alert.state is model.AlertState.HELD for alert in tx.stories.held_until(now + _HELD_FOR)),
        tick=keys.TICK.get(tx),
        silences=tuple(silences.list_silences(tx, now=now)),
    )


def feeds(tx: storage.Transaction, *, word: str, skip: int, most: int) -> tuple[Sequence[model.FeedState], int]:
    """A page of feeds, of one health or of any, and how many there are in all."""
    wanted = [health for health in model.FeedHealth if health.value == word] or list(model.FeedHealth)
    counts = tx.feeds.counts()
    total = sum(counts.get(health, 0) for health in wanted)
    return tx.feeds.page(health=wanted, skip=_at_most_last(skip, total, most), most=most), total


def _at_most_last(skip: int, total: int, most: int) -> int:
    """A page beyond the last is the last one."""
    return min(skip, max(0, total - 1) // most * most)


def stories(
    tx: storage.Transaction, *, since: datetime, rule: str | None, skip: int, most: int
) -> tuple[list[building.StoryRow], int]:
    """A page of stories, the last that moved first, and how many there are in all."""
    total = tx.stories.count(since=since, rule=rule)
    shown = tx.stories.newest(since=since, rule=rule, skip=_at_most_last(skip, total, most), most=most)
    return [building.read_stories(tx, story) for story in shown], total


#: Of each rule, stories looked through for those that may be the same event; and shown of the same rules.
_LOOKED_AT, _RELATED = 40, 8
_WEEK = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryWhole:
    """One story with those beside it."""

    row: building.StoryRow
    #: That may tell the same event: nobody could tell.
    near: tuple[model.Story, ...]
    #: Of the same rules, around the same time.
    beside: tuple[model.Story, ...]


def story(tx: storage.Transaction, story_id: model.StoryId) -> StoryWhole | None:
    """The story, or the one that it was merged into; None: there is none of this id."""
    found = tx.stories.resolve(story_id)
    if found is None:
        return None
    since, until = found.first_seen - _WEEK, (found.last_seen + _WEEK, model.StoryId(""))
    others = {
        other.id: other
        for rule in found.rules[:3]
        for other in tx.stories.newest(since=since, rule=rule, skip=0, most=_LOOKED_AT, after=until)
        if other.id != found.id
    }
    if found.nearest is not None and found.nearest not in others:
        others |= tx.stories.get([found.nearest])
    near = [each for each in others.values() if found.nearest == each.id or each.nearest == found.id]
    beside = [each for each in others.values() if each not in near and each.first_seen <= until[0]]
    beside.sort(key=lambda each: abs(each.first_seen - found.first_seen))
    return StoryWhole(row=building.read_stories(tx, found), near=tuple(near), beside=tuple(beside[:_RELATED]))


def last_days(counts: watched.ByDay, names: Collection[str]) -> Mapping[str, date]:
    """The last day with a count, by name."""
    return {name: max(counts[name]) for name in names if counts.get(name)}

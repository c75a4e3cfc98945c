"""A turn: one batch of decisions, or one action of a person.

    read transaction ─▶ Turn: reads, with a cache and its own changes ─▶ Changes ─▶ write, in one short transaction

The cache is kept between turns.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from bot import notices, storage
from bot.alerts.silences import ActiveSilences
from bot.config.settings import Settings
from bot.model.actions import Judgement, Ruling, Silence, SilenceId
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.messages import Notice, Outgoing
from bot.model.stories import ArticleId, Fact, Member, SendId, Story, StoryId
from bot.model.surges import Surge
from bot.storage import keys

if TYPE_CHECKING:
    from bot.llm.questions import Questions

#: Maximum number of cached stories.
MAX_STORIES = 2_000
#: Maximum number of articles in the cached stories (about 60 MB of text).
MAX_MEMBERS = 20_000


class StoryCache:
    """The stories and alerts of recent turns, including the changes of the current turn."""

    def __init__(self) -> None:
        #: The stories in order of use; the most recently used story is last.
        self.stories: OrderedDict[StoryId, Story] = OrderedDict()
        self.alerts: dict[StoryId, dict[str, Alert]] = {}
        #: Channel -> a time, and the alerts posted since that time.
        self.posted: dict[str, tuple[datetime, dict[StoryId, Alert]]] = {}

    def trim(self) -> None:
        """Drop the least recently used stories."""
        members = sum(len(story.members) for story in self.stories.values())
        while len(self.stories) > MAX_STORIES or (members > MAX_MEMBERS and len(self.stories) > 1):
            story_id, story = self.stories.popitem(last=False)
            members -= len(story.members)
            self.alerts.pop(story_id, None)


class ChangedStory(msgspec.Struct):
    """A story and its changes in this turn."""

    story: Story
    arrivals: list[Member] = msgspec.field(default_factory=list)
    facts: list[Fact] = msgspec.field(default_factory=list)
    #: Articles whose outlets changed the headline, be it only in its wording.
    renamed: set[ArticleId] = msgspec.field(default_factory=set)
    #: Younger stories that were merged into this one.
    merged: list[StoryId] = msgspec.field(default_factory=list)
    #: Key of a language model's translation that the story's messages do not show yet.
    translation: str = ""


class Overtaken(Exception):
    """A message that the turn replaces is being sent, so the turn must be computed again."""


class Changes(msgspec.Struct):
    """The changes that a turn makes in the store."""

    #: The stories that change, as they are after the turn.
    stories: dict[StoryId, Story] = msgspec.field(default_factory=dict)
    new_members: dict[StoryId, list[Member]] = msgspec.field(default_factory=dict)
    removed_members: dict[StoryId, list[ArticleId]] = msgspec.field(default_factory=dict)
    #: Article -> rules whose matches are deleted, because the article is not about their subjects.
    rejected_matches: dict[ArticleId, Sequence[str]] = msgspec.field(default_factory=dict)
    decisions: list[Decision] = msgspec.field(default_factory=list)
    alerts: dict[tuple[StoryId, str], Alert] = msgspec.field(default_factory=dict)
    #: New rows of the outbox.
    rows: dict[SendId, Outgoing] = msgspec.field(default_factory=dict)
    #: Id of an outbox row that must not be sent -> reason.
    dropped_rows: dict[SendId, str] = msgspec.field(default_factory=dict)
    #: Id of an outbox row whose stories another message of this turn lists -> reason. If a sender claims the row before
    #: this turn is written, ``write`` raises Overtaken.
    replaced_rows: dict[SendId, str] = msgspec.field(default_factory=dict)
    #: (rule, version, hour) -> number of further articles. Zero begins the counting of a rule.
    counts: Counter[tuple[str, str, datetime]] = msgspec.field(default_factory=Counter)
    surges: dict[str, Surge] = msgspec.field(default_factory=dict)
    #: Channel -> the time up to which its new brief reports.
    brief_times: dict[str, datetime] = msgspec.field(default_factory=dict)
    judgements: list[Judgement] = msgspec.field(default_factory=list)
    #: Rulings for the next turn of deciding. One whose id already exists is skipped.
    rulings: list[Ruling] = msgspec.field(default_factory=list)
    #: Silences that the turn makes or ends.
    silences: dict[SilenceId, Silence] = msgspec.field(default_factory=dict)
    #: Functions that write further rows in the transaction.
    writes: list[Callable[[storage.Transaction], object]] = msgspec.field(default_factory=list)

    @property
    def are_empty(self) -> bool:
        """Whether ``write`` would write nothing."""
        return not any(getattr(self, name) for name in self.__struct_fields__)

    def write(self, tx: storage.Transaction) -> None:
        """Write all changes. If the transaction is not committed, this can be called again with another transaction.

        Raises Overtaken.
        """
        for story, articles in self.removed_members.items():
            tx.stories.take_out(story, articles)
        tx.stories.save(*[replace(self.stories[story], members=tuple(new)) for story, new in self.new_members.items()])
        for article, rules in self.rejected_matches.items():
            tx.articles.drop_matches(article, rules)
        tx.stories.decide(self.decisions)
        tx.stories.save_alert(*self.alerts.values())
        for row, reason in self.dropped_rows.items():
            tx.outbox.drop([row], reason)
        for row, reason in self.replaced_rows.items():
            if not tx.outbox.drop([row], reason):
                raise Overtaken
        tx.outbox.add(list(self.rows.values()))
        tx.volume.add(self.counts)
        tx.volume.save(self.surges.values())
        for channel, when in self.brief_times.items():
            keys.brief_posted(channel).put(tx, when)
        tx.judgements.add(self.judgements)
        for ruling in self.rulings:
            tx.rulings.add(ruling)
        for silence in self.silences.values():
            if not tx.silences.add(silence):
                tx.silences.save_end(silence)
        for write in self.writes:
            write(tx)


class Turn:
    """One turn: reads from ``tx`` and a cache, and collects what it changes in ``changes``.

    Reading a story or an alert returns it with the changes of this turn. The cache includes these changes, so it must
    be dropped if the turn is not committed.
    """

    def __init__(
        self, tx: storage.Transaction, settings: Settings, now: datetime, cache: StoryCache | None = None
    ) -> None:
        self.tx = tx
        self.settings = settings
        self.now = now
        self.rules = settings.rule_set.rules
        self.changes = Changes()
        #: The stories that articles, their edits and answers change. They are saved before messages are decided.
        self.changed: dict[StoryId, ChangedStory] = {}
        #: The questions to a language model, or None without a model.
        self.questions: Questions | None = None
        #: Articles that stay in the queue, because they wait for answers.
        self.waiting: set[ArticleId] = set()
        #: Article -> the id of the poll that found it, for log lines.
        self.polls: dict[ArticleId, str | None] = {}
        self._cache = cache or StoryCache()
        #: Article -> its story, for articles that join in this turn.
        self._homes: dict[ArticleId, StoryId] = {}

    # -- stories

    def stories(self, ids: Iterable[StoryId]) -> Mapping[StoryId, Story]:
        """Return id -> story; unknown ids are omitted."""
        ids, cached = list(dict.fromkeys(ids)), self._cache.stories
        if missing := [story_id for story_id in ids if story_id not in cached]:
            cached.update(self.tx.stories.get(missing))
        stories = {story_id: cached[story_id] for story_id in ids if story_id in cached}
        for story_id in stories:
            cached.move_to_end(story_id)
        return stories

    def story(self, story_id: StoryId | None) -> Story | None:
        """Return the story, or if it was merged, the story that has its articles. Return None if it is not stored."""
        story = self.stories([story_id]).get(story_id) if story_id else None
        return self.story(story.merged_into) if story is not None and story.merged_into else story

    def home(self, story_id: StoryId | None) -> StoryId | None:
        """Return the id of a story, or of the story that it was merged into. Return None if it is not stored."""
        story = self.story(story_id)
        return story.id if story else None

    def story_of(self, article: ArticleId) -> Story | None:
        """Return the story of an article, or None if the article is in no story."""
        home = self._homes.get(article) or self.tx.stories.home_of(article)
        return self.stories([home]).get(home) if home else None

    def change(self, story: Story) -> ChangedStory:
        """Return the changes of a story in this turn. If it has none yet, begin with ``story``."""
        return self.changed.setdefault(story.id, ChangedStory(story))

    def save_story(self, story: Story) -> None:
        """Save a story. Its new members must be at the end."""
        saved = self._cache.stories.get(story.id)
        new_members = story.members[len(saved.members) if saved else 0 :]
        self.changes.new_members.setdefault(story.id, []).extend(new_members)
        self._homes.update({member.article.id: story.id for member in new_members})
        self.changes.stories[story.id] = story
        self._cache.stories[story.id] = story
        self._cache.stories.move_to_end(story.id)

    def remove_members(self, story_id: StoryId, articles: Collection[ArticleId]) -> Story:
        """Remove articles from a story, and return the remaining story."""
        story = self.stories([story_id])[story_id]
        story = replace(story, members=tuple(member for member in story.members if member.article.id not in articles))
        self.changes.stories[story_id] = story
        self._cache.stories[story_id] = story
        self.changes.removed_members.setdefault(story_id, []).extend(articles)
        new_members = self.changes.new_members.get(story_id, [])
        self.changes.new_members[story_id] = [member for member in new_members if member.article.id not in articles]
        return story

    # -- alerts and decisions

    def alerts(self, stories: Iterable[StoryId]) -> list[Alert]:
        """Return the alerts of the stories, one for each channel."""
        stories, cached = list(stories), self._cache.alerts
        if missing := [story for story in stories if story not in cached]:
            cached.update({story: {} for story in missing})
            for alert in self.tx.stories.alerts(missing):
                cached[alert.story][alert.channel] = alert
        return [alert for story in stories for alert in cached[story].values()]

    def alert(self, story: StoryId, channel: str) -> Alert | None:
        """Return the alert of a story in a channel."""
        self.alerts([story])
        return self._cache.alerts[story].get(channel)

    def save_alert(self, alert: Alert) -> None:
        """Save an alert; it replaces the previous alert of its story and channel."""
        self.alerts([alert.story])
        self._cache.alerts[alert.story][alert.channel] = alert
        self.changes.alerts[alert.story, alert.channel] = alert
        if alert.posted_at is not None and alert.channel in self._cache.posted:
            self._cache.posted[alert.channel][1][alert.story] = alert

    def due_alerts(self) -> list[Alert]:
        """Return held alerts that are due, longest due first."""
        stored = {(alert.story, alert.channel): alert for alert in self.tx.stories.held_until(self.now)}
        due = [alert for alert in (stored | self.changes.alerts).values() if self.is_due(alert)]
        return sorted(due, key=lambda alert: (alert.held_until, alert.story, alert.channel))

    def is_due(self, alert: Alert) -> bool:
        """Return whether an alert is held and due."""
        return alert.state is AlertState.HELD and alert.held_until is not None and alert.held_until <= self.now

    def is_posted(self, story: StoryId) -> bool:
        """Return whether a channel shows a message about the story."""
        return any(alert.state is AlertState.POSTED for alert in self.alerts([story]))

    def posted_since(self, channel: str, when: datetime) -> list[Alert]:
        """Return the channel's alerts that were first posted at ``when`` or later, oldest first."""
        since, posted = self._cache.posted.get(channel, (None, {}))
        if since is None or since > when:
            posted = {alert.story: alert for alert in self.tx.stories.posted_since(channel, when)}
            changed = [alert for alert in self.changes.alerts.values() if alert.channel == channel and alert.posted_at]
            posted.update({alert.story: alert for alert in changed})
            self._cache.posted[channel] = when, posted
        recent = [(alert.posted_at, alert.story, alert) for alert in posted.values() if alert.posted_at]
        return [alert for at, _, alert in sorted(recent, key=lambda row: row[:2]) if at >= when]

    def decision(self, alert: Alert, action: AlertAction, reason: Reason, detail: str = "") -> Decision:
        """Return a decision about an alert that no new article caused."""
        return Decision(
            at=self.now,
            story=alert.story,
            channel=alert.channel,
            action=action,
            reason=reason,
            rules=alert.rules,
            detail=detail,
        )

    def decide(self, *decisions: Decision) -> None:
        """Record decisions."""
        self.changes.decisions.extend(decisions)

    # -- the outbox and the decision queue

    def post(self, *rows: Outgoing) -> None:
        """Add rows to the outbox. Skip a row whose id already exists."""
        for row in rows:
            self.changes.rows.setdefault(row.id, row)

    @property
    def rows(self) -> Collection[Outgoing]:
        """The rows that this turn adds to the outbox."""
        return self.changes.rows.values()

    def drop_rows(self, ids: Iterable[SendId], reason: str) -> None:
        """Drop rows of the outbox, unless a sender claims them before this turn is written."""
        self.changes.dropped_rows.update(dict.fromkeys(ids, reason))

    def notify(self, notice: Notice) -> None:
        """Send a notice to the operator's channel, if there is one."""
        if self.settings.bot.operator is not None:
            self.post(notices.notice_row(notice, channel=self.settings.bot.operator, now=self.now))

    # -- what people decide

    def judgements_of(self, story: StoryId, channel: str | None) -> list[Judgement]:
        """Return the judgements of a story in one channel or in all, oldest first, with the new ones of this turn."""
        new = [entry for entry in self.changes.judgements if entry.story == story and channel in (None, entry.channel)]
        return [*self.tx.judgements.of_story(story, channel), *new]

    def add_judgements(self, judgements: Sequence[Judgement]) -> bool:
        """Add judgements about a story in a channel. Return False if all of them are stored already."""
        stored = {entry.id for new in judgements[:1] for entry in self.judgements_of(new.story, new.channel)}
        new = [entry for entry in judgements if entry.id not in stored]
        self.changes.judgements.extend(new)
        return bool(new)

    def active_silences(self) -> ActiveSilences:
        """Return the silences that are active now, with the changes of this turn."""
        silences = {silence.id: silence for silence in self.tx.silences.active(self.now)} | self.changes.silences
        return ActiveSilences([silence for silence in silences.values() if silence.is_active(self.now)])

    def also(self, write: Callable[[storage.Transaction], object]) -> None:
        """Write something else in the transaction of this turn."""
        self.changes.writes.append(write)

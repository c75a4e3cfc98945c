"""What a turn of deciding reads and will write: computed beside the database, committed in one short transaction.

Acts as a transaction: the stories, the outbox and the judgements that story updater and dispatcher use. Reads go
through to the store and are remembered for the next turns; writes are kept until ``commit``. Without a store below it
is a separate store, in memory (bot/backtest).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import cast

from bot import model, ports

#: Stories remembered between turns, and their articles in all: some 60 MB of texts.
_MOST_STORIES = 2_000
_MOST_MEMBERS = 20_000


class Stories:
    """Stands in for ``ports.Stories``."""

    def __init__(self) -> None:
        #: The store of this turn; None: there is nothing but what is kept here.
        self.below: ports.Stories | None = None
        #: The one used last is last.
        self.known: OrderedDict[model.StoryId, model.Story] = OrderedDict()
        self.alerts_of: dict[model.StoryId, dict[str, model.Alert]] = {}
        self._homes: dict[model.ArticleId, model.StoryId] = {}
        #: Channel -> alerts that have posted, from the moment on that the store was asked for.
        self._posted: dict[str, tuple[datetime, dict[model.StoryId, model.Alert]]] = {}
        # What the store does not have yet.
        self._saved: dict[model.StoryId, list[model.Member]] = {}
        self._alerts: dict[tuple[model.StoryId, str], model.Alert] = {}
        self._decisions: list[model.Decision] = []
        self._taken_out: dict[model.StoryId, list[model.ArticleId]] = {}

    def open_since(self, since: datetime) -> Sequence[model.Story]:
        """As the store has them; nothing may wait for its commit."""
        if self.below is not None:
            return self.below.open_since(since)
        return [story for story in self.known.values() if story.merged_into is None and story.last_seen >= since]

    def get(self, ids: Sequence[model.StoryId]) -> Mapping[model.StoryId, model.Story]:
        missing = [story for story in dict.fromkeys(ids) if story not in self.known]
        if missing and self.below is not None:
            self.known.update(self.below.get(missing))
        found = {story: self.known[story] for story in ids if story in self.known}
        for story in found:
            self.known.move_to_end(story)
        return found

    def of_article(self, article: model.ArticleId) -> model.Story | None:
        home = self._homes.get(article)
        if home is None and self.below is not None:
            home = self.below.home_of(article)
        return None if home is None else self.get([home]).get(home)

    def home_of(self, article: model.ArticleId) -> model.StoryId | None:
        story = self.of_article(article)
        return None if story is None else story.id

    def save(self, story: model.Story) -> None:
        """Members are only ever added at the end, so what is new is behind what was known."""
        before = self.known.get(story.id)
        new = story.members[len(before.members) if before else 0 :]
        self._saved.setdefault(story.id, []).extend(new)
        self._homes.update({member.article.id: story.id for member in new})
        self.known[story.id] = story
        self.known.move_to_end(story.id)

    def take_out(self, story: model.StoryId, articles: Sequence[model.ArticleId]) -> None:
        taken = set(articles)
        known = self.get([story])[story]
        kept = tuple(member for member in known.members if member.article.id not in taken)
        self.known[story] = replace(known, members=kept)
        self._taken_out.setdefault(story, []).extend(articles)
        self._saved[story] = [each for each in self._saved.get(story, []) if each.article.id not in taken]

    def decide(self, decisions: Sequence[model.Decision]) -> None:
        if self.below is not None:
            self._decisions.extend(decisions)

    def alerts(self, stories: Sequence[model.StoryId]) -> Sequence[model.Alert]:
        missing = [story for story in stories if story not in self.alerts_of]
        self.alerts_of.update({story: {} for story in missing})
        if missing and self.below is not None:
            for alert in self.below.alerts(missing):
                self.alerts_of[alert.story][alert.channel] = alert
        return [alert for story in stories for alert in self.alerts_of[story].values()]

    def save_alert(self, alert: model.Alert) -> None:
        self.alerts([alert.story])
        self.alerts_of[alert.story][alert.channel] = alert
        self._alerts[alert.story, alert.channel] = alert
        if alert.posted_at is not None and alert.channel in self._posted:
            self._posted[alert.channel][1][alert.story] = alert

    def held_until(self, now: datetime) -> Sequence[model.Alert]:
        """Those of the store, as this turn has changed them, and those that this turn holds."""
        stored = self.below.held_until(now) if self.below is not None else ()
        found = {(alert.story, alert.channel): alert for alert in stored} | self._alerts
        due = [(alert.held_until, alert) for alert in found.values() if alert.held_until and _is_waiting(alert)]
        ready = [(until, alert) for until, alert in due if until <= now]
        return [alert for _, alert in sorted(ready, key=lambda one: (one[0], one[1].story, one[1].channel))]

    def posted_since(self, channel: str, when: datetime) -> Sequence[model.Alert]:
        since, posted = self._posted.get(channel, (None, {}))
        if since is None or since > when:
            stored = self.below.posted_since(channel, when) if self.below is not None else ()
            posted = {alert.story: alert for alert in stored}
            mine = [alert for alert in self._alerts.values() if alert.channel == channel and alert.posted_at]
            posted.update({alert.story: alert for alert in mine})
            self._posted[channel] = (when, posted)
        return [alert for alert in posted.values() if alert.posted_at and alert.posted_at >= when]

    # -- in memory only

    def next_release(self) -> datetime | None:
        """The first moment at which a hold runs out."""
        waiting = [alert.held_until for alert in self._alerts.values() if alert.held_until and _is_waiting(alert)]
        return min(waiting, default=None)

    def held(self) -> int:
        """How many stories no channel has told, since one holds them."""
        return len({story for (story, _), one in self._alerts.items() if one.state is model.AlertState.HELD})

    # -- the end of a turn

    @property
    def has_changes(self) -> bool:
        """Whether a commit would write anything."""
        return bool(self._saved or self._alerts or self._decisions or self._taken_out)

    def commit(self, stories: ports.Stories) -> None:
        """Write what the store does not have."""
        for story, articles in self._taken_out.items():
            stories.take_out(story, articles)
        stories.save(*[replace(self.known[story], members=tuple(new)) for story, new in self._saved.items()])
        stories.decide(self._decisions)
        stories.save_alert(*self._alerts.values())

    def settle(self) -> None:
        """The store has it all: only what makes the next turn quick is kept."""
        self.below = None
        self._saved, self._alerts, self._decisions, self._homes, self._taken_out = {}, {}, [], {}, {}
        members = sum(len(story.members) for story in self.known.values())
        while len(self.known) > _MOST_STORIES or (members > _MOST_MEMBERS and len(self.known) > 1):
            gone, story = self.known.popitem(last=False)
            members -= len(story.members)
            self.alerts_of.pop(gone, None)


class Outbox:
    """Stands in for ``ports.Outbox``; takes what storage would take."""

    def __init__(self) -> None:
        self.below: ports.Outbox | None = None
        self.rows: dict[model.SendId, model.Outgoing] = {}
        #: Rows of the store that must not leave -> why.
        self.dropped: dict[model.SendId, str] = {}

    def of_story(self, story: model.StoryId) -> Sequence[model.Outgoing]:
        """As the store has them."""
        return self.below.of_story(story) if self.below is not None else ()

    def drop(self, ids: Sequence[model.SendId], reason: str, *, now: datetime) -> int:
        """Rows that nobody has begun to send; the commit knows which these are."""
        self.dropped.update(dict.fromkeys(ids, reason))
        return len(ids)

    def add(self, rows: Iterable[model.Outgoing]) -> None:
        for row in rows:
            self.rows.setdefault(row.id, row)


class Articles:
    """Stands in for ``ports.Articles``."""

    def __init__(self) -> None:
        self.below: ports.Articles | None = None
        #: Article -> rules that it is not about.
        self.dropped: dict[model.ArticleId, list[str]] = {}

    def get(self, ids: Sequence[model.ArticleId]) -> Mapping[model.ArticleId, model.Article]:
        """As the store has them."""
        return self.below.get(ids) if self.below is not None else {}

    def drop_matches(self, article: model.ArticleId, rules: Sequence[str]) -> None:
        """They are deleted with the commit."""
        self.dropped[article] = list(rules)


class DecisionQueue:
    """Stands in for ``ports.DecisionQueue``: what a turn leaves for a later one."""

    def __init__(self) -> None:
        self.pending: list[model.Pending] = []

    def add(
        self,
        arrivals: Sequence[model.Arrival],
        revisions: Sequence[model.Revision],
        pending: Sequence[model.Pending] = (),
    ) -> None:
        """A turn leaves only what is pending."""
        self.pending.extend(pending)


class NoJudgements:
    """Stands in for ``ports.Judgements``: nobody has judged what was never sent."""

    def of_story(self, story: model.StoryId, channel: str) -> Sequence[model.Judgement]:
        """Empty: there are none in memory."""
        return ()


class NoSilences:
    """Stands in for ``ports.Silences``: what was found in the past was posted about."""

    def active(self, now: datetime) -> Sequence[model.Silence]:
        """Empty: there are none in memory."""
        return ()


class NoRulings:
    """Stands in for ``ports.Rulings``."""

    def since(self, when: datetime | None) -> Sequence[model.Ruling]:
        """Empty: there are none in memory."""
        return ()


class Draft:
    """One turn's changes over a store, or a store in memory."""

    def __init__(self) -> None:
        self.stories = Stories()
        self.outbox = Outbox()
        self.decision_queue = DecisionQueue()
        self.judgements: ports.Judgements = cast("ports.Judgements", NoJudgements())
        self.rulings: ports.Rulings = cast("ports.Rulings", NoRulings())
        self.silences: ports.Silences = cast("ports.Silences", NoSilences())
        self.articles = Articles()

    def over(self, tx: ports.Transaction) -> ports.Transaction:
        """Begin a turn: read from ``tx``, which is only read."""
        self.stories.below, self.outbox.below, self.judgements = tx.stories, tx.outbox, tx.judgements
        self.rulings, self.silences, self.articles.below = tx.rulings, tx.silences, tx.articles
        return self.transaction

    @property
    def transaction(self) -> ports.Transaction:
        """The draft where a transaction is expected."""
        # The story updater and its dispatcher use these three, and of them what is here; the tests run them whole.
        return cast("ports.Transaction", self)

    @property
    def has_changes(self) -> bool:
        """Whether a commit would write anything."""
        return self.stories.has_changes or bool(self.outbox.rows or self.outbox.dropped or self.decision_queue.pending)

    def commit(self, tx: ports.Transaction, *, now: datetime) -> None:
        """Write the turn into a transaction; may be called again where that one was lost."""
        self.stories.commit(tx.stories)
        for send, reason in self.outbox.dropped.items():
            tx.outbox.drop([send], reason, now=now)
        tx.outbox.add(list(self.outbox.rows.values()))
        tx.decision_queue.add((), (), self.decision_queue.pending)
        for article, rules in self.articles.dropped.items():
            tx.articles.drop_matches(article, rules)

    def settle(self) -> None:
        """The turn is committed."""
        self.stories.settle()
        self.outbox, self.decision_queue, self.articles = Outbox(), DecisionQueue(), Articles()


def _is_waiting(alert: model.Alert) -> bool:
    return alert.state in (model.AlertState.HELD, model.AlertState.POSTED)

"""One turn of deciding: what it reads, caches and will write."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from bot import facts, model, storage, stories
from bot.storage.articles import Articles as StoredArticles
from bot.storage.outbox import Outbox as StoredOutbox
from bot.storage.people import Judgements as StoredJudgements
from bot.storage.people import Rulings as StoredRulings
from bot.storage.people import Silences as StoredSilences
from bot.storage.stories import Stories as StoredStories

#: Stories remembered between turns, and their articles in all: some 60 MB of texts.
_MOST_STORIES = 2_000
_MOST_MEMBERS = 20_000


class Stories:
    """Stands in for ``ports.Stories``."""

    def __init__(self) -> None:
        #: The store of this turn; None: there is nothing but what is kept here.
        self.below: StoredStories | None = None
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

    def commit(self, stories: StoredStories) -> None:
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
        self.below: StoredOutbox | None = None
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
        self.below: StoredArticles | None = None
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
        self.judgements: StoredJudgements = cast("StoredJudgements", NoJudgements())
        self.rulings: StoredRulings = cast("StoredRulings", NoRulings())
        self.silences: StoredSilences = cast("StoredSilences", NoSilences())
        self.articles = Articles()

    def over(self, tx: storage.Transaction) -> storage.Transaction:
        """Begin a turn: read from ``tx``, which is only read."""
        self.stories.below, self.outbox.below, self.judgements = tx.stories, tx.outbox, tx.judgements
        self.rulings, self.silences, self.articles.below = tx.rulings, tx.silences, tx.articles
        return self.transaction

    @property
    def transaction(self) -> storage.Transaction:
        """The draft where a transaction is expected."""
        # The story updater and its dispatcher use these three, and of them what is here; the tests run them whole.
        return cast("storage.Transaction", self)

    @property
    def has_changes(self) -> bool:
        """Whether a commit would write anything."""
        return self.stories.has_changes or bool(self.outbox.rows or self.outbox.dropped or self.decision_queue.pending)

    def commit(self, tx: storage.Transaction, *, now: datetime) -> None:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A story after people took articles out of it."""

    ruling: model.Ruling
    #: The story without these articles.
    home: model.Story
    #: The new story of these articles.
    apart: model.Story

    @property
    def taken(self) -> frozenset[model.ArticleId]:
        """The ids of these articles."""
        return frozenset(member.article.id for member in self.apart.members)


def split_story(tx: storage.Transaction, ruling: model.Ruling) -> Split | None:
    """Move the articles of a ruling, with their copies, to a separate story.

    Return None if there is nothing to do: they are no longer in the story, or are the whole story.
    """
    home = find_living(tx, ruling.story)
    if home is None:
        return None
    named = set(ruling.articles)
    members = [each for each in home.members if each.article.id in named or each.join.copy_of in named]
    if not members or len(members) == len(home.members):
        return None
    own = stories.story_id(model.ArticleId(f"split {ruling.id}"))
    apart = model.Story(
        id=own,
        title=members[0].article.title,
        first_seen=min(member.article.first_seen for member in members),
        last_seen=max(member.article.first_seen for member in members),
        members=tuple(_moved(member, own, ruling) for member in members),
        headline=members[0].article.id,
    )
    tx.stories.take_out(home.id, [member.article.id for member in members])
    left = tx.stories.get([home.id])[home.id]
    left = replace(left, first_seen=min(member.article.first_seen for member in left.members))
    if left.headline is None or left.headline in {member.article.id for member in members}:
        first = left.members[0].article
        left = replace(left, title=first.title, headline=first.id)
    tx.stories.save(left)
    tx.stories.save(apart)
    return Split(ruling=ruling, home=left, apart=apart)


def stories_to_merge(tx: storage.Transaction, ruling: model.Ruling) -> tuple[model.Story, model.Story] | None:
    """Return the two stories of a ruling, older first, or None if they are already merged or one is gone."""
    one, other = find_living(tx, ruling.story), find_living(tx, ruling.other)
    if one is None or other is None or one.id == other.id:
        return None
    older, younger = sorted((one, other), key=lambda story: (story.first_seen, story.id))
    return older, younger


def find_living(tx: storage.Transaction, story: model.StoryId | None) -> model.Story | None:
    """Return the story, or the story that it was merged into, or None if it is gone."""
    stored = tx.stories.get([story]).get(story) if story else None
    if stored is not None and stored.merged_into is not None:
        return tx.stories.get([stored.merged_into]).get(stored.merged_into)
    return stored


def _moved(member: model.Member, to: model.StoryId, ruling: model.Ruling) -> model.Member:
    copy_of = member.join.copy_of if member.join.copy_of in ruling.articles else None
    detail = f"by {ruling.by}"
    join = replace(
        member.join, story=to, reason=model.JoinReason.SPLIT, detail=detail, copy_of=copy_of, merges=(), near=None
    )
    return replace(member, join=join)


#: Maximum stories in the cache; each takes some tens of kilobytes.
MAX_CACHED_STORIES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleNews:
    """What an article adds to the story that it joins."""

    facts: tuple[model.Fact, ...] = ()
    #: Sentences that may also be new; a language model decides.
    further: tuple[model.Fact, ...] = ()
    #: It denies, withdraws or reverses what the story reports.
    opposes: bool = False


class ClaimsCache:
    """The claims of the stories that changed last, at most ``MOST`` of them."""

    def __init__(self) -> None:
        self._by_story: OrderedDict[model.StoryId, facts.StoryClaims] = OrderedDict()

    def forget(self) -> None:
        """Forget everything, since a turn was not committed."""
        self._by_story.clear()

    def of(self, story: model.Story) -> facts.StoryClaims:
        """Return the claims of a story's members, computed again after a merge or a split."""
        claims = self._by_story.pop(story.id, None)
        if claims is None or claims.count != len(story.members):
            claims = facts.claims_of([member.article for member in story.members])
        self._by_story[story.id] = claims
        while len(self._by_story) > MAX_CACHED_STORIES:
            self._by_story.popitem(last=False)
        return claims

    def join(
        self, story: model.Story, member: model.Member, beside: Sequence[model.Story], *, is_asked: bool = False
    ) -> ArticleNews:
        """Return what an article adds to the story that it joins, and add it to the claims.

        ``beside``: the nearest other stories; what one of them reports is not news. ``is_asked``: a language model will
        choose, so return further sentences that may be new too.
        """
        if not story.members:
            # Most stories keep one article, so it is parsed only when a second one joins.
            return ArticleNews()
        claims = self.of(story)
        reading = facts.read(member.article)
        nearby = [self.of(other) for other in beside]
        confidence = 1.0 if member.join.confidence is None else member.join.confidence
        if is_asked:
            stated, further = facts.news_and_more(claims, reading, nearby, confidence)
        else:
            stated, further = facts.news(claims, reading, nearby, confidence), ()
        opposes = facts.undoing(claims, reading) is not None
        claims.add(reading)
        return ArticleNews(facts=stated, further=further, opposes=opposes)

    def revise(self, story: model.Story, revision: model.Revision) -> tuple[model.Fact, ...]:
        """Return what the next version of a live page adds; add an article's edit, which is posted as a correction."""
        claims = self.of(story)
        if revision.live_before is not None:
            return facts.news_of_version(claims, revision.article)
        claims.add(facts.read(revision.article), is_version=True)
        return ()

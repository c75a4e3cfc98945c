"""Join queued articles to stories, find what is new in them, and pass the changed stories to the dispatcher.

Works on a turn, so an article's story, its decisions and its outbox rows are written together. The grouping index is
kept in memory between turns; after a turn that was not committed it is rebuilt from the store.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import structlog

from bot import facts, model, storage, stories
from bot.alerts import notices
from bot.feeds import groups, links
from bot.pipeline import turn
from bot.pipeline.dispatch import ChangedStory, Dispatcher
from bot.pipeline.snapshot import Snapshot
from bot.pipeline.turn import ClaimsCache
from bot.stories import foreign

if TYPE_CHECKING:
    from bot.pipeline.advice import Advice


def resolve_copies(
    story: model.Story, member: model.Member, *, opposes: bool = False
) -> tuple[model.Member, Sequence[model.Member]]:
    """Return the article as it joins ``story``, and the members that turn out to carry it, as they are from now on.

    What another owner's feed lists under one link is not a second voice; nor does it make a copy of the publisher.
    ``opposes``: it denies or reverses what the story reports, so its outlet does not corroborate the story.
    """
    if opposes and member.join.copy_of is None:
        member = replace(member, join=replace(member.join, reason=model.JoinReason.REVERSAL))
    article = member.article
    others = [each for each in story.members if each.join.copy_of is None and _is_same_text(each, member)]
    carried = [each for each in others if groups.speaks_for(article, each.article)]
    if carried:
        own = replace(member, join=replace(member.join, copy_of=None))
        return own, [replace(each, join=replace(each.join, copy_of=article.id)) for each in carried]
    if others and member.join.copy_of is None:
        return replace(member, join=replace(member.join, copy_of=others[0].article.id)), ()
    return member, ()


def _is_same_text(known: model.Member, member: model.Member) -> bool:
    """The same page, or the same text, of two owners."""
    if known.article.owner == member.article.owner:
        return False
    key = links.link_key(member.article.link)
    return known.article.id == member.join.copy_of or bool(key and links.link_key(known.article.link) == key)


def facts_for_rules(
    snapshot: Snapshot, article: model.Article, found: Sequence[model.Fact], *, now: datetime
) -> Sequence[model.Fact]:
    """The facts of an article; of a live page those whose sentence meets a rule by itself."""
    feed = snapshot.feeds.get(article.feed)
    if feed is None or not facts.is_live_page(article):
        return found
    return [
        fact
        for fact in found
        if snapshot.rules.matching(replace(article, title=fact.sentence, text=fact.sentence), feed, now=now)
    ]


log = structlog.get_logger("wirewatch")


class StoryUpdater:
    """Updates stories; keeps the index of open ones from batch to batch."""

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._grouping: stories.Grouping | None = None
        self._encoder: model.Encoder | None = None
        self._claims = ClaimsCache()
        #: What a language model says, and what waits for its answer; None: none is asked.
        self.advice: Advice | None = None

    def forget(self) -> None:
        """A turn was not committed: what the index learnt in it is not true."""
        self._grouping = None
        self._claims.forget()

    def update(
        self,
        tx: storage.Transaction,
        snapshot: Snapshot,
        arrivals: Sequence[model.Arrival],
        revisions: Sequence[model.Revision],
        pending: Sequence[model.Pending] = (),
        *,
        now: datetime,
        ruled: Sequence[model.Ruling] = (),
    ) -> tuple[model.Decision, ...]:
        """Carry out what people ruled, then join, decide and enqueue one batch."""
        made = [decision for ruling in ruled for decision in self._rule(tx, snapshot, ruling, now)]
        return (*made, *self._work(tx, snapshot, arrivals, revisions, pending, now=now))

    def _rule(
        self, tx: storage.Transaction, snapshot: Snapshot, ruling: model.Ruling, now: datetime
    ) -> tuple[model.Decision, ...]:
        grouping = self._index(tx, snapshot.encoder, now)
        dispatcher = Dispatcher(tx, snapshot, self._claims, now, self.advice)
        if ruling.kind is model.RulingKind.SPLIT:
            split = turn.split_story(tx, ruling)
            if split is None:
                return ()
            grouping.split(split.home, split.apart)
            return tuple(dispatcher.dispatch_split(split))
        both = turn.stories_to_merge(tx, ruling)
        if both is None:
            return ()
        older, younger = both
        grouping.merge(younger.id, older.id)
        changed = {older.id: ChangedStory(older)}
        _merge(tx, changed, changed[older.id], younger.id)
        tx.stories.save(changed[older.id].story)
        return dispatcher.dispatch(changed.values())

    def _work(
        self,
        tx: storage.Transaction,
        snapshot: Snapshot,
        arrivals: Sequence[model.Arrival],
        revisions: Sequence[model.Revision],
        pending: Sequence[model.Pending],
        *,
        now: datetime,
    ) -> tuple[model.Decision, ...]:
        changed = self._join(tx, [*arrivals, *_late_matches(tx, revisions)], snapshot, now)
        self._revise(tx, changed, revisions, snapshot, now)
        for each in pending:
            self._take_up(tx, changed, each)
        if not changed:
            return ()
        for entry in changed.values():
            tx.stories.save(entry.story)
        return Dispatcher(tx, snapshot, self._claims, now, self.advice).dispatch(changed.values())

    def release(self, tx: storage.Transaction, snapshot: Snapshot, *, now: datetime) -> tuple[model.Decision, ...]:
        """Decide again for alerts whose hold has run out."""
        held = tx.stories.held_until(now)
        if not held:
            return ()
        return Dispatcher(tx, snapshot, self._claims, now, self.advice).release(held)

    def _join(
        self,
        tx: storage.Transaction,
        arrivals: Sequence[model.Arrival],
        snapshot: Snapshot,
        now: datetime,
    ) -> dict[model.StoryId, ChangedStory]:
        if not arrivals:
            return {}
        changed: dict[model.StoryId, ChangedStory] = {}
        if self.advice is not None and self.advice.is_for(model.Use.RELEVANCE):
            arrivals = self._sorted(tx, snapshot, arrivals, changed)
        grouping = self._index(tx, snapshot.encoder, now)
        rules = snapshot.rules.rules.values()
        modes = {rule.name: rule.group for rule in rules if rule.group is not model.Group.NORMAL}
        by_id = {arrival.article.id: arrival for arrival in arrivals if not grouping.knows(arrival.article.id)}
        urgent = {rule.name for rule in rules if rule.severity is model.Severity.HIGH}
        joins = grouping.join_batch(by_id.values(), modes, self._second_opinion(tx, by_id, urgent))
        # All at once, also to know which are new.
        stored = tx.stories.get([join.story for join in joins])
        for join in joins:
            arrival = by_id[join.article]
            entry = _entry(stored, changed, join.story, arrival.article)
            for younger in join.merges:
                if join.is_advised:
                    self._report_merge(tx, snapshot, entry.story, younger, now)
                _merge(tx, changed, entry, younger)
            member = model.Member(
                article=arrival.article, join=join, matches=arrival.matches, is_baseline=arrival.is_baseline
            )
            is_asked = self.advice is not None and self.advice.is_for(model.Use.FACTS)
            news = self._claims.join(entry.story, member, _beside(tx, changed, join), is_asked=is_asked)
            stated, further = (
                facts_for_rules(snapshot, arrival.article, found, now=now) for found in (news.facts, news.further)
            )
            entry.facts.extend(self._confirmed(tx, entry.story, arrival.article, stated, further))
            member, carried = resolve_copies(entry.story, member, opposes=news.opposes)
            entry.story = _with_member(entry.story, member)
            entry.arrivals.append(member)
            if carried:
                _put_behind(tx, entry, carried)
        return changed

    def _revise(
        self,
        tx: storage.Transaction,
        changed: dict[model.StoryId, ChangedStory],
        revisions: Sequence[model.Revision],
        snapshot: Snapshot,
        now: datetime,
    ) -> None:
        """Put edited articles in their stories' place."""
        for revision in revisions:
            stored = tx.stories.of_article(revision.article.id)
            if stored is None:
                continue
            entry = changed.setdefault(stored.id, ChangedStory(stored))
            # The store has the new version already; what a live page adds is new against the one before it.
            said = _with_article(entry.story, revision.live_before) if revision.live_before else entry.story
            found = self._claims.revise(said, revision)
            told = facts_for_rules(snapshot, revision.article, found, now=now)
            entry.facts.extend(self._confirmed(tx, entry.story, revision.article, told))
            entry.story = _with_article(entry.story, revision.article, revision.matches)
            entry.edits.extend(revision.edits)

    def _sorted(
        self,
        tx: storage.Transaction,
        snapshot: Snapshot,
        arrivals: Sequence[model.Arrival],
        changed: dict[model.StoryId, ChangedStory],
    ) -> Sequence[model.Arrival]:
        """The arrivals that are to join; those that a language model rejects are put apart: nothing joins them."""
        # Costs start-up: the prompts, which only a configuration with a model needs.
        from bot.pipeline import advice

        assert self.advice is not None
        relevant, rejected = advice.sort_by_relevance(tx, snapshot, self.advice, arrivals)
        for member in rejected:
            entry = _entry(tx.stories.get([member.join.story]), changed, member.join.story, member.article)
            entry.story = _with_member(entry.story, member)
        return relevant

    def _confirmed(
        self,
        tx: storage.Transaction,
        story: model.Story,
        article: model.Article,
        found: Sequence[model.Fact],
        further: Sequence[model.Fact] = (),
    ) -> Sequence[model.Fact]:
        """The facts that may be told now; those that a language model is to choose, ``further`` too, are put off."""
        advice = self.advice
        if not (found or further) or advice is None or not advice.is_for(model.Use.FACTS):
            return found
        if not any(alert.state is model.AlertState.POSTED for alert in tx.stories.alerts([story.id])):
            return found
        pending = advice.to_confirm(article, story, found, further)
        if pending is None:
            return found
        try:
            return advice.confirmed(pending)
        except stories.Undecided:
            tx.decision_queue.add((), (), [pending])
            return ()

    def _take_up(
        self, tx: storage.Transaction, changed: dict[model.StoryId, ChangedStory], pending: model.Pending
    ) -> None:
        """Tell what was put off, unless it still waits."""
        story, advice, found = turn.find_living(tx, pending.story), self.advice, pending.facts
        has_summary = False
        try:
            if pending.prompt.use is not model.Use.FACTS:
                has_summary = advice is not None and advice.has_words(pending)
            elif advice is not None:
                found = advice.confirmed(pending)
        except stories.Undecided:
            return
        if story is None or not (found or has_summary):
            return
        entry = changed.setdefault(story.id, ChangedStory(story))
        entry.facts.extend(found)
        if has_summary:
            entry.summary = pending.key

    def _second_opinion(
        self, tx: storage.Transaction, by_id: Mapping[model.ArticleId, model.Arrival], urgent: Collection[str]
    ) -> stories.SecondOpinion | None:
        advice = self.advice
        if advice is None or not advice.is_for(model.Use.SAME_EVENT):
            return None
        return lambda article, near: advice.second_opinion(by_id[article].article, near, tx.stories.get(near), urgent)

    def _report_merge(
        self, tx: storage.Transaction, snapshot: Snapshot, older: model.Story, younger: model.StoryId, now: datetime
    ) -> None:
        """Tell the operator of two posted stories that a language model's answer merges."""
        posted = {alert.story for alert in tx.stories.alerts([older.id, younger]) if alert.head is not None}
        story = tx.stories.get([younger]).get(younger)
        if story is None or self.advice is None or not {older.id, younger} <= posted:
            return
        notice = notices.model_merged(self.advice.advisor.policy.name, older, story)
        log.warning("a model's answer merged two posted stories", older=older.id, younger=younger)
        if snapshot.operator is not None:
            tx.outbox.add([notices.notice_row(notice, channel=snapshot.operator, now=now)])

    def _index(self, tx: storage.Transaction, encoder: model.Encoder | None, now: datetime) -> stories.Grouping:
        if self._grouping is None or self._encoder is not encoder:
            self._encoder = encoder
            across = foreign.Foreign(encoder) if encoder else None
            self._grouping = stories.Grouping(window=self._window, across=across)
            since = now - self._window
            self._grouping.load(tx.stories.open_since(since), _kept_apart(tx, since))
        self._grouping.forget(now - self._window)
        return self._grouping


def _kept_apart(tx: storage.Transaction, since: datetime) -> list[tuple[model.StoryId, model.Article]]:
    """What people took out of which story."""
    ruled = [one for one in tx.rulings.since(since) if one.kind is model.RulingKind.SPLIT and one.done_at]
    found = tx.articles.get([article for one in ruled for article in one.articles]) if ruled else {}
    return [(one.story, found[article]) for one in ruled for article in one.articles if article in found]


def _beside(
    tx: storage.Transaction, changed: Mapping[model.StoryId, ChangedStory], join: model.Join
) -> Sequence[model.Story]:
    """The nearest other stories as this batch has made them."""
    stored = tx.stories.get([story for story in join.beside if story not in changed])
    found = {**stored, **{story: changed[story].story for story in join.beside if story in changed}}
    return [found[story] for story in join.beside if story in found]


def _entry(
    stored: Mapping[model.StoryId, model.Story],
    changed: dict[model.StoryId, ChangedStory],
    story_id: model.StoryId,
    article: model.Article,
) -> ChangedStory:
    if story_id not in changed:
        changed[story_id] = ChangedStory(
            stored.get(story_id)
            or model.Story(
                id=story_id,
                title=article.title,
                first_seen=article.first_seen,
                last_seen=article.first_seen,
                members=(),
                headline=article.id,
            )
        )
    return changed[story_id]


def _with_member(story: model.Story, member: model.Member) -> model.Story:
    return replace(
        story,
        members=(*story.members, member),
        first_seen=min(story.first_seen, member.article.first_seen),
        last_seen=max(story.last_seen, member.article.first_seen),
    )


def _put_behind(tx: storage.Transaction, entry: ChangedStory, carried: Sequence[model.Member]) -> None:
    """Members that turn out to carry the article that joined last stand behind it from now on."""
    by_id = {member.article.id: member for member in carried}
    stored = tx.stories.get([entry.story.id]).get(entry.story.id)
    if stored and (known := [each.article.id for each in stored.members if each.article.id in by_id]):
        tx.stories.take_out(stored.id, known)
    others = [each for each in entry.story.members if each.article.id not in by_id]
    entry.story = replace(entry.story, members=(*others, *carried))
    entry.arrivals = [by_id.get(each.article.id, each) for each in entry.arrivals]


def _with_article(story: model.Story, article: model.Article, matches: tuple[model.Match, ...] = ()) -> model.Story:
    """The story with another version of one of its articles, and what that matches where it matches anything."""
    members = tuple(
        replace(member, article=article, matches=matches or member.matches)
        if member.article.id == article.id
        else member
        for member in story.members
    )
    return replace(story, members=members)


def _merge(
    tx: storage.Transaction, changed: dict[model.StoryId, ChangedStory], older: ChangedStory, younger_id: model.StoryId
) -> None:
    """Both stories are one: the older takes the members in, the younger points to it."""
    entry = changed.pop(younger_id, None)
    story = entry.story if entry else tx.stories.get([younger_id]).get(younger_id)
    if story is None:
        return
    for member in story.members:
        is_reversal = member.join.reason is model.JoinReason.REVERSAL
        reason = member.join.reason if is_reversal else model.JoinReason.MERGED
        moved = replace(member, join=replace(member.join, story=older.story.id, reason=reason))
        older.story = _with_member(older.story, moved)
        # The older message lists what joined it.
        older.arrivals.append(moved)
    if entry:
        older.facts.extend(entry.facts)
    older.merged.append(younger_id)
    tx.stories.save(replace(story, members=(), merged_into=older.story.id))


def _late_matches(tx: storage.Transaction, revisions: Sequence[model.Revision]) -> list[model.Arrival]:
    """Articles that match only since their edit."""
    return [
        model.Arrival(article=revision.article, matches=revision.matches, is_baseline=False)
        for revision in revisions
        if revision.matches and tx.stories.of_article(revision.article.id) is None
    ]

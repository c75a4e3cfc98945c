"""Join queued articles to stories, find their new facts, and dispatch the changed stories.

The grouping index and the claims of stories are kept in memory between turns. If a turn was not committed, they are
rebuilt from the store.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import structlog

from bot.alerts import notices
from bot.feeds import groups, links
from bot.model.actions import Ruling, RulingKind
from bot.model.alerts import Alert, AlertState, Decision
from bot.model.archive import Arrival, Pending, Revision
from bot.model.language_models import Use
from bot.model.rules import Group, Match, Severity
from bot.model.stories import Article, ArticleId, Fact, Join, JoinReason, Member, Story, StoryId
from bot.pipeline.dispatch import Dispatcher, Split
from bot.pipeline.turn import ChangedStory, ClaimsCache, Turn, Undecided
from bot.stories import grouping, opinions
from bot.stories.grouping import Candidate, story_id
from bot.stories.index import Index
from bot.stories.opinions import Opinion
from bot.text import titles

log = structlog.get_logger("wirewatch")


class StoryUpdater:
    """Updates stories. Keeps an index of the open stories, and their claims, between turns.

    Replace the updater after a turn that was not committed.
    """

    def __init__(self) -> None:
        self._index: Index | None = None
        self._claims = ClaimsCache()
        #: Story -> the owners of the articles for which answers named it.
        self._owners: defaultdict[StoryId, set[str]] = defaultdict(set)

    def update(
        self,
        turn: Turn,
        arrivals: Sequence[Arrival],
        revisions: Sequence[Revision],
        pending: Sequence[Pending] = (),
        *,
        rulings: Sequence[Ruling] = (),
    ) -> list[Decision]:
        """Carry out rulings, then join articles to stories, and decide what to post in each channel."""
        decisions = [decision for ruling in rulings for decision in self._rule(turn, ruling)]
        self._join(turn, [*arrivals, *_late_matches(turn, revisions)])
        self._revise(turn, revisions)
        for item in pending:
            _resume(turn, item)
        if not turn.changed:
            return decisions
        for entry in turn.changed.values():
            turn.save_story(entry.story)
        return [*decisions, *Dispatcher(turn, self._claims).dispatch(turn.changed.values())]

    def release(self, turn: Turn, held: Sequence[Alert]) -> list[Decision]:
        """Decide again about held alerts and reminders that are due."""
        return Dispatcher(turn, self._claims).release(held) if held else []

    def gather_stale(self, turn: Turn) -> list[Decision]:
        """Gather messages that waited for too long."""
        return Dispatcher(turn, self._claims).gather_stale()

    def _rule(self, turn: Turn, ruling: Ruling) -> list[Decision]:
        index = self._open_stories(turn)
        if ruling.kind is RulingKind.SPLIT:
            split = split_story(turn, ruling)
            if split is None:
                return []
            index.split(split.home, split.apart)
            return Dispatcher(turn, self._claims).dispatch_split(split)
        first, second = turn.story(ruling.story), turn.story(ruling.other)
        if first is None or second is None or first.id == second.id:
            return []
        older, younger = sorted((first, second), key=lambda story: (story.first_seen, story.id))
        index.merge(younger.id, older.id)
        entry = ChangedStory(older)
        _merge(turn, entry, younger.id)
        turn.save_story(entry.story)
        return Dispatcher(turn, self._claims).dispatch([entry])

    def _join(self, turn: Turn, arrivals: Sequence[Arrival]) -> None:
        if not arrivals:
            return
        if advice := turn.advice_for(Use.RELEVANCE):
            arrivals, rejected = advice.sort_by_relevance(arrivals)
            for member in rejected:
                entry = _entry(turn, member.join.story, member.article)
                entry.story = _with_member(entry.story, member)
        index = self._open_stories(turn)
        by_id = {arrival.article.id: arrival for arrival in arrivals if arrival.article.id not in index.joins}
        joins = []
        for article in grouping.order(arrival.article for arrival in by_id.values()):
            placement = self._place(turn, index, by_id[article.id])
            if placement is not None:
                joins.append(placement)
        # Load all stories in one query; the turn caches them.
        turn.stories(join.story for join in joins)
        for join in joins:
            arrival = by_id[join.article]
            entry = _entry(turn, join.story, arrival.article)
            for younger in join.merges:
                if join.is_advised:
                    _report_merge(turn, entry.story, younger)
                _merge(turn, entry, younger)
            self._add_member(turn, entry, arrival, join)

    def _place(self, turn: Turn, index: Index, arrival: Arrival) -> Join | None:
        """Find the article's story. Return None if the article waits for a language model's answer."""
        rules = [turn.rules[match.rule] for match in arrival.matches if match.rule in turn.rules]
        modes = {rule.group for rule in rules}
        is_high = any(rule.severity is Severity.HIGH for rule in rules)
        advice = turn.advice_for(Use.SAME_EVENT)
        profile = index.profile(arrival)
        candidates = grouping.find_candidates(index, profile, untranslated=advice is not None)
        opinion = None
        if advice is not None and modes <= {Group.NORMAL}:
            try:
                opinion = self._opinion(turn, arrival.article, opinions.choose_offered(candidates))
            except Undecided:
                return None
        join = grouping.place(candidates, profile, opinion, modes=modes, is_high=is_high)
        index.add(profile, join)
        return join

    def _add_member(self, turn: Turn, entry: ChangedStory, arrival: Arrival, join: Join) -> None:
        """Add an article and its new facts to the story."""
        member = Member(article=arrival.article, join=join, matches=arrival.matches, is_baseline=arrival.is_baseline)
        # Do not ask the model about a copy, because only its headline may be new.
        is_asked = join.copy_of is None and turn.advice_for(Use.FACTS) is not None
        news = self._claims.join(entry.story, member, _nearby(turn, join), is_asked=is_asked)
        new_facts, further = (facts_for_rules(turn, arrival.article, some) for some in (news.facts, news.further))
        story, other = entry.story, turn.story(join.near) if join.is_advised else None
        if other is not None:
            # The model's answer is that both stories report one event, so the facts of both are not new. A single
            # answer does not merge the stories.
            story = replace(story, members=(*story.members, *other.members))
        entry.facts.extend(_confirmed(turn, story, arrival.article, new_facts, further))
        member, copies = resolve_copies(entry.story, member, opposes=news.opposes)
        entry.story = _with_member(entry.story, member)
        entry.arrivals.append(member)
        if copies:
            _move_to_end(turn, entry, copies)

    def _revise(self, turn: Turn, revisions: Sequence[Revision]) -> None:
        """Replace edited articles in their stories, and add the new facts."""
        for revision in revisions:
            stored = turn.story_of(revision.article.id)
            if stored is None:
                continue
            entry = turn.change(stored)
            # Compare a live page with its previous version, because the store already has the new version.
            previous = _with_article(entry.story, revision.live_before) if revision.live_before else entry.story
            new_facts = facts_for_rules(turn, revision.article, self._claims.revise(previous, revision))
            entry.facts.extend(_confirmed(turn, entry.story, revision.article, new_facts))
            entry.story = _with_article(entry.story, revision.article, revision.matches)
            entry.edits.extend(revision.edits)

    def _opinion(self, turn: Turn, article: Article, offered: Sequence[Candidate]) -> Opinion | None:
        """Return the model's answer about the article's event. Raises Undecided while it may still arrive."""
        advice = turn.advice_for(Use.SAME_EVENT)
        if advice is None or not offered:
            return None
        ids = [candidate.id for candidate in offered]
        stored = turn.stories(ids)
        nearby = [stored[story] for story in ids[1:] if story in stored]

        def offer(nearest: Story) -> Sequence[Fact]:
            if turn.advice_for(Use.FACTS) is None or not _is_posted(turn, nearest):
                return ()
            return facts_for_rules(turn, article, self._claims.offered(nearest, article, nearby))

        opinion = advice.opinion(article, ids, stored, offer)
        if opinion is None:
            return None
        for story in opinion.same:
            self._owners[story].add(article.owner)
        return replace(opinion, owners={story: frozenset(self._owners[story]) for story in opinion.same})

    def _open_stories(self, turn: Turn) -> Index:
        encoder, window = turn.settings.encoder, turn.settings.bot.stories.window
        since = turn.now - window
        index = self._index
        if index is None or index.encoder is not encoder or index.window != window:
            index = self._index = Index(window=window, encoder=encoder)
            open_stories = turn.tx.stories.open_since(since)
            index.load(open_stories, _split_articles(turn, since))
            for member in (member for story in open_stories for member in story.members if member.join.near):
                named = [member.join.near, member.join.story if member.join.reason is JoinReason.SIMILAR else None]
                for story_named in filter(None, named):
                    self._owners[story_named].add(member.article.owner)
        index.forget(since)
        return index


def _resume(turn: Turn, pending: Pending) -> None:
    """Add the facts or the summary of a deferred task to its story, unless the answer is still missing."""
    story, advice, new_facts = turn.story(pending.story), turn.advice, pending.facts
    has_summary = False
    try:
        if pending.prompt.use is not Use.FACTS:
            has_summary = advice is not None and advice.has_words(pending)
        elif advice is not None:
            new_facts = advice.confirmed(pending)
    except Undecided:
        return
    if story is None or not (new_facts or has_summary):
        return
    entry = turn.change(story)
    entry.facts.extend(new_facts)
    if has_summary:
        entry.summary = pending.key


def _confirmed(
    turn: Turn,
    story: Story,
    article: Article,
    new_facts: Sequence[Fact],
    further: Sequence[Fact] = (),
) -> Sequence[Fact]:
    """Return the facts to post now. Return none while a language model still has to choose them."""
    advice = turn.advice_for(Use.FACTS)
    if advice is None or not (new_facts or further) or not _is_posted(turn, story):
        return new_facts
    return advice.confirm(article, story, new_facts, further)


def _is_posted(turn: Turn, story: Story) -> bool:
    return any(alert.state is AlertState.POSTED for alert in turn.alerts([story.id]))


def _report_merge(turn: Turn, older: Story, younger_id: StoryId) -> None:
    """Notify the operator if a language model's answer merges two posted stories."""
    posted = {alert.story for alert in turn.alerts([older.id, younger_id]) if alert.head is not None}
    younger = turn.stories([younger_id]).get(younger_id)
    if younger is None or turn.advice is None or not {older.id, younger_id} <= posted:
        return
    log.warning("a model's answer merged two posted stories", older=older.id, younger=younger_id)
    turn.notify(notices.model_merged(turn.advice.advisor.policy.name, older, younger))


def _split_articles(turn: Turn, since: datetime) -> list[tuple[StoryId, Article]]:
    """Return the articles that people removed from stories, each with the id of its former story."""
    splits = [ruling for ruling in turn.tx.rulings.since(since) if ruling.kind is RulingKind.SPLIT and ruling.done_at]
    articles = turn.tx.articles.get([article for split in splits for article in split.articles]) if splits else {}
    return [(split.story, articles[article]) for split in splits for article in split.articles if article in articles]


def split_story(turn: Turn, ruling: Ruling) -> Split | None:
    """Move the articles of a ruling, with their copies, to a separate story.

    Return None if the story does not contain the articles or consists only of them.
    """
    home = turn.story(ruling.story)
    if home is None:
        return None
    named = set(ruling.articles)
    members = [member for member in home.members if named & {member.article.id, member.join.copy_of}]
    if not members or len(members) == len(home.members):
        return None
    apart_id = story_id(ArticleId(f"split {ruling.id}"))
    apart = Story(
        id=apart_id,
        title=members[0].article.title,
        first_seen=min(member.article.first_seen for member in members),
        last_seen=max(member.article.first_seen for member in members),
        members=tuple(_moved(member, apart_id, ruling) for member in members),
        headline=members[0].article.id,
    )
    leaving = {member.article.id for member in members}
    home = turn.remove_members(home.id, leaving)
    home = replace(home, first_seen=min(member.article.first_seen for member in home.members))
    if home.headline is None or home.headline in leaving:
        first = home.members[0].article
        home = replace(home, title=first.title, headline=first.id)
    turn.save_story(home)
    turn.save_story(apart)
    return Split(ruling=ruling, home=home, apart=apart)


def _moved(member: Member, to: StoryId, ruling: Ruling) -> Member:
    join = replace(
        member.join,
        story=to,
        reason=JoinReason.SPLIT,
        detail=f"by {ruling.by}",
        copy_of=member.join.copy_of if member.join.copy_of in ruling.articles else None,
        merges=(),
        near=None,
    )
    return replace(member, join=join)


def _merge(turn: Turn, older: ChangedStory, younger_id: StoryId) -> None:
    """Move the members of the younger story to the older story, and save the younger story as merged."""
    entry = turn.changed.pop(younger_id, None)
    story = entry.story if entry else turn.stories([younger_id]).get(younger_id)
    if story is None:
        return
    for member in story.members:
        is_reversal = member.join.reason is JoinReason.REVERSAL
        reason = member.join.reason if is_reversal else JoinReason.MERGED
        moved = replace(member, join=replace(member.join, story=older.story.id, reason=reason))
        older.story = _with_member(older.story, moved)
        # List the moved articles as arrivals, so that the older story's message shows them.
        older.arrivals.append(moved)
    if entry:
        older.facts.extend(entry.facts)
    older.merged.append(younger_id)
    turn.save_story(replace(story, members=(), merged_into=older.story.id))


def _late_matches(turn: Turn, revisions: Iterable[Revision]) -> list[Arrival]:
    """Return arrivals for the articles that match since their edit and have no story."""
    return [
        Arrival(article=revision.article, matches=revision.matches, is_baseline=False)
        for revision in revisions
        if revision.matches and turn.story_of(revision.article.id) is None
    ]


def _nearby(turn: Turn, join: Join) -> list[Story]:
    """Return the other stories that are nearest to the article, with the changes of this turn."""
    stored = turn.stories(story for story in join.beside if story not in turn.changed)
    changed = {story: turn.changed[story].story for story in join.beside if story in turn.changed}
    nearby = {**stored, **changed}
    return [nearby[story] for story in join.beside if story in nearby]


def _entry(turn: Turn, story_id: StoryId, article: Article) -> ChangedStory:
    """Return the changes of a story. If the story is not in the store, it is a new story about the article."""
    return turn.change(turn.stories([story_id]).get(story_id) or _new_story(story_id, article))


def _new_story(story_id: StoryId, article: Article, *members: Member) -> Story:
    seen = article.first_seen
    return Story(
        id=story_id, title=article.title, first_seen=seen, last_seen=seen, members=members, headline=article.id
    )


def _with_member(story: Story, member: Member) -> Story:
    return replace(
        story,
        members=(*story.members, member),
        first_seen=min(story.first_seen, member.article.first_seen),
        last_seen=max(story.last_seen, member.article.first_seen),
    )


def _with_article(story: Story, article: Article, matches: tuple[Match, ...] = ()) -> Story:
    """Return the story with a new version of an article. Empty ``matches`` keep the matches of the old version."""
    members = tuple(
        replace(member, article=article, matches=matches or member.matches)
        if member.article.id == article.id
        else member
        for member in story.members
    )
    return replace(story, members=members)


def _move_to_end(turn: Turn, entry: ChangedStory, copies: Sequence[Member]) -> None:
    """Move the members that are copies of the newest member to the end."""
    by_id = {member.article.id: member for member in copies}
    saved = turn.stories([entry.story.id]).get(entry.story.id)
    if saved and (moved := [member.article.id for member in saved.members if member.article.id in by_id]):
        turn.remove_members(saved.id, moved)
    kept = [member for member in entry.story.members if member.article.id not in by_id]
    entry.story = replace(entry.story, members=(*kept, *copies))
    entry.arrivals = [by_id.get(member.article.id, member) for member in entry.arrivals]


def resolve_copies(story: Story, member: Member, *, opposes: bool = False) -> tuple[Member, Sequence[Member]]:
    """Return the new member, marked as a copy if it is one, and the members that are copies of it.

    Grouping recognises copies by their words and takes the first article as the original. Here the publisher's own
    page becomes the original. Another owner's article with the same link is a copy, not a second report. If
    ``opposes`` is true, the article denies or reverses the story's report, so its outlet does not corroborate it.
    """
    if opposes and member.join.copy_of is None:
        member = replace(member, join=replace(member.join, reason=JoinReason.REVERSAL))
    article = member.article
    same = [other for other in story.members if other.join.copy_of is None and _is_same_text(other, member)]
    copies = [other for other in same if groups.speaks_for(article, other.article)]
    if copies:
        member = replace(member, join=replace(member.join, copy_of=None))
        return member, [replace(copy, join=replace(copy.join, copy_of=article.id)) for copy in copies]
    if same and member.join.copy_of is None:
        return replace(member, join=replace(member.join, copy_of=same[0].article.id)), ()
    return member, ()


def _is_same_text(other: Member, member: Member) -> bool:
    """Return whether two members have different owners, but the same page or the same text."""
    if other.article.owner == member.article.owner:
        return False
    key = links.link_key(member.article.link)
    return other.article.id == member.join.copy_of or bool(key and links.link_key(other.article.link) == key)


def facts_for_rules(turn: Turn, article: Article, new_facts: Sequence[Fact]) -> Sequence[Fact]:
    """Return the facts of an article. For a live page, return only facts whose sentence alone matches a rule.

    In real feeds, live pages caused a third of all new facts, and hardly any of these was about the rule's subject.
    """
    feed = turn.settings.feeds_by_address.get(article.feed)
    if feed is None or not titles.is_live_page(article):
        return new_facts
    return [
        fact
        for fact in new_facts
        if turn.settings.rule_set.matching(
            replace(article, title=fact.sentence, text=fact.sentence), feed, now=turn.now
        )
    ]

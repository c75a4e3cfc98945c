"""Join queued articles to stories, find what they state to be new, and dispatch the changed stories.

The grouping index is kept in memory between turns. If a turn was not committed, it is rebuilt from the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import structlog
from msgspec.structs import replace

from bot.feeds import items, links
from bot.model.actions import Ruling, RulingKind
from bot.model.alerts import AlertState, Decision
from bot.model.archive import Arrival, QueuedArticle, Revision
from bot.model.rules import Group, Match, Rule
from bot.model.stories import Article, ArticleId, Fact, Join, JoinReason, Member, Story, StoryId
from bot.pipeline.dispatch import Dispatcher, StorySplit
from bot.pipeline.turn import ChangedStory, Turn
from bot.stories import facts, grouping
from bot.stories.grouping import Candidate, story_id
from bot.stories.index import Index
from bot.stories.profile import Profile

if TYPE_CHECKING:
    from bot.llm.questions import Questions

log = structlog.get_logger("wirewatch")


class StoryUpdater:
    """Updates stories. Keeps an index of the open stories between turns.

    Replace the updater after a turn that was not committed.
    """

    def __init__(self) -> None:
        self._index: Index | None = None

    def update(self, turn: Turn, entries: Iterable[QueuedArticle]) -> list[Decision]:
        """Join articles to stories, and decide what to post about the changed stories in each channel."""
        entries = list(entries)
        arrivals = [entry for entry in entries if isinstance(entry, Arrival)]
        revisions = [entry for entry in entries if isinstance(entry, Revision)]
        self._join(turn, [*arrivals, *_late_matches(turn, revisions)])
        self._revise(turn, revisions)
        return dispatch_changed(turn)

    def carry_out(self, turn: Turn, ruling: Ruling) -> list[Decision]:
        """Split or merge stories as a person has decided, and edit their messages."""
        index = self.open_stories(turn)
        if ruling.kind is RulingKind.SPLIT:
            split = split_story(turn, ruling)
            if split is None:
                return []
            index.split(split.home, split.apart)
            return Dispatcher(turn).dispatch_split(split)
        first, second = turn.story(ruling.story), turn.story(ruling.other)
        if first is None or second is None or first.id == second.id:
            return []
        older, younger = sorted((first, second), key=lambda story: (story.first_seen, story.id))
        index.merge(younger.id, older.id)
        index.threads.merge(younger.id, older.id)
        entry = ChangedStory(older)
        _merge(turn, entry, younger.id)
        turn.save_story(entry.story)
        return Dispatcher(turn).dispatch([entry])

    def _join(self, turn: Turn, arrivals: Sequence[Arrival]) -> None:
        if not arrivals:
            return
        index = self.open_stories(turn)
        by_id = {arrival.article.id: arrival for arrival in arrivals if arrival.article.id not in index.joins}
        ordered = grouping.order(arrival.article for arrival in by_id.values())
        news: dict[ArticleId, tuple[Fact, ...]] = {}
        if turn.questions is None:
            joins = [_place(turn, index, by_id[article.id]) for article in ordered]
        else:
            joins = self._consult(turn, turn.questions, index, by_id, ordered, news)
        # Load all stories and alerts in two queries; the turn caches them.
        turn.stories(join.story for join in joins)
        turn.alerts({join.story for join in joins})
        for join in joins:
            arrival = by_id[join.article]
            thread = _thread_rule(turn, arrival)
            entry = _entry(turn, join.story, arrival.article, thread=thread.name if thread else None)
            for younger in join.merges:
                _merge(turn, entry, younger)
            self._add_member(turn, entry, arrival, join, news.get(join.article, ()))

    def _consult(
        self,
        turn: Turn,
        questions: Questions,
        index: Index,
        by_id: dict[ArticleId, Arrival],
        ordered: Sequence[Article],
        news: dict[ArticleId, tuple[Fact, ...]],
    ) -> list[Join]:
        """Place the articles with a language model's answers. Collect in ``news`` what it says is new.

        Articles whose question is open stay in the queue. Matches that the model rejects are deleted.
        """
        # Import here, because only a configuration with a model needs the prompts.
        from bot.pipeline.ask import Consultation

        consultation, joins = Consultation(questions, turn, index, by_id.values(), find_candidates), []
        for article in ordered:
            arrival = by_id[article.id]
            advice = consultation.consult(arrival, _modes(turn, arrival))
            if advice is None:
                turn.waiting.add(article.id)
                continue
            relevant = _reject(turn, arrival, advice.rejected)
            if relevant is not None and advice.join is not None:
                by_id[article.id], news[article.id] = relevant, advice.new_facts
                joins.append(_add(turn, index, relevant, advice.join))
        return joins

    def _add_member(
        self, turn: Turn, entry: ChangedStory, arrival: Arrival, join: Join, new_facts: tuple[Fact, ...]
    ) -> None:
        """Add an article, and what is new in it, to the story. ``new_facts`` are what a language model says is new."""
        member = Member(article=arrival.article, join=join, matches=arrival.matches, is_baseline=arrival.is_baseline)
        is_posted = any(alert.state is AlertState.POSTED for alert in turn.alerts([entry.story.id, *entry.merged]))
        earlier = [joined.article for joined in entry.story.members if joined.event == member.event]
        # A story that is not posted gets no replies, so its news is not looked for.
        stated = facts.find_news(earlier, arrival.article) if is_posted and join.copy_of is None else ()
        # No answer of a model hides what an article itself states to be new.
        sentences = {fact.sentence for fact in stated}
        entry.facts.extend((*stated, *(fact for fact in new_facts if fact.sentence not in sentences)))
        member, copies = resolve_copies(entry.story, member, opposes=facts.opposes(earlier, arrival.article))
        entry.story = _with_member(entry.story, member)
        entry.arrivals.append(member)
        if copies:
            _move_to_end(turn, entry, copies)

    def _revise(self, turn: Turn, revisions: Sequence[Revision]) -> None:
        """Replace edited articles in their stories."""
        for revision in revisions:
            stored = turn.story_of(revision.article.id)
            if stored is None:
                continue
            entry = turn.change(stored)
            entry.story = _with_article(entry.story, revision.article, revision.matches)
            entry.facts.extend(revision.corrections)
            if revision.is_renamed:
                entry.renamed.add(revision.article.id)

    def open_stories(self, turn: Turn) -> Index:
        """Return the index of the open stories."""
        window = turn.settings.bot.stories.window
        since = turn.now - window
        index = self._index
        if index is None or index.window != window:
            index = self._index = Index(window=window)
            longest = max((rule.quiet for rule in turn.rules.values() if rule.quiet), default=window)
            stories = turn.tx.stories.open_since(since, threads_since=turn.now - max(window, longest))
            articles = [member.article for story in stories for member in story.members]
            vectors = turn.tx.vectors.get([article.id for article in articles])
            # An article is compared as it was when it joined. An outlet may reuse its page for the next event, and the
            # reports of that event must not join a message that was about another one.
            first_versions = turn.tx.articles.first_versions(articles)
            stories = [_with_articles(story, first_versions) for story in stories]
            index.load(stories, _split_articles(turn, since), vectors)
        index.forget(since)
        return index


def dispatch_changed(turn: Turn) -> list[Decision]:
    """Save the changed stories of the turn, and decide what to post about them in each channel."""
    for entry in turn.changed.values():
        turn.save_story(entry.story)
    return Dispatcher(turn).dispatch(turn.changed.values()) if turn.changed else []


def _place(turn: Turn, index: Index, arrival: Arrival) -> Join:
    """Find the article's story, and add the article to the index."""
    profile = index.profile(arrival)
    join = grouping.place(find_candidates(turn, index, arrival, profile), profile, modes=_modes(turn, arrival))
    return _add(turn, index, arrival, join)


def _add(turn: Turn, index: Index, arrival: Arrival, join: Join) -> Join:
    """Add an article to the index.

    The index has the events of a thread as stories. The returned join has the thread, and the event in it.
    """
    profile = index.profile(arrival)
    rule, threads = _thread_rule(turn, arrival), index.threads
    is_new = join.story not in index.stories
    if rule is not None and is_new:
        threads.add(_open_thread(turn, index, rule, arrival.article) or join.story, join.story)
    thread = threads.thread_of(join.story)
    # Two events of a thread stay two, because both have been reported, each under its own headline.
    merges = [story for story in join.merges if thread is None and threads.thread_of(story) is None]
    join = replace(join, merges=tuple(merges))
    index.add(profile, join)
    if thread is None:
        return join
    if rule is not None:
        threads.note_match(rule.name, thread, arrival.article.first_seen)
    return replace(join, story=thread, event=join.story if join.story != thread else None, near=None)


def find_candidates(turn: Turn, index: Index, arrival: Arrival, profile: Profile) -> Sequence[Candidate]:
    """Return the open stories and events that may report the article's event, likeliest first.

    An article of a rule with ``group: rule`` joins only events of the rule's thread and stories of the rule outside of
    threads: those from before the rule had this key, and what people took out of a thread.
    """
    candidates = grouping.find_candidates(index, profile)
    rule = _thread_rule(turn, arrival)
    if rule is None:
        return candidates
    homes = (_open_thread(turn, index, rule, arrival.article), None)
    return [
        candidate
        for candidate in candidates
        if rule.name in candidate.story.rules and index.threads.thread_of(candidate.id) in homes
    ]


def _thread_rule(turn: Turn, arrival: Arrival) -> Rule | None:
    """Return the first of the article's rules with ``group: rule``, in the order of the rules, or None."""
    names = {match.rule for match in arrival.matches}
    return next((rule for name, rule in turn.rules.items() if name in names and rule.group is Group.RULE), None)


def _open_thread(turn: Turn, index: Index, rule: Rule, article: Article) -> StoryId | None:
    """Return the rule's thread that the article continues, or None if it begins one."""
    quiet = rule.quiet or turn.settings.bot.stories.window
    return index.threads.newest(rule.name, article.first_seen - quiet)


def _modes(turn: Turn, arrival: Arrival) -> set[Group]:
    """Return the values of ``group`` of the article's rules.

    Without ``group: rule``, because that decides only what becomes of an article that joins no event.
    """
    return {turn.rules[match.rule].group for match in arrival.matches if match.rule in turn.rules} - {Group.RULE}


def _reject(turn: Turn, arrival: Arrival, rejected: Mapping[str, str]) -> Arrival | None:
    """Return the article without the matches of the rules that it is not about, as a language model judges.

    Delete these matches. ``rejected`` has the reason for each rule. An article without a match becomes the member of a
    separate story without channels, whose join has the reason; then return None.
    """
    article = arrival.article
    if not rejected:
        return arrival
    turn.changes.rejected_matches[article.id] = list(rejected)
    matches = tuple(match for match in arrival.matches if match.rule not in rejected)
    if matches:
        return replace(arrival, matches=matches)
    detail = "; ".join(f"{rule}: {reason}" for rule, reason in rejected.items())
    join = Join(story=story_id(article.id), article=article.id, reason=JoinReason.NOT_ABOUT, detail=detail)
    entry = _entry(turn, join.story, article)
    member = Member(article=article, join=join, matches=(), is_baseline=arrival.is_baseline)
    entry.story = _with_member(entry.story, member)
    return None


def _split_articles(turn: Turn, since: datetime) -> list[tuple[StoryId, Article]]:
    """Return the articles that people removed from stories, each with the id of its former story."""
    splits = [ruling for ruling in turn.tx.rulings.since(since) if ruling.kind is RulingKind.SPLIT and ruling.done_at]
    articles = turn.tx.articles.get([article for split in splits for article in split.articles]) if splits else {}
    return [(split.story, articles[article]) for split in splits for article in split.articles if article in articles]


def split_story(turn: Turn, ruling: Ruling) -> StorySplit | None:
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
    return StorySplit(ruling=ruling, home=home, apart=apart)


def _moved(member: Member, to: StoryId, ruling: Ruling) -> Member:
    join = replace(
        member.join,
        story=to,
        reason=JoinReason.SPLIT,
        detail=f"by {ruling.by}",
        copy_of=member.join.copy_of if member.join.copy_of in ruling.articles else None,
        merges=(),
        near=None,
        event=None,
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
    older.story = replace(older.story, thread=older.story.thread or story.thread)
    older.merged.append(younger_id)
    turn.save_story(replace(story, members=(), merged_into=older.story.id))


def _late_matches(turn: Turn, revisions: Iterable[Revision]) -> list[Arrival]:
    """Return arrivals for the articles that match since their edit and have no story."""
    late_revisions = [
        revision for revision in revisions if revision.matches and turn.story_of(revision.article.id) is None
    ]
    vectors = turn.tx.vectors.get([revision.article.id for revision in late_revisions])
    return [
        Arrival(
            article=revision.article,
            matches=revision.matches,
            is_baseline=False,
            meaning=vectors.get(revision.article.id),
        )
        for revision in late_revisions
    ]


def _entry(turn: Turn, story_id: StoryId, article: Article, *, thread: str | None = None) -> ChangedStory:
    """Return the changes of a story. If the story is not in the store, it is a new story about the article.

    ``thread`` is the rule of a new thread.
    """
    stored = turn.stories([story_id]).get(story_id)
    return turn.change(stored or replace(_new_story(story_id, article), thread=thread))


def _new_story(story_id: StoryId, article: Article, *members: Member) -> Story:
    first_seen = article.first_seen
    return Story(
        id=story_id,
        title=article.title,
        first_seen=first_seen,
        last_seen=first_seen,
        members=members,
        headline=article.id,
    )


def _with_member(story: Story, member: Member) -> Story:
    return replace(
        story,
        members=(*story.members, member),
        first_seen=min(story.first_seen, member.article.first_seen),
        last_seen=max(story.last_seen, member.article.first_seen),
    )


def _with_articles(story: Story, articles: Mapping[ArticleId, Article]) -> Story:
    """Return the story with other versions of its articles."""
    members = [replace(member, article=articles.get(member.article.id, member.article)) for member in story.members]
    return replace(story, members=tuple(members))


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
    article, key = member.article, links.link_key(member.article.link)
    others = [other for other in story.members if other.join.copy_of is None and other.article.owner != article.owner]
    same = [
        other
        for other in others
        if other.article.id == member.join.copy_of or (key and links.link_key(other.article.link) == key)
    ]
    copies = [other for other in same if items.is_original_of(article, other.article)]
    if copies:
        member = replace(member, join=replace(member.join, copy_of=None))
        return member, [replace(copy, join=replace(copy.join, copy_of=article.id)) for copy in copies]
    if same and member.join.copy_of is None:
        return replace(member, join=replace(member.join, copy_of=same[0].article.id)), ()
    return member, ()

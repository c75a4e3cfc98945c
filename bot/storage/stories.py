"""Stories with their members, the decisions about them, and their alerts in each channel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Subquery,
    and_,
    bindparam,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.stories import ArticleId, Join, JoinReason, Member, Story, StoryId
from bot.storage.articles import Articles
from bot.storage.columns import EPOCH, WANTED, AnyRow, AnySelect, Repository, Rows, chunks, storable, upsert
from bot.storage.schema import alerts, decisions, matches, members, stories

_STORY = Rows(Story, stories)
_JOIN = Rows(Join, members)
_DECISION = Rows(Decision, decisions)
_ALERT = Rows(Alert, alerts)
_OLDEST = (stories.c.first_seen, stories.c.id)


def _is_current(since: datetime) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for unmerged stories whose last article came at ``since`` or later."""
    return stories.c.merged_into.is_(None), stories.c.last_seen >= since


def _matched(since: datetime) -> Subquery:
    """Return a query for pairs of a current story and a rule that matches an article of it."""
    current = select(members.c.story, matches.c.rule).join(stories, stories.c.id == members.c.story)
    return current.join(matches, matches.c.article == members.c.article).where(*_is_current(since)).subquery()


# Each turn of deciding uses these statements, so they are built once.
_GET = select(stories).where(stories.c.id.in_(WANTED))
_OF_ARTICLE = select(members.c.story).where(members.c.article == bindparam("of_article"))
_SAVE = upsert([stories.c.id], ["title", "first_seen", "last_seen", "merged_into", "headline", "thread"])
_ADD_MEMBER = insert(members).on_conflict_do_nothing(index_elements=[members.c.story, members.c.article])
_MEMBERS = select(members).where(members.c.story.in_(WANTED)).order_by(members.c.n)
_ALERTS = select(alerts.c.alert).where(alerts.c.story.in_(WANTED)).order_by(alerts.c.story, alerts.c.channel)
_SAVE_ALERT = upsert([alerts.c.story, alerts.c.channel], ["state", "held_until", "posted_at", "alert"])


class Stories(Repository):
    """Stories with their members, decisions and alerts."""

    def __init__(self, connection: Connection, articles: Articles) -> None:
        super().__init__(connection)
        self._articles = articles

    def open_since(self, since: datetime, *, threads_since: datetime | None = None) -> Sequence[Story]:
        """Return the unmerged stories whose last article came at ``since`` or later, with members, oldest first.

        ``threads_since`` is an earlier time from which threads are included.
        """
        is_open = and_(*_is_current(since))
        if threads_since is not None:
            is_open = or_(is_open, and_(*_is_current(threads_since), stories.c.thread.is_not(None)))
        return self._load(select(stories).where(is_open).order_by(*_OLDEST))

    def get(self, ids: Sequence[StoryId]) -> Mapping[StoryId, Story]:
        """Return id -> story with its members. Unknown ids are omitted."""
        rows = list(self._rows_in_chunks(_GET, list(dict.fromkeys(ids))))
        return {story.id: story for story in self._with_members(rows)}

    def resolve(self, story_id: StoryId) -> Story | None:
        """Return the story, or the story that it was merged into, or None if it is gone."""
        story = self.get([story_id]).get(story_id)
        return self.resolve(story.merged_into) if story is not None and story.merged_into else story

    def beginning(self, start: str, *, most: int) -> Sequence[StoryId]:
        """Return at most ``most`` ids with this prefix. Replace the id of a merged story by the id of its target."""
        home = func.coalesce(stories.c.merged_into, stories.c.id)
        begins = stories.c.id.startswith(storable(start), autoescape=True)
        return list(map(StoryId, self._connection.execute(select(home).where(begins).distinct().limit(most)).scalars()))

    def of_article(self, article: ArticleId) -> Story | None:
        """Return the story of an article, with its members."""
        home = self.home_of(article)
        return None if home is None else self.get([home]).get(home)

    def related_to(self, ids: Sequence[StoryId]) -> Sequence[StoryId]:
        """Return the ids of the stories that name any of these stories, or a story merged into it, as related."""
        family = select(stories.c.id).where(or_(stories.c.id.in_(ids), stories.c.merged_into.in_(ids)))
        statement = select(members.c.story).where(members.c.near.in_(family)).distinct()
        return list(map(StoryId, self._connection.execute(statement.order_by(members.c.story)).scalars()))

    def home_of(self, article: ArticleId) -> StoryId | None:
        """Return the id of an article's story. Do not load the story's members, because there may be thousands."""
        return self._connection.execute(_OF_ARTICLE, {"of_article": article}).scalar()

    def since(self, when: datetime | None) -> Sequence[Story]:
        """Return all stories whose last article came at ``when`` or later, including merged stories, oldest first."""
        return self._load(select(stories).where(stories.c.last_seen >= (when or EPOCH)).order_by(*_OLDEST))

    def newest(
        self,
        *,
        since: datetime,
        rule: str | None,
        skip: int,
        most: int,
        after: tuple[datetime, StoryId] | None = None,
    ) -> Sequence[Story]:
        """Return a page of the unmerged stories whose last article came at ``since`` or later, last changed first.

        If ``rule`` is not None, return only stories with an article that the rule matched. If ``after`` is not None,
        begin after the story with this ``last_seen`` and id.
        """
        statement = select(stories).where(*_is_current(since)).order_by(stories.c.last_seen.desc(), stories.c.id)
        if rule is not None:
            joined = select(members.c.story).join(matches, matches.c.article == members.c.article)
            matched = joined.where(members.c.story == stories.c.id, matches.c.rule == rule)
            # The database checks one story after another, newest first, and usually fills the page after a few.
            statement = statement.where(matched.correlate(stories).exists())
        if after is not None:
            last_seen, story_id = after
            is_later_id = and_(stories.c.last_seen == last_seen, stories.c.id > story_id)
            statement = statement.where(or_(stories.c.last_seen < last_seen, is_later_id))
        return self._load(statement.limit(most).offset(skip))

    def count(self, *, since: datetime, rule: str | None = None) -> int:
        """Return the number of stories that ``newest`` would return without paging."""
        statement = select(func.count()).select_from(stories).where(*_is_current(since))
        if rule is not None:
            matched = _matched(since)
            statement = statement.where(stories.c.id.in_(select(matched.c.story).where(matched.c.rule == rule)))
        return self._connection.execute(statement).scalar_one()

    def count_by_rule(self, *, since: datetime) -> Mapping[str, int]:
        """Return rule -> number of its stories. A rule without stories is omitted."""
        matched = _matched(since)
        statement = select(matched.c.rule, func.count(matched.c.story.distinct())).group_by(matched.c.rule)
        return dict(map(tuple, self._connection.execute(statement)))

    def save(self, *saved: Story) -> None:
        """Write stories and their new members. The members of a merged story belong to its target."""
        if whole := [_STORY.dump(story) for story in saved if story.merged_into is None]:
            self._connection.execute(_SAVE, whole)
        for story in saved:
            if story.merged_into is not None:
                target = self._connection.execute(
                    select(stories.c.merged_into).where(stories.c.id == story.merged_into)
                ).scalar()
                target = target or story.merged_into
                self._connection.execute(_SAVE, _STORY.dump(story, merged_into=target))
                # Point the stories that were merged into this one directly to the target, so that no chains arise.
                merged = update(stories).where(stories.c.merged_into == story.id)
                self._connection.execute(merged.values(merged_into=target))
        if rows := [
            _JOIN.dump(member.join, story=story.id, article=member.article.id, is_baseline=member.is_baseline)
            for story in saved
            for member in story.members
        ]:
            self._connection.execute(_ADD_MEMBER, rows)
        for story in saved:
            if story.merged_into is not None:
                self._move_members(story.id)

    def _move_members(self, merged: StoryId) -> None:
        """Move the members of a merged story to its target, unless the target has them already."""
        target = select(stories.c.merged_into).where(stories.c.id == merged).scalar_subquery()
        own = members.alias("own")
        is_known = exists().where(own.c.story == target, own.c.article == members.c.article)
        moved = update(members).where(members.c.story == merged, ~is_known)
        self._connection.execute(moved.values(story=target, reason=JoinReason.MERGED))
        self._connection.execute(delete(members).where(members.c.story == merged))

    def take_out(self, story: StoryId, articles: Sequence[ArticleId]) -> None:
        """Remove articles from a story."""
        for part in chunks(articles):
            self._connection.execute(delete(members).where(members.c.article.in_(part), members.c.story == story))

    def _load(self, statement: AnySelect) -> Sequence[Story]:
        return self._with_members(self._connection.execute(statement).all())

    def _with_members(self, rows: Sequence[AnyRow]) -> Sequence[Story]:
        member_rows = list(self._rows_in_chunks(_MEMBERS, [row.id for row in rows]))
        article_ids = list(dict.fromkeys(row.article for row in member_rows))
        articles, matches = self._articles.get(article_ids), self._articles.matches_of(article_ids)
        joined: defaultdict[str, list[Member]] = defaultdict(list)
        for row in member_rows:
            # Omit a member whose article is not stored, because one of their ids is damaged.
            if article := articles.get(row.article):
                member = Member(
                    article=article,
                    join=_JOIN.load(row),
                    matches=tuple(matches.get(row.article, ())),
                    is_baseline=row.is_baseline,
                )
                joined[row.story].append(member)
        return [_STORY.load(row, members=tuple(joined[row.id])) for row in rows]

    def decide(self, new: Sequence[Decision]) -> None:
        """Write decisions."""
        if new:
            rows = [_DECISION.dump(decision, decision=decision) for decision in new]
            self._connection.execute(insert(decisions), rows)

    def decisions(self, story: StoryId) -> Sequence[Decision]:
        """Return the decisions about a story, oldest first."""
        statement = select(decisions.c.decision).where(decisions.c.story == story)
        return self._connection.execute(statement.order_by(decisions.c.n)).scalars().all()

    def decisions_between(self, since: datetime, until: datetime, channel: str | None) -> Sequence[Decision]:
        """Return the decisions that post something to a channel's readers, or keep it from them, oldest first.

        They are not before ``since``, and before ``until``. None means all channels.
        """
        is_posted = decisions.c.action.in_((AlertAction.POST, AlertAction.REPLY, AlertAction.HOLD))
        is_kept = decisions.c.reason.in_((Reason.BRIEF, Reason.SILENCED, Reason.BASELINE, Reason.RULE_PAUSED))
        statement = select(decisions.c.decision).where(decisions.c.at >= since, decisions.c.at < until)
        if channel is not None:
            statement = statement.where(decisions.c.channel == channel)
        return self._connection.execute(statement.where(is_posted | is_kept).order_by(decisions.c.n)).scalars().all()

    def silenced(self, *, since: datetime) -> Sequence[Decision]:
        """Return the decisions to post nothing because of a silence, at ``since`` or later, oldest first."""
        is_silenced = decisions.c.reason == Reason.SILENCED
        statement = select(decisions.c.decision).where(is_silenced, decisions.c.at >= since)
        return self._connection.execute(statement.order_by(decisions.c.n)).scalars().all()

    def alerts(self, stories: Sequence[StoryId]) -> Sequence[Alert]:
        """Return the alerts of stories, one for each channel."""
        return [row.alert for row in self._rows_in_chunks(_ALERTS, stories)]

    def save_alert(self, *saved: Alert) -> None:
        """Write alerts. Each replaces the previous alert of its story and channel."""
        if saved:
            self._connection.execute(_SAVE_ALERT, [_ALERT.dump(alert, alert=alert) for alert in saved])

    def held_until(self, now: datetime) -> Sequence[Alert]:
        """Return held alerts that are due, longest due first."""
        statement = select(alerts.c.alert).where(alerts.c.state == AlertState.HELD, alerts.c.held_until <= now)
        statement = statement.order_by(alerts.c.held_until, alerts.c.story, alerts.c.channel)
        return self._connection.execute(statement).scalars().all()

    def held(self) -> Sequence[Alert]:
        """Return all held alerts."""
        statement = select(alerts.c.alert).where(alerts.c.state == AlertState.HELD)
        return self._connection.execute(statement).scalars().all()

    def with_coverage_over(self, channels: Sequence[str], *, since: datetime, limit: int) -> Sequence[Alert]:
        """Return posted alerts of stories whose last article came before ``since``, and whose end nobody reported."""
        ends = select(decisions.c.n).where(
            decisions.c.story == alerts.c.story,
            decisions.c.channel == alerts.c.channel,
            decisions.c.reason == Reason.COVERAGE_OVER,
            decisions.c.at > stories.c.last_seen,
        )
        statement = (
            select(alerts.c.alert)
            .join(stories, stories.c.id == alerts.c.story)
            .where(alerts.c.state == AlertState.POSTED, alerts.c.channel.in_(channels))
            .where(stories.c.last_seen < since, ~ends.exists())
        )
        return self._connection.execute(statement.order_by(stories.c.last_seen).limit(limit)).scalars().all()

    def rest_alert(self, story: StoryId, channel: str, *, until: datetime | None) -> None:
        """Set when a held alert is due. None means never, until something else changes the alert."""
        statement = update(alerts).where(alerts.c.story == story, alerts.c.channel == channel)
        self._connection.execute(statement.values(held_until=until))

    def posted_between(self, since: datetime, until: datetime, channel: str | None) -> Sequence[Alert]:
        """Return the alerts first posted from ``since`` to ``until``, both included; None means all channels."""
        statement = select(alerts.c.alert).where(alerts.c.posted_at >= since, alerts.c.posted_at <= until)
        if channel is not None:
            statement = statement.where(alerts.c.channel == channel)
        statement = statement.where(alerts.c.state == AlertState.POSTED)
        return self._connection.execute(statement.order_by(alerts.c.posted_at, alerts.c.story)).scalars().all()

    def posted_since(self, channel: str, when: datetime) -> Sequence[Alert]:
        """Return the channel's alerts that were first posted at ``when`` or later."""
        statement = select(alerts.c.alert).where(alerts.c.channel == channel, alerts.c.posted_at >= when)
        return self._connection.execute(statement.order_by(alerts.c.posted_at, alerts.c.story)).scalars().all()

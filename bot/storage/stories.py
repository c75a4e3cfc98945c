"""Stories with their members, what was decided about them, and the alert of each in each channel."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from sqlalchemy import Connection, Row, and_, bindparam, delete, func, or_, select, union_all, update
from sqlalchemy.dialects.postgresql import insert

from bot import model
from bot.storage import columns
from bot.storage.articles import Articles
from bot.storage.columns import Timestamp, chunks, storable
from bot.storage.schema import alerts, decisions, matches, members, stories

_AnyRow: TypeAlias = Row[*tuple[Any, ...]]

_OLDEST = (stories.c.first_seen, stories.c.id)
_SINCE = bindparam("since", type_=Timestamp)

_OPEN = select(stories).where(stories.c.merged_into.is_(None), stories.c.last_seen >= _SINCE).order_by(*_OLDEST)
_ALL = select(stories).order_by(*_OLDEST)
_ALL_SINCE = _ALL.where(stories.c.last_seen >= _SINCE)
_MOVED = (stories.c.merged_into.is_(None), stories.c.last_seen >= _SINCE)
_part = stories.alias("part")
#: Each story that moved, with the stories that are in it: itself, and what became part of it.
_PARTS = union_all(
    select(stories.c.id.label("story"), stories.c.id.label("part")).where(*_MOVED),
    select(stories.c.id, _part.c.id).join(_part, _part.c.merged_into == stories.c.id).where(*_MOVED),
).subquery("parts")
_MATCHED = (
    select(_PARTS.c.story)
    .join(members, members.c.story == _PARTS.c.part)
    .join(matches, matches.c.article == members.c.article)
)
_OF_RULE = stories.c.id.in_(_MATCHED.where(matches.c.rule == bindparam("of_rule")))
_NEWEST = (
    select(stories)
    .where(*_MOVED)
    .order_by(stories.c.last_seen.desc(), stories.c.id)
    .limit(bindparam("most"))
    .offset(bindparam("skip"))
)
_OF_THE_RULE = matches.c.rule == bindparam("of_rule")
_JOINED = select(members.c.story).join(matches, matches.c.article == members.c.article)
# The database checks story after story from the newest on, and most often has enough long before it has seen all.
_NEWEST_OF_RULE = _NEWEST.where(
    or_(
        _JOINED.where(members.c.story == stories.c.id, _OF_THE_RULE).correlate(stories).exists(),
        _JOINED.join(_part, _part.c.id == members.c.story)
        .where(_part.c.merged_into == stories.c.id, _OF_THE_RULE)
        .correlate(stories)
        .exists(),
    )
)
_AFTER = bindparam("after", type_=Timestamp)
_BEHIND = and_(
    stories.c.last_seen <= _AFTER,
    or_(stories.c.last_seen < _AFTER, stories.c.id > bindparam("after_id")),
)
_COUNT = select(func.count()).select_from(stories).where(*_MOVED)
_COUNT_OF_RULE = _COUNT.where(_OF_RULE)
_COUNT_BY_RULE = _MATCHED.with_only_columns(matches.c.rule, func.count(_PARTS.c.story.distinct())).group_by(
    matches.c.rule
)
_GET = select(stories).where(stories.c.id.in_(bindparam("wanted", expanding=True)))
# An article of a merged story is in both; the one that remains comes first.
_OF_ARTICLE = (
    select(stories)
    .join(members, members.c.story == stories.c.id)
    .where(members.c.article == bindparam("of_article"))
    .order_by(stories.c.merged_into.is_not(None), *_OLDEST)
    .limit(1)
)
_NEW = insert(stories)
_SAVE = _NEW.on_conflict_do_update(
    index_elements=[stories.c.id],
    set_={name: _NEW.excluded[name] for name in ("title", "first_seen", "last_seen", "merged_into", "headline")},
)
# Stories merged into one that is itself merged point on, so that every chain has one link.
_POINT_ON = (
    update(stories).where(stories.c.merged_into == bindparam("of_story")).values(merged_into=bindparam("target"))
)
_TARGET = select(stories.c.merged_into).where(stories.c.id == bindparam("of_story"))
_JOIN = insert(members).on_conflict_do_nothing(index_elements=[members.c.story, members.c.article])
_MEMBERS = (
    select(members, stories.c.id.label("own"), stories.c.merged_into)
    .join(stories, stories.c.id == members.c.story)
    .where(
        or_(
            members.c.story.in_(bindparam("wanted", expanding=True)),
            stories.c.merged_into.in_(bindparam("wanted", expanding=True)),
        )
    )
    .order_by(members.c.n)
)

_DECIDE = insert(decisions)
_DECISIONS = select(decisions.c.decision).where(decisions.c.story == bindparam("of_story")).order_by(decisions.c.n)
_SILENCED = (
    select(decisions.c.decision)
    .where(decisions.c.reason == model.Reason.SILENCED, decisions.c.at >= _SINCE)
    .order_by(decisions.c.n)
)
_ALERTS = (
    select(alerts.c.alert)
    .where(alerts.c.story.in_(bindparam("wanted", expanding=True)))
    .order_by(alerts.c.story, alerts.c.channel)
)
_NEW_ALERT = insert(alerts)
_SAVE_ALERT = _NEW_ALERT.on_conflict_do_update(
    index_elements=[alerts.c.story, alerts.c.channel],
    set_={name: _NEW_ALERT.excluded[name] for name in ("state", "held_until", "posted_at", "alert")},
)
_HELD = (
    select(alerts.c.alert)
    .where(
        alerts.c.state.in_((model.AlertState.HELD, model.AlertState.POSTED)),
        alerts.c.held_until <= bindparam("now", type_=Timestamp),
    )
    .order_by(alerts.c.held_until, alerts.c.story, alerts.c.channel)
)
_POSTED = (
    select(alerts.c.alert)
    .where(alerts.c.channel == bindparam("of_channel"), alerts.c.posted_at >= _SINCE)
    .order_by(alerts.c.posted_at, alerts.c.story)
)


_FAMILY = select(stories.c.id).where(or_(stories.c.id == bindparam("home"), stories.c.merged_into == bindparam("home")))
_TAKE_OUT = delete(members).where(
    members.c.article.in_(bindparam("taken", expanding=True)), members.c.story.in_(_FAMILY)
)


class Stories:
    """Stories with their members, decisions and alerts."""

    def __init__(self, connection: Connection, articles: Articles) -> None:
        self._connection = connection
        self._articles = articles

    def open_since(self, since: datetime) -> Sequence[model.Story]:
        """Return unmerged stories whose last article came since a time, with their members, oldest first."""
        return self._whole(self._connection.execute(_OPEN, {"since": since}).all())

    def get(self, ids: Sequence[model.StoryId]) -> Mapping[model.StoryId, model.Story]:
        """Return id -> story with its members; unknown ids are omitted."""
        rows: list[_AnyRow] = []
        for part in chunks(list(dict.fromkeys(ids))):
            rows.extend(self._connection.execute(_GET, {"wanted": part}))
        return {story.id: story for story in self._whole(rows)}

    def resolve(self, story_id: model.StoryId) -> model.Story | None:
        """Return the story, or the story that it was merged into, or None if it is gone."""
        story = self.get([story_id]).get(story_id)
        return self.resolve(story.merged_into) if story is not None and story.merged_into else story

    def beginning(self, start: str, *, most: int) -> Sequence[model.StoryId]:
        """Return at most ``most`` ids with this prefix; a merged story is replaced by the story that it became."""
        home = func.coalesce(stories.c.merged_into, stories.c.id)
        begins = stories.c.id.startswith(storable(start), autoescape=True)
        return list(
            map(model.StoryId, self._connection.execute(select(home).where(begins).distinct().limit(most)).scalars())
        )

    def of_article(self, article: model.ArticleId) -> model.Story | None:
        """Return the story of an article, with its members."""
        home = self.home_of(article)
        return None if home is None else self.get([home]).get(home)

    def home_of(self, article: model.ArticleId) -> model.StoryId | None:
        """Return the id of an article's story, without loading its members: there may be thousands."""
        row = self._connection.execute(_OF_ARTICLE, {"of_article": article}).one_or_none()
        return None if row is None else model.StoryId(row.merged_into or row.id)

    def since(self, when: datetime | None) -> Sequence[model.Story]:
        """Return every story with this last_seen or later, oldest first, including merged ones."""
        if when is None:
            return self._whole(self._connection.execute(_ALL).all())
        return self._whole(self._connection.execute(_ALL_SINCE, {"since": when}).all())

    def newest(
        self,
        *,
        since: datetime,
        rule: str | None,
        skip: int,
        most: int,
        after: tuple[datetime, model.StoryId] | None = None,
    ) -> Sequence[model.Story]:
        """Return a page of unmerged stories whose last article came since a time, last changed first.

        ``rule``: only stories with an article that it matched. ``after``: only stories behind this last_seen and id.
        """
        values: dict[str, object] = {"since": since, "skip": skip, "most": most, **_of_rule(rule)}
        statement = _NEWEST if rule is None else _NEWEST_OF_RULE
        if after is not None:
            statement = statement.where(_BEHIND)
            values |= {"after": after[0], "after_id": after[1]}
        return self._whole(self._connection.execute(statement, values).all())

    def count(self, *, since: datetime, rule: str | None = None) -> int:
        """Return how many stories ``newest`` would return without paging."""
        statement = _COUNT if rule is None else _COUNT_OF_RULE
        return self._connection.execute(statement, {"since": since, **_of_rule(rule)}).scalar_one()

    def count_by_rule(self, *, since: datetime) -> Mapping[str, int]:
        """Return the number of stories of each rule; a rule without stories is omitted."""
        return dict(map(tuple, self._connection.execute(_COUNT_BY_RULE, {"since": since})))

    def save(self, *saved: model.Story) -> None:
        """Write stories and their new members."""
        if whole := [_story_row(story, None) for story in saved if story.merged_into is None]:
            self._connection.execute(_SAVE, whole)
        for story in saved:
            if story.merged_into is not None:
                into = {"of_story": story.merged_into}
                target = self._connection.execute(_TARGET, into).scalar() or story.merged_into
                self._connection.execute(_SAVE, _story_row(story, target))
                self._connection.execute(_POINT_ON, {"of_story": story.id, "target": target})
        if rows := [_member_row(story.id, member) for story in saved for member in story.members]:
            self._connection.execute(_JOIN, rows)

    def take_out(self, story: model.StoryId, articles: Sequence[model.ArticleId]) -> None:
        """Remove articles from a story and from the stories that were merged into it."""
        for part in chunks(articles):
            self._connection.execute(_TAKE_OUT, {"home": story, "taken": part})

    def _whole(self, rows: Sequence[_AnyRow]) -> Sequence[model.Story]:
        joined = self._members([row.id for row in rows])
        return [
            model.Story(
                id=model.StoryId(row.id),
                title=row.title,
                first_seen=row.first_seen,
                last_seen=row.last_seen,
                members=tuple(joined.get(row.id, {}).values()),
                merged_into=row.merged_into,
                headline=row.headline,
            )
            for row in rows
        ]

    def _members(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, model.Member]]:
        """Return, for each story, article -> member in order of arrival, including the members of merged stories."""
        requested = set(ids)
        rows: list[_AnyRow] = []
        for part in chunks(ids):
            rows.extend(self._connection.execute(_MEMBERS, {"wanted": part}))
        rows = sorted({row.n: row for row in rows}.values(), key=lambda row: row.n)
        own = {(row.story, row.article) for row in rows}
        article_ids = list(dict.fromkeys(row.article for row in rows))
        articles, matches = self._articles.get(article_ids), self._articles.matches_of(article_ids)
        joined: defaultdict[str, dict[str, model.Member]] = defaultdict(dict)
        for row in rows:
            article, article_matches = articles[row.article], tuple(matches.get(row.article, ()))
            if row.story in requested:
                joined[row.story][row.article] = _member(row, article, article_matches, row.story, row.reason)
            if row.merged_into in requested and (row.merged_into, row.article) not in own:
                merged = _member(row, article, article_matches, row.merged_into, model.JoinReason.MERGED)
                joined[row.merged_into].setdefault(row.article, merged)
        return joined

    def decide(self, decisions: Sequence[model.Decision]) -> None:
        rows = [
            {
                "story": decision.story,
                "at": decision.at,
                "channel": decision.channel,
                "action": decision.action,
                "reason": decision.reason,
                "article": decision.article,
                "decision": columns.DECISION.dump(decision),
            }
            for decision in decisions
        ]
        if rows:
            self._connection.execute(_DECIDE, rows)

    def decisions(self, story: model.StoryId) -> Sequence[model.Decision]:
        """Return the decisions about a story, oldest first."""
        documents = self._connection.execute(_DECISIONS, {"of_story": story}).scalars()
        return [columns.DECISION.load(document) for document in documents]

    def silenced(self, *, since: datetime) -> Sequence[model.Decision]:
        """Return the decisions of silences at ``since`` or later, oldest first."""
        documents = self._connection.execute(_SILENCED, {"since": since}).scalars()
        return [columns.DECISION.load(document) for document in documents]

    def alerts(self, stories: Sequence[model.StoryId]) -> Sequence[model.Alert]:
        """Return the alerts of stories, one for each channel."""
        documents: list[str] = []
        for part in chunks(stories):
            documents.extend(self._connection.execute(_ALERTS, {"wanted": part}).scalars())
        return [columns.ALERT.load(document) for document in documents]

    def save_alert(self, *saved: model.Alert) -> None:
        """Write alerts; each replaces the previous alert of its story and channel."""
        rows = [
            {
                "story": alert.story,
                "channel": alert.channel,
                "state": alert.state,
                "held_until": alert.held_until,
                "posted_at": alert.posted_at,
                "alert": columns.ALERT.dump(alert),
            }
            for alert in saved
        ]
        if rows:
            self._connection.execute(_SAVE_ALERT, rows)

    def held_until(self, now: datetime) -> Sequence[model.Alert]:
        """Return held alerts whose time has come, and posted ones with a due reminder, oldest first."""
        documents = self._connection.execute(_HELD, {"now": now}).scalars()
        return [columns.ALERT.load(document) for document in documents]

    def posted_since(self, channel: str, when: datetime) -> Sequence[model.Alert]:
        """Return the channel's alerts that were first posted at ``when`` or later."""
        documents = self._connection.execute(_POSTED, {"of_channel": channel, "since": when}).scalars()
        return [columns.ALERT.load(document) for document in documents]


def _story_row(story: model.Story, merged_into: str | None) -> dict[str, object]:
    return {
        "id": story.id,
        "title": story.title,
        "first_seen": story.first_seen,
        "last_seen": story.last_seen,
        "merged_into": merged_into,
        "headline": story.headline,
    }


def _of_rule(rule: str | None) -> dict[str, str]:
    return {} if rule is None else {"of_rule": rule}


def _member_row(story: model.StoryId, member: model.Member) -> dict[str, object]:
    return {
        "story": story,
        "article": member.article.id,
        "reason": member.join.reason,
        "detail": member.join.detail,
        "copy_of": member.join.copy_of,
        "merges": columns.TEXTS.dump(member.join.merges),
        "is_baseline": member.is_baseline,
        "confidence": member.join.confidence,
        "near": member.join.near,
    }


def _member(
    row: _AnyRow, article: model.Article, article_matches: tuple[model.Match, ...], story: str, reason: model.JoinReason
) -> model.Member:
    join = model.Join(
        story=model.StoryId(story),
        article=article.id,
        reason=reason,
        detail=row.detail,
        confidence=row.confidence,
        near=None if row.near is None else model.StoryId(row.near),
        copy_of=None if row.copy_of is None else model.ArticleId(row.copy_of),
        merges=tuple(map(model.StoryId, columns.TEXTS.load(row.merges))),
    )
    return model.Member(article=article, join=join, matches=article_matches, is_baseline=row.is_baseline)

"""Articles, who carries them, their earlier versions and what they matched."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Row,
    Select,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from bot import model, ports
from bot.articles import fold_title, link_key
from bot.storage import codec
from bot.storage.bulk import BulkInsert
from bot.storage.columns import HashBytes, Timestamp, chunks, digest
from bot.storage.schema import articles, fresh_identities, matches, sightings, versions

#: A sighting is renewed at most once a day, so that an unchanged feed costs no writes.
RENEWED_AFTER = timedelta(days=1)
_FIRST_DAY = date(1970, 1, 1)
#: Rows read ahead of an archive's reader.
_AHEAD = 200

_AnyRow: TypeAlias = Row[*tuple[Any, ...]]
T = TypeVar("T")

_STUB = (
    articles.c.id,
    articles.c.link,
    articles.c.title,
    articles.c.published,
    articles.c.fingerprint,
    articles.c.has_text,
    articles.c.feed,
)
# Where several articles share a link, a fingerprint or a title, the first seen comes first.
_OLDEST = (articles.c.first_seen, articles.c.id)

_BY_KEY = (
    select(sightings.c.key, *_STUB)
    .join(articles, articles.c.id == sightings.c.article)
    .where(sightings.c.key.in_(bindparam("wanted", expanding=True, type_=HashBytes)))
)
_BY_LINK = (
    select(articles.c.link_key, *_STUB)
    .where(articles.c.link_key.in_(bindparam("wanted", expanding=True, type_=HashBytes)))
    .order_by(*_OLDEST)
)
_BY_FINGERPRINT = (
    select(*_STUB).where(articles.c.fingerprint.in_(bindparam("wanted", expanding=True))).order_by(*_OLDEST)
)
_BY_TITLE = (
    select(sightings.c.feed.label("carrier"), *_STUB)
    .join(sightings, sightings.c.article == articles.c.id)
    .where(
        articles.c.title_key.in_(bindparam("wanted", expanding=True, type_=HashBytes)),
        sightings.c.feed.in_(bindparam("carriers", expanding=True)),
    )
    .order_by(*_OLDEST)
)
_GET = select(articles).where(articles.c.id.in_(bindparam("wanted", expanding=True)))
_FIND = (
    select(articles)
    .where(articles.c.link_key == bindparam("of_link", type_=HashBytes))
    .order_by(articles.c.has_text.desc(), *_OLDEST)
    .limit(1)
)
_ARCHIVE = (
    select(articles)
    .where(articles.c.has_text, articles.c.first_seen >= bindparam("since", type_=Timestamp))
    .order_by(*_OLDEST)
)
_COUNT = select(func.count()).select_from(articles)
_COUNT_SINCE = _COUNT.where(articles.c.first_seen >= bindparam("since", type_=Timestamp))

#: Whole days since 1970, UTC; the number is no parameter, else PostgreSQL takes its two uses for two things.
_DAY = type_coerce(articles.c.first_seen, BigInteger).op("/", return_type=BigInteger)(literal_column("86400000000"))
_NEW_BY_DAY = (
    select(articles.c.feed.label("name"), _DAY.label("day"), func.count().label("count"))
    .where(articles.c.has_text, articles.c.first_seen >= bindparam("since", type_=Timestamp))
    .group_by(articles.c.feed, _DAY)
)
_MATCHED_BY_DAY = (
    select(matches.c.rule.label("name"), _DAY.label("day"), func.count().label("count"))
    .join(articles, articles.c.id == matches.c.article)
    .where(articles.c.first_seen >= bindparam("since", type_=Timestamp))
    .group_by(matches.c.rule, _DAY)
)

_ADD = BulkInsert(insert(articles).on_conflict_do_nothing(index_elements=[articles.c.id]))
_GUARD = insert(fresh_identities).on_conflict_do_nothing()
_FORGET_FRESH = delete(fresh_identities).where(fresh_identities.c.at < bindparam("before", type_=Timestamp))
_NEW_SIGHTING = insert(sightings)
_STALE: BindParameter[datetime] = bindparam("stale", type_=Timestamp)
_SEE = BulkInsert(
    _NEW_SIGHTING.on_conflict_do_update(
        index_elements=[sightings.c.key],
        set_={"article": _NEW_SIGHTING.excluded.article, "seen_at": _NEW_SIGHTING.excluded.seen_at},
        where=or_(_NEW_SIGHTING.excluded.article != sightings.c.article, sightings.c.seen_at <= _STALE),
    ),
    _STALE,
)
_KEEP_VERSION = (
    insert(versions)
    .from_select(
        ["article", "version", "title", "text", "fingerprint", "published"],
        select(
            articles.c.id,
            articles.c.version,
            articles.c.title,
            articles.c.text,
            articles.c.fingerprint,
            articles.c.published,
        ).where(articles.c.id == bindparam("of_article"), articles.c.has_text),
    )
    .on_conflict_do_nothing()
)
_REVISE = update(articles).where(articles.c.id == bindparam("of_article"))

_NEW_MATCH = insert(matches)
_MATCH = _NEW_MATCH.on_conflict_do_update(
    index_elements=[matches.c.article, matches.c.rule],
    set_={"rule_version": _NEW_MATCH.excluded.rule_version, "evidence": _NEW_MATCH.excluded.evidence},
)
_MATCHES = select(matches).where(matches.c.article.in_(bindparam("wanted", expanding=True))).order_by(matches.c.n)


class Articles:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        # What is asked about is written in the same transaction, most of it.
        self._digest = functools.cache(digest)

    def known(self, questions: Sequence[ports.Question]) -> Sequence[ports.Known]:
        keys = [{key: self._digest(asked.feed, key) for key in asked.keys} for asked in questions]
        links = [{link: self._digest(_place(link)) for link in asked.links if link} for asked in questions]
        prints = [{value: value for value in asked.fingerprints if value} for asked in questions]
        titles = {title: self._digest(title) for asked in questions for title in asked.titles if title}
        by_key = _first(self._rows(_BY_KEY, _all(keys)), lambda row: row.key)
        by_link = _first(self._rows(_BY_LINK, _all(links)), lambda row: row.link_key)
        by_print = _first(self._rows(_BY_FINGERPRINT, _all(prints)), lambda row: row.fingerprint)
        by_title: defaultdict[tuple[str, str], dict[str, ports.Stub]] = defaultdict(dict)
        carriers = {"carriers": [asked.feed for asked in questions]}
        for row in self._rows(_BY_TITLE, list(titles.values()), carriers):
            by_title[row.carrier, fold_title(row.title)].setdefault(row.id, _stub(row))
        return [
            ports.Known(
                by_key=_asked(keys[place], by_key),
                by_link=_asked(links[place], by_link),
                by_fingerprint=_asked(prints[place], by_print),
                by_title={
                    title: tuple(by_title[asked.feed, title].values())
                    for title in asked.titles
                    if (asked.feed, title) in by_title
                },
            )
            for place, asked in enumerate(questions)
        ]

    def _rows(
        self, statement: Select[*tuple[Any, ...]], wanted: Sequence[object], more: Mapping[str, object] | None = None
    ) -> Iterator[_AnyRow]:
        for part in chunks(wanted):
            yield from self._connection.execute(statement, {"wanted": part, **(more or {})})

    def add(self, articles: Sequence[model.Article], *, has_text: bool = True) -> None:
        if articles:
            self._guard(articles)
            _ADD.write(self._connection, [self._row(article, has_text=has_text) for article in articles])

    def _guard(self, articles: Sequence[model.Article]) -> None:
        """On PostgreSQL two transactions that add one article cannot see each other's: under REPEATABLE READ a key
        that another committed meanwhile is a lost race, so the second runs again. SQLite has one writer."""
        if self._connection.dialect.name != "postgresql":
            return
        keys = {digest(_place(article.link)): article.first_seen for article in articles if article.link}
        keys |= {digest(article.fingerprint): article.first_seen for article in articles}
        # In one order, so that two who share several keys do not wait for each other.
        self._connection.execute(_GUARD, [{"key": key, "at": keys[key]} for key in sorted(keys)])

    def forget_fresh(self, *, before: datetime) -> None:
        self._connection.execute(_FORGET_FRESH, {"before": before})

    def see(self, sightings: Sequence[ports.Sighting], *, at: datetime) -> None:
        times = {"seen_at": at, "stale": at - RENEWED_AFTER}
        rows = [
            {"key": self._digest(item.feed, item.key), "feed": item.feed, "article": item.article, **times}
            for item in sightings
        ]
        _SEE.write(self._connection, rows)

    def _row(self, article: model.Article, *, has_text: bool) -> dict[str, object]:
        return {
            "id": article.id,
            "feed": article.feed,
            "outlet": article.outlet,
            "owner": article.owner,
            "link": article.link,
            "link_key": self._digest(_place(article.link)) if article.link else None,
            "title": article.title,
            "title_key": self._digest(fold_title(article.title)),
            "author": article.author,
            "language": article.language,
            "published": article.published,
            "first_seen": article.first_seen,
            # Only asked for where there is a text.
            "fingerprint": article.fingerprint if has_text else "",
            "version": article.version,
            "is_full_text": article.is_full_text and has_text,
            "has_text": has_text,
            "tags": codec.TEXTS.dump(article.tags) if has_text else "[]",
            "links": codec.TEXTS.dump(article.links) if has_text else "[]",
            "left_out": codec.TEXTS.dump(article.left_out) if has_text and article.left_out else "[]",
            "text": article.text if has_text else "",
        }

    def revise(self, article: model.Article) -> None:
        self._connection.execute(_KEEP_VERSION, {"of_article": article.id})
        row = self._row(article, has_text=True)
        del row["id"]
        self._connection.execute(_REVISE.values(row), {"of_article": article.id})

    def add_matches(self, article: model.ArticleId, matches: Sequence[model.Match]) -> None:
        rows = [
            {
                "article": article,
                "rule": match.rule,
                "rule_version": match.rule_version,
                "evidence": codec.EVIDENCE.dump(match.evidence),
            }
            for match in matches
        ]
        if rows:
            self._connection.execute(_MATCH, rows)

    def get(self, ids: Sequence[model.ArticleId]) -> Mapping[model.ArticleId, model.Article]:
        found = (_article(row) for row in self._rows(_GET, list(dict.fromkeys(ids))))
        return {article.id: article for article in found}

    def find(self, link: str) -> model.Article | None:
        row = self._connection.execute(_FIND, {"of_link": digest(_place(link))}).one_or_none() if link else None
        return None if row is None else _article(row)

    def matches(self, article: model.ArticleId) -> Sequence[model.Match]:
        return self.matches_of([article]).get(article, ())

    def matches_of(self, ids: Sequence[model.ArticleId]) -> Mapping[model.ArticleId, Sequence[model.Match]]:
        """In order of first match; an article without matches is left out."""
        found: defaultdict[model.ArticleId, list[model.Match]] = defaultdict(list)
        for row in self._rows(_MATCHES, ids):
            evidence = codec.EVIDENCE.load(row.evidence)
            match = model.Match(rule=row.rule, rule_version=row.rule_version, evidence=evidence)
            found[model.ArticleId(row.article)].append(match)
        return found

    def archive(self, *, since: datetime) -> Iterator[model.Article]:
        options = {"yield_per": _AHEAD}
        # Closed with the generator: PostgreSQL's cursor lives on the server.
        with self._connection.execute(_ARCHIVE, {"since": since}, execution_options=options) as rows:
            yield from map(_article, rows)

    def count(self, *, since: datetime | None = None) -> int:
        if since is None:
            return self._connection.execute(_COUNT).scalar_one()
        return self._connection.execute(_COUNT_SINCE, {"since": since}).scalar_one()

    def new_by_day(self, *, since: datetime) -> Sequence[ports.DayCount]:
        return self._by_day(_NEW_BY_DAY, since)

    def matched_by_day(self, *, since: datetime) -> Sequence[ports.DayCount]:
        return self._by_day(_MATCHED_BY_DAY, since)

    def _by_day(self, statement: Select[*tuple[Any, ...]], since: datetime) -> Sequence[ports.DayCount]:
        rows = self._connection.execute(statement, {"since": since})
        return [ports.DayCount(name=row[0], day=_FIRST_DAY + timedelta(days=row[1]), count=row[2]) for row in rows]


def _place(link: str) -> str:
    """What all forms of a link share; a front page, whose forms share nothing, is itself."""
    return link_key(link) or link


def _all(asked: Sequence[Mapping[str, T]]) -> Sequence[T]:
    """What all questions ask for, each once."""
    return list(dict.fromkeys(wanted for each in asked for wanted in each.values()))


def _first(rows: Iterable[_AnyRow], key: Callable[[_AnyRow], T]) -> Mapping[T, ports.Stub]:
    found: dict[T, ports.Stub] = {}
    for row in rows:
        name = key(row)
        if name not in found:
            found[name] = _stub(row)
    return found


def _asked(asked: Mapping[str, T], found: Mapping[T, ports.Stub]) -> Mapping[str, ports.Stub]:
    """What was found, under the names by which one question asked."""
    return {name: found[wanted] for name, wanted in asked.items() if wanted in found}


def _stub(row: _AnyRow) -> ports.Stub:
    return ports.Stub(
        id=model.ArticleId(row.id),
        link=row.link,
        title=row.title,
        published=row.published,
        fingerprint=row.fingerprint,
        has_text=row.has_text,
        feed=row.feed,
    )


def _article(row: _AnyRow) -> model.Article:
    return model.Article(
        id=model.ArticleId(row.id),
        feed=row.feed,
        outlet=row.outlet,
        owner=row.owner,
        link=row.link,
        title=row.title,
        text=row.text,
        author=row.author,
        language=row.language,
        tags=codec.TEXTS.load(row.tags),
        published=row.published,
        first_seen=row.first_seen,
        links=codec.TEXTS.load(row.links),
        left_out=codec.TEXTS.load(row.left_out) if row.left_out != "[]" else (),
        fingerprint=row.fingerprint,
        version=row.version,
        is_full_text=row.is_full_text,
    )

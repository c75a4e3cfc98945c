"""Articles, the feeds that carry them, their earlier versions and their matches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import (
    BigInteger,
    BindParameter,
    Column,
    bindparam,
    delete,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.dialects.sqlite import insert

from bot.feeds.links import belongs_to, link_key
from bot.model.archive import ArticleStub, DayCount, IdentityQuery, KnownItems, Sighting
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId
from bot.storage.columns import (
    WANTED,
    AnyRow,
    AnySelect,
    BulkInsert,
    HashBytes,
    Repository,
    Rows,
    Timestamp,
    digest,
    upsert,
)
from bot.storage.schema import articles, fresh_identities, matches, members, sightings, stories, versions
from bot.text.folding import fold_title

#: Maximum articles of one feed with the same link or text in a result, because a hostile feed can store thousands.
OF_ONE_FEED = 20
T = TypeVar("T")
V = TypeVar("V")

ARTICLE = Rows(Article, articles)
_STUB = Rows(ArticleStub, articles)
_MATCH = Rows(Match, matches)
_STUB_COLUMNS = [articles.c[name] for name in _STUB.names]
_WANTED_KEYS: Any = bindparam("wanted", expanding=True, type_=HashBytes)
_OF_CARRIERS = sightings.c.feed.in_(bindparam("carriers", expanding=True))
# If several articles share a link, a fingerprint or a title, the article that was seen first comes first.
OLDEST = (articles.c.first_seen, articles.c.id)

# Each intake uses these statements, so they are built once.
_BY_KEY = (
    select(sightings.c.key, *_STUB_COLUMNS)
    .join(articles, articles.c.id == sightings.c.article)
    .where(sightings.c.key.in_(_WANTED_KEYS))
)
_BY_LINK = select(articles.c.link_key, *_STUB_COLUMNS).where(articles.c.link_key.in_(_WANTED_KEYS)).order_by(*OLDEST)
_BY_FINGERPRINT = select(*_STUB_COLUMNS).where(articles.c.fingerprint.in_(WANTED)).order_by(*OLDEST)
_BY_TITLE = (
    select(sightings.c.feed.label("carrier"), *_STUB_COLUMNS)
    .join(sightings, sightings.c.article == articles.c.id)
    .where(articles.c.title_key.in_(_WANTED_KEYS), _OF_CARRIERS)
    .order_by(*OLDEST)
)
_CARRIED = select(sightings.c.article, sightings.c.feed).where(sightings.c.article.in_(WANTED), _OF_CARRIERS)
_GET = select(articles).where(articles.c.id.in_(WANTED))
_VERSIONS = select(versions).where(versions.c.article.in_(WANTED)).order_by(versions.c.version.desc())
_MATCHES = select(matches).where(matches.c.article.in_(WANTED)).order_by(matches.c.n)
_ADD = BulkInsert(insert(articles).on_conflict_do_nothing(index_elements=[articles.c.id]))
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
_ADD_MATCHES = upsert([matches.c.article, matches.c.rule], ["evidence"])

#: A sighting of the same article is updated only if it is older than this, so that an unchanged feed causes almost no
#: writes.
RENEWED_AFTER = timedelta(days=1)
_FIRST_DAY = date(1970, 1, 1)
#: The day of an article, in whole days since 1970 (UTC). The divisor is a literal, because PostgreSQL would not
#: recognise two uses of the expression as equal if the divisor were a parameter.
_DAY = type_coerce(articles.c.first_seen, BigInteger).op("/", return_type=BigInteger)(literal_column("86400000000"))
#: Number of rows that are read ahead when the archive is read.
_AHEAD = 200


def place_of(link: str) -> str:
    """Return the key that all forms of a link share, or the link itself if there is none (a front page)."""
    return link_key(link) or link


def _all(queries: Sequence[Mapping[str, T]]) -> Sequence[T]:
    """Return the values of all queries, without duplicates."""
    return list(dict.fromkeys(value for by_name in queries for value in by_name.values()))


def _group(rows: Iterable[AnyRow], key: Callable[[AnyRow], T]) -> Mapping[T, Sequence[ArticleStub]]:
    """Return key -> stubs of its rows, in order. Keep at most ``OF_ONE_FEED`` rows of each feed under one key."""
    stubs: defaultdict[T, list[ArticleStub]] = defaultdict(list)
    counts: Counter[tuple[T, str]] = Counter()
    for row in rows:
        name = key(row)
        counts[name, row.feed] += 1
        if counts[name, row.feed] <= OF_ONE_FEED:
            stubs[name].append(_STUB.load(row))
    return stubs


def _select(query: Mapping[str, T], results: Mapping[T, V]) -> Mapping[str, V]:
    """Return name -> result for the values of one query. Names without a result are omitted."""
    return {name: results[value] for name, value in query.items() if value in results}


class Articles(Repository):
    """Articles, the feeds that carry them, their versions and matches."""

    def find_known_items(self, questions: Sequence[IdentityQuery]) -> Sequence[KnownItems]:
        """Return the stored articles for each query, in order. One call is much faster than one for each query."""
        keys = [{key: digest(query.feed, key) for key in query.keys} for query in questions]
        links = [{link: digest(place_of(link)) for link in query.links if link} for query in questions]
        prints = [{value: value for value in query.fingerprints if value} for query in questions]
        titles = {title: digest(title) for query in questions for title in query.titles if title}
        by_key = {row.key: _STUB.load(row) for row in self._rows_in_chunks(_BY_KEY, _all(keys))}
        by_link = _group(self._rows_in_chunks(_BY_LINK, _all(links)), lambda row: row.link_key)
        by_print = _group(self._rows_in_chunks(_BY_FINGERPRINT, _all(prints)), lambda row: row.fingerprint)
        by_title: defaultdict[tuple[str, str], dict[str, ArticleStub]] = defaultdict(dict)
        carriers = [query.feed for query in questions]
        for row in self._rows_in_chunks(_BY_TITLE, list(titles.values()), carriers=carriers):
            by_title[row.carrier, fold_title(row.title)].setdefault(row.id, _STUB.load(row))
        links_known = [_select(query, by_link) for query in links]
        carried = self._carried(questions, links_known)
        return [
            KnownItems(
                by_key=_select(keys[place], by_key),
                by_link=links_known[place],
                by_fingerprint=_select(prints[place], by_print),
                by_title={
                    title: tuple(by_title[query.feed, title].values())
                    for title in query.titles
                    if (query.feed, title) in by_title
                },
                carried=carried[place],
            )
            for place, query in enumerate(questions)
        ]

    def _carried(
        self,
        questions: Sequence[IdentityQuery],
        by_link_results: Sequence[Mapping[str, Sequence[ArticleStub]]],
    ) -> Sequence[Collection[ArticleId]]:
        """Return, for each query, the articles of other feeds that have its links and that its own feed also listed."""
        candidates = [
            # A query without keys is from a first poll, so the feed has listed nothing before.
            {stub.id for stubs in by_link.values() for stub in stubs if stub.feed != query.feed and query.keys}
            for query, by_link in zip(questions, by_link_results, strict=True)
        ]
        article_ids = list(frozenset[ArticleId]().union(*candidates))
        carriers = [query.feed for query in questions]
        carried = {(row.feed, row.article) for row in self._rows_in_chunks(_CARRIED, article_ids, carriers=carriers)}
        return [
            frozenset(id_ for id_ in ids if (query.feed, id_) in carried)
            for query, ids in zip(questions, candidates, strict=True)
        ]

    def add(self, articles: Sequence[Article], *, has_text: bool = True) -> None:
        """Add new articles. Do not change an article whose id already exists."""
        if articles:
            self._guard(articles)
            _ADD.write(self._connection, [self._row(article, has_text=has_text) for article in articles])

    def _guard(self, articles: Sequence[Article]) -> None:
        """If two concurrent transactions add the same article, make the second one run again.

        On PostgreSQL, under REPEATABLE READ, inserting a key that another transaction has just committed fails.
        """
        # SQLite has only one writer, so it needs no guard.
        if self._connection.dialect.name != "postgresql":
            return
        keys = self._guarded(articles)
        # Sort the keys, so that two transactions with several common keys do not deadlock.
        guard = insert(fresh_identities).on_conflict_do_nothing()
        self._connection.execute(guard, [{"key": key, "at": keys[key]} for key in sorted(keys)])

    def _guarded(self, articles: Sequence[Article]) -> Mapping[bytes, datetime]:
        keys = {digest(place_of(article.link)): article.first_seen for article in articles if article.link}
        return keys | {digest(article.fingerprint): article.first_seen for article in articles}

    def are_rivalled(self, articles: Sequence[Article], *, beside: Sequence[Article] = ()) -> bool:
        """Return whether another worker has added an article with the same link or text in the last few minutes.

        If so, identities that were computed earlier may be wrong. Articles in ``beside``, which this worker has added
        itself, do not count.
        """
        if self._connection.dialect.name != "postgresql":
            return False
        keys = self._guarded(articles).keys() - self._guarded(beside).keys()
        rivals = select(fresh_identities.c.key).where(fresh_identities.c.key.in_(_WANTED_KEYS))
        return next(self._rows_in_chunks(rivals, list(keys)), None) is not None

    def forget_fresh(self, *, before: datetime) -> None:
        """Delete old guards against adding an article twice. A guard is needed only for minutes."""
        self._connection.execute(delete(fresh_identities).where(fresh_identities.c.at < before))

    def see(self, sightings: Sequence[Sighting], *, at: datetime) -> None:
        """Record that feeds list articles, perhaps under new ids."""
        times = {"seen_at": at, "stale": at - RENEWED_AFTER}
        rows = [
            {"key": digest(item.feed, item.key), "feed": item.feed, "article": item.article, **times}
            for item in sightings
        ]
        _SEE.write(self._connection, rows)

    def _row(self, article: Article, *, has_text: bool) -> dict[str, object]:
        keys = {
            "link_key": digest(place_of(article.link)) if article.link else None,
            "title_key": digest(fold_title(article.title)),
            "has_text": has_text,
        }
        return ARTICLE.dump(article, **keys) | ({} if has_text else dict(WITHOUT_TEXT))

    def revise(self, article: Article) -> None:
        """Store a new version of an article, and keep the old version in the versions table."""
        columns = [*versions.c.keys()][1:]
        old = select(articles.c.id, *(articles.c[name] for name in columns)).where(
            articles.c.id == article.id, articles.c.has_text
        )
        keep_old = insert(versions).from_select(["article", *columns], old).on_conflict_do_nothing()
        self._connection.execute(keep_old)
        row = self._row(article, has_text=True)
        self._connection.execute(update(articles).where(articles.c.id == article.id).values(row))

    def correct_owners(self, owner_of: Callable[[str, str], str | None], *, since: datetime) -> int:
        """Correct the owners of articles in stories that changed since a time. Return the number of corrected articles.

        ``owner_of(feed, link)`` returns the owner, or None to keep the stored owner.
        """
        in_stories = select(members.c.article).join(stories, stories.c.id == members.c.story)
        in_stories = in_stories.where(stories.c.last_seen >= since)
        columns = (articles.c.id, articles.c.feed, articles.c.link, articles.c.owner)
        rows = self._connection.execute(select(*columns).where(articles.c.id.in_(in_stories))).all()
        owners = ((row, owner_of(row.feed, row.link)) for row in rows)
        wrong = [{"of_article": row.id, "to_owner": owner} for row, owner in owners if owner not in (None, row.owner)]
        if wrong:
            statement = update(articles).where(articles.c.id == bindparam("of_article"))
            self._connection.execute(statement.values(owner=bindparam("to_owner")), wrong)
        return len(wrong)

    def add_matches(self, article: ArticleId, matches: Sequence[Match]) -> None:
        """Add matches of an article. A new match replaces an earlier match of the same rule."""
        if matches:
            self._connection.execute(_ADD_MATCHES, [_MATCH.dump(match, article=article) for match in matches])

    def drop_matches(self, article: ArticleId, rules: Sequence[str]) -> None:
        """Delete the article's matches of some rules."""
        self._connection.execute(delete(matches).where(matches.c.article == article, matches.c.rule.in_(rules)))

    def get(self, ids: Sequence[ArticleId]) -> Mapping[ArticleId, Article]:
        """Return id -> article. Unknown ids are omitted."""
        stored = map(ARTICLE.load, self._rows_in_chunks(_GET, list(dict.fromkeys(ids))))
        return {article.id: article for article in stored}

    def first_versions(self, articles: Iterable[Article]) -> Mapping[ArticleId, Article]:
        """Return id -> article, with the title and text that the article had at first. Unedited ones are omitted."""
        edited = {article.id: article for article in articles if article.version > 1}
        # The rows come newest first, so the oldest row of an article is the one that stays.
        return {
            row.article: replace(edited[row.article], title=row.title, text=row.text)
            for row in self._rows_in_chunks(_VERSIONS, list(edited))
        }

    def find(self, link: str) -> Article | None:
        """Return the article with a link, in any form of the link, or None."""
        if not link:
            return None
        statement = select(articles).where(articles.c.link_key == digest(place_of(link))).limit(OF_ONE_FEED)
        stored = self._values(ARTICLE, statement.order_by(articles.c.has_text.desc(), *OLDEST))
        # If there are several articles, prefer the article from a feed of the link's site.
        return next(
            (article for article in stored if belongs_to(article.link, article.feed)), stored[0] if stored else None
        )

    def matches(self, article: ArticleId) -> Sequence[Match]:
        """Return the matches of an article, in order of first match."""
        return self.matches_of([article]).get(article, ())

    def matches_of(self, ids: Sequence[ArticleId]) -> Mapping[ArticleId, Sequence[Match]]:
        """Return article id -> matches, in order of first match. Articles without matches are omitted."""
        by_article: defaultdict[ArticleId, list[Match]] = defaultdict(list)
        for row in self._rows_in_chunks(_MATCHES, ids):
            by_article[row.article].append(_MATCH.load(row))
        return by_article

    def archive(self, *, since: datetime) -> Iterator[Article]:
        """Yield articles with text that were first seen since a time, oldest first."""
        statement = select(articles).where(articles.c.has_text, articles.c.first_seen >= since).order_by(*OLDEST)
        # Close the cursor together with the generator, because PostgreSQL keeps it on the server.
        with self._connection.execute(statement, execution_options={"yield_per": _AHEAD}) as rows:
            yield from map(ARTICLE.load, rows)

    def count(self, *, since: datetime | None = None) -> int:
        """Return the number of articles that were first seen since a time, or of all articles if ``since`` is None."""
        statement = select(func.count()).select_from(articles)
        if since is not None:
            # Without a condition, SQLite counts the entries of an index without reading them, ten times as fast.
            statement = statement.where(articles.c.first_seen >= since)
        return self._connection.execute(statement).scalar_one()

    def last_of_feed(self, feed: str, *, since: datetime, most: int) -> Sequence[Article]:
        """Return at most ``most`` articles of a feed, with text and first seen since a time, newest first."""
        statement = select(articles).where(articles.c.has_text, articles.c.first_seen >= since, articles.c.feed == feed)
        return self._values(ARTICLE, statement.order_by(articles.c.first_seen.desc(), articles.c.id).limit(most))

    def new_by_day(self, *, since: datetime) -> Sequence[DayCount]:
        """Count the new articles of each feed by day. Days without articles are omitted."""
        return self._by_day(articles.c.feed, select(_DAY).where(articles.c.has_text), since)

    def matched_by_day(self, *, since: datetime) -> Sequence[DayCount]:
        """Count the matched articles of each rule by the day on which they were first seen."""
        return self._by_day(matches.c.rule, select(_DAY).join(matches, matches.c.article == articles.c.id), since)

    def _by_day(self, name: Column[str], of_articles: AnySelect, since: datetime) -> Sequence[DayCount]:
        statement = of_articles.where(articles.c.first_seen >= since).with_only_columns(
            name, _DAY, func.count(), maintain_column_froms=True
        )
        rows = self._connection.execute(statement.group_by(name, _DAY))
        return [DayCount(name=row[0], day=_FIRST_DAY + timedelta(days=row[1]), count=row[2]) for row in rows]


#: Column values of an article whose text is not stored. The fingerprint is empty, because it serves to compare texts.
WITHOUT_TEXT: Mapping[str, object] = {
    "text": "",
    "tags": (),
    "links": (),
    "left_out": (),
    "picture": "",
    "origins": (),
    "fingerprint": "",
    "has_text": False,
    "is_full_text": False,
}

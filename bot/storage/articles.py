"""Articles, the feeds that carry them, their earlier versions and their matches."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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

from bot import model
from bot.feeds.cleaning import fold_title
from bot.feeds.links import link_key
from bot.feeds.outlets import belongs_to
from bot.storage import columns
from bot.storage.columns import BulkInsert, HashBytes, Timestamp, chunks, digest
from bot.storage.schema import articles, fresh_identities, matches, members, sightings, stories, versions

#: Articles of one feed that share a link or a text; a hostile feed can store thousands.
OF_ONE_FEED = 20
_AnyRow: TypeAlias = Row[*tuple[Any, ...]]
T = TypeVar("T")
V = TypeVar("V")

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
OLDEST = (articles.c.first_seen, articles.c.id)

_BY_KEY = (
    select(sightings.c.key, *_STUB)
    .join(articles, articles.c.id == sightings.c.article)
    .where(sightings.c.key.in_(bindparam("wanted", expanding=True, type_=HashBytes)))
)
_BY_LINK = (
    select(articles.c.link_key, *_STUB)
    .where(articles.c.link_key.in_(bindparam("wanted", expanding=True, type_=HashBytes)))
    .order_by(*OLDEST)
)
_BY_FINGERPRINT = (
    select(*_STUB).where(articles.c.fingerprint.in_(bindparam("wanted", expanding=True))).order_by(*OLDEST)
)
_BY_TITLE = (
    select(sightings.c.feed.label("carrier"), *_STUB)
    .join(sightings, sightings.c.article == articles.c.id)
    .where(
        articles.c.title_key.in_(bindparam("wanted", expanding=True, type_=HashBytes)),
        sightings.c.feed.in_(bindparam("carriers", expanding=True)),
    )
    .order_by(*OLDEST)
)
_CARRIED = select(sightings.c.article, sightings.c.feed).where(
    sightings.c.article.in_(bindparam("wanted", expanding=True)),
    sightings.c.feed.in_(bindparam("carriers", expanding=True)),
)


def find_known_items(connection: Connection, questions: Sequence[model.IdentityQuery]) -> Sequence[model.KnownItems]:
    """Return the stored articles for each query, in order."""
    keys = [{key: digest(query.feed, key) for key in query.keys} for query in questions]
    links = [{link: digest(place_of(link)) for link in query.links if link} for query in questions]
    prints = [{value: value for value in query.fingerprints if value} for query in questions]
    titles = {title: digest(title) for query in questions for title in query.titles if title}
    by_key = _first_of_each(rows(connection, _BY_KEY, _all(keys)), lambda row: row.key)
    by_link = _group(rows(connection, _BY_LINK, _all(links)), lambda row: row.link_key)
    by_print = _group(rows(connection, _BY_FINGERPRINT, _all(prints)), lambda row: row.fingerprint)
    by_title: defaultdict[tuple[str, str], dict[str, model.ArticleStub]] = defaultdict(dict)
    carriers = {"carriers": [query.feed for query in questions]}
    for row in rows(connection, _BY_TITLE, list(titles.values()), carriers):
        by_title[row.carrier, fold_title(row.title)].setdefault(row.id, _stub(row))
    links_known = [_select(links[place], by_link) for place in range(len(questions))]
    carried = _carried(connection, questions, links_known)
    return [
        model.KnownItems(
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
    connection: Connection,
    questions: Sequence[model.IdentityQuery],
    by_link_results: Sequence[Mapping[str, Sequence[model.ArticleStub]]],
) -> Sequence[Collection[model.ArticleId]]:
    """Return, for each query, the articles by link from other feeds that its feed has carried."""
    candidates = [
        # A first poll has no ids: the feed has carried nothing yet.
        {stub.id for stubs in by_link.values() for stub in stubs if stub.feed != query.feed and query.keys}
        for query, by_link in zip(questions, by_link_results, strict=True)
    ]
    carriers = {"carriers": [query.feed for query in questions]}
    articles = list(frozenset[model.ArticleId]().union(*candidates))
    carried = {(row.feed, row.article) for row in rows(connection, _CARRIED, articles, carriers)}
    return [
        frozenset(id_ for id_ in ids if (query.feed, id_) in carried)
        for query, ids in zip(questions, candidates, strict=True)
    ]


def rows(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    values: Sequence[object],
    more: Mapping[str, object] | None = None,
) -> Iterator[_AnyRow]:
    """Yield the rows of a statement, in parts whose values fit into one statement."""
    for part in chunks(values):
        yield from connection.execute(statement, {"wanted": part, **(more or {})})


def place_of(link: str) -> str:
    """Return the common key of all forms of a link; a front page has no common key and stays as it is."""
    return link_key(link) or link


def _all(queries: Sequence[Mapping[str, T]]) -> Sequence[T]:
    """Return the values of all queries, without duplicates."""
    return list(dict.fromkeys(value for by_name in queries for value in by_name.values()))


def _first_of_each(rows: Iterable[_AnyRow], key: Callable[[_AnyRow], T]) -> Mapping[T, model.ArticleStub]:
    first: dict[T, model.ArticleStub] = {}
    for row in rows:
        name = key(row)
        if name not in first:
            first[name] = _stub(row)
    return first


def _group(rows: Iterable[_AnyRow], key: Callable[[_AnyRow], T]) -> Mapping[T, Sequence[model.ArticleStub]]:
    """Group rows by key, in order, with at most ``OF_ONE_FEED`` rows of each feed."""
    stubs: dict[T, list[model.ArticleStub]] = {}
    counts: Counter[tuple[T, str]] = Counter()
    for row in rows:
        name = key(row)
        counts[name, row.feed] += 1
        if counts[name, row.feed] <= OF_ONE_FEED:
            stubs.setdefault(name, []).append(_stub(row))
    return stubs


def _select(query: Mapping[str, T], results: Mapping[T, V]) -> Mapping[str, V]:
    """Return the results under the keys of one query."""
    return {name: results[value] for name, value in query.items() if value in results}


def _stub(row: _AnyRow) -> model.ArticleStub:
    return model.ArticleStub(
        id=model.ArticleId(row.id),
        link=row.link,
        title=row.title,
        published=row.published,
        fingerprint=row.fingerprint,
        has_text=row.has_text,
        feed=row.feed,
    )


#: A sighting is renewed at most once a day, so that an unchanged feed costs no writes.
RENEWED_AFTER = timedelta(days=1)
_FIRST_DAY = date(1970, 1, 1)
#: Rows read ahead of an archive's reader.
_AHEAD = 200


_GET = select(articles).where(articles.c.id.in_(bindparam("wanted", expanding=True)))
_FIND = (
    select(articles)
    .where(articles.c.link_key == bindparam("of_link", type_=HashBytes))
    .order_by(articles.c.has_text.desc(), *OLDEST)
    .limit(OF_ONE_FEED)
)
_ARCHIVE = (
    select(articles)
    .where(articles.c.has_text, articles.c.first_seen >= bindparam("since", type_=Timestamp))
    .order_by(*OLDEST)
)
_COUNT = select(func.count()).select_from(articles)
_COUNT_SINCE = _COUNT.where(articles.c.first_seen >= bindparam("since", type_=Timestamp))

#: Whole days since 1970, UTC. The number is a literal, since PostgreSQL would treat two parameters as different.
_DAY = type_coerce(articles.c.first_seen, BigInteger).op("/", return_type=BigInteger)(literal_column("86400000000"))
_LAST_OF_FEED = (
    select(articles)
    .where(
        articles.c.has_text,
        articles.c.first_seen >= bindparam("since", type_=Timestamp),
        articles.c.feed == bindparam("of_feed"),
    )
    .order_by(articles.c.first_seen.desc(), articles.c.id)
    .limit(bindparam("most"))
)
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
_RIVALS = select(fresh_identities.c.key).where(
    fresh_identities.c.key.in_(bindparam("wanted", expanding=True, type_=HashBytes))
)
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

_OPEN_STORIES = select(stories.c.id).where(stories.c.last_seen >= bindparam("since", type_=Timestamp))
_VOICES = select(articles.c.id, articles.c.feed, articles.c.link, articles.c.owner).where(
    articles.c.id.in_(
        select(members.c.article)
        .join(stories, stories.c.id == members.c.story)
        .where(or_(stories.c.id.in_(_OPEN_STORIES), stories.c.merged_into.in_(_OPEN_STORIES)))
    )
)
_SET_OWNER = _REVISE.values(owner=bindparam("to_owner"))

_DROP_MATCHES = delete(matches).where(
    matches.c.article == bindparam("of_article"), matches.c.rule.in_(bindparam("of_rules", expanding=True))
)
_NEW_MATCH = insert(matches)
_MATCH = _NEW_MATCH.on_conflict_do_update(
    index_elements=[matches.c.article, matches.c.rule],
    set_={"rule_version": _NEW_MATCH.excluded.rule_version, "evidence": _NEW_MATCH.excluded.evidence},
)
_MATCHES = select(matches).where(matches.c.article.in_(bindparam("wanted", expanding=True))).order_by(matches.c.n)


class Articles:
    """Articles, the feeds that carry them, their versions and matches."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def find_known_items(self, questions: Sequence[model.IdentityQuery]) -> Sequence[model.KnownItems]:
        """Return the stored articles for each query, in order. One call for several queries costs a fraction."""
        return find_known_items(self._connection, questions)

    def add(self, articles: Sequence[model.Article], *, has_text: bool = True) -> None:
        """Add new articles; an id that exists is left as it is."""
        if articles:
            self._guard(articles)
            _ADD.write(self._connection, [self._row(article, has_text=has_text) for article in articles])

    def _guard(self, articles: Sequence[model.Article]) -> None:
        """On PostgreSQL two transactions that add one article cannot see each other's: under REPEATABLE READ a key
        that another committed in the meantime is a lost race, so the second runs again. SQLite has one writer."""
        if self._connection.dialect.name != "postgresql":
            return
        keys = self._guarded(articles)
        # In one order, so that two who share several keys do not wait for each other.
        self._connection.execute(_GUARD, [{"key": key, "at": keys[key]} for key in sorted(keys)])

    def _guarded(self, articles: Sequence[model.Article]) -> Mapping[bytes, datetime]:
        keys = {digest(place_of(article.link)): article.first_seen for article in articles if article.link}
        return keys | {digest(article.fingerprint): article.first_seen for article in articles}

    def are_rivalled(self, articles: Sequence[model.Article], *, beside: Sequence[model.Article] = ()) -> bool:
        """Return whether another worker has added an article with the same link or text within the last minutes.

        Identities computed earlier may then be wrong. ``beside``: further articles of the computation.
        """
        # SQLite has one writer, which takes in one batch after another.
        if self._connection.dialect.name != "postgresql":
            return False
        keys = self._guarded(articles).keys() - self._guarded(beside).keys()
        rivals = rows(self._connection, _RIVALS, list(keys))
        return next(rivals, None) is not None

    def forget_fresh(self, *, before: datetime) -> None:
        """Delete the guards against adding an article twice; they are needed for minutes only."""
        self._connection.execute(_FORGET_FRESH, {"before": before})

    def see(self, sightings: Sequence[model.Sighting], *, at: datetime) -> None:
        """Record that a feed carries an article, again or under a new id."""
        times = {"seen_at": at, "stale": at - RENEWED_AFTER}
        rows = [
            {"key": digest(item.feed, item.key), "feed": item.feed, "article": item.article, **times}
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
            "link_key": digest(place_of(article.link)) if article.link else None,
            "title": article.title,
            "title_key": digest(fold_title(article.title)),
            "author": article.author,
            "language": article.language,
            "published": article.published,
            "first_seen": article.first_seen,
            # Only asked for where there is a text.
            "fingerprint": article.fingerprint if has_text else "",
            "version": article.version,
            "is_full_text": article.is_full_text and has_text,
            "has_text": has_text,
            "tags": columns.TEXTS.dump(article.tags) if has_text else "[]",
            "links": columns.TEXTS.dump(article.links) if has_text else "[]",
            "left_out": columns.TEXTS.dump(article.left_out) if has_text and article.left_out else "[]",
            "text": article.text if has_text else "",
        }

    def revise(self, article: model.Article) -> None:
        """Store a new version; the old one moves to the versions table."""
        self._connection.execute(_KEEP_VERSION, {"of_article": article.id})
        row = self._row(article, has_text=True)
        del row["id"]
        self._connection.execute(_REVISE.values(row), {"of_article": article.id})

    def correct_owners(self, owner_of: Callable[[str, str], str | None], *, since: datetime) -> int:
        """Correct the owners of articles in stories that changed since a time; return how many were corrected.

        ``owner_of(feed, link)`` returns the owner, or None to keep the stored one.
        """
        rows = self._connection.execute(_VOICES, {"since": since}).all()
        owners = ((row, owner_of(row.feed, row.link)) for row in rows)
        wrong = [{"of_article": row.id, "to_owner": owner} for row, owner in owners if owner not in (None, row.owner)]
        if wrong:
            self._connection.execute(_SET_OWNER, wrong)
        return len(wrong)

    def add_matches(self, article: model.ArticleId, matches: Sequence[model.Match]) -> None:
        """Add matches; a rule that is stored already is left as it is."""
        rows = [
            {
                "article": article,
                "rule": match.rule,
                "rule_version": match.rule_version,
                "evidence": columns.EVIDENCE.dump(match.evidence),
            }
            for match in matches
        ]
        if rows:
            self._connection.execute(_MATCH, rows)

    def drop_matches(self, article: model.ArticleId, rules: Sequence[str]) -> None:
        """Delete the matches of some rules."""
        self._connection.execute(_DROP_MATCHES, {"of_article": article, "of_rules": list(rules)})

    def get(self, ids: Sequence[model.ArticleId]) -> Mapping[model.ArticleId, model.Article]:
        """Return id -> article; unknown ids are omitted."""
        stored = (article_of(row) for row in rows(self._connection, _GET, list(dict.fromkeys(ids))))
        return {article.id: article for article in stored}

    def find(self, link: str) -> model.Article | None:
        """Return the article with a canonical link, in any of its forms."""
        if not link:
            return None
        stored = [article_of(row) for row in self._connection.execute(_FIND, {"of_link": digest(place_of(link))})]
        # Return the article of the link's own site if there are several.
        return next(
            (article for article in stored if belongs_to(article.link, article.feed)), stored[0] if stored else None
        )

    def matches(self, article: model.ArticleId) -> Sequence[model.Match]:
        """Return the matches of an article, ordered by rule."""
        return self.matches_of([article]).get(article, ())

    def matches_of(self, ids: Sequence[model.ArticleId]) -> Mapping[model.ArticleId, Sequence[model.Match]]:
        """Return the matches of each article, in order of first match; articles without matches are omitted."""
        by_article: defaultdict[model.ArticleId, list[model.Match]] = defaultdict(list)
        for row in rows(self._connection, _MATCHES, ids):
            evidence = columns.EVIDENCE.load(row.evidence)
            match = model.Match(rule=row.rule, rule_version=row.rule_version, evidence=evidence)
            by_article[model.ArticleId(row.article)].append(match)
        return by_article

    def archive(self, *, since: datetime) -> Iterator[model.Article]:
        """Yield articles with text that were first seen since a time, oldest first."""
        options = {"yield_per": _AHEAD}
        # Closed with the generator, since PostgreSQL keeps the cursor on the server.
        with self._connection.execute(_ARCHIVE, {"since": since}, execution_options=options) as rows:
            yield from map(article_of, rows)

    def count(self, *, since: datetime | None = None) -> int:
        """Return the number of articles first seen since a time; of all articles if it is None."""
        if since is None:
            return self._connection.execute(_COUNT).scalar_one()
        return self._connection.execute(_COUNT_SINCE, {"since": since}).scalar_one()

    def last_of_feed(self, feed: str, *, since: datetime, most: int) -> Sequence[model.Article]:
        """Return a feed's articles with text that were first seen since a time, newest first."""
        values = {"since": since, "of_feed": feed, "most": most}
        return [article_of(row) for row in self._connection.execute(_LAST_OF_FEED, values)]

    def new_by_day(self, *, since: datetime) -> Sequence[model.DayCount]:
        """Count the new articles of each feed by day; days without articles are omitted."""
        return self._by_day(_NEW_BY_DAY, since)

    def matched_by_day(self, *, since: datetime) -> Sequence[model.DayCount]:
        """Count the articles that each rule matched by day."""
        return self._by_day(_MATCHED_BY_DAY, since)

    def _by_day(self, statement: Select[*tuple[Any, ...]], since: datetime) -> Sequence[model.DayCount]:
        rows = self._connection.execute(statement, {"since": since})
        return [model.DayCount(name=row[0], day=_FIRST_DAY + timedelta(days=row[1]), count=row[2]) for row in rows]


def article_of(row: _AnyRow) -> model.Article:
    """The article of a row that holds the columns of its table."""
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
        tags=columns.TEXTS.load(row.tags),
        published=row.published,
        first_seen=row.first_seen,
        links=columns.TEXTS.load(row.links),
        left_out=columns.TEXTS.load(row.left_out) if row.left_out != "[]" else (),
        fingerprint=row.fingerprint,
        version=row.version,
        is_full_text=row.is_full_text,
    )

"""What the store knows of the items of readings: asked together they cost a fraction."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from sqlalchemy import Connection, Row, Select, bindparam, select

from bot import model, ports
from bot.articles import fold_title, link_key
from bot.storage.columns import HashBytes, chunks, digest
from bot.storage.schema import articles, sightings

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


def known(connection: Connection, questions: Sequence[ports.Question]) -> Sequence[ports.Known]:
    """One answer for each question, in their order."""
    keys = [{key: digest(asked.feed, key) for key in asked.keys} for asked in questions]
    links = [{link: digest(place_of(link)) for link in asked.links if link} for asked in questions]
    prints = [{value: value for value in asked.fingerprints if value} for asked in questions]
    titles = {title: digest(title) for asked in questions for title in asked.titles if title}
    by_key = _first(rows(connection, _BY_KEY, _all(keys)), lambda row: row.key)
    by_link = _each(rows(connection, _BY_LINK, _all(links)), lambda row: row.link_key)
    by_print = _each(rows(connection, _BY_FINGERPRINT, _all(prints)), lambda row: row.fingerprint)
    by_title: defaultdict[tuple[str, str], dict[str, ports.Stub]] = defaultdict(dict)
    carriers = {"carriers": [asked.feed for asked in questions]}
    for row in rows(connection, _BY_TITLE, list(titles.values()), carriers):
        by_title[row.carrier, fold_title(row.title)].setdefault(row.id, _stub(row))
    links_known = [_asked(links[place], by_link) for place in range(len(questions))]
    carried = _carried(connection, questions, links_known)
    return [
        ports.Known(
            by_key=_asked(keys[place], by_key),
            by_link=links_known[place],
            by_fingerprint=_asked(prints[place], by_print),
            by_title={
                title: tuple(by_title[asked.feed, title].values())
                for title in asked.titles
                if (asked.feed, title) in by_title
            },
            carried=carried[place],
        )
        for place, asked in enumerate(questions)
    ]


def _carried(
    connection: Connection, questions: Sequence[ports.Question], found: Sequence[Mapping[str, Sequence[ports.Stub]]]
) -> Sequence[Collection[model.ArticleId]]:
    """Of each question's articles by link, those of other feeds that its feed has carried."""
    others = [
        # A first poll asks for no ids: it has carried nothing yet.
        {stub.id for stubs in by_link.values() for stub in stubs if stub.feed != asked.feed and asked.keys}
        for asked, by_link in zip(questions, found, strict=True)
    ]
    carriers = {"carriers": [asked.feed for asked in questions]}
    wanted = list(frozenset[model.ArticleId]().union(*others))
    carried = {(row.feed, row.article) for row in rows(connection, _CARRIED, wanted, carriers)}
    return [
        frozenset(id_ for id_ in ids if (asked.feed, id_) in carried)
        for asked, ids in zip(questions, others, strict=True)
    ]


def rows(
    connection: Connection,
    statement: Select[*tuple[Any, ...]],
    wanted: Sequence[object],
    more: Mapping[str, object] | None = None,
) -> Iterator[_AnyRow]:
    """In runs that fit one statement."""
    for part in chunks(wanted):
        yield from connection.execute(statement, {"wanted": part, **(more or {})})


def place_of(link: str) -> str:
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


def _each(rows: Iterable[_AnyRow], key: Callable[[_AnyRow], T]) -> Mapping[T, Sequence[ports.Stub]]:
    """All that share a name, in the rows' order; of one feed no more than a few, which a list page can have."""
    found: dict[T, list[ports.Stub]] = {}
    counts: Counter[tuple[T, str]] = Counter()
    for row in rows:
        name = key(row)
        counts[name, row.feed] += 1
        if counts[name, row.feed] <= OF_ONE_FEED:
            found.setdefault(name, []).append(_stub(row))
    return found


def _asked(asked: Mapping[str, T], found: Mapping[T, V]) -> Mapping[str, V]:
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

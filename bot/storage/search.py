"""The archive by its words: SQLite's FTS5 or PostgreSQL's tsvector, whose rows the triggers of migration 0013 keep."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import time
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    bindparam,
    exists,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.exc import DBAPIError

from bot import model, ports
from bot.storage.articles import article_of
from bot.storage.columns import Timestamp, storable
from bot.storage.schema import articles, matches

# Not among the tables that a move copies: the triggers of its target fill these.
_ROWS = Table("search_rows", MetaData(), Column("n", BigInteger, primary_key=True), Column("article", Text))
_INDEX = Table("search_index", MetaData(), Column("rowid", BigInteger), Column("search_index", Text))

#: Rows read ahead of whoever looks through them.
_AHEAD = 50
#: Numbers count up as articles come, nearly in the order of their times: of so many neighbours in time the least (or
#: greatest) bounds the numbers of all later (or earlier) ones.
_NEIGHBOURS = 500
#: SQLite's own steps between two looks at the clock.
_STEPS = 20_000
#: query_canceled (PostgreSQL, appendix A).
_CANCELLED = "57014"

_COLUMNS = {None: "{title body}", "title": "title", "body": "body", "source": "source"}
_WEIGHTS = {None: "AB", "title": "A", "body": "B", "source": "C"}
#: What the function search_words of PostgreSQL takes for no part of a word.
_BETWEEN_WORDS = re.compile(
    "[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7"
    "\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020"
    "\uff01-\uff0f]+"
)
_ACCENTS = re.compile("[\u0300-\u036f]")

_WORDS: Any = bindparam("words")
_CANDIDATES = select(_ROWS.c.n, articles).join(articles, articles.c.id == _ROWS.c.article).order_by(_ROWS.c.n.desc())
_FTS5 = (
    select(_ROWS.c.n, articles)
    .select_from(_INDEX)
    .join(_ROWS, _ROWS.c.n == _INDEX.c.rowid)
    .join(articles, articles.c.id == _ROWS.c.article)
    .where(_INDEX.c.search_index.op("MATCH")(_WORDS))
    .order_by(_INDEX.c.rowid.desc())
)
_TSVECTOR = _CANDIDATES.where(
    literal_column("search_rows.words").op("@@")(func.to_tsquery(literal_column("'simple'"), _WORDS, type_=TSQUERY))
)
_TIMES = select(_ROWS.c.n).join(articles, articles.c.id == _ROWS.c.article).where(articles.c.has_text)


class Search:
    """Implements ports.Search over one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._is_sqlite = connection.dialect.name == "sqlite"

    def candidates(self, wanted: ports.Wanted, *, within: timedelta) -> Iterator[ports.Candidate]:
        with self._limited(within):
            statement = self._statement(wanted)
            if statement is None:
                return
            # Closed with the generator: PostgreSQL's cursor lives on the server.
            with self._connection.execute(statement, execution_options={"yield_per": _AHEAD}) as found:
                for row in found:
                    yield ports.Candidate(number=row.n, article=article_of(row))

    def _statement(self, wanted: ports.Wanted) -> Select[Any] | None:
        """None: there is nothing in the time that is asked for."""
        number = _ROWS.c.n
        statement: Select[Any] = _CANDIDATES
        if wanted.condition is not None and self._is_sqlite:
            statement, number = _FTS5.params(words=_fts5(wanted.condition)), _INDEX.c.rowid
        elif wanted.condition is not None:
            statement = _TSVECTOR.params(words=_tsquery(wanted.condition))
        if wanted.rule is not None:
            of_rule = matches.c.rule == storable(wanted.rule)
            # With words each candidate is looked up; without, the few that the rule matched are the candidates.
            statement = statement.where(
                exists().where(matches.c.article == articles.c.id, of_rule)
                if wanted.condition is not None
                else articles.c.id.in_(select(matches.c.article).where(of_rule))
            )
        if wanted.before is not None:
            statement = statement.where(number < wanted.before)
        if wanted.since is not None:
            least = self._bound(wanted.since, is_least=True)
            if least is None:
                return None
            statement = statement.where(number >= least, articles.c.first_seen >= wanted.since)
        if wanted.until is not None:
            greatest = self._bound(wanted.until, is_least=False)
            if greatest is None:
                return None
            statement = statement.where(number <= greatest, articles.c.first_seen < wanted.until)
        return statement

    def _bound(self, when: datetime, *, is_least: bool) -> int | None:
        time_ = bindparam("when", when, type_=Timestamp)
        near = (
            _TIMES.where(articles.c.first_seen >= time_).order_by(articles.c.first_seen)
            if is_least
            else _TIMES.where(articles.c.first_seen < time_).order_by(articles.c.first_seen.desc())
        )
        numbers = near.limit(_NEIGHBOURS).subquery()
        found: int | None = self._connection.execute(
            select((func.min if is_least else func.max)(numbers.c.n))
        ).scalar_one()
        return found

    @contextlib.contextmanager
    def _limited(self, within: timedelta) -> Iterator[None]:
        try:
            with self._sqlite_clock(within) if self._is_sqlite else self._postgres_clock(within):
                yield
        except DBAPIError as error:
            if not _is_cancelled(error):
                raise
            raise ports.SearchTooLong(
                f"searching took longer than {model.show_duration(within)}: name rarer words, or a shorter time"
            ) from None

    @contextlib.contextmanager
    def _sqlite_clock(self, within: timedelta) -> Iterator[None]:
        driver: Any = self._connection.connection.driver_connection
        ends_at = time.monotonic() + within.total_seconds()
        driver.set_progress_handler(lambda: time.monotonic() > ends_at, _STEPS)
        try:
            yield
        finally:
            driver.set_progress_handler(None, 0)

    @contextlib.contextmanager
    def _postgres_clock(self, within: timedelta) -> Iterator[None]:
        milliseconds = int(within.total_seconds() * 1_000)
        self._connection.exec_driver_sql(f"SET LOCAL statement_timeout = {milliseconds}")
        try:
            yield
        finally:
            # After a failure the transaction is over, and the limit with it.
            with contextlib.suppress(DBAPIError):
                self._connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def _is_cancelled(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return error.orig.sqlite_errorcode & 0xFF == sqlite3.SQLITE_INTERRUPT
    return getattr(error.orig, "sqlstate", None) == _CANCELLED


def _fts5(condition: ports.Condition) -> str:
    """The condition as FTS5 writes it (sqlite.org/fts5.html)."""
    match condition:
        case ports.AllOf(parts, others):
            # NOT binds closest there, and takes what is before it.
            return (
                "(" * len(others)
                + f"({' AND '.join(map(_fts5, parts))})"
                + "".join(f" NOT {_fts5(other)})" for other in others)
            )
        case ports.AnyOf(parts):
            return f"({' OR '.join(map(_fts5, parts))})"
        case ports.Term():
            words = [_quoted(word) for word in condition.words]
            words[-1] += " *" if condition.is_prefix else ""
            near = [f"NEAR({first} {second}, 1)" for first, second in pairwise(words)] or words
            return f"({_COLUMNS[condition.field]} : ({' AND '.join(near)}))"


def _quoted(word: str) -> str:
    return '"' + storable(word).replace('"', " ") + '"'


def _tsquery(condition: ports.Condition) -> str:
    """The condition as PostgreSQL writes it (its documentation, 8.11.2)."""
    match condition:
        case ports.AllOf(parts, others):
            return f"({' & '.join([*map(_tsquery, parts), *(f'!{_tsquery(other)}' for other in others)])})"
        case ports.AnyOf(parts):
            return f"({' | '.join(map(_tsquery, parts))})"
        case ports.Term():
            words = [each for word in condition.words for each in _folded(word)]
            weight = _WEIGHTS[condition.field]
            marked = [f"'{word}':{weight}" for word in words]
            marked[-1] += "*" if condition.is_prefix else ""
            near = [f"({a} <-> {b} | {a} <2> {b})" for a, b in pairwise(marked)] or marked
            return f"({' & '.join(near)})"


def _folded(word: str) -> list[str]:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", storable(word).lower()))
    return _BETWEEN_WORDS.sub(" ", plain).split()

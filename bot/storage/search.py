"""Search the archive with SQLite's FTS5 or PostgreSQL's tsvector. Triggers update the index (schema.py)."""

from __future__ import annotations

import contextlib
import sqlite3
import time
import unicodedata
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError

from bot.durations import format_duration
from bot.model.archive import AllOf, AnyOf, CandidateQuery, SearchCandidate, SearchCondition, SearchTerm
from bot.model.errors import SearchTooLong
from bot.patterns import LazyPattern
from bot.storage.articles import ARTICLE
from bot.storage.columns import Repository, storable
from bot.storage.decision_queue import KeyValueTable
from bot.storage.schema import SQLITE_SEARCH_TABLES, articles, matches

# These tables are not in the schema's metadata, so that a move does not copy them. The target's triggers fill them.
_ROWS = Table(
    "search_rows", MetaData(), Column("n", BigInteger, primary_key=True), Column("article", Text), Column("words", Text)
)
_INDEX = Table("search_index", MetaData(), Column("rowid", BigInteger), Column("search_index", Text))

#: The driver reads rows ahead: a few at first, later up to this number.
_AHEAD = {"stream_results": True, "max_row_buffer": 400}
#: Row numbers follow the articles' times only roughly. The lowest number of a period is therefore the minimum of this
#: many articles after its start, and the highest number is the maximum of as many articles before its end.
_NEIGHBOURS = 500
#: Number of rows in a window. PostgreSQL scans windows of the newest rows (about 5 microseconds a row) before it uses
#: its index, which returns all rows with a word at once: for a common word, nearly the whole archive.
_WINDOW = 2_000
#: If a scanned window has fewer matches than this, the index is faster than scanning another window.
_COMMON = 200
#: If a rule has fewer matches than this, a search within the rule scans its matches. Otherwise the search starts with
#: the words.
_FEW = 1_000
#: Number of SQLite's internal steps between two checks of the time limit.
_STEPS = 20_000
#: The code query_canceled (PostgreSQL's documentation, appendix A).
_CANCELLED = "57014"

_COLUMNS = {None: "{title body}", "title": "title", "body": "body", "source": "source"}
_WEIGHTS = {None: "AB", "title": "A", "body": "B", "source": "C"}
#: Characters that PostgreSQL's function search_words does not treat as part of a word.
_BETWEEN_WORDS = LazyPattern(
    "[\u0001-\u002f\u003a-\u0040\u005b-\u0060\u007b-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7"
    "\u060c\u061b\u061f\u06d4\u0964\u0965\u2000-\u206f\u20a0-\u20cf\u2190-\u2bff\u3000-\u3004\u3008-\u3020"
    "\uff01-\uff0f]+"
)
_ACCENTS = LazyPattern("[\u0300-\u036f]")
#: A word in a tsquery.
_WORD = LazyPattern("'([^']+)'")
#: A tsquery without phrases, whose words are all searched in headline and text (weights A and B).
_SINGLE_WORDS = LazyPattern(r"(?:[()|& ]|'[^']+':AB\*?)+")

_WORDS: Any = bindparam("words")
_CANDIDATES = select(_ROWS.c.n, articles).join(articles, articles.c.id == _ROWS.c.article).order_by(_ROWS.c.n.desc())
_FOUND = exists().where(_INDEX.c.search_index.op("MATCH")(_WORDS), _INDEX.c.rowid == _ROWS.c.n)
_FTS5 = (
    select(_ROWS.c.n, articles)
    .select_from(_INDEX)
    .join(_ROWS, _ROWS.c.n == _INDEX.c.rowid)
    .join(articles, articles.c.id == _ROWS.c.article)
    .where(_INDEX.c.search_index.op("MATCH")(_WORDS))
    .order_by(_INDEX.c.rowid.desc())
)
_TIMES = select(_ROWS.c.n).join(articles, articles.c.id == _ROWS.c.article).where(articles.c.has_text)


#: The key of the note that the index was emptied and is not complete yet.
_INCOMPLETE = "search index incomplete"
_ADD_ROW = text("INSERT INTO search_rows (article) VALUES (:article)")
_ADD_WORDS = text(
    "INSERT INTO search_index (rowid, title, body, source) SELECT n, title, text, outlet"
    " FROM search_rows JOIN articles ON articles.id = search_rows.article WHERE article = :article"
)


class Search(Repository):
    """The full-text search of the archive."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._is_sqlite = connection.dialect.name == "sqlite"

    def is_sound(self) -> bool:
        """Return whether SQLite's index is what its articles made it, as far as the index itself shows."""
        try:
            with self._connection.begin_nested():
                self._connection.exec_driver_sql("INSERT INTO search_index (search_index) VALUES ('integrity-check')")
                self._connection.execute(select(func.max(_ROWS.c.n)))
        except DBAPIError:
            return False
        return True

    def reset(self) -> None:
        """Build a damaged index again. SQLite's is emptied and marked as incomplete."""
        if not self._is_sqlite:
            self._connection.exec_driver_sql("REINDEX TABLE search_rows")
            return
        # A damaged structure keeps SQLite from opening the index at all, and so from dropping it. So put the tables of
        # an empty one in their places (sqlite.org/fts5.html, "Internal Tables").
        with contextlib.closing(sqlite3.connect(":memory:")) as empty:
            for statement in SQLITE_SEARCH_TABLES:
                empty.execute(statement)
            tables = empty.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name != 'search_index'"
            )
            for name, sql in tables.fetchall():
                self._connection.exec_driver_sql(f"DROP TABLE IF EXISTS {name}")
                self._connection.exec_driver_sql(sql)
                for row in empty.execute(f"SELECT * FROM {name}"):  # noqa: S608 - our own names
                    self._connection.exec_driver_sql(f"INSERT INTO {name} VALUES ({', '.join('?' * len(row))})", row)  # noqa: S608
        KeyValueTable(self._connection).put(_INCOMPLETE, "yes")

    def is_incomplete(self) -> bool:
        """Return whether ``reset`` emptied the index and ``fill`` has not filled it yet."""
        return bool(KeyValueTable(self._connection).get(_INCOMPLETE))

    def fill(self, *, limit: int) -> None:
        """Add the oldest ``limit`` articles that are missing in the index. When none is missing, it is complete."""
        is_indexed = exists().where(_ROWS.c.article == articles.c.id)
        missing = select(articles.c.id).where(articles.c.has_text, ~is_indexed).order_by(articles.c.first_seen)
        ids = self._connection.execute(missing.limit(limit)).scalars().all()
        for article in ids:
            self._connection.execute(_ADD_ROW, {"article": article})
            self._connection.execute(_ADD_WORDS, {"article": article})
        if len(ids) < limit:
            KeyValueTable(self._connection).put(_INCOMPLETE, "")

    def candidates(self, query: CandidateQuery, within: timedelta) -> Iterator[SearchCandidate]:
        """Yield candidates for a query, newest first. Raises SearchTooLong if this takes longer than ``within``."""
        with self._limited(within):
            numbers = self._numbers(query)
            if numbers is None:
                return
            if query.condition is not None and not self._is_sqlite:
                yield from self._in_postgres(query, query.condition, *numbers)
                return
            number = _ROWS.c.n
            statement: Select[Any] = _CANDIDATES
            if query.rule is not None and (query.condition is None or self._has_few(query.rule)):
                # The rule's matches are the candidates. If the query also has words, the matches are few.
                statement = statement.where(articles.c.id.in_(_of_rule(query.rule)))
                if query.condition is not None:
                    statement = statement.where(_FOUND).params(words=_fts5(query.condition))
            elif query.condition is not None:
                statement, number = _FTS5.params(words=_fts5(query.condition)), _INDEX.c.rowid
            least, greatest = numbers
            statement = statement if least is None else statement.where(number >= least)
            statement = statement if greatest is None else statement.where(number <= greatest)
            yield from self._rows(statement.where(*_bounds(query)))

    def _rows(self, statement: Select[Any]) -> Iterator[SearchCandidate]:
        # Close the cursor together with the generator, because PostgreSQL keeps it on the server.
        with self._connection.execute(statement, execution_options=_AHEAD) as rows:
            for row in rows:
                yield SearchCandidate(number=row.n, article=ARTICLE.load(row))

    def _in_postgres(
        self, query: CandidateQuery, condition: SearchCondition, least: int | None, greatest: int | None
    ) -> Iterator[SearchCandidate]:
        """Yield candidates, with a query plan that is chosen here.

        PostgreSQL's planner would scan the whole archive, because it assumes that all rare words are equally frequent
        and that comparing words costs almost nothing.
        """
        exact = _tsquery(condition)
        least = least or 0
        if greatest is None:
            greatest = self._connection.execute(select(func.max(_ROWS.c.n))).scalar() or 0
        # Adding 0 prevents PostgreSQL from using the index of numbers, so it finds rows by the rule or by their words.
        number = (_ROWS.c.n + 0).label("n")
        if query.rule is not None and self._has_few(query.rule):
            some = and_(_ROWS.c.article.in_(_of_rule(query.rule)), number.between(least, greatest))
            yield from self._rows(_tsvector(number, some, exact, query))
            return
        count = _COMMON
        while count >= _COMMON and greatest >= least:
            below = max(least, greatest - _WINDOW + 1)
            recent = _ROWS.c.n.between(below, greatest)
            count = 0
            for candidate in self._rows(_tsvector(_ROWS.c.n, recent, exact, query)):
                count += 1  # noqa: SIM113 - read after the loop
                yield candidate
            if query.rule is not None:
                count = self._count(select(_ROWS.c.n).where(recent, _matches(_ROWS.c.words, exact)))
            greatest = below - 1
        by_index = and_(_matches(_ROWS.c.words, _tsquery(condition, is_exact=False)), number.between(least, greatest))
        yield from self._rows(_tsvector(number, by_index, exact, query, has_words=True))

    def _has_few(self, rule: str) -> bool:
        return self._count(_of_rule(rule)) < _FEW

    def _count(self, rows: Select[Any]) -> int:
        """Return the number of rows, at most ``_WINDOW``."""
        return self._connection.execute(select(func.count()).select_from(rows.limit(_WINDOW).subquery())).scalar_one()

    def _numbers(self, query: CandidateQuery) -> tuple[int | None, int | None] | None:
        """Return the lowest and highest row number (None for no limit), or None if the period has no article."""
        least, greatest = None, None if query.before is None else query.before - 1
        if query.since is not None and (least := self._bound(query.since, is_least=True)) is None:
            return None
        if query.until is not None:
            last = self._bound(query.until, is_least=False)
            if last is None:
                return None
            greatest = last if greatest is None else min(last, greatest)
        return least, greatest

    def _bound(self, when: datetime, *, is_least: bool) -> int | None:
        order = articles.c.first_seen
        neighbours = (
            _TIMES.where(order >= when).order_by(order)
            if is_least
            else _TIMES.where(order < when).order_by(order.desc())
        )
        numbers = neighbours.limit(_NEIGHBOURS).subquery()
        bound = func.min(numbers.c.n) if is_least else func.max(numbers.c.n)
        number: int | None = self._connection.execute(select(bound)).scalar_one()
        return number

    @contextlib.contextmanager
    def _limited(self, within: timedelta) -> Iterator[None]:
        try:
            with self._sqlite_clock(within) if self._is_sqlite else self._postgres_clock(within):
                yield
        except DBAPIError as error:
            if not _is_cancelled(error):
                raise
            raise SearchTooLong(
                f"the search took longer than {format_duration(within)}; use rarer words or a shorter period"
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
        # Turn off compilation, which costs more than it saves for one page, and sequential scans, which are too slow.
        for setting in (f"statement_timeout = {milliseconds}", "jit = off", "enable_seqscan = off"):
            self._connection.exec_driver_sql(f"SET LOCAL {setting}")
        try:
            yield
        finally:
            # Ignore errors, because after a failure the transaction has ended, and the settings with it.
            with contextlib.suppress(DBAPIError):
                for setting in ("statement_timeout = 0", "jit = DEFAULT", "enable_seqscan = DEFAULT"):
                    self._connection.exec_driver_sql(f"SET LOCAL {setting}")


def _of_rule(name: str) -> Select[Any]:
    return select(matches.c.article).where(matches.c.rule == storable(name))


def _bounds(query: CandidateQuery) -> Iterator[ColumnElement[bool]]:
    """Yield the conditions on candidates. The times are needed too, because row numbers follow time only roughly."""
    if query.rule is not None and query.condition is not None:
        yield exists(_of_rule(query.rule).where(matches.c.article == articles.c.id))
    if query.since is not None:
        yield articles.c.first_seen >= query.since
    if query.until is not None:
        yield articles.c.first_seen < query.until


def _matches(column: ColumnElement[Any], words: str) -> ColumnElement[bool]:
    from sqlalchemy.dialects.postgresql import TSQUERY  # slow to import, and only PostgreSQL needs it

    query = func.to_tsquery(literal_column("'simple'"), literal(words), type_=TSQUERY)
    return column.op("@@", return_type=Boolean)(query)


def _tsvector(
    number: ColumnElement[int],
    some: ColumnElement[bool],
    exact: str,
    query: CandidateQuery,
    *,
    has_words: bool = False,
) -> Select[Any]:
    """Return a query for the rows that fulfil ``some`` and match ``exact``, highest number first.

    The offset prevents PostgreSQL from merging the inner and the outer query. ``has_words`` is true if ``some`` ensures
    that the rows contain the words of ``exact``, though perhaps in other fields or positions.
    """
    first = select(number, _ROWS.c.article, _ROWS.c.words).where(some).order_by(number.desc())
    rows = first.offset(0).subquery()
    is_wanted = _matches(rows.c.words, exact)
    if has_words and _SINGLE_WORDS.fullmatch(exact):
        # If the outlet contains no word, the row matches in headline or text. This avoids loading the row's ``words``,
        # which are stored separately and cost as much as the rest of the query.
        outlet = func.lower(articles.c.outlet)
        is_wanted = or_(and_(*(func.strpos(outlet, word) == 0 for word in _WORD.findall(exact))), is_wanted)
    joined = select(rows.c.n, articles).join(articles, articles.c.id == rows.c.article)
    return joined.where(is_wanted, *_bounds(query)).order_by(rows.c.n.desc())


def _is_cancelled(error: DBAPIError) -> bool:
    if isinstance(error.orig, sqlite3.Error):
        return error.orig.sqlite_errorcode & 0xFF == sqlite3.SQLITE_INTERRUPT
    return getattr(error.orig, "sqlstate", None) == _CANCELLED


def _fts5(condition: SearchCondition) -> str:
    """Return the condition in the syntax of FTS5 (sqlite.org/fts5.html)."""
    match condition:
        case AllOf(parts, others):
            # In FTS5, NOT is a binary operator with the highest precedence.
            return (
                "(" * len(others)
                + f"({' AND '.join(map(_fts5, parts))})"
                + "".join(f" NOT {_fts5(other)})" for other in others)
            )
        case AnyOf(parts):
            return f"({' OR '.join(map(_fts5, parts))})"
        case SearchTerm():
            words = [_quoted(word) for word in condition.words]
            words[-1] += " *" if condition.is_prefix else ""
            pairs = [f"NEAR({first} {second}, 1)" for first, second in pairwise(words)] or words
            return f"({_COLUMNS[condition.field]} : ({' AND '.join(pairs)}))"


def _quoted(word: str) -> str:
    return '"' + storable(word).replace('"', " ") + '"'


def _tsquery(condition: SearchCondition, *, is_exact: bool = True) -> str:
    """Return the condition as a tsquery (PostgreSQL's documentation, 8.11.2).

    If ``is_exact`` is false, omit positions, fields and exclusions, so that the index alone can answer the query.
    """
    match condition:
        case AllOf(parts, others):
            excluded = (f"!{_tsquery(other)}" for other in others if is_exact)
            return f"({' & '.join([*(_tsquery(part, is_exact=is_exact) for part in parts), *excluded])})"
        case AnyOf(parts):
            return f"({' | '.join(_tsquery(part, is_exact=is_exact) for part in parts)})"
        case SearchTerm():
            words = [part_of_word for word in condition.words for part_of_word in _folded(word)]
            marked = [f"'{word}'" + f":{_WEIGHTS[condition.field]}" * is_exact for word in words]
            marked[-1] += ("*" if is_exact else ":*") * condition.is_prefix
            pairs = [f"({a} <-> {b} | {a} <2> {b})" for a, b in pairwise(marked)] if is_exact else []
            return f"({' & '.join(pairs or marked)})"


def _folded(word: str) -> list[str]:
    plain = _ACCENTS.sub("", unicodedata.normalize("NFD", storable(word).lower()))
    return _BETWEEN_WORDS.sub(" ", plain).split()

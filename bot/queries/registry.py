"""The base of all queries: parameters, values as JSON, refusals, and how a query runs.

A query is a function that takes an ``Archive`` (one transaction) and its parameters, and returns a frozen value.
Below each function is its entry, a ``Query``, for the API, the assistant tools, the commands, Slack and the pages.
The entry's document class renders the value as JSON.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import KW_ONLY, dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, Protocol, Self, TypeVar, get_type_hints

import msgspec
import pydantic
from msgspec.structs import replace

from bot import config, keys, rules
from bot.aio import Failure
from bot.durations import Clock, is_recent
from bot.model.archive import DayCount
from bot.model.errors import CannotAct, SearchTooLong, WirewatchError
from bot.rules import errors, search

if TYPE_CHECKING:
    from bot import storage
    from bot.pipeline.turn import Turn

T = TypeVar("T")

# -- refusals


class RefusalKind(StrEnum):
    """The kind of a refusal."""

    #: The requested thing does not exist.
    NOT_FOUND = "not found"
    #: A parameter is unknown, or its value has the wrong type.
    MALFORMED = "malformed"
    #: The parameters have the right types, but the query cannot be understood or carried out.
    UNUSABLE = "cannot be answered"
    #: The answer would take too long.
    TOO_LONG = "takes too long"


class Mistake(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake in a query, with its position."""

    #: The parameter or key that contains the mistake.
    where: str
    message: str
    help: str | None = None
    #: Index of the mistake's first character in the value; None if the position is unknown.
    start: int | None = None
    #: Index after the mistake's last character.
    end: int | None = None


class Refused(WirewatchError):
    """A query was refused. The text is meant for people."""

    def __init__(self, kind: RefusalKind, text: str, *mistakes: Mistake) -> None:
        super().__init__(text)
        self.kind = kind
        self.mistakes = mistakes


def unusable(where: str, text: str) -> Refused:
    """Return a refusal for a parameter that cannot be used."""
    return Refused(RefusalKind.UNUSABLE, text, Mistake(where=where, message=text))


def unknown_rule(name: str, settings: config.Settings) -> Refused:
    """Return a refusal for a name that no loaded rule has."""
    text = f'no loaded rule is named "{name}"'
    advice = errors.help_with_unknown_name(name, [entry.rule.name for entry in settings.rules], refused=settings.off)
    return Refused(RefusalKind.NOT_FOUND, f"{text}; {advice}", Mistake(where="rule", message=text, help=advice))


def find_rule(name: str, settings: config.Settings) -> rules.CompiledRule:
    """Return the loaded rule of this name. Raises Refused."""
    entry = next((entry for entry in settings.rules if entry.rule.name == name), None)
    if entry is None:
        raise unknown_rule(name, settings)
    return entry


@contextmanager
def refuse_query_errors(where: str, written: str) -> Iterator[None]:
    """Turn the QueryError of a query into a refusal with the position of the mistake."""
    try:
        yield
    except rules.QueryError as error:
        mistake = Mistake(where=where, message=error.message, help=error.help, start=error.start, end=error.end)
        raise Refused(RefusalKind.UNUSABLE, search.render_mistake(written, error), mistake) from None


# -- parameters

#: Maximum number of entries on a page.
MOST = 100
#: Default number of entries on a page.
USUAL = 20


class Parameters(pydantic.BaseModel):
    """The parameters of one query. Unknown parameters are refused."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")


def _whole(value: object) -> object:
    # Refuse "1.0" and " 1 ", which pydantic accepts but the schema does not allow.
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, bool) or (isinstance(value, str) and not (value.isascii() and value.isdigit())):
        raise ValueError("a whole number is needed")
    return value


class _WithoutNull:
    """Removes null from the schema of an optional parameter, because an address cannot contain null."""

    def __get_pydantic_json_schema__(
        self, core_schema: Mapping[str, Any], handler: pydantic.GetJsonSchemaHandler
    ) -> dict[str, Any]:
        schema: dict[str, Any]
        (schema,) = (part for part in handler(core_schema)["anyOf"] if part != {"type": "null"})
        return schema


#: A parameter in the address. It is None if the address omits it.
Omittable = Annotated[T | None, _WithoutNull()]
Whole = pydantic.BeforeValidator(_whole)
#: The schema's pattern for durations. The parser also accepts some others, such as 1.5 hours.
DURATION = r"[1-9][0-9]{0,2} ?(s|sec|second|m|min|minute|h|hr|hour|d|day|w|week)s?"
_DAY = r"[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
# A longer name might not fit into the head of a request, where one character may take twelve bytes.
Name = Annotated[str, pydantic.Field(min_length=1, max_length=300)]
#: The id or the name of one thing.
Id = Annotated[str, pydantic.Field(min_length=1)]
When = Annotated[
    str,
    pydantic.Field(
        min_length=1,
        max_length=40,
        examples=["30d", "2026-11-30"],
        json_schema_extra={"pattern": f"^({_DAY}|{DURATION})$"},
    ),
]


def cursor(pattern: str) -> Any:
    """Return the type of an ``after`` parameter that accepts cursors of this pattern."""
    text = Annotated[str, pydantic.Field(min_length=1, max_length=100, json_schema_extra={"pattern": f"^{pattern}$"})]
    return Annotated[text | None, _WithoutNull(), pydantic.Field(description="The `after` of the previous page.")]


class PagedParameters(Parameters):
    """The parameters of a query that is answered in pages."""

    limit: Annotated[int, pydantic.Field(ge=1, le=MOST, description="Maximum entries of a page."), Whole] = USUAL
    after: cursor("[0-9]{1,18}") = None  # type: ignore[valid-type]

    @property
    def number_after(self) -> int | None:
        """The number in the cursor, or None if there is no cursor. Raises Refused."""
        if self.after is None:
            return None
        if not (self.after.isascii() and self.after.isdigit() and len(self.after) < 19):
            raise invalid_cursor()
        return int(self.after)


def invalid_cursor() -> Refused:
    """Return a refusal for an invalid cursor."""
    return unusable("after", "this is not a valid cursor: use `after` of the previous page")


def parse_time(where: str, written: str | None, now: datetime) -> datetime | None:
    """Parse a day, or a duration that ends at ``now``. Raises Refused."""
    try:
        return search.parse_moment(written, now) if written else None
    except ValueError as error:
        raise unusable(where, str(error)) from None


P = TypeVar("P", bound=Parameters)


def read_parameters(kind: type[P], values: object) -> P:
    """Parse the parameters of a query. Raises Refused, which lists every mistake."""
    try:
        return kind.model_validate(values)
    except pydantic.ValidationError as error:
        names = [field.alias or name for name, field in kind.model_fields.items()]
        raise malformed(names, error.errors(include_url=False, include_input=False)) from None


def malformed(names: Sequence[str], details: Iterable[Any]) -> Refused:
    """Return a refusal for parameters with these errors of pydantic. ``names`` are the valid parameters."""
    mistakes = [_mistake(detail, names) for detail in details]
    texts = (": ".join(filter(None, (item.where, item.message))) for item in mistakes)
    advice = (f"{text}; {item.help}" if item.help else text for text, item in zip(texts, mistakes, strict=True))
    return Refused(RefusalKind.MALFORMED, "; ".join(advice), *mistakes)


def _mistake(detail: Any, names: Sequence[str]) -> Mistake:
    path = [str(part) for part in detail["loc"]]
    advice = None
    if detail["type"] == "extra_forbidden":
        message = (
            f"unknown parameter; valid parameters are {', '.join(names)}" if names else "no parameter is valid here"
        )
        advice = keys.did_you_mean(path[-1], names) or None
    elif not path:
        message = "a JSON object is needed"
    else:
        own = _MESSAGES.get(detail["type"])
        message = own.format_map(detail.get("ctx", {})) if own else detail["msg"]
    return Mistake(where=".".join(path), message=message, help=advice)


#: pydantic's type of error -> our own message, which pydantic's values complete. Other types keep pydantic's message.
_MESSAGES = {
    "missing": "this parameter is required",
    "string_too_short": "this parameter must not be empty",
    "string_too_long": "at most {max_length:,} characters",
    "too_long": "at most {max_length:,} entries",
    "too_short": "at least {min_length} entry",
    "greater_than_equal": "at least {ge}",
    "less_than_equal": "at most {le}",
    "enum": "one of {expected}",
    "literal_error": "one of {expected}",
    "value_error": "{error}",
    "int_type": "a whole number is needed",
    "string_type": "a text is needed",
    "list_type": "a list is needed",
    "tuple_type": "a list is needed",
    "dict_type": "a JSON object is needed",
}


# -- values as JSON

Time = Annotated[
    datetime,
    pydantic.PlainSerializer(datetime.isoformat, return_type=str),
    pydantic.WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Document(pydantic.BaseModel):
    """One JSON object; every key is always present.

    Text from articles, feeds and their servers is untrusted and unchanged.
    """

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", from_attributes=True)

    @classmethod
    def of(cls, value: Any) -> Self:
        """Return the document of a query's value. By default, copy the attributes that have the names of fields."""
        return cls.model_validate(value)


def fields_of(value: object, shape: type[Document]) -> dict[str, Any]:
    """Return the attributes of ``value`` whose names are fields of ``shape``."""
    return {name: getattr(value, name) for name in shape.model_fields if hasattr(value, name)}


class ProblemDocument(Document):
    """One problem that ``wirewatch check`` reports. Lines and columns count from 1; 0 means the whole file."""

    severity: str
    file: str
    line: int
    column: int
    rule: str | None
    code: str
    message: str
    help: str | None


# -- what a query reads

_RENDERING = ThreadPoolExecutor(2, "render")


async def render(make: Callable[[], T]) -> T:
    """Call ``make`` on a rendering thread, so that a long answer does not delay the event loop; return its result."""
    return await asyncio.get_running_loop().run_in_executor(_RENDERING, make)


class Watched(Protocol):
    """The parts of the running bot that pages and programs may read.

    Do not keep ``settings``, because a reload replaces it.
    """

    @property
    def settings(self) -> config.Settings:
        """The settings in force."""

    @property
    def store(self) -> storage.Store:
        """The bot's store."""

    @property
    def clock(self) -> Clock:
        """The bot's clock."""

    @property
    def loaded_at(self) -> datetime:
        """Time at which the configuration was last loaded, with or without problems."""

    @property
    def failures(self) -> Sequence[Failure]:
        """The long-lived tasks and the stages of deciding that fail now; empty outside the running bot."""


#: Number of days for which each feed's new articles are counted.
FEED_DAYS = 14
#: Period over which each rule's matches are counted.
LAST_MATCH = timedelta(days=90)
#: Time for which daily counts are reused.
COUNTS_LAST = timedelta(minutes=1)

ByDay = Mapping[str, Mapping[date, int]]


def by_day(counts: Sequence[DayCount]) -> ByDay:
    """Group the counts by name, then by day."""
    grouped: defaultdict[str, dict[date, int]] = defaultdict(dict)
    for entry in counts:
        grouped[entry.name][entry.day] = entry.count
    return grouped


def total_count(counts: ByDay) -> Mapping[date, int]:
    """Add up the counts of all names, by day."""
    totals: Counter[date] = Counter()
    for days in counts.values():
        totals.update(days)
    return totals


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """The daily numbers of new articles of each feed, and of matched articles of each rule, counted at ``at``."""

    at: datetime
    feeds: ByDay
    rules: ByDay


class DayCounts:
    """Reads the daily counts, and reuses them for a minute."""

    def __init__(self) -> None:
        self._counts: Counts | None = None

    def read(self, tx: storage.Transaction, now: datetime) -> Counts:
        """Return the counts, at most ``COUNTS_LAST`` old."""
        counts = self._counts
        if counts is None or not is_recent(counts.at, COUNTS_LAST, now):
            feeds = by_day(tx.articles.new_by_day(since=now - timedelta(days=FEED_DAYS)))
            matched = by_day(tx.articles.matched_by_day(since=now - LAST_MATCH))
            self._counts = counts = Counts(at=now, feeds=feeds, rules=matched)
        return counts


# -- queries


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """The input of a query: a read transaction, the running bot and the time."""

    tx: storage.Transaction
    watched: Watched
    now: datetime
    counts: DayCounts
    #: Time at which this process began to answer queries.
    started_at: datetime
    #: The author of an action.
    by: str = ""
    #: The changes of an action. Only an action has a turn.
    turn: Turn | None = None

    @property
    def settings(self) -> config.Settings:
        """The settings in force."""
        return self.watched.settings

    @property
    def day_counts(self) -> Counts:
        """The daily numbers of new articles of each feed, and of matches of each rule. They may be a minute old."""
        return self.counts.read(self.tx, self.now)

    def refuse_unknown(self, rule: str | None) -> None:
        """Raise Refused if no loaded rule has this name.

        Call this only if a query has no results, because a rule that was removed may still have stories.
        """
        if rule is not None:
            find_rule(rule, self.settings)


V = TypeVar("V")


@dataclass(frozen=True)
class Query(Generic[P, V]):
    """One entry of the registry."""

    #: The name of the tool, and the operation id in the API.
    name: str
    #: The function that answers. It may raise Refused. An action adds its changes to the turn of the archive.
    run: Callable[[Archive, P], V]
    #: The class that renders the value as JSON.
    document: type[Document]
    _: KW_ONLY
    #: The method and the path in the API. Names in braces are parameters. If the path is empty, the API has no route.
    method: Literal["GET", "POST", "DELETE"] = "GET"
    path: str = ""
    status: int = 200
    #: Whether assistants have a tool for the query. An action is never a tool.
    is_tool: bool = False
    #: Whether the value may quote articles, whose text an assistant must not trust.
    is_untrusted: bool = True
    #: Whether the query changes something. In the API, this needs a token with ``may: act``.
    is_action: bool = False
    #: Whether the transaction may take seconds.
    is_long: bool = False
    #: The value to return while too many calls wait. If it is not None, calls of the query run one at a time.
    busy: V | None = None

    @property
    def help(self) -> str:
        """The docstring of the function."""
        return inspect.getdoc(self.run) or ""

    @cached_property
    def parameters(self) -> type[P]:
        """The type of the function's parameters."""
        kind: type[P] = get_type_hints(self.run)["parameters"]
        return kind


#: Maximum concurrent short reads. The store's other reading threads stay free for the bot and for health checks.
READS_AT_ONCE = 2
#: Maximum calls that wait for their turn, of the queries that run one at a time.
MOST_WAITING = 3


class QueryRunner:
    """Runs queries about one bot. Its methods raise Refused or StoreUnavailable."""

    def __init__(self, watched: Watched) -> None:
        self.watched = watched
        self.counts = DayCounts()
        self.started_at = watched.clock.now()
        self._reads = asyncio.Semaphore(READS_AT_ONCE)
        self._one_at_a_time = asyncio.Lock()
        self._waiting = 0

    async def run(self, query: Query[P, V], parameters: P, *, by: str = "") -> V:
        """Return the value of a query; ``by`` is the author of an action."""
        if query.is_action:
            from bot.pipeline import actions  # slow to import, and most commands change nothing

            now = self.watched.clock.now()

            def act(turn: Turn) -> V:
                return query.run(replace(self._archive(turn.tx, by), turn=turn), parameters)

            try:
                return await actions.carry_out(self.watched.store, self.watched.settings, act, now=now)
            except CannotAct as error:
                raise Refused(RefusalKind.UNUSABLE, str(error)) from None
        if query.busy is not None:
            return await self.take_turn(lambda archive: query.run(archive, parameters), query.busy)
        return await self.read(lambda archive: query.run(archive, parameters), is_long=query.is_long)

    async def read(self, work: Callable[[Archive], V], *, is_long: bool = False) -> V:
        """Return the result of ``work`` in one read transaction. Set ``is_long`` if ``work`` may take seconds."""
        store = self.watched.store
        try:
            if is_long:
                return await store.read_long(lambda tx: work(self._archive(tx)))
            async with self._reads:
                return await store.read(lambda tx: work(self._archive(tx)))
        except SearchTooLong as error:
            raise Refused(RefusalKind.TOO_LONG, str(error)) from None

    async def take_turn(self, work: Callable[[Archive], V], busy: V) -> V:
        """Return the result of ``work``, run one at a time. If too many calls wait, return ``busy``."""
        if self._waiting > MOST_WAITING:
            return busy
        self._waiting += 1
        try:
            async with self._one_at_a_time:
                return await self.read(work, is_long=True)
        finally:
            self._waiting -= 1

    def _archive(self, tx: storage.Transaction, by: str = "") -> Archive:
        now, watched = self.watched.clock.now(), self.watched
        return Archive(tx=tx, watched=watched, now=now, counts=self.counts, started_at=self.started_at, by=by)

"""The values of configuration keys that are more than text: durations, sizes, times of day, zones, addresses.

Each parser returns the value, or raises InvalidValue in plain words.
"""

from __future__ import annotations

import difflib
import ipaddress
import re
import zoneinfo
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache
from typing import TYPE_CHECKING, Annotated, ClassVar, TypeVar
from urllib.parse import urlsplit

import pydantic
import pydantic_core

from bot import model

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


_SIZES = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SIZE = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([A-Za-z]*)\s*\Z")
_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})\Z")
_LISTEN = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]*):([0-9]{1,5})\Z")


class InvalidValue(ValueError):
    """A value that cannot be used; the text never repeats a secret."""

    def __init__(self, code: str, text: str, advice: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.help = advice


def find_nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that was probably meant, or None."""
    candidates = list(words)
    folded = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    if (same := folded.get(word.casefold())) and same != word:
        return same
    matches = difflib.get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def did_you_mean(word: str, words: Iterable[str], *, otherwise: str = "") -> str:
    """Return a question with the nearest word, or ``otherwise`` if none is near."""
    nearest = find_nearest(word, words)
    return f'did you mean "{nearest}"?' if nearest else otherwise


def _scalar_text(value: object) -> str:
    if value is None:
        raise InvalidValue("no-value", "no value", "write one after the colon, or remove the key")
    if not isinstance(value, str):
        raise InvalidValue("wrong-kind", f"one value is expected here, not {describe_kind(value)}")
    return value.strip()


def describe_kind(value: object) -> str:
    """Return what a YAML value is, in the words of our messages."""
    match value:
        case None:
            return "nothing"
        case list() | tuple():
            return "a list"
        case dict():
            return "a block of keys"
        case _:
            return "a single value"


def parse_text(value: object) -> str:
    """Return the value as non-empty text. Raises Wrong."""
    written = _scalar_text(value)
    if not written:
        raise InvalidValue("no-value", "the value is empty", "write one, or remove the key")
    return written


def parse_duration(value: object) -> timedelta:
    """Parse "5 minutes" into a positive length of time. Raises Wrong."""
    if isinstance(value, timedelta):
        return value
    try:
        length = model.parse_duration(_scalar_text(value))
    except InvalidValue:
        raise
    except ValueError as error:
        message, _, advice = str(error).partition(": ")
        raise InvalidValue("duration", message, advice and f"write {advice.removeprefix('use ')}") from None
    if length <= timedelta():
        raise InvalidValue("duration", "a length of time must be more than zero")
    return length


def parse_rhythm(value: object) -> timedelta:
    """Parse ``every 2 days``."""
    return parse_duration(value.strip().removeprefix("every ") if isinstance(value, str) else value)


def parse_leads(value: object) -> tuple[timedelta, ...]:
    """Parse ``2 days``, or a list of such times, into distinct times, longest first."""
    if value == []:
        raise InvalidValue("no-value", "an empty list", "write how long before: 2 days, or [7 days, 1 day]")
    times = {parse_duration(item) for item in (value if isinstance(value, list | tuple) else [value])}
    if len(times) > 5:
        raise InvalidValue("duration", "more than five reminders for one deadline", "keep the few that matter")
    return tuple(sorted(times, reverse=True))


def parse_size(value: object) -> int:
    """Parse "10 MB" into bytes. Raises Wrong."""
    match = _SIZE.match(_scalar_text(value))
    factor = _SIZES.get(match[2].lower()) if match else None
    if not match or factor is None:
        raise InvalidValue("size", "a size needs a number and a unit", "write 10 MB or 500 kB")
    return int(float(match[1]) * factor)


def _parse_clock_time(value: str) -> time:
    """Parse "22:30" into a time of day without a zone. Raises Wrong."""
    match = _TIME.match(value.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise InvalidValue("time", f'"{value.strip()}" is not a time of day', "write it as 07:00 or 22:30, up to 23:59")
    return time(int(match[1]), int(match[2]))


def parse_zone(value: object) -> zoneinfo.ZoneInfo:
    """Parse "Asia/Karachi" into a time zone. Raises Wrong."""
    if isinstance(value, zoneinfo.ZoneInfo):
        return value
    name = _scalar_text(value)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        advice = did_you_mean(
            name, sorted(zoneinfo.available_timezones()), otherwise="write Area/City: Asia/Karachi, UTC"
        )
        raise InvalidValue("timezone", f'"{name}" is not a valid time zone', advice) from None


def parse_quiet_hours(value: object) -> tuple[time, time, zoneinfo.ZoneInfo | None]:
    """Parse "22:00 to 07:00 Asia/Karachi" into start, end and zone (None: not written). Raises Wrong."""
    written = _scalar_text(value)
    match = re.match(r"(\S+)\s+to\s+(\S+)(?:\s+(\S+))?\Z", written)
    if not match:
        raise InvalidValue("quiet-hours", "quiet hours need two times", "write 22:00 to 07:00 Asia/Karachi")
    start, end = _parse_clock_time(match[1]), _parse_clock_time(match[2])
    if start == end:
        raise InvalidValue("quiet-hours", "quiet hours begin and end at the same time", "write 22:00 to 07:00")
    return start, end, parse_zone(match[3]) if match[3] else None


def parse_when(value: object) -> tuple[time, zoneinfo.ZoneInfo | None] | None:
    """Parse ``digest 08:00 [zone]`` into its time; ``now`` is None."""
    written = _scalar_text(value)
    if written == "now":
        return None
    match = re.match(r"digest\s+(\S+)(?:\s+(\S+))?\Z", written)
    if not match:
        raise InvalidValue("when", f'"{written}" is not a time to post', "write now or digest 08:00")
    return _parse_clock_time(match[1]), parse_zone(match[2]) if match[2] else None


def parse_until(value: object) -> tuple[datetime, bool]:
    """Parse a moment without a zone; the second value is true for a whole day."""
    written = _scalar_text(value)
    advice = "write year-month-day: 2026-12-31, or 2026-12-31 18:00"
    # Three centuries: other years are mistakes, and a zone could move them out of the range of datetime.
    if not re.fullmatch(r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2})?", written):
        raise InvalidValue("date", f'"{shorten(written)}" is not a date', advice)
    try:
        return datetime.fromisoformat(written), len(written) == len("2026-12-31")
    except ValueError:
        raise InvalidValue("date", f'"{written}" is not a date of the calendar', advice) from None


def end_of_date(date: tuple[datetime, bool], zone: tzinfo) -> datetime:
    """Return the moment at which a date of ``until`` is over; for a whole day, its end."""
    moment, is_day = date
    return ((moment + timedelta(days=1)) if is_day else moment).replace(tzinfo=zone).astimezone(UTC)


def parse_language(value: object) -> str:
    """Parse the code of a language, such as "en". Raises Wrong."""
    written = parse_text(value)
    if not re.fullmatch(r"[a-z]{2,3}", written):
        raise InvalidValue(
            "language", f'"{shorten(written)}" is not the code of a language', "write two letters: en, de, pt"
        )
    return written


def parse_listen(value: object) -> str:
    """Check "127.0.0.1:8080" and return it unchanged. Raises Wrong."""
    written = _scalar_text(value)
    match = _LISTEN.match(written)
    if not match or not 0 <= int(match[2]) <= 65535:
        raise InvalidValue("listen", f'"{written}" is not an address to listen at', "write 127.0.0.1:8080")
    return written


def is_loopback(host: str) -> bool:
    """Return whether a host of ``listen`` is reachable from this machine only."""
    host = host.strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() in ("localhost", "")


def parse_web_address(value: object) -> str:
    """Return an http or https address without credentials, query or fragment. Raises Wrong."""
    written = parse_text(value)
    parts = split_address(written)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or set(written) & set("@?# "):
        raise InvalidValue(
            "address", f'"{shorten(written)}" is not the address of a website', "write https://watch.example.org"
        )
    return written.rstrip("/")


def split_address(written: str) -> tuple[str, str, str] | None:
    """Return scheme in small letters, host name, and network location as written; None if it is not an address."""
    try:
        parts = urlsplit(written)
        _ = parts.port
        return parts.scheme.lower(), parts.hostname or "", parts.netloc
    except ValueError:
        return None


def parse_database(value: object) -> str | model.Secret:
    """Parse a database's address without a password, or the secret that holds it. Raises Wrong."""
    written = parse_text(value)
    if written.startswith(("env:", "file:")):
        try:
            return model.Secret.parse(written)
        except ValueError as error:
            raise InvalidValue("secret", str(error)) from None
    scheme, _, rest = written.partition("://")
    kind = scheme.partition("+")[0]
    if not rest or kind not in ("sqlite", "postgresql"):
        advice = "write sqlite:///data/wirewatch.db or postgresql://user@host/name"
        if kind in ("postgres", "pgsql"):
            advice = "write postgresql:// instead of " + kind + "://"
        raise InvalidValue("database", "this is not the address of a database that Wirewatch supports", advice)
    if kind == "sqlite" and not rest.startswith("/"):
        raise InvalidValue(
            "database", "an SQLite address has three slashes, four for an absolute path", f"write sqlite:///{rest}"
        )
    parts = split_address(written)
    if parts is None:
        raise InvalidValue(
            "database", "this is not the address of a database", "write postgresql://user@host:5432/name"
        )
    if ":" in parts[2].rpartition("@")[0] or re.search(r"[?&]password=", written):
        raise InvalidValue(
            "secret",
            "a password is not written into the configuration",
            "put the whole address into a variable and write env:DATABASE_URL",
        )
    return written


def shorten(written: str) -> str:
    """Shorten to eighty characters, on one line."""
    flat = re.sub(r"\s+", " ", written)
    return flat if len(flat) <= 80 else flat[:79] + "…"


def _schema(**schema: object) -> pydantic.WithJsonSchema:
    return pydantic.WithJsonSchema(dict(schema))


class OrText:
    """Marks a block of keys that can be written as plain text, in the schema too."""

    def __get_pydantic_json_schema__(
        self, schema: pydantic_core.CoreSchema, handler: pydantic.GetJsonSchemaHandler
    ) -> dict[str, object]:
        return {"anyOf": [{"type": _TEXT_TYPES}, handler(schema)]}


#: An editor's YAML may read these as numbers or booleans; to us they are text: NO, 007, 3.10.
_TEXT_TYPES = ["string", "number", "boolean"]

_DURATION = (
    r"^\s*[0-9]+(\.[0-9]+)?\s*([sSmMhHdDwW]|[sS]ecs?|[sS]econds?|[mM]ins?|[mM]inutes?|[hH]rs?|[hH]ours?|[dD]ays?"
    r"|[wW]eeks?)\s*$"
)

Text = Annotated[str, pydantic.PlainValidator(parse_text), _schema(type=_TEXT_TYPES)]
Duration = Annotated[
    timedelta,
    pydantic.PlainValidator(parse_duration),
    _schema(
        type="string",
        pattern=_DURATION,
        examples=["90 seconds", "5 minutes", "2 hours", "30d"],
    ),
]
#: ``2 days`` or ``[7 days, 1 day]``
Leads = Annotated[
    tuple[timedelta, ...],
    pydantic.PlainValidator(parse_leads),
    _schema(
        anyOf=[
            {"type": "string", "pattern": _DURATION},
            {"type": "array", "minItems": 1, "maxItems": 5, "items": {"type": "string", "pattern": _DURATION}},
        ],
        examples=["2 days"],
    ),
]
#: ``every 2 days``
Rhythm = Annotated[
    timedelta,
    pydantic.PlainValidator(parse_rhythm),
    _schema(type="string", pattern=r"^\s*(every\s+)?[0-9]+(\.[0-9]+)?\s*[A-Za-z]+\s*$", examples=["every 2 days"]),
]
Size = Annotated[int, pydantic.PlainValidator(parse_size), _schema(type=["string", "integer"], examples=["10 MB"])]
Zone = Annotated[
    zoneinfo.ZoneInfo, pydantic.PlainValidator(parse_zone), _schema(type="string", examples=["UTC", "Asia/Karachi"])
]
Quiet = Annotated[
    tuple[time, time, zoneinfo.ZoneInfo | None],
    pydantic.PlainValidator(parse_quiet_hours),
    _schema(
        type="string",
        pattern=r"^[0-9]{1,2}:[0-9]{2}\s+to\s+[0-9]{1,2}:[0-9]{2}(\s+\S+)?$",
        examples=["22:00 to 07:00 Asia/Karachi"],
    ),
]
When = Annotated[
    tuple[time, zoneinfo.ZoneInfo | None] | None,
    pydantic.PlainValidator(parse_when),
    _schema(type="string", pattern=r"^(now|digest\s+[0-9]{1,2}:[0-9]{2}(\s+\S+)?)$", examples=["now", "digest 08:00"]),
]
Until = Annotated[
    tuple[datetime, bool],
    pydantic.PlainValidator(parse_until),
    _schema(type="string", pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2})?$", examples=["2026-12-31"]),
]
Language = Annotated[
    str, pydantic.PlainValidator(parse_language), _schema(type="string", pattern="^[a-z]{2,3}$", examples=["en"])
]
Listen = Annotated[str, pydantic.PlainValidator(parse_listen), _schema(type="string", examples=["127.0.0.1:8080"])]
WebAddress = Annotated[str, pydantic.PlainValidator(parse_web_address), _schema(type="string", pattern="^https?://")]
Database = Annotated[
    str | model.Secret,
    pydantic.PlainValidator(parse_database),
    _schema(
        type="string",
        pattern=r"^(sqlite(\+\w+)?:///|postgresql(\+\w+)?://|env:|file:)",
        examples=["sqlite:///data/wirewatch.db", "postgresql://user@host/name", "env:DATABASE_URL"],
    ),
]


def as_list(value: object) -> object:
    """Return a single value as a list."""
    return [value] if isinstance(value, str) else value


Texts = Annotated[
    tuple[Text, ...],
    pydantic.BeforeValidator(as_list),
    _schema(anyOf=[{"type": _TEXT_TYPES}, {"type": "array", "items": {"type": _TEXT_TYPES}}]),
]


def _check_at_least(value: timedelta, info: pydantic.ValidationInfo) -> timedelta:
    every = info.data.get("every")
    if isinstance(every, timedelta) and value < every:
        shown = model.format_duration(every)
        raise InvalidValue("duration", f"at_least is shorter than every, which is {shown}", f"write {shown} or longer")
    return value


#: For a model with the field ``every`` before this one.
AtLeast = Annotated[Duration, pydantic.AfterValidator(_check_at_least)]


T = TypeVar("T", bound="DataclassInstance")


class StrictShape(pydantic.BaseModel):
    """A block of keys that refuses unknown keys."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    #: Words that people write for a key, with the key that they mean.
    OTHER_WORDS: ClassVar[Mapping[str, str]] = {}

    def as_value(self, kind: type[T], /, **overrides: object) -> T:
        """Make a ``kind`` from the fields that both have, and from ``overrides``, which take precedence."""
        return kind(**{name: getattr(self, name) for name in _shared(type(self), kind)} | overrides)


@cache
def _shared(shape: type[StrictShape], kind: type[DataclassInstance]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.name in shape.model_fields)

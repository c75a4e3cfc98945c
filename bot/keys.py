"""Parse the values of configuration keys: durations, sizes, times of day, zones, lists of names.

Each parser returns the value, or raises InvalidValue with a plain explanation. Each key is declared once, as a field of
a class such as ``Rule``: the type determines the accepted values, and ``Key`` describes the key.

    gather: Annotated[values.Duration | None, values.Key("A story's first post waits …")] = None

pydantic finds the methods of the classes below by name, so this module does not import pydantic.
"""

from __future__ import annotations

import difflib
import re
import zoneinfo
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from bot.durations import format_duration
from bot.durations import parse_duration as read_duration
from bot.patterns import LazyPattern

_SIZES = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SIZE = LazyPattern(r"\s*([0-9]{1,12}(?:\.[0-9]{1,3})?)\s*([A-Za-z]*)\s*\Z")
_TIME = LazyPattern(r"([0-9]{1,2}):([0-9]{2})\Z")
_RHYTHMS = {"hourly": "1 hour", "daily": "1 day", "weekly": "1 week"}
#: 10pm, 9:30 a.m.
_HALF_DAY = LazyPattern(r"(1[0-2]|0?[1-9])(?::([0-5][0-9]))?\s*([ap])\.?m\.?\Z", re.IGNORECASE)
#: A function of pydantic that builds the schema of a type.
_Handler = Callable[[object], Mapping[str, object]]


class Key:
    """The description of a key, with an example for error messages and the bounds of a number."""

    def __init__(self, description: str, *, example: str | None = None, **bounds: int) -> None:
        self.description = description
        self.example = example
        self._bounds = bounds

    def __get_pydantic_core_schema__(self, source: object, handler: _Handler) -> Mapping[str, object]:
        return {**handler(source), **self._bounds}

    def __get_pydantic_json_schema__(self, schema: object, handler: _Handler) -> Mapping[str, object]:
        examples = {"examples": [self.example]} if self.example else {}
        return {**handler(schema), "description": self.description, **examples}


def key_of(field: str) -> str:
    """Return the key of a field. The field's name ends with an underscore if the key is a keyword of Python.

    >>> key_of("continue_"), key_of("to")
    ('continue', 'to')
    """
    return field.removesuffix("_")


class Parse:
    """A step of parsing a value.

        instead    the step is the whole parser
        before     the step prepares the input of the type's own parser
        after      the step checks or converts the result of the type's own parser

    If ``info`` is true, the step also gets pydantic's ValidationInfo, whose context is the time zone of values
    without one. ``schema`` is the JSON Schema.
    """

    def __init__(
        self,
        step: Callable[..., object],
        mode: Literal["instead", "before", "after"] = "instead",
        *,
        info: bool = False,
        **schema: object,
    ) -> None:
        self._step = step
        self._mode = mode
        self._info = info
        self._schema = schema

    def __get_pydantic_core_schema__(self, source: object, handler: _Handler) -> Mapping[str, object]:
        function = {"type": "with-info" if self._info else "no-info", "function": self._step}
        if self._mode == "instead":
            return {"type": "function-plain", "function": function}
        return {"type": f"function-{self._mode}", "function": function, "schema": handler(source)}

    def __get_pydantic_json_schema__(self, schema: object, handler: _Handler) -> Mapping[str, object]:
        return {**self._schema} if self._schema else handler(schema)


class Derived(Parse):
    """Marks a field that is not a key, because the program sets it."""

    def __init__(self) -> None:
        super().__init__(_refuse_key, info=True, derived=True)


def _refuse_key(value: object, info: Any) -> object:
    raise InvalidValue("unknown-key", f'unknown key "{info.field_name}"', "remove it")


def _check_at_least(value: timedelta, info: Any) -> timedelta:
    """Refuse a value of ``at_least`` that is shorter than the value of ``every``."""
    every = info.data.get("every")
    if isinstance(every, timedelta) and value < every:
        shown = format_duration(every)
        raise InvalidValue("duration", f"at_least is shorter than every, which is {shown}", f"write {shown} or longer")
    return value


class Schema:
    """The JSON Schema of a type, which replaces the schema that pydantic would make."""

    def __init__(self, **schema: object) -> None:
        self._schema = schema

    def __get_pydantic_json_schema__(self, schema: object, handler: _Handler) -> Mapping[str, object]:
        return {**self._schema}


class As:
    """Parses a value by the steps of the type ``form``, so that errors have the paths of the keys as written."""

    def __init__(self, form: object) -> None:
        self.form = form

    def __get_pydantic_core_schema__(self, source: object, handler: Any) -> Mapping[str, object]:
        schema: Mapping[str, object] = handler.generate_schema(self.form)
        return schema


class OrText:
    """Marks a block of keys that can also be written as plain text, for the JSON Schema."""

    def __get_pydantic_json_schema__(self, schema: object, handler: _Handler) -> Mapping[str, object]:
        return {"anyOf": [{"type": TEXT_TYPES}, handler(schema)]}


class InvalidValue(ValueError):
    """A value that cannot be used. The text never repeats a secret."""

    def __init__(self, code: str, text: str, advice: str = "") -> None:
        super().__init__(text)
        self.code = code
        self.help = advice


def find_nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the one of ``words`` that was probably meant, or None."""
    candidates = list(words)
    folded = {candidate.casefold(): candidate for candidate in reversed(candidates)}
    if (same := folded.get(word.casefold())) and same != word:
        return same
    matches = difflib.get_close_matches(word[:100].casefold(), list(folded), n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def did_you_mean(word: str, words: Iterable[str], *, otherwise: str = "") -> str:
    """Return a question with the nearest word, or ``otherwise`` if no word is near."""
    nearest = find_nearest(word, words)
    return f'did you mean "{nearest}"?' if nearest else otherwise


def _scalar_text(value: object) -> str:
    if value is None:
        raise InvalidValue("no-value", "no value", "write one after the colon, or remove the key")
    if not isinstance(value, str):
        raise InvalidValue(
            "wrong-kind", f"one value is expected here, not {describe_kind(value)}", "write one, without brackets"
        )
    return value.strip()


def describe_kind(value: object) -> str:
    """Return the kind of a YAML value in plain words, such as "a list"."""
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
    """Return the value as non-empty text. Raises InvalidValue."""
    written = _scalar_text(value)
    if not written:
        raise InvalidValue("no-value", "the value is empty", "write one, or remove the key")
    return written


def parse_duration(value: object) -> timedelta:
    """Parse "5 minutes" into a positive length of time. Raises InvalidValue."""
    if isinstance(value, timedelta):
        return value
    word = value.strip().lower() if isinstance(value, str) else ""
    if word in ("none", "off", "no", "never", "forever", "unlimited"):
        raise InvalidValue("duration", f'"{word}" is not a length of time', "to have no limit, remove the key")
    if word in _RHYTHMS:
        raise InvalidValue("duration", f'"{word}" is not a length of time', f"write {_RHYTHMS[word]}")
    try:
        length = read_duration(_scalar_text(value))
    except InvalidValue:
        raise
    except ValueError as error:
        message, _, advice = str(error).partition(": ")
        raise InvalidValue("duration", message, advice and f"write {advice.removeprefix('use ')}") from None
    if length <= timedelta():
        raise InvalidValue("duration", "a length of time must be more than zero")
    return length


def parse_rhythm(value: object) -> timedelta:
    """Parse "every 2 days" or "2 days" into a positive length of time. Raises InvalidValue."""
    return parse_duration(value.strip().removeprefix("every ") if isinstance(value, str) else value)


def parse_size(value: object) -> int:
    """Parse "10 MB" into bytes. Raises InvalidValue."""
    match = _SIZE.match(_scalar_text(value))
    factor = _SIZES.get(match[2].lower()) if match else None
    if not match or factor is None:
        raise InvalidValue("size", "a size needs a number and a unit", "write 10 MB or 500 kB")
    return int(float(match[1]) * factor)


def as_24_hours(written: str) -> str:
    """Return "10pm" as "22:00"; return any other text unchanged."""
    match = _HALF_DAY.match(written)
    if match is None:
        return written
    hour = int(match[1]) % 12 + (12 if match[3].lower() == "p" else 0)
    return f"{hour:02}:{match[2] or '00'}"


def parse_clock_time(value: str) -> time:
    """Parse "22:30" into a time of day without a zone. Raises InvalidValue."""
    match = _TIME.match(value.strip())
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        other = as_24_hours(value.strip())
        advice = f"write {other}" if other != value.strip() else "write it as 07:00 or 22:30, up to 23:59"
        raise InvalidValue("time", f'"{value.strip()}" is not a time of day', advice)
    return time(int(match[1]), int(match[2]))


def parse_zone(value: object) -> zoneinfo.ZoneInfo:
    """Parse "Asia/Karachi" into a time zone. Raises InvalidValue."""
    if isinstance(value, zoneinfo.ZoneInfo):
        return value
    name = _scalar_text(value)
    try:
        return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        advice = "write Area/City: Asia/Karachi, UTC"
        if re.fullmatch(r"[A-Z]{2,5}", name):
            advice = "an abbreviation can mean several zones; write Area/City, such as America/Los_Angeles"
        elif not re.search(r"[+-][0-9]", name):
            advice = did_you_mean(name, sorted(zoneinfo.available_timezones()), otherwise=advice)
        raise InvalidValue("timezone", f'"{name}" is not a valid time zone', advice) from None


def parse_quiet_hours(value: object) -> tuple[time, time, zoneinfo.ZoneInfo | None]:
    """Parse "22:00 to 07:00 Asia/Karachi" into start, end and zone (None if not written). Raises InvalidValue."""
    written = _scalar_text(value)
    if written.lower() in ("off", "none", "no", "never", "false"):
        raise InvalidValue("quiet-hours", f'"{written}" is not a time', "to have no quiet hours, remove the key")
    match = re.match(r"(\S+)\s+to\s+(\S+)(?:\s+(\S+))?\Z", written)
    if with_dash := re.match(r"([\w:]+)\s*[-–]\s*([\w:]+)(.*)\Z", written):
        start, end = parse_clock_time(with_dash[1]), parse_clock_time(with_dash[2])
        advice = f"write {start:%H:%M} to {end:%H:%M}{with_dash[3]}"
        raise InvalidValue("quiet-hours", "quiet hours are written with to, not with a dash", advice)
    if not match:
        raise InvalidValue("quiet-hours", "quiet hours need two times", "write 22:00 to 07:00 Asia/Karachi")
    start, end = parse_clock_time(match[1]), parse_clock_time(match[2])
    if start == end:
        raise InvalidValue("quiet-hours", "quiet hours begin and end at the same time", "write 22:00 to 07:00")
    return start, end, parse_zone(match[3]) if match[3] else None


def parse_until(value: object) -> tuple[datetime, bool]:
    """Parse a date or a time without a zone. The second value is true for a date. Raises InvalidValue."""
    written = _scalar_text(value)
    advice = "write year-month-day: 2026-12-31, or 2026-12-31 18:00"
    # Accept three centuries. Other years are mistakes, and a time zone could move them out of the range of datetime.
    if not re.fullmatch(r"(19|20|21)[0-9]{2}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2})?", written):
        raise InvalidValue("date", f'"{shorten(written)}" is not a date', advice)
    try:
        return datetime.fromisoformat(written), len(written) == len("2026-12-31")
    except ValueError:
        raise InvalidValue("date", f'"{written}" is not a date of the calendar', advice) from None


def end_of_date(date: tuple[datetime, bool], zone: tzinfo) -> datetime:
    """Return the moment (UTC) at which a value of ``until`` is over; for a whole day, the end of the day."""
    moment, is_day = date
    return ((moment + timedelta(days=1)) if is_day else moment).replace(tzinfo=zone).astimezone(UTC)


def parse_language(value: object) -> str:
    """Parse the code of a language, such as "en". Raises InvalidValue."""
    written = parse_text(value)
    if not re.fullmatch(r"[a-z]{2,3}", written):
        raise InvalidValue(
            "language", f'"{shorten(written)}" is not the code of a language', "write two letters: en, de, pt"
        )
    return written


def split_address(written: str) -> tuple[str, str, str] | None:
    """Return scheme in lower case, host name, and network location as written, or None if ``written`` is not valid."""
    try:
        parts = urlsplit(written)
        _ = parts.port
        return parts.scheme.lower(), parts.hostname or "", parts.netloc
    except ValueError:
        return None


def check_length(limit: int) -> Callable[[str], str]:
    """Return a check that a text has at most ``limit`` characters."""

    def check(written: str) -> str:
        if len(written) > limit:
            raise InvalidValue("value", f"the text has {len(written):,} characters; at most {limit:,}", "shorten it")
        return written

    return check


def as_list(value: object) -> object:
    """Return a text as a list of one item; return any other value unchanged."""
    return [value] if isinstance(value, str) else value


def shorten(written: str) -> str:
    """Return the text on one line, shortened to eighty characters."""
    flat = re.sub(r"\s+", " ", written)
    return flat if len(flat) <= 80 else flat[:79] + "…"


#: The types of a text in the JSON Schema. Wirewatch reads NO, 007 and 3.10 as text, but an editor may read them as a
#: boolean or numbers.
TEXT_TYPES = ["string", "number", "boolean"]
DURATION_PATTERN = (
    r"^\s*[0-9]+(\.[0-9]+)?\s*([sSmMhHdDwW]|[sS]ecs?|[sS]econds?|[mM]ins?|[mM]inutes?|[hH]rs?|[hH]ours?|[dD]ays?"
    r"|[wW]eeks?)\s*$"
)
_RHYTHM_PATTERN = r"^\s*(every\s+)?[0-9]+(\.[0-9]+)?\s*[A-Za-z]+\s*$"
_TEXTS = [{"type": TEXT_TYPES}, {"type": "array", "items": {"type": TEXT_TYPES}}]

Text = Annotated[str, Parse(parse_text, type=TEXT_TYPES)]
Texts = Annotated[tuple[Text, ...], Parse(as_list, "before", anyOf=_TEXTS)]
Duration = Annotated[
    timedelta,
    Parse(
        parse_duration,
        type="string",
        pattern=DURATION_PATTERN,
        examples=["90 seconds", "5 minutes", "2 hours", "30d"],
    ),
]
AtLeast = Annotated[Duration, Parse(_check_at_least, "after", info=True)]
#: A duration, also written as ``every 2 days``.
Rhythm = Annotated[timedelta, Parse(parse_rhythm, type="string", pattern=_RHYTHM_PATTERN, examples=["every 2 days"])]
Size = Annotated[int, Parse(parse_size, type=["string", "integer"], examples=["10 MB"])]
Zone = Annotated[zoneinfo.ZoneInfo, Parse(parse_zone, type="string", examples=["UTC", "Asia/Karachi"])]
Language = Annotated[str, Parse(parse_language, type="string", pattern="^[a-z]{2,3}$", examples=["en"])]

"""Settings that the core reads, and problems in the files that set them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar
from zoneinfo import ZoneInfo

import msgspec

from bot import keys
from bot.keys import Key, Parse
from bot.model.access import Access, Host
from bot.model.rules import Names, Severity, Thread
from bot.patterns import LazyPattern

if TYPE_CHECKING:
    from bot.model.messages import Listing


class QuietHours(msgspec.Struct, frozen=True, kw_only=True):
    """A daily span of time; it spans midnight if ``end`` is before ``start``."""

    start: time
    end: time
    zone: ZoneInfo


def _parse_quiet(value: object, info: Any) -> QuietHours:
    start, end, own_zone = keys.parse_quiet_hours(value)
    return QuietHours(start=start, end=end, zone=own_zone or info.context)


_QUIET_PATTERN = r"^[0-9]{1,2}:[0-9]{2}\s+to\s+[0-9]{1,2}:[0-9]{2}(\s+\S+)?$"
Quiet = Annotated[
    QuietHours,
    Parse(_parse_quiet, info=True, type="string", pattern=_QUIET_PATTERN, examples=["22:00 to 07:00 Asia/Karachi"]),
]


_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _parse_days(value: object) -> frozenset[int]:
    """Parse "mon-fri", "mon, thu" or a list of days. Monday is 0."""
    days: set[int] = set()
    for part in re.split(r"\s*,\s*", ", ".join(value) if isinstance(value, list | tuple) else keys.parse_text(value)):
        first, dash, last = (word.strip().lower()[:3] for word in part.partition("-"))
        if first not in _DAYS or (dash and last not in _DAYS):
            message = f'"{keys.shorten(part)}" is not a day of the week'
            raise keys.InvalidValue("days", message, "write mon-fri, or [mon, thu]")
        begin, end = _DAYS.index(first), _DAYS.index(last or first)
        days |= {day % 7 for day in range(begin, (end if end >= begin else end + 7) + 1)}
    return frozenset(days)


_DAY_NAMES = {"type": "string", "examples": ["mon-fri", "mon"]}
Days = Annotated[
    frozenset[int],
    Parse(_parse_days, anyOf=[_DAY_NAMES, {"type": "array", "minItems": 1, "items": _DAY_NAMES}]),
]
ClockTime = Annotated[time, Parse(lambda value: keys.parse_clock_time(keys.parse_text(value)), type="string")]


@dataclass(frozen=True, slots=True, kw_only=True)
class BriefSchedule:
    """When a channel gets its brief."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    at: Annotated[ClockTime, Key("The time of day: 08:00.", example="08:00")]
    days: Annotated[Days, Key("The days: mon-fri, or mon for a weekly brief. Default: every day.")] = frozenset(
        range(7)
    )
    zone: Annotated[keys.Zone | None, Key("The time zone. Default: the timezone of bot.yaml.")] = None
    only: Annotated[
        bool, Key("true: the channel gets only briefs, and no message about a single story, whatever its rules say.")
    ] = False


def _expand_brief(value: object) -> object:
    return {"at": value} if isinstance(value, str) else value


#: The key ``brief`` of a channel.
Brief = Annotated[BriefSchedule, Parse(_expand_brief, "before"), keys.OrText()]


class PostingPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """The policy of a channel: when and how messages are posted there."""

    quiet: QuietHours | None = None
    #: Maximum number of new posts per hour, counted separately for severity high; None means no limit.
    posts_per_hour: int | None = None
    #: Whether messages can be edited. If so, one listing gets stories beyond ``posts_per_hour`` at once.
    can_edit: bool = False
    #: How long first posts wait for other outlets, or None if they do not wait.
    gather: timedelta | None = None
    #: When the channel gets its brief, or None if it gets none.
    brief: BriefSchedule | None = None
    #: Whether messages show the picture of their story.
    shows_pictures: bool = False
    #: The language into which a language model translates, such as "en", or None for no translation.
    translate: str | None = None
    #: The events that get a reply in a thread, except for rules with a separate setting.
    thread: Thread = Thread.NEWS
    #: Whether a listing shows the headline and the link of all its stories. A service's limits may allow
    #: only few.
    shows_all_stories: Callable[[Listing], bool] = lambda listing: True
    #: Whether each story is a record of another service (see ChannelFeatures).
    keeps_records: bool = False


_HOST_NAME = LazyPattern(r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)*[a-z][a-z0-9-]*[a-z0-9]")


def _parse_network(value: object) -> str:
    """Return a range of addresses, or a host's name in lower case."""
    written = keys.parse_text(value)
    if _HOST_NAME.fullmatch(written.lower()):
        return written.lower()
    try:
        return str(ipaddress.ip_network(written))
    except ValueError as error:
        help_text = "write 10.0.0.0/8, 192.168.1.20, fd00::/8, wiki.example.org or *.example.org"
        if "host bits" in str(error):
            help_text = f"write {ipaddress.ip_network(written, strict=False)}"
        raise keys.InvalidValue(
            "network", f'"{keys.shorten(written)}" is not a range of addresses or a host', help_text
        ) from None


def _check_size(size: int) -> int:
    if size < 1000:
        raise keys.InvalidValue("number", "the number must be at least 1,000")
    return size


Network = Annotated[str, Parse(_parse_network, type="string")]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchPolicy:
    """How feeds are polled."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    every: Annotated[
        keys.Duration,
        Key("The shortest time between two polls of a feed; a feed that publishes rarely is polled less often."),
    ] = timedelta(minutes=5)
    at_least: Annotated[
        keys.AtLeast,
        Key(
            "The longest time between two polls of a feed, however rarely it publishes. Only its publisher can ask for "
            "a longer time. Default: 20 minutes, or the value of every if that is longer."
        ),
    ] = timedelta(minutes=20)
    concurrency: Annotated[int, Key("Maximum number of feeds polled at the same time.", ge=1, le=1024)] = 64
    readers: Annotated[
        int,
        Key(
            "Number of reader processes, which parse documents. 0 means that the main process parses them.", ge=0, le=16
        ),
    ] = 1
    per_host: Annotated[int, Key("Maximum number of feeds of one host polled at the same time.", ge=1, le=64)] = 2
    timeout: Annotated[keys.Duration, Key("Timeout of a whole response, from connecting to the last byte.")] = (
        timedelta(seconds=20)
    )
    max_bytes: Annotated[
        keys.Size,
        Parse(_check_size, "after"),
        Key("Maximum size of a response after decompression: 10 MB."),
    ] = 10_000_000
    backfill: Annotated[
        keys.Duration, Key("Maximum age of articles that a feed's first poll matches and announces.")
    ] = timedelta(hours=24)
    max_items_per_day: Annotated[
        int,
        Key(
            "Maximum number of new and changed items of one feed that are stored on one day (UTC). An item of more "
            "than 20,000 characters counts as several. Further items wait for the next day, and the operator gets a "
            "notice.",
            ge=1,
            le=1_000_000,
        ),
    ] = 5_000
    allow_private: Annotated[
        tuple[Network, ...],
        Parse(keys.as_list, "before"),
        Key(
            "Private address ranges (CIDR), and the hosts in them, that may be fetched from, for feeds of an intranet: "
            "[10.20.0.0/16, wiki.example.org, *.corp.example.org]. A range alone opens only for feeds whose address in "
            "feeds.yaml is a number in it, because anybody can let a name point there."
        ),
    ] = ()
    contact: Annotated[
        keys.Text | None,
        Key("A contact address in the User-Agent header, so that publishers can reach you: ops@example.org."),
    ] = None
    use_proxy: Annotated[
        bool, Key("Use the proxy that HTTP_PROXY, HTTPS_PROXY and NO_PROXY name in the environment.")
    ] = False
    hosts: Annotated[
        Mapping[Host, Access],
        Key(
            "Keys for all feeds of a host, by its name or *.example.org: headers, cookies, auth, proxy, tls. The keys "
            "of a feed override them."
        ),
    ] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem in a configuration file, with its line and column."""

    severity: str  # error or warning
    #: The folder as written on the command line, joined with the file's name.
    file: str
    #: Line from 1; 0 means the whole file.
    line: int = 0
    column: int = 0
    #: Number of characters to underline.
    length: int = 1
    rule: str | None = None
    #: A stable identifier for programs, such as “unknown-key”.
    code: str
    message: str
    help: str | None = None
    #: The text of the line, shown above the caret; None if there is nothing to show.
    source: str | None = field(default=None, compare=False)


class TokenScope(StrEnum):
    """The rights of a program with a token."""

    READ = "read"
    #: Also start and end silences, and split and merge stories.
    ACT = "act"


class OnUnknown(StrEnum):
    """The operator's choice if it is unknown whether a message arrived."""

    SEND_AGAIN = "at_least_once"
    LEAVE = "at_most_once"


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteMatch:
    """The conditions of a route, all of which must be met."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    rule: Annotated[keys.Texts, Key("Names of rules; one of them must match. * is any text: BlackBerry*.")] = ()
    tag: Annotated[
        keys.Texts, Key("Tags of feeds. The rule must have matched an article from a feed with one of these tags.")
    ] = ()
    severity: Annotated[
        tuple[Severity, ...], Parse(keys.as_list, "before"), Key("Severities of rules; one of them must match.")
    ] = ()
    hours: Annotated[
        Quiet | None, Key("The story's first decision must be made in these hours: 09:00 to 17:00 Asia/Karachi.")
    ] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Where stories of rules without notify are posted."""

    # The alias generator makes the key ``continue`` of ``continue_``, because Python reserves the word ``continue``.
    __pydantic_config__: ClassVar = {"extra": "forbid", "alias_generator": keys.key_of}

    match: Annotated[
        RouteMatch, Key("Conditions of the route: rule, tag, severity, hours. Without it, the route takes every story.")
    ] = field(default_factory=RouteMatch)
    to: Annotated[
        Names,
        Key("One channel, or a list of them. An inner route without it posts to the channels of the outer route."),
    ] = ()
    continue_: Annotated[bool, Key("true: the routes after this one are tried too.")] = False
    routes: Annotated[
        tuple[Route, ...],
        Key("Inner routes, which are tried first. If none of them takes the story, the to of this route applies."),
    ] = ()


def inherit_channels(routes: tuple[Route, ...], outer: tuple[str, ...] = ()) -> tuple[Route, ...]:
    """Give inner routes without channels the channels of the enclosing route."""
    return tuple(
        replace(route, to=route.to or outer, routes=inherit_channels(route.routes, route.to or outer))
        for route in routes
    )

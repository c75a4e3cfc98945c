"""A watch rule as written in YAML, and what it matched."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Severity(StrEnum):
    """How urgent a rule is; ``HIGH`` passes quiet hours."""

    LOW = "low"
    NORMAL = "normal"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """From 0 (low) to 2 (high)."""
        return ("low", "normal", "high").index(self.value)


class Group(StrEnum):
    """How readily articles that match a rule join one story."""

    NORMAL = "normal"
    #: Only nearly certain articles join.
    STRICT = "strict"
    #: Each article is a separate story; only the same page and copies join.
    OFF = "off"


class Thread(StrEnum):
    """What a story's thread gets a reply for; each level includes the lower ones."""

    #: Changed values and corrections.
    CLAIMS = "claims"
    #: Also quotes of what is new.
    NEWS = "news"
    #: Also each article that joins.
    ALL = "all"

    @property
    def rank(self) -> int:
        """From 0 (claims) to 2 (all)."""
        return ("claims", "news", "all").index(self.value)


class Where(StrEnum):
    """The part of an article that a line is matched against."""

    TITLE = "title"
    BODY = "body"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One labelled line of ``all``, ``any`` or ``none``; one matching term is enough."""

    label: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """``when: digest 08:00``."""

    at: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """``remind: [7 days, 1 day]``: how long before a deadline its story is recalled."""

    #: Longest first.
    leads: tuple[timedelta, ...]
    #: The time zone of the deadline's day.
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A made-up article that a rule must match, or must not."""

    title: str = ""
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One watch rule: what to match, which channels to notify, and how urgent it is."""

    name: str
    #: Channel names of bot.yaml.
    notify: tuple[str, ...]
    all: tuple[Line, ...] = ()
    any: tuple[Line, ...] = ()
    none: tuple[Line, ...] = ()
    query: str | None = None
    #: Each term also matches other English forms of its last word.
    stem: bool = False
    where: Where = Where.ANYWHERE
    #: Feed names, addresses or tags; empty: every feed.
    feeds: tuple[str, ...] = ()
    severity: Severity = Severity.NORMAL
    group: Group = Group.NORMAL
    #: Names of channels' ``people`` that a first message mentions; empty: bot.yaml's ``mention``.
    mention: tuple[str, ...] = ()
    #: Minimum number of independent owners before it posts.
    min_outlets: int = 1
    cooldown: timedelta | None = None
    #: How long the first post waits for other outlets; None: bot.yaml's setting.
    gather: timedelta | None = None
    #: None: at once.
    digest: Digest | None = None
    #: What its stories' threads get; None: the channel's setting.
    thread: Thread | None = None
    #: None: no reminders.
    remind: Remind | None = None
    #: The first moment at which it no longer applies.
    until: datetime | None = None
    paused: bool = False
    expect: timedelta | None = None
    note: str | None = None
    #: The subject of its articles in plain words, for a language model.
    about: str | None = None
    must_match: tuple[Example, ...] = ()
    must_not_match: tuple[Example, ...] = ()
    #: The sets of its file that the rule uses: name -> terms.
    sets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: Hash over everything that decides what it matches and where it posts.
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One place in an article that a rule matched."""

    #: The label of the rule's line, such as “regulator”; for a query the term itself.
    label: str
    #: The term as the rule writes it.
    term: str
    #: title, body, url, site, author, tag, lang or source.
    field: str
    #: The article's own words.
    text: str
    #: Offsets into the field, in characters.
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """A match of a rule with an article, and the matched words."""

    rule: str
    rule_version: str
    evidence: tuple[Evidence, ...]

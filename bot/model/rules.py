"""A watch rule as written, and what it found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo


class Severity(StrEnum):
    """How loud a rule is; ``HIGH`` passes quiet hours."""

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
    #: Only what is nearly certain joins.
    STRICT = "strict"
    #: Each article is a separate story; only the same page and copies join.
    OFF = "off"


class Thread(StrEnum):
    """What a story's thread gets a reply for, each level with what the one before has."""

    #: A value in the place of another, and corrections.
    CLAIMS = "claims"
    #: Quotes of what is new, too.
    NEWS = "news"
    #: Each article that joins, too.
    ALL = "all"

    @property
    def rank(self) -> int:
        """From 0 (claims) to 2 (all)."""
        return ("claims", "news", "all").index(self.value)


class Where(StrEnum):
    """The part of an article in which a line is looked for."""

    TITLE = "title"
    BODY = "body"
    ANYWHERE = "anywhere"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One labelled line of ``all``, ``any`` or ``none``: any one wording of it is enough."""

    label: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """``when: digest 08:00``."""

    at: time
    zone: ZoneInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Remind:
    """``remind: [7 days, 1 day]``: so long before a deadline its story is recalled."""

    #: Longest first.
    leads: tuple[timedelta, ...]
    #: In which the deadline's day begins.
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
    #: Each term also in the other English forms of its last word.
    stem: bool = False
    where: Where = Where.ANYWHERE
    #: Feed names, addresses or tags; empty: every feed.
    feeds: tuple[str, ...] = ()
    severity: Severity = Severity.NORMAL
    group: Group = Group.NORMAL
    #: Who is mentioned in a first message, by the names of channels' ``people``; empty: as bot.yaml says.
    mention: tuple[str, ...] = ()
    #: Independent owners before it posts.
    min_outlets: int = 1
    cooldown: timedelta | None = None
    #: How long the first post waits for other outlets; None: as bot.yaml says.
    gather: timedelta | None = None
    #: None: at once.
    digest: Digest | None = None
    #: What its stories' threads get; None: as the channel says.
    thread: Thread | None = None
    #: None: no reminders.
    remind: Remind | None = None
    #: The first moment at which it no longer applies.
    until: datetime | None = None
    paused: bool = False
    expect: timedelta | None = None
    note: str | None = None
    #: What its articles are about, in plain words; asked of a language model.
    about: str | None = None
    must_match: tuple[Example, ...] = ()
    must_not_match: tuple[Example, ...] = ()
    #: Sets of its file, name -> terms, as far as the rule uses them.
    sets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    #: Hash over all that decides what it matches and whom it tells.
    version: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One place in an article on which a rule fired."""

    #: The line of the rule: “regulator”; for a query the term itself.
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
    """That a rule matches an article, and on which words."""

    rule: str
    rule_version: str
    evidence: tuple[Evidence, ...]

"""The report of a backtest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bot import model


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedArticle:
    """One listed article."""

    article: model.ArticleId
    title: str
    outlet: str
    link: str
    first_seen: datetime
    #: The words that the rule matched, or why it does not match.
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """Articles that only one condition keeps from matching."""

    #: The condition: “no demand”.
    what: str
    count: int
    #: The last few, newest first.
    examples: tuple[MatchedArticle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A comparison with another version of the rule."""

    #: “the loaded version”, or the path of the other file.
    with_what: str
    starts: tuple[MatchedArticle, ...]
    stops: tuple[MatchedArticle, ...]
    both: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """The report of one rule."""

    rule: str
    #: Oldest first.
    hits: tuple[MatchedArticle, ...]
    #: Hits by day, including days without hits.
    by_day: Mapping[date, int]
    near: tuple[NearMiss, ...]
    #: None if there is no other version.
    comparison: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message that would have been sent."""

    at: datetime
    channel: str
    kind: model.MessageKind
    reason: str
    #: Several for a gathered message.
    headlines: tuple[str, ...]
    #: The rules that it names.
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The report of all tried rules."""

    articles: int
    since: datetime
    until: datetime
    rules: tuple[RuleReport, ...]
    stories: int
    #: In order of time.
    messages: tuple[Post, ...]
    #: Stories still held at the end: for outlets, a digest, the end of quiet hours.
    held: int
    #: Articles that some tried rule matches, and the number of them that were replayed for the messages.
    matched: int = 0
    replayed: int = 0
    #: The end of the replay; None: the whole period was replayed.
    told_until: datetime | None = None

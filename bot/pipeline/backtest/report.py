"""What a backtest found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from bot import model


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedArticle:
    """One article, named: enough to list it."""

    article: model.ArticleId
    title: str
    outlet: str
    link: str
    first_seen: datetime
    #: On what the rule fired; of an article that it does not match, why not.
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """Articles that one thing keeps from matching."""

    #: “no demand”.
    what: str
    count: int
    #: The last few, newest first, each with what came near.
    examples: tuple[MatchedArticle, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Beside another version of the rule."""

    #: “the loaded version”, or the other file's path.
    with_what: str
    starts: tuple[MatchedArticle, ...]
    stops: tuple[MatchedArticle, ...]
    both: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleReport:
    """One rule on the archive."""

    rule: str
    #: Oldest first.
    hits: tuple[MatchedArticle, ...]
    #: Every day of the time looked at, days without a hit too.
    by_day: Mapping[date, int]
    near: tuple[NearMiss, ...]
    #: None: there is no other version.
    comparison: Comparison | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message that would have been sent."""

    at: datetime
    channel: str
    kind: model.MessageKind
    reason: str
    #: Of a gathered message several.
    headlines: tuple[str, ...]
    #: The rules that it names.
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All tried rules together."""

    articles: int
    since: datetime
    until: datetime
    rules: tuple[RuleReport, ...]
    stories: int
    #: In order of time.
    messages: tuple[Post, ...]
    #: Stories that still wait at the end: for outlets, a digest, the end of quiet hours.
    held: int
    #: Articles that some tried rule matches, and the first of them, whose messages these are.
    matched: int = 0
    replayed: int = 0
    #: The messages are those before; None: of the whole time.
    told_until: datetime | None = None

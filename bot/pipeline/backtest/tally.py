"""Count one rule's hits, lost hits and near misses."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo

from bot import model, rules
from bot.pipeline.backtest.report import Comparison, MatchedArticle, NearMiss, RuleReport

#: Maximum near misses shown of each kind.
EXAMPLES = 5
#: Maximum parts of a reason.
PIECES = 4


@dataclass(slots=True)
class _NearMisses:
    what: str
    count: int = 0
    last: deque[tuple[model.Article, model.Feed]] = field(default_factory=lambda: deque(maxlen=EXAMPLES))


class Tally:
    """The tally of one rule; a version's number is its index in ``versions``."""

    def __init__(
        self,
        compiled: rules.CompiledRule,
        *,
        other: rules.CompiledRule | None = None,
        matched_before: frozenset[model.ArticleId] | None = None,
    ) -> None:
        self._compiled = compiled
        self._is_compared = other is not None or matched_before is not None
        self._before = matched_before or frozenset()
        looser = rules.looser(compiled)
        compared = (replace(other, rule=replace(other.rule, paused=False)),) if other else ()
        #: The rule, its other version if there is one, and looser versions.
        self.versions: tuple[rules.CompiledRule, ...] = (compiled, *compared, *(version.compiled for version in looser))
        self._other = 1 if other else None
        self._near = {number: _NearMisses(version.what) for number, version in enumerate(looser, 1 + len(compared))}
        self._hits: list[MatchedArticle] = []
        self._starts: list[MatchedArticle] = []
        self._stops: list[MatchedArticle] = []
        self._both = 0

    def take(
        self, article: model.Article, feed: model.Feed, numbers: frozenset[int], match: model.Match | None
    ) -> None:
        """Count an article that some version matches, or that matched before; ``match``: of the rule itself."""
        was_matched = article.id in self._before or (self._other is not None and self._other in numbers)
        if match is not None:
            hit = _named(article, fired(match))
            self._hits.append(hit)
            if was_matched:
                self._both += 1
            else:
                self._starts.append(hit)
            return
        if was_matched:
            self._stops.append(self._missed(article, feed))
        nearest = min((number for number in numbers if number in self._near), default=None)
        if nearest is not None:
            self._near[nearest].count += 1
            self._near[nearest].last.append((article, feed))

    def _missed(self, article: model.Article, feed: model.Feed) -> MatchedArticle:
        return _named(article, missing(rules.explain(self._compiled, article, feed)))

    def report(self, with_what: str, since: datetime, until: datetime, zone: tzinfo) -> RuleReport:
        """Return the report from ``since`` to ``until``, by days of ``zone``; ``with_what`` names the other version."""
        near_misses = [
            NearMiss(
                what=near.what,
                count=near.count,
                examples=tuple(self._missed(article, feed) for article, feed in reversed(near.last)),
            )
            for near in self._near.values()
            if near.count
        ]
        comparison = Comparison(
            with_what=with_what, starts=tuple(self._starts), stops=tuple(self._stops), both=self._both
        )
        return RuleReport(
            rule=self._compiled.rule.name,
            hits=tuple(self._hits),
            by_day=_by_day(self._hits, since, until, zone),
            near=tuple(near_misses),
            comparison=comparison if self._is_compared else None,
        )


def fired(match: model.Match) -> str:
    """Describe a match: “regulator "PTA", demand "backdoor"”."""
    first: dict[str, model.Evidence] = {}
    for evidence in match.evidence:
        first.setdefault(evidence.label, evidence)
    parts = [_on(label, evidence) for label, evidence in first.items()]
    return ", ".join(parts[:PIECES]) or "nothing in it is excluded"


def _on(label: str, evidence: model.Evidence) -> str:
    """Return a line's label and matched words; only the words for a query or a line that is labelled by its term."""
    words = " ".join(evidence.text.split())
    return f'"{words}"' if label in (words, evidence.term) or len(label) > rules.MAX_LABEL else f'{label} "{words}"'


def missing(explained: rules.Explanation) -> str:
    """Describe a miss: “2 of 3: no demand; PTA found as "pta"; product "BES"”."""
    notes = [note for line in explained.lines for note in line.notes]
    matched = [
        _on(line.label, line.found[0])
        for line in explained.lines
        if line.found and line.is_found and line.kind != "none"
    ]
    return "; ".join(dict.fromkeys([*explained.notes, *notes, *matched][:PIECES]))


def _named(article: model.Article, why: str) -> MatchedArticle:
    return MatchedArticle(
        article=article.id,
        title=article.title,
        outlet=article.outlet,
        link=article.link,
        first_seen=article.first_seen,
        why=why,
    )


def _by_day(hits: Sequence[MatchedArticle], since: datetime, until: datetime, zone: tzinfo) -> dict[date, int]:
    counts = Counter(hit.first_seen.astimezone(zone).date() for hit in hits)
    first, last = since.astimezone(zone).date(), until.astimezone(zone).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return {day: counts[day] for day in days}

"""What one rule found, lost and nearly found, counted as the articles go by."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, tzinfo

from bot import model, rules
from bot.pipeline.backtest.report import Comparison, MatchedArticle, NearMiss, RuleReport

#: Near misses shown of each kind.
EXAMPLES = 5
#: Pieces of a reason; more would not be read.
PIECES = 4


@dataclass(slots=True)
class _Nearly:
    what: str
    count: int = 0
    last: deque[tuple[model.Article, model.Feed]] = field(default_factory=lambda: deque(maxlen=EXAMPLES))


class Tally:
    """Of one rule; the version numbers are its places in ``versions``."""

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
        near = rules.looser(compiled)
        others = (replace(other, rule=replace(other.rule, paused=False)),) if other else ()
        #: The rule, its other version if there is one, the looser ones.
        self.versions: tuple[rules.CompiledRule, ...] = (compiled, *others, *(one.compiled for one in near))
        self._other = 1 if other else None
        self._near = {number: _Nearly(one.what) for number, one in enumerate(near, 1 + len(others))}
        self._hits: list[MatchedArticle] = []
        self._starts: list[MatchedArticle] = []
        self._stops: list[MatchedArticle] = []
        self._both = 0

    def take(
        self, article: model.Article, feed: model.Feed, numbers: frozenset[int], match: model.Match | None
    ) -> None:
        """One article that some version matches, or that matched before; ``match`` is the rule's own."""
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
        """The result from ``since`` to ``until``, by days of ``zone``; ``with_what`` names what was compared."""
        near = [
            NearMiss(
                what=nearly.what,
                count=nearly.count,
                examples=tuple(self._missed(*each) for each in reversed(nearly.last)),
            )
            for nearly in self._near.values()
            if nearly.count
        ]
        comparison = Comparison(
            with_what=with_what, starts=tuple(self._starts), stops=tuple(self._stops), both=self._both
        )
        return RuleReport(
            rule=self._compiled.rule.name,
            hits=tuple(self._hits),
            by_day=_by_day(self._hits, since, until, zone),
            near=tuple(near),
            comparison=comparison if self._is_compared else None,
        )


def fired(match: model.Match) -> str:
    """“regulator "PTA", demand "backdoor"”."""
    first: dict[str, model.Evidence] = {}
    for evidence in match.evidence:
        first.setdefault(evidence.label, evidence)
    told = [_on(label, evidence) for label, evidence in first.items()]
    return ", ".join(told[:PIECES]) or "nothing in it is excluded"


def _on(label: str, evidence: model.Evidence) -> str:
    """A line and the words that it fired on; of a query, or a line named for its term, the words alone."""
    words = " ".join(evidence.text.split())
    return f'"{words}"' if label in (words, evidence.term) or len(label) > rules.MAX_LABEL else f'{label} "{words}"'


def missing(explained: rules.Explanation) -> str:
    """“2 of 3: no demand; PTA found as "pta"; product "BES"”."""
    notes = [note for line in explained.lines for note in line.notes]
    found = [
        _on(line.label, line.found[0])
        for line in explained.lines
        if line.found and line.is_found and line.kind != "none"
    ]
    return "; ".join(dict.fromkeys([*explained.notes, *notes, *found][:PIECES]))


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

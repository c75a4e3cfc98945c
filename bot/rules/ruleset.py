"""Match articles against all rules in force, and find the words on which each rule matches."""

from __future__ import annotations

import functools
from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType

from msgspec.structs import replace

from bot.model.feeds import Feed
from bot.model.rules import Match, Rule
from bot.model.stories import Article
from bot.patterns import LazyPattern
from bot.rules import evaluate
from bot.rules.article_text import ArticleText, Steps
from bot.rules.english import COMMON_WORDS
from bot.rules.evaluate import CompiledRule
from bot.rules.index import Needs, RuleIndex, find_needs
from bot.rules.parts import LineKind
from bot.rules.vocabulary import TextNumbers, Vocabulary
from bot.text import tokens
from bot.text.forms import FormFound, find_form

#: Number of recently matched rules whose parts are cached.
_CACHED_RULES = 1_024


class RuleSet:
    """All rules in force. A rule set is immutable; a reload creates a new one."""

    def __init__(self, compiled: Iterable[CompiledRule], *, most_steps: int | None = None) -> None:
        """``most_steps`` limits the work for one article. Above it, methods raise TooManySteps."""
        self._most_steps = most_steps
        self._compiled = tuple(compiled)
        self._names = tuple(rule.rule.name for rule in self._compiled)
        #: Rules that are paused, have an end, are only for some feeds, or skip some forms of articles.
        self._gated = {
            number
            for number, rule in enumerate(rule.rule for rule in self._compiled)
            if rule.paused or rule.until is not None or rule.feeds or rule.skip
        }
        self._vocabulary = Vocabulary()
        #: By rule, whether it has a term in capitals, so that a shouting title may make it weak.
        self._capitals = bytearray(len(self._compiled))
        self._index = self._build()
        #: Rules that numbers cannot decide are evaluated often, so their parts are kept.
        self._kept = {number: self._with_reading(number) for number in self._index.partial}
        self._cached_rule = functools.lru_cache(maxsize=_CACHED_RULES)(self._with_reading)

    def _with_reading(self, number: int) -> CompiledRule:
        compiled = self._compiled[number]
        return replace(compiled, own=compiled.reading)

    def _build(self) -> RuleIndex:
        """Build the index. Reads one rule at a time, because the parts of all rules together take much memory."""
        number = self._vocabulary.number
        needs: deque[Needs] = deque()
        for rule_number, compiled in enumerate(self._compiled):
            reading = compiled.reading
            needs.append(find_needs(reading.parts, number))
            self._capitals[rule_number] = bool(reading.capitals)
        self._vocabulary.close(COMMON_WORDS, len(self._compiled))
        # Release the needs of each rule as soon as they are in the index.
        placing = (needs.popleft() for _ in range(len(needs)))
        return RuleIndex(placing, self._vocabulary.unsure, self._vocabulary.weights)

    @property
    def rules(self) -> Mapping[str, Rule]:
        return MappingProxyType({compiled.rule.name: compiled.rule for compiled in self._compiled})

    def _view(self, article: Article) -> ArticleText:
        return ArticleText(article, Steps(self._most_steps) if self._most_steps is not None else None)

    def match(self, article: Article, feed: Feed, *, now: datetime) -> tuple[Match, ...]:
        """Return the matching rules in their order, with the words on which they match."""
        view = self._view(article)
        matches = []
        for number in sorted(self._matching(self._numbers(article), view)):
            if not self._is_active(number, article, feed, now):
                continue
            rule = self._compiled[number].rule
            evidence = evaluate.collect_evidence(evaluate.evaluate_rule(self._cached_rule(number), view))
            matches.append(Match(rule=rule.name, evidence=evidence))
        return tuple(matches)

    def matching(self, article: Article, feed: Feed, *, now: datetime) -> tuple[str, ...]:
        """Return the names of the matching rules in their order, without evidence."""
        matched = sorted(self._matching(self._numbers(article), self._view(article)))
        return tuple([self._names[number] for number in matched if self._is_active(number, article, feed, now)])

    def wants_full_text(self, article: Article, feed: Feed, *, now: datetime) -> bool:
        """Return whether some rule does not match yet, but has part of its required terms in the article."""
        if article.is_full_text:
            return False
        text_numbers, view = self._numbers(article), self._view(article)
        matched = self._matching(text_numbers, view)
        text_numbers.numbers.discard(self._vocabulary.always)
        return any(
            number not in matched
            and not all(map(text_numbers.numbers.isdisjoint, groups))
            and self._is_active(number, article, feed, now)
            and not _is_excluded(self._cached_rule(number), view)
            for number, groups in self._index.several_groups()
        )

    def _numbers(self, article: Article) -> TextNumbers:
        return self._vocabulary.find(article.title, article.text)

    def _matching(self, text_numbers: TextNumbers, view: ArticleText) -> set[int]:
        """Return the rules that match, active or not."""
        matched, partial = self._index.candidates(text_numbers.numbers)
        distances = self._index.distances
        if near_rules := partial & distances.keys():
            places = self._vocabulary.places(view.article.title, text_numbers)
            partial -= near_rules
            matched.update([rule for rule in near_rules if places.hold(distances[rule])])
        # Most of these rules do not match, and a check is much cheaper than a search for each term.
        matched.update([number for number in partial if evaluate.satisfies_lines(self._kept[number], view)])
        capital_rules = [number for number in matched if self._capitals[number]]
        if capital_rules and _may_shout(view.article.title):
            matched.difference_update(
                [number for number in capital_rules if evaluate.evaluate_rule(self._cached_rule(number), view).is_weak]
            )
        return matched

    def _is_active(self, number: int, article: Article, feed: Feed, now: datetime) -> bool:
        """Return whether the rule is not paused, has not ended, is for this feed and does not skip the article."""
        if number not in self._gated:
            return True
        rule = self._compiled[number].rule
        if rule.paused or rule.has_ended(now) or not is_meant_for(rule, article, feed):
            return False
        return find_skipped_form(rule, article) is None


def is_meant_for(rule: Rule, article: Article, feed: Feed) -> bool:
    """Return whether the rule's ``feeds`` name this feed by address, tag or name (if unnamed, the article's outlet)."""
    if not rule.feeds:
        return True
    names = {feed.url, (feed.name or article.outlet).casefold(), *(tag.casefold() for tag in feed.tags)}
    return any(name in names or name.casefold() in names for name in rule.feeds)


def find_skipped_form(rule: Rule, article: Article) -> FormFound | None:
    """Return the article's form if the rule skips it, else None."""
    if not rule.skip:
        return None
    found_form = find_form(article)
    return found_form if found_form and found_form.form in rule.skip else None


def _is_excluded(compiled: CompiledRule, view: ArticleText) -> bool:
    return any(
        line.is_found for line in evaluate.evaluate_rule(compiled, view).lines if line.part.kind is LineKind.NONE
    )


#: Words of an ASCII title, or parts of them.
_ASCII_WORD = LazyPattern(r"[^\W_]+")


def _may_shout(title: str) -> bool:
    """Return whether at least three words have no lower-case letter: a cheap check that each shouting title passes."""
    words = _ASCII_WORD.findall(title) if title.isascii() else [word.text for word in tokens.words(title)]
    return len([word for word in words if word.upper() == word]) >= 3

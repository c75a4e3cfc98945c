"""The rules in force: which of them match an article, and on which words."""

from __future__ import annotations

import functools
import re
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType

from bot import model
from bot.language import tokens
from bot.rules import evaluation
from bot.rules.article_text import ArticleText
from bot.rules.common_words import COMMON_WORDS
from bot.rules.evaluation import CompiledRule
from bot.rules.index import RuleIndex
from bot.rules.prefilter import Needs, needs_of
from bot.rules.reading import Kind
from bot.rules.steps import Steps
from bot.rules.vocabulary import Found, Vocabulary

#: Rules that matched of late: what they ask for is remembered.
_REMEMBERED = 1_024


class RuleSet:
    """Never changed once made; a reload makes another."""

    def __init__(self, compiled: Iterable[CompiledRule], *, most_steps: int | None = None) -> None:
        """``most_steps`` bounds the work for one article, which then may raise TooManySteps; None: no bound."""
        self._most_steps = most_steps
        self._compiled = tuple(compiled)
        self._names = tuple(one.rule.name for one in self._compiled)
        self._gated = frozenset(number for number, one in enumerate(self._compiled) if _is_gated(one.rule))
        self._vocabulary = Vocabulary()
        #: By rule, whether it has a capitals term: a shouting title may make it weak.
        self._capitals = bytearray(len(self._compiled))
        self._index = self._build()
        #: What numbers cannot decide is asked of many articles, so that it is not read anew for each.
        self._kept = {number: self._read(number) for number in self._index.partial}
        self._asked = functools.lru_cache(maxsize=_REMEMBERED)(self._read)

    def _read(self, number: int) -> CompiledRule:
        one = self._compiled[number]
        return replace(one, own=one.reading)

    def _build(self) -> RuleIndex:
        """Each rule is read once: of very many together, what was read takes more than all that is kept."""
        number = self._vocabulary.number
        needs: deque[Needs] = deque()
        for rule, one in enumerate(self._compiled):
            said = one.reading
            needs.append(needs_of(said.parts, number))
            self._capitals[rule] = bool(said.capitals)
        self._vocabulary.close(COMMON_WORDS, len(self._compiled))
        # Each is let go once it has its place.
        placing = (needs.popleft() for _ in range(len(needs)))
        return RuleIndex(placing, self._vocabulary.unsure, self._vocabulary.weights)

    @property
    def rules(self) -> Mapping[str, model.Rule]:
        """By name."""
        return MappingProxyType({one.rule.name: one.rule for one in self._compiled})

    def _view(self, article: model.Article) -> ArticleText:
        return ArticleText(article, Steps(self._most_steps) if self._most_steps is not None else None)

    def match(self, article: model.Article, feed: model.Feed, *, now: datetime) -> tuple[model.Match, ...]:
        """The rules that match, in their order, with what they fired on."""
        sure, partial = self._candidates(self._vocabulary.find(article.title, article.text), article)
        seen = self._view(article)
        matches = []
        for number in sorted(sure | partial):
            if not self._is_active(number, article, feed, now):
                continue
            if number in partial and not evaluation.is_true(self._kept[number], seen):
                # Most of them, and much cheaper to say than where each term was found.
                continue
            said = evaluation.evaluate_rule(self._asked(number), seen)
            if said.is_match:
                rule = self._compiled[number].rule
                matches.append(
                    model.Match(rule=rule.name, rule_version=rule.version, evidence=evaluation.evidence(said))
                )
        return tuple(matches)

    def matching(self, article: model.Article, feed: model.Feed, *, now: datetime) -> tuple[str, ...]:
        """The names of the rules that match, in their order; no evidence."""
        matched = self._matching(self._vocabulary.find(article.title, article.text), article)
        if not self._gated.isdisjoint(matched):
            matched = {number for number in matched if self._is_active(number, article, feed, now)}
        return tuple([self._names[number] for number in sorted(matched)])

    def _candidates(self, found: Found, article: model.Article) -> tuple[set[int], set[int]]:
        """Rules that surely are true, weakness aside, and rules that may be."""
        sure, partial = self._index.candidates(found.numbers)
        distances = self._index.distances
        if near := partial & distances.keys():
            places = self._vocabulary.places(article.title, found)
            partial -= near
            sure.update([rule for rule in near if places.hold(distances[rule])])
        return sure, partial

    def _matching(self, found: Found, article: model.Article) -> set[int]:
        matched, partial = self._candidates(found, article)
        if partial:
            seen = self._view(article)
            matched.update([number for number in partial if evaluation.is_true(self._kept[number], seen)])
        loud = [number for number in matched if self._capitals[number]]
        if loud and _may_shout(article.title):
            seen = self._view(article)
            matched.difference_update([one for one in loud if evaluation.evaluate_rule(self._asked(one), seen).is_weak])
        return matched

    def wants_full_text(self, article: model.Article, feed: model.Feed, *, now: datetime) -> bool:
        """Whether a rule that does not match yet has part of what it needs."""
        if article.is_full_text:
            return False
        found = self._vocabulary.find(article.title, article.text)
        matched = self._matching(found, article)
        found.numbers.discard(self._vocabulary.always)
        seen = self._view(article)
        return any(
            not all(map(found.numbers.isdisjoint, groups))
            and number not in matched
            and self._is_active(number, article, feed, now)
            and not _is_excluded(self._asked(number), seen)
            for number, groups in self._index.several_groups()
        )

    def _is_active(self, number: int, article: model.Article, feed: model.Feed, now: datetime) -> bool:
        return number not in self._gated or _is_active(self._compiled[number].rule, article, feed, now)


def _is_gated(rule: model.Rule) -> bool:
    return rule.paused or rule.until is not None or bool(rule.feeds)


def _is_active(rule: model.Rule, article: model.Article, feed: model.Feed, now: datetime) -> bool:
    """Not paused, not over, and meant for this feed."""
    if rule.paused or (rule.until is not None and now >= rule.until):
        return False
    return is_meant_for(rule, article, feed)


def is_meant_for(rule: model.Rule, article: model.Article, feed: model.Feed) -> bool:
    """Whether the rule's ``feeds`` name this one: by its name (else the outlet's), address or a tag."""
    if not rule.feeds:
        return True
    names = {feed.url, (feed.name or article.outlet).casefold(), *(tag.casefold() for tag in feed.tags)}
    return any(name in names or name.casefold() in names for name in rule.feeds)


def _is_excluded(compiled: CompiledRule, seen: ArticleText) -> bool:
    return any(line.is_found for line in evaluation.evaluate_rule(compiled, seen).lines if line.part.kind is Kind.NONE)


#: No word of an ASCII title reaches over the edge of one of these.
_ASCII_WORD = re.compile(r"[^\W_]+")


def _may_shout(title: str) -> bool:
    """At least three words without a small letter: cheap, and true of every title that shouts."""
    words = _ASCII_WORD.findall(title) if title.isascii() else [word.text for word in tokens.words(title)]
    return len([word for word in words if word.upper() == word]) >= 3

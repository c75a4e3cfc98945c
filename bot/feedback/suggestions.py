"""From judged stories to changes of a rule: an exclusion, a guard, a term that is taken out.

    judged stories → words that part them, wordings that found noise only → rule versions → the real engine
                   → what each would have left out, on the judged stories and on the archive

Pure: it is given articles. It proposes; the analyst decides.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import assert_never

from bot import model
from bot.feedback import separating_words, yaml_snippets
from bot.feedback.clinic import tells
from bot.rules import compile as compiling
from bot.rules import evaluation
from bot.rules.article_text import ArticleText
from bot.rules.errors import RuleError
from bot.rules.evaluation import CompiledRule
from bot.rules.ruleset import RuleSet

#: Fewer judged stories have too many words in common by chance.
LEAST_NOISE = 2
#: A guard says what every useful story has, so it needs more of them.
LEAST_USEFUL = 3
#: A guard keeps only what has one of its words, so each useful story is to have three of them: with one, 28 % of the
#: useful stories that nobody had judged were lost after 24 judgements, with three 5 % (bench/quality/feedback.py).
GUARDED_TIMES, GUARD_WORDS = 3, 16
#: Wordings taken out in one proposal.
MOST_TERMS = 3
#: Parts of the judged stories that are set aside in turn.
PARTS = 10


class RuleChange(StrEnum):
    """How a rule could be changed."""

    EXCLUSION = "an exclusion"
    GUARD = "a guard"
    TERM = "a term taken out"


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedStory:
    """A story that readers judged under one rule."""

    is_useful: bool
    #: Those that the rule matched when they came.
    articles: tuple[model.Article, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One change of one rule, and what it does to the judged stories."""

    change: RuleChange
    #: The whole key as it should read, ready to be pasted in the place of the one that is there.
    yaml: str
    compiled: CompiledRule
    #: Stories that the rule matches as it is, and those of them that it would no longer match.
    noise: int
    noise_left_out: int
    useful: int
    useful_left_out: int
    #: The same, each story by a change that was made without it: what may be hoped for of stories to come.
    noise_unseen: int = 0
    useful_unseen: int = 0


@dataclass(frozen=True, slots=True)
class _Candidate:
    change: RuleChange
    yaml: str
    rule: model.Rule


def propose(compiled: CompiledRule, judged: Sequence[JudgedStory]) -> tuple[Proposal, ...]:
    """The best change of each kind that leaves out more noise than useful stories."""
    matched = [story for story in judged if _matches(compiled, story)]
    noise = [story for story in matched if not story.is_useful]
    useful = [story for story in matched if story.is_useful]
    if len(noise) < LEAST_NOISE:
        return ()
    found = [_best(change, compiled.rule, noise, useful) for change in RuleChange]
    return tuple(_with_unseen(one, compiled.rule, noise, useful) for one in found if one)


def _best(
    change: RuleChange, rule: model.Rule, noise: Sequence[JudgedStory], useful: Sequence[JudgedStory]
) -> Proposal | None:
    match change:
        case RuleChange.EXCLUSION:
            candidate = _exclusion(rule, noise, useful)
        case RuleChange.GUARD:
            candidate = _guard(rule, noise, useful)
        case RuleChange.TERM:
            return _without_terms(rule, noise, useful)
        case _:
            assert_never(change)
    return _tried(candidate, noise, useful) if candidate else None


def _with_unseen(
    proposal: Proposal, rule: model.Rule, noise: Sequence[JudgedStory], useful: Sequence[JudgedStory]
) -> Proposal:
    """Cross-validation: a part of the stories is set aside, and the change made again from the others."""
    noise_unseen = useful_unseen = 0
    for part in range(min(PARTS, len(noise) + len(useful))):
        others = [[one for at, one in enumerate(those) if at % PARTS != part] for those in (noise, useful)]
        made = _best(proposal.change, rule, *others)
        if made:
            noise_unseen += sum(not _matches(made.compiled, story) for story in noise[part::PARTS])
            useful_unseen += sum(not _matches(made.compiled, story) for story in useful[part::PARTS])
    return replace(proposal, noise_unseen=noise_unseen, useful_unseen=useful_unseen)


def _matches(compiled: CompiledRule, story: JudgedStory) -> bool:
    return any(evaluation.evaluate_rule(compiled, ArticleText(article)).is_match for article in story.articles)


def _tried(candidate: _Candidate, noise: Sequence[JudgedStory], useful: Sequence[JudgedStory]) -> Proposal | None:
    """None: the rule's own examples are against it, or it does more harm than good."""
    try:
        compiled = compiling.compile_rule(candidate.rule)
    except RuleError:
        return None
    noise_left_out = sum(not _matches(compiled, story) for story in noise)
    useful_left_out = sum(not _matches(compiled, story) for story in useful)
    if noise_left_out <= useful_left_out:
        return None
    return Proposal(
        change=candidate.change,
        yaml=candidate.yaml,
        compiled=compiled,
        noise=len(noise),
        noise_left_out=noise_left_out,
        useful=len(useful),
        useful_left_out=useful_left_out,
    )


# -- words


@functools.lru_cache(maxsize=10_000)
def _words(article: model.Article) -> frozenset[str]:
    return frozenset(word for field in ArticleText(article).fields(None) for word in field.plain if tells(word))


def _any_article(story: JudgedStory) -> frozenset[str]:
    return frozenset[str]().union(*map(_words, story.articles))


def _every_article(story: JudgedStory) -> frozenset[str]:
    first, *rest = map(_words, story.articles)
    return first.intersection(*rest)


def _of_headlines(stories: Iterable[JudgedStory]) -> frozenset[str]:
    views = (ArticleText(article) for story in stories for article in story.articles)
    return frozenset(word for view in views for field in view.fields("title") for word in field.plain if tells(word))


def _exclusion(rule: model.Rule, noise: Sequence[JudgedStory], useful: Sequence[JudgedStory]) -> _Candidate | None:
    """A story is left out when each of its articles has one of the words."""
    found = separating_words.words(
        list(map(_every_article, noise)), list(map(_any_article, useful)), headlines=_of_headlines(noise)
    )
    if not found:
        return None
    terms = tuple(dict.fromkeys([*(term for line in rule.none for term in line.terms), *found]))
    none = (model.Line(label="none", terms=terms),)
    return _Candidate(RuleChange.EXCLUSION, f"none: {yaml_snippets.terms(terms)}", replace(rule, none=none))


def _guard(rule: model.Rule, noise: Sequence[JudgedStory], useful: Sequence[JudgedStory]) -> _Candidate | None:
    """A story is kept when one of its articles has one of the words."""
    if len(useful) < LEAST_USEFUL:
        return None
    found = separating_words.words(
        list(map(_any_article, useful)),
        list(map(_any_article, noise)),
        headlines=_of_headlines(useful),
        times=GUARDED_TIMES,
        most_words=GUARD_WORDS,
    )
    if not found:
        return None
    if rule.query is not None:
        query = f"({rule.query.strip()})\nAND ({' OR '.join(found)})"
        return _Candidate(RuleChange.GUARD, yaml_snippets.query(query), replace(rule, query=query))
    labels = {line.label for line in rule.all}
    label = next(name for name in ("context", "also", "and also") if name not in labels)
    lines = (*rule.all, model.Line(label=label, terms=found))
    return _Candidate(RuleChange.GUARD, yaml_snippets.lines("all", lines), replace(rule, all=lines))


# -- terms


def _without_terms(rule: model.Rule, noise: Sequence[JudgedStory], useful: Sequence[JudgedStory]) -> Proposal | None:
    """The wordings that found noise only, one after another while each leaves out more."""
    best: Proposal | None = None
    for _ in range(MOST_TERMS):
        tried = [_tried(one, noise, useful) for one in _shorter(best.compiled.rule if best else rule, rule)]
        better = [one for one in tried if one and not one.useful_left_out]
        # The first of those that do as much: the order of the rule.
        next_best = max(better, key=lambda one: one.noise_left_out, default=None)
        if next_best is None or (best and next_best.noise_left_out <= best.noise_left_out):
            break
        best = next_best
    return best


def _shorter(rule: model.Rule, original: model.Rule) -> Iterator[_Candidate]:
    """The rule without one of its terms; a line of ``all`` keeps one, and so does ``any`` as a whole."""
    for number, line in enumerate(rule.all):
        if len(line.terms) > 1:
            for term in line.terms:
                lines = _with(rule.all, number, term)
                yield _shortened(replace(rule, all=lines), original)
    if sum(len(line.terms) for line in rule.any) > 1:
        for number, line in enumerate(rule.any):
            for term in line.terms:
                lines = _with(rule.any, number, term)
                yield _shortened(replace(rule, any=lines), original)


def _with(lines: tuple[model.Line, ...], number: int, without: str) -> tuple[model.Line, ...]:
    terms = tuple(term for term in lines[number].terms if term != without)
    shorter = (model.Line(label=lines[number].label, terms=terms),) if terms else ()
    return (*lines[:number], *shorter, *lines[number + 1 :])


def _shortened(rule: model.Rule, original: model.Rule) -> _Candidate:
    changed = [(key, getattr(rule, key)) for key in ("all", "any") if getattr(rule, key) != getattr(original, key)]
    return _Candidate(RuleChange.TERM, "\n".join(yaml_snippets.lines(key, lines) for key, lines in changed), rule)


# -- the archive


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Articles of the archive that match, before the change and after."""

    before: int
    after: int


class ProposalTrial:
    """Reads the archive once for all proposals."""

    def __init__(self, proposals: Sequence[tuple[CompiledRule, Proposal]]) -> None:
        self._counts = [[0, 0] for _ in proposals]
        versions = [
            (f"{number} {name}", one)
            for number, (rule, proposal) in enumerate(proposals)
            for name, one in (("before", rule), ("after", proposal.compiled))
        ]
        self._set = RuleSet(replace(one, rule=replace(one.rule, name=name, paused=False)) for name, one in versions)

    def read(self, article: model.Article, feed: model.Feed) -> None:
        """Count what the article changes for each proposal."""
        for name in self._set.matching(article, feed, now=article.first_seen):
            number, _, which = name.partition(" ")
            self._counts[int(number)][which == "after"] += 1

    def effects(self) -> tuple[Effect, ...]:
        """In the order of the proposals."""
        return tuple(Effect(before=before, after=after) for before, after in self._counts)

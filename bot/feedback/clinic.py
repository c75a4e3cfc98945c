"""The acronym clinic: in what company a short term is in the archive, and what would keep its other use away.

    articles with the term → words around it, and the name that it stands for where a text spells it out
                           → two groups that share few words → companions of each → a guard

Pure: it is given articles and remembers the words around the term. It proposes; which use is meant, the
rule's own words and examples say, or else the analyst.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from bot import model
from bot.feedback import acronyms, sense_clusters, yaml_snippets
from bot.language import tokens
from bot.rules import expression, patterns
from bot.rules.article_text import ArticleText
from bot.rules.common_words import COMMON_WORDS
from bot.rules.evaluation import CompiledRule
from bot.rules.reading import Kind
from bot.rules.ruleset import RuleSet

#: Longer acronyms are rarely two things.
MAX_ACRONYM = 5
#: A small word of this many letters is as ambiguous as an acronym.
MAX_SHORT = 3
#: Words looked at on each side of the term.
AROUND = 25
#: Articles remembered of one term, the newest.
REMEMBERED = 1_000
#: Headlines shown of each use.
HEADLINES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class TermUse:
    """One group of articles in which the term is in like company."""

    articles: int
    #: Of them, how many the rule matches as it is.
    matched: int
    #: Most telling first.
    companions: tuple[str, ...]
    headlines: tuple[str, ...]
    #: The name that the term stands for, folded, where articles spell it out.
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A line for the rule, and what it would do to the articles with the term."""

    #: “none: [school, parents]”, ready to be put into the rule.
    yaml: str
    #: Articles of the meant use that stay, and of the other that still come through.
    keeps: int
    lets_through: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One short term of one rule."""

    rule: str
    term: str
    articles: int
    #: Two, the meant one first; empty: one use, or too few articles to tell.
    uses: tuple[TermUse, ...]
    #: The rule's own words and examples say which use is meant; False: the larger one is first.
    is_known: bool
    #: For the first use, against the second.
    guards: tuple[Guard, ...]

    @property
    def is_ambiguous(self) -> bool:
        """The rule as it is matches articles of the other use too."""
        return len(self.uses) == 2 and self.uses[1].matched > 0


@dataclass(slots=True)
class _Seen:
    title: str
    words: frozenset[str]
    is_matched: bool
    name: str | None


class Clinic:
    """Reads the archive once for all short terms of some rules."""

    def __init__(self, compiled: Iterable[CompiledRule]) -> None:
        self._cases = [(one, leaf) for one in compiled for leaf in suspects(one)]
        self._seen: list[deque[_Seen]] = [deque(maxlen=REMEMBERED) for _ in self._cases]
        self._counts = [0] * len(self._cases)
        self._set = RuleSet(
            version for number, case in enumerate(self._cases) for version in _versions(f"{number}", *case)
        )

    @property
    def is_idle(self) -> bool:
        """No rule has a short term."""
        return not self._cases

    def read(self, article: model.Article, feed: model.Feed) -> None:
        """Take one article of the archive into account."""
        found = set(self._set.matching(article, feed, now=article.first_seen))
        if not found:
            return
        view = ArticleText(article)
        for number, (_, leaf) in enumerate(self._cases):
            if f"term {number}" in found:
                words = frozenset(_around(leaf, view))
                name = acronyms.spelled_out(leaf, view)
                self._counts[number] += 1
                self._seen[number].append(_Seen(article.title, words, f"rule {number}" in found, name))

    def findings(self) -> tuple[Finding, ...]:
        """Of every short term that the articles have."""
        cases = zip(self._cases, self._seen, self._counts, strict=True)
        return tuple(_finding(*case, list(seen), count) for case, seen, count in cases if count)


def suspects(compiled: CompiledRule) -> tuple[expression.Words, ...]:
    """The short terms that have to be found, each once."""
    found: dict[str, expression.Words] = {}
    for part in compiled.parts:
        for leaf in expression.leaves(part.expression) if part.kind is not Kind.NONE else ():
            if isinstance(leaf, expression.Words) and _is_short(leaf):
                found.setdefault(leaf.text, leaf)
    return tuple(found.values())


def _is_short(leaf: expression.Words) -> bool:
    elements = leaf.pattern.elements
    if len(elements) > 1 or elements[0].shape is not patterns.Shape.WORD or leaf.field not in (None, "title", "body"):
        return False
    word = elements[0].text
    if not word.isascii() or not word.isalnum() or word.isdigit():
        return False
    return len(word) <= (MAX_ACRONYM if leaf.pattern.is_capitals or leaf.is_exact else MAX_SHORT)


def _versions(number: str, compiled: CompiledRule, leaf: expression.Words) -> Iterator[CompiledRule]:
    """The rule itself, and its short term alone."""
    awake = replace(compiled.rule, paused=False)
    yield replace(compiled, rule=replace(awake, name=f"rule {number}"))
    said = compiled.reading
    part = replace(said.parts[0], kind=Kind.ALL, expression=leaf)
    yield CompiledRule(rule=replace(awake, name=f"term {number}"), own=said._replace(parts=(part,)))


def _around(leaf: expression.Words, view: ArticleText) -> Iterator[str]:
    for field in view.fields(leaf.field):
        for place in field.find(leaf.pattern):
            nearby = field.plain[max(0, place.first - AROUND) : place.last + 1 + AROUND]
            yield from (word for word in nearby if tells(word))
    yield from (word for field in view.fields("title") for word in field.plain if tells(word))


def tells(word: str) -> bool:
    """A folded word that may say what a text is about."""
    return (len(word) > 2 or not word.isascii()) and word not in COMMON_WORDS and not word[0].isdigit()


def _finding(compiled: CompiledRule, leaf: expression.Words, seen: list[_Seen], count: int) -> Finding:
    own = _words_of([leaf.text])
    split = sense_clusters.split([one.words - own for one in seen], names=[one.name for one in seen])
    if split is None:
        return Finding(rule=compiled.rule.name, term=leaf.text, articles=count, uses=(), is_known=False, guards=())
    said = split.lean(_meant_words(compiled.rule) - own) - split.lean(_other_words(compiled.rule) - own)
    matched = [sum(seen[number].is_matched for number in group) for group in split.groups]
    if not said and matched[0] != matched[1] and not all(matched):
        said = matched[1] - matched[0]
    ordered = split.turned() if said > 0 or (not said and len(split.groups[1]) > len(split.groups[0])) else split
    uses = tuple(
        TermUse(
            articles=len(group),
            matched=sum(seen[number].is_matched for number in group),
            companions=companions,
            headlines=tuple(dict.fromkeys(seen[number].title for number in reversed(group)))[:HEADLINES],
            name=sense_clusters.usual(seen[number].name for number in group),
        )
        for group, companions in zip(ordered.groups, ordered.companions, strict=True)
    )
    return Finding(
        rule=compiled.rule.name,
        term=leaf.text,
        articles=count,
        uses=uses,
        is_known=bool(said),
        guards=tuple(_guards(compiled.rule, ordered)),
    )


def _words_of(texts: Iterable[str]) -> frozenset[str]:
    return frozenset(word for one in texts for found in tokens.words(one) if tells(word := tokens.fold(found.text)))


def _meant_words(rule: model.Rule) -> frozenset[str]:
    """Words that the rule itself gives beside the term."""
    lines = [term for line in (*rule.all, *rule.any) for term in line.terms]
    named = [term for _, terms in rule.sets for term in terms]
    examples = [part for example in rule.must_match for part in (example.title, example.body)]
    return _words_of([*lines, *named, *examples, rule.name, rule.query or ""])


def _other_words(rule: model.Rule) -> frozenset[str]:
    examples = [part for example in rule.must_not_match for part in (example.title, example.body)]
    return _words_of([*examples, *(term for line in rule.none for term in line.terms)])


def _guards(rule: model.Rule, split: sense_clusters.Split) -> Iterator[Guard]:
    """Words of the other use to exclude; or words of the meant use of which one must be there too."""
    excluded = split.telling(1)
    if excluded:
        known = [term for line in rule.none for term in line.terms]
        yield Guard(
            yaml=f"none: {yaml_snippets.terms([*known, *excluded])}",
            keeps=len(split.groups[0]) - split.touched(0, excluded),
            lets_through=len(split.groups[1]) - split.touched(1, excluded),
        )
    needed = split.telling(0)
    if needed:
        words = yaml_snippets.terms(needed)
        yield Guard(
            yaml=f"all: {{context: {words}}}" if not rule.all and rule.query is None else f"context: {words}",
            keeps=split.touched(0, needed),
            lets_through=split.touched(1, needed),
        )

"""A compiled rule, and its evaluation on one article, line by line."""

from __future__ import annotations

from dataclasses import dataclass

from bot import model
from bot.rules import article_text, evaluate, expression, patterns, reading, show
from bot.rules.reading import Kind, Part, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A rule that is ready to be evaluated and indexed."""

    rule: model.Rule
    #: None: read from the rule when needed, through a small cache.
    own: Reading | None = None

    @property
    def reading(self) -> Reading:
        """Return the parts of the rule."""
        return self.own or reading.read(self.rule)

    @property
    def parts(self) -> tuple[Part, ...]:
        """Return the parts that must match, then those that must not."""
        return self.reading.parts


@dataclass(frozen=True, slots=True)
class LineEvaluation:
    """The result of one line of a rule."""

    part: Part
    hits: tuple[evaluate.Hit, ...]
    #: The value of the expression; for a NONE line, true means excluded.
    is_found: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The results of all lines of a rule on one article."""

    lines: tuple[LineEvaluation, ...]
    #: Every line has the required result.
    is_complete: bool
    #: All hits are terms in capitals, in a title that shouts.
    is_weak: bool

    @property
    def is_match(self) -> bool:
        """Return whether the rule matches the article."""
        return self.is_complete and not self.is_weak


def evaluate_rule(compiled: CompiledRule, seen: article_text.ArticleText) -> Evaluation:
    """Evaluate all lines of a rule on one article."""
    lines = tuple(_line(part, seen) for part in compiled.parts)
    is_complete = is_true(compiled, seen)
    positive = [hit for line in lines if line.part.kind is not Kind.NONE for hit in line.hits]
    capitals = compiled.reading.capitals
    is_weak = is_complete and bool(positive and capitals) and _are_weak(positive, capitals, seen)
    return Evaluation(lines, is_complete, is_weak)


def matches(compiled: CompiledRule, seen: article_text.ArticleText) -> bool:
    """Return whether the rule matches, without the places: several times cheaper than ``evaluate_rule``."""
    if not is_true(compiled, seen):
        return False
    capitals = compiled.reading.capitals
    may_be_weak = bool(capitals) and article_text.is_shouting(seen.fields("title")[0], capitals)
    return not may_be_weak or evaluate_rule(compiled, seen).is_match


def is_true(compiled: CompiledRule, seen: article_text.ArticleText) -> bool:
    """Return whether every line has the required result; weakness aside."""
    parts = compiled.parts
    any_parts = [part for part in parts if part.kind is Kind.ANY]
    return (
        all(evaluate.holds(part.expression, seen) for part in parts if part.kind is Kind.ALL)
        and (not any_parts or any(evaluate.holds(part.expression, seen) for part in any_parts))
        and not any(evaluate.holds(part.expression, seen) for part in parts if part.kind is Kind.NONE)
    )


def _line(part: Part, seen: article_text.ArticleText) -> LineEvaluation:
    hits = tuple(evaluate.hits(part.expression, seen))
    return LineEvaluation(part, hits, bool(hits) or evaluate.holds(part.expression, seen))


def _are_weak(hits: list[evaluate.Hit], capitals: tuple[patterns.Pattern, ...], seen: article_text.ArticleText) -> bool:
    if not all(hit.field == "title" and _is_capitals(hit.leaf) for hit in hits):
        return False
    leaves = {hit.leaf for hit in hits}
    if any(_is_in_body(leaf, seen) for leaf in leaves):
        return False
    return article_text.is_shouting(seen.fields("title")[0], capitals)


def _is_capitals(leaf: expression.Leaf) -> bool:
    return isinstance(leaf, expression.Words) and leaf.pattern.is_capitals


def _is_in_body(leaf: expression.Leaf, seen: article_text.ArticleText) -> bool:
    return (
        isinstance(leaf, expression.Words)
        and leaf.field is None
        and evaluate.holds(expression.Words(leaf.text, leaf.is_exact, "body", pattern=leaf.pattern), seen)
    )


#: Maximum places of one term in one field; bounds a text that repeats one word.
MAX_EVIDENCE = 10


def evidence(verdict: Evaluation) -> tuple[model.Evidence, ...]:
    """Return the places of the lines that must match, in the order of the rule."""
    counts: dict[tuple[str, int, str], int] = {}
    #: The hash of a leaf is slow, so it is computed once for each leaf, not for each hit.
    leaves: dict[expression.Leaf, int] = {}
    numbers: dict[int, int] = {}
    kept = []
    for line in verdict.lines:
        if line.part.kind is Kind.NONE:
            continue
        for hit in line.hits:
            number = numbers.get(id(hit.leaf))
            if number is None:
                number = numbers[id(hit.leaf)] = leaves.setdefault(hit.leaf, len(leaves))
            key = (line.part.label, number, hit.field)
            counts[key] = counts.get(key, 0) + 1
            if counts[key] <= MAX_EVIDENCE:
                kept.append(evidence_of(line.part, hit))
    return tuple(dict.fromkeys(kept))


def evidence_of(part: Part, hit: evaluate.Hit) -> model.Evidence:
    """Make evidence of a hit; in a query the label is the term."""
    term = show.term(hit.leaf) if part.is_query else show.item(hit.leaf)
    label = term if part.is_query else part.label
    return model.Evidence(label=label, term=term, field=hit.field, text=hit.text, start=hit.start, end=hit.end)

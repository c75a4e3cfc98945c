"""A compiled rule, and what it says of one article, line by line."""

from __future__ import annotations

from dataclasses import dataclass

from bot import model
from bot.rules import article_text, evaluate, expression, patterns, reading, show
from bot.rules.reading import Kind, Part, Reading


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledRule:
    """A rule ready to be asked, and to be put into an index."""

    rule: model.Rule
    #: None: as the rule reads, which is read again where it is forgotten.
    own: Reading | None = None

    @property
    def reading(self) -> Reading:
        """What the rule asks for."""
        return self.own or reading.read(self.rule)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What must be found, then what must not."""
        return self.reading.parts


@dataclass(frozen=True, slots=True)
class LineEvaluation:
    """What one line of a rule found."""

    part: Part
    hits: tuple[evaluate.Hit, ...]
    #: As the expression goes; of a NONE line true means excluded.
    is_found: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What all lines of a rule found in one article."""

    lines: tuple[LineEvaluation, ...]
    #: Every line is as it must be.
    is_complete: bool
    #: All that was found is capitals in a title that shouts.
    is_weak: bool

    @property
    def is_match(self) -> bool:
        """Whether the rule matches the article."""
        return self.is_complete and not self.is_weak


def evaluate_rule(compiled: CompiledRule, seen: article_text.ArticleText) -> Evaluation:
    """The whole truth about one rule and one article."""
    lines = tuple(_line(part, seen) for part in compiled.parts)
    is_complete = is_true(compiled, seen)
    positive = [hit for line in lines if line.part.kind is not Kind.NONE for hit in line.hits]
    capitals = compiled.reading.capitals
    is_weak = is_complete and bool(positive and capitals) and _are_weak(positive, capitals, seen)
    return Evaluation(lines, is_complete, is_weak)


def matches(compiled: CompiledRule, seen: article_text.ArticleText) -> bool:
    """As ``judge`` says, without the places: several times cheaper."""
    if not is_true(compiled, seen):
        return False
    capitals = compiled.reading.capitals
    may_be_weak = bool(capitals) and article_text.is_shouting(seen.fields("title")[0], capitals)
    return not may_be_weak or evaluate_rule(compiled, seen).is_match


def is_true(compiled: CompiledRule, seen: article_text.ArticleText) -> bool:
    """Whether every line is as it must be; weakness aside."""
    parts = compiled.parts
    wanted = [part for part in parts if part.kind is Kind.ANY]
    return (
        all(evaluate.holds(part.expression, seen) for part in parts if part.kind is Kind.ALL)
        and (not wanted or any(evaluate.holds(part.expression, seen) for part in wanted))
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


#: Of one term in one field: enough to mark, and bounded on a text that repeats one word.
MAX_EVIDENCE = 10


def evidence(verdict: Evaluation) -> tuple[model.Evidence, ...]:
    """What the lines that had to be found fired on, in the order of the rule."""
    counts: dict[tuple[str, int, str], int] = {}
    #: A leaf's hash takes long: it is made once, not for each hit.
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
    """The hit as evidence; of a query the term is the label."""
    term = show.term(hit.leaf) if part.is_query else show.item(hit.leaf)
    label = term if part.is_query else part.label
    return model.Evidence(label=label, term=term, field=hit.field, text=hit.text, start=hit.start, end=hit.end)

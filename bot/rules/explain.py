"""Explain why a rule matches an article, or what is missing and what came near."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bot import model
from bot.language import tokens
from bot.rules import compile as compiling
from bot.rules import evaluate, examples, expression, patterns, ruleset, show
from bot.rules.article_text import ArticleText, FieldText
from bot.rules.evaluation import CompiledRule, Evaluation, LineEvaluation, evaluate_rule, evidence_of
from bot.rules.reading import Kind
from bot.rules.steps import Steps

#: Maximum near misses of one line; more would hide the reason.
MAX_NOTES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainedLine:
    """The result of one line of a rule on one article."""

    label: str
    #: all, any or none.
    kind: str
    is_found: bool
    found: tuple[model.Evidence, ...]
    #: Near misses: “PTA found as "pta"”, “NEAR/10, found at 14”.
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Render the line and its notes as ``wirewatch explain`` prints them."""
        sign = "+" if self.is_found is not (self.kind == Kind.NONE) else "-"
        evidence = "; ".join(_told(self.found)) or ("true" if self.is_found else "not found")
        verb = "excludes: " if self.kind == Kind.NONE else ""
        return "\n".join([f"  {sign} {verb}{self.label}: {evidence}", *(f"      {note}" for note in self.notes)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The result of one rule on one article, line by line."""

    rule: str
    matched: bool
    #: All hits are terms in capitals, in a title that shouts.
    weak: bool
    lines: tuple[ExplainedLine, ...]
    #: “2 of 3: no demand”, “paused”, “not for this feed”.
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Render all lines and notes as ``wirewatch explain`` prints them."""
        return "\n".join([*(line.text() for line in self.lines), *(f"  = {note}" for note in self.notes)])


def _told(evidence: tuple[model.Evidence, ...]) -> Iterator[str]:
    """Render each wording once, with its count and field."""
    counts: dict[tuple[str, str, str], int] = {}
    for item in evidence:
        key = (" ".join(item.text.split()), item.field, item.term)
        counts[key] = counts.get(key, 0) + 1
    for (words, field, term), count in counts.items():
        times = f", {count} times" if count > 1 else ""
        yield f'"{words}" in {field}{times} ({term})'


def explain(
    rule: model.Rule | CompiledRule,
    article: model.Article,
    feed: model.Feed | None = None,
    *,
    steps: Steps | None = None,
) -> Explanation:
    """Explain why the rule matches the article, or why not. ``until`` is ignored, since there is no clock.

    Raises RuleError for a rule that cannot be used, TooManySteps if ``steps`` is exceeded.
    """
    compiled = rule if isinstance(rule, CompiledRule) else compiling.compile_rule(rule)
    seen = ArticleText(article, steps)
    verdict = evaluate_rule(compiled, seen)
    notes = []
    if not verdict.is_complete:
        notes.append(_score(verdict))
    if verdict.is_weak:
        notes.append(f"weak: {examples.missing(verdict)}")
    is_meant = feed is None or ruleset.is_meant_for(compiled.rule, article, feed)
    if not is_meant:
        notes.append(f"not for this feed: only for {', '.join(compiled.rule.feeds)}")
    if compiled.rule.paused:
        notes.append("the rule is paused")
    return Explanation(
        rule=compiled.rule.name,
        matched=verdict.is_match and is_meant and not compiled.rule.paused,
        weak=verdict.is_weak,
        lines=tuple(_line(line, seen) for line in verdict.lines),
        notes=tuple(notes),
    )


def _score(verdict: Evaluation) -> str:
    """Return “2 of 3: no demand”."""
    required = [line.is_found for line in verdict.lines if line.part.kind is Kind.ALL]
    alternatives = [line.is_found for line in verdict.lines if line.part.kind is Kind.ANY]
    if alternatives:
        required.append(any(alternatives))
    return f"{sum(required)} of {len(required)}: {examples.missing(verdict)}"


def _line(line: LineEvaluation, seen: ArticleText) -> ExplainedLine:
    notes = [] if line.is_found else list(dict.fromkeys(_near_misses(line.part.expression, seen)))
    return ExplainedLine(
        label=line.part.label,
        kind=line.part.kind.value,
        is_found=line.is_found,
        found=tuple(evidence_of(line.part, hit) for hit in line.hits),
        notes=tuple(notes[:MAX_NOTES]) if line.part.kind is not Kind.NONE else (),
    )


def _near_misses(tree: expression.Expression, seen: ArticleText) -> Iterator[str]:
    match tree:
        case expression.Near():
            yield from _too_far(tree, seen)
            yield from _near_misses(tree.left, seen)
            yield from _near_misses(tree.right, seen)
        case expression.Words():
            yield from _otherwise(tree, seen)
        case expression.Window(parts, words, field):
            if all(any(text.find(part.pattern) for text in seen.fields(field)) for part in parts):
                yield f"{show.term(tree)}: all words found, not within {words} other words"
        case expression.Not(part):
            for hit in evaluate.hits(part, seen)[:1]:
                yield f'"{hit.text}" in {hit.field} is excluded'
        case _:
            for part in expression.children(tree):
                yield from _near_misses(part, seen)


def _too_far(near: expression.Near, seen: ArticleText) -> Iterator[str]:
    """Return “NEAR/10, found at 14”."""
    if evaluate.holds(near, seen):
        return
    best: tuple[int, str] | None = None
    for field in (*seen.fields(None), *seen.fields("url"), *seen.fields("author"), *seen.fields("source")):
        left, right = evaluate.found_in(near.left, field), evaluate.found_in(near.right, field)
        for first in left[:100]:
            for second in right[:100]:
                distance = max(second.first - first.last, first.first - second.last) - 1
                is_reversed = near.is_ordered and second.first < first.first
                if distance >= 0 and (best is None or distance < best[0]):
                    words = f'"{first.hits[0].text}" and "{second.hits[0].text}" in {field.name}'
                    best = (distance, f" in the other order: {words}" if is_reversed else f": {words}")
    if best:
        yield f"NEAR/{near.words}{'f' if near.is_ordered else ''}, found at {best[0]}{best[1]}"


def _otherwise(leaf: expression.Words, seen: ArticleText) -> Iterator[str]:
    """Find a term in another form, or in another field."""
    if any(text.find(leaf.pattern) for text in seen.fields(leaf.field)):
        return
    shown = show.item(leaf)
    relaxed = _relaxed(leaf.pattern)
    glued = "".join(element.text for element in relaxed.elements)
    for field in seen.fields(leaf.field):
        if stretches := field.find(relaxed):
            yield f'{shown} found as "{_words(field, stretches[0].first, stretches[0].last)}" in {field.name}'
        elif len(relaxed.elements) > 1 and glued in field.plain:
            index = field.plain.index(glued)
            yield f'{shown} found as "{_words(field, index, index)}" in {field.name}'
        elif len(glued) >= 3 and len(relaxed.elements) == 1:
            inside = [index for index, word in enumerate(field.plain) if glued in word]
            if inside:
                yield f'{shown} found inside "{_words(field, inside[0], inside[0])}" in {field.name}'
    if leaf.field in expression.TEXT_FIELDS:
        other_field = "body" if leaf.field == "title" else "title"
        if any(text.find(leaf.pattern) for text in seen.fields(other_field)):
            yield f"{shown} found in {other_field} only"


def _words(field: FieldText, first: int, last: int) -> str:
    start, end = field.normal.place(field.tokens[first].start, field.tokens[last].end)
    return " ".join(field.original[start:end].split())


def _relaxed(pattern: patterns.Pattern) -> patterns.Pattern:
    """Return the pattern without case and accents."""
    elements = tuple(
        element
        if element.shape is patterns.Shape.HOLES
        else element._replace(form=patterns.Form.PLAIN, text=tokens.drop_accents(tokens.fold_case(element.text)))
        for element in pattern.elements
    )
    return pattern._replace(elements=elements)

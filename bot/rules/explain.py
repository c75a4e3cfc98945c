"""Explain a rule: why it matches an article or not, its near misses, and its meaning in plain English.

A looser version of a rule is an ordinary rule, so the index finds near misses as fast as matches.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import datetime

import msgspec
from msgspec.structs import replace

from bot.durations import format_duration
from bot.model.feeds import Feed
from bot.model.rules import ONLY_BRIEF, ONLY_SURGES, Evidence, Group, Rule
from bot.model.stories import Article
from bot.rules import compile as compiling
from bot.rules import evaluate, expression, parse, ruleset
from bot.rules.article_text import ArticleText, FieldText, Steps
from bot.rules.errors import QueryError
from bot.rules.evaluate import CompiledRule, Evaluation, LineEvaluation, evaluate_rule, make_evidence, render_term
from bot.rules.parts import LineKind, Part, RuleReading
from bot.text import tokens

#: Maximum near misses of one line; more would hide the reason.
MAX_NOTES = 5


class ExplainedLine(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one line of a rule on one article."""

    label: str
    #: “all”, “any” or “none”.
    kind: str
    is_found: bool
    evidence: tuple[Evidence, ...]
    #: Near misses: “PTA found as "pta"”, “NEAR/10, found at 14”.
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Render the line and its notes as ``wirewatch explain`` prints them."""
        sign = "+" if self.is_found is not (self.kind == LineKind.NONE) else "-"
        evidence = "; ".join(_render_evidence(self.evidence)) or ("true" if self.is_found else "not found")
        verb = "excludes: " if self.kind == LineKind.NONE else ""
        return "\n".join([f"  {sign} {verb}{self.label}: {evidence}", *(f"      {note}" for note in self.notes)])


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one rule on one article, line by line."""

    rule: str
    matched: bool
    lines: tuple[ExplainedLine, ...]
    #: Reasons such as “2 of 3: no demand” or “the rule is paused”.
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """Render all lines and notes as ``wirewatch explain`` prints them."""
        return "\n".join([*(line.text() for line in self.lines), *(f"  = {note}" for note in self.notes)])


def _render_evidence(evidence: tuple[Evidence, ...]) -> Iterator[str]:
    """Yield each matched wording once, with its field and number of occurrences."""
    counts: dict[tuple[str, str, str], int] = {}
    for item in evidence:
        key = (" ".join(item.text.split()), item.field, item.term)
        counts[key] = counts.get(key, 0) + 1
    for (words, field, term), count in counts.items():
        times = f", {count} times" if count > 1 else ""
        yield f'"{words}" in {field}{times} ({term})'


def explain_rule(
    rule: Rule | CompiledRule,
    article: Article,
    feed: Feed | None = None,
    *,
    now: datetime | None = None,
    steps: Steps | None = None,
) -> Explanation:
    """Explain why the rule matches the article or not. Without ``now``, the rule's ``until`` is ignored.

    Raises RuleError for a rule that cannot be used, TooManySteps if ``steps`` is exceeded.
    """
    compiled = rule if isinstance(rule, CompiledRule) else compiling.compile_rule(rule)
    view = ArticleText(article, steps)
    verdict = evaluate_rule(compiled, view)
    notes = []
    if not verdict.is_complete:
        notes.append(_count_lines(verdict))
    if verdict.is_weak:
        notes.append(f"weak: {compiling.describe_missing(verdict)}")
    is_meant = feed is None or ruleset.is_meant_for(compiled.rule, article, feed)
    if not is_meant:
        notes.append(f"not for this feed: only for {', '.join(compiled.rule.feeds)}")
    elif feed is None and compiled.rule.feeds:
        notes.append(f"only for articles of {', '.join(compiled.rule.feeds)}")
    skipped = ruleset.find_skipped_form(compiled.rule, article)
    if skipped:
        notes.append(f'the rule skips the form {skipped.form.value}, which "{skipped.mark}" shows')
    would = "would match; " if verdict.is_match else ""
    if compiled.rule.paused:
        notes.append(f"{would}the rule is paused")
    has_ended = now is not None and compiled.rule.has_ended(now)
    if has_ended:
        notes.append(f"{would}the rule ended on {compiled.rule.until:%Y-%m-%d at %H:%M} UTC")
    return Explanation(
        rule=compiled.rule.name,
        matched=verdict.is_match and is_meant and not skipped and not compiled.rule.paused and not has_ended,
        lines=tuple(_explain_line(line, view) for line in verdict.lines),
        notes=tuple(notes),
    )


def _count_lines(verdict: Evaluation) -> str:
    """Return how many required lines match and what is missing: “2 of 3: no demand”, or “no demand” if there is one."""
    required = [line.is_found for line in verdict.lines if line.part.kind is LineKind.ALL]
    alternatives = [line.is_found for line in verdict.lines if line.part.kind is LineKind.ANY]
    if alternatives:
        required.append(any(alternatives))
    missing = compiling.describe_missing(verdict)
    return f"{sum(required)} of {len(required)}: {missing}" if len(required) > 1 else missing


def _explain_line(line: LineEvaluation, view: ArticleText) -> ExplainedLine:
    notes = [] if line.is_found else list(dict.fromkeys(_find_near_misses(line.part.expression, view)))
    return ExplainedLine(
        label=line.part.label,
        kind=line.part.kind.value,
        is_found=line.is_found,
        evidence=tuple(make_evidence(line.part, hit, render_term(line.part, hit.leaf)) for hit in line.hits),
        notes=tuple(notes[:MAX_NOTES]) if line.part.kind is not LineKind.NONE else (),
    )


def _find_near_misses(tree: expression.Expression, view: ArticleText) -> Iterator[str]:
    match tree:
        case expression.Near():
            yield from _explain_distance(tree, view)
            yield from _find_near_misses(tree.left, view)
            yield from _find_near_misses(tree.right, view)
        case expression.Words():
            yield from _explain_wording(tree, view)
        case expression.Window(parts, words, field):
            if all(any(text.find(part.pattern) for text in view.fields(field)) for part in parts):
                yield f"{parse.render_term(tree)}: all words found, not within {words} other words"
        case expression.Not(part):
            for hit in evaluate.find_hits(part, view)[:1]:
                yield f'"{hit.text}" in {hit.field} is excluded'
        case _:
            for part in expression.children(tree):
                yield from _find_near_misses(part, view)


def _explain_distance(node: expression.Near, view: ArticleText) -> Iterator[str]:
    """Yield the smallest distance in the article if it is too large, such as “NEAR/10, found at 14”."""
    if evaluate.holds(node, view):
        return
    best: tuple[int, str] | None = None
    for field in (text for name in node.fields for text in view.fields(name)):
        left, right = evaluate.find_places(node.left, field), evaluate.find_places(node.right, field)
        for first in left[:100]:
            for second in right[:100]:
                distance = max(second.first - first.last, first.first - second.last) - 1
                is_reversed = node.is_ordered and second.first < first.first
                if distance >= 0 and (best is None or distance < best[0]):
                    words = " and ".join(
                        f'"{evaluate.make_hit(field, *place.terms[0]).text}"' for place in (first, second)
                    )
                    best = (distance, f"{' in the other order' if is_reversed else ''}: {words} in {field.name}")
    if best:
        yield f"NEAR/{node.words}{'f' if node.is_ordered else ''}, found at {best[0]}{best[1]}"


def _explain_wording(leaf: expression.Words, view: ArticleText) -> Iterator[str]:
    """Yield a note for each other form, or other field, in which a missing term occurs."""
    if any(text.find(leaf.pattern) for text in view.fields(leaf.field)):
        return
    shown = parse.render_item(leaf)
    relaxed = _relax_words(leaf).pattern
    glued = "".join(element.text for element in relaxed.elements)
    for field in view.fields(leaf.field):
        if stretches := field.find(relaxed):
            yield f'{shown} found as "{_original_words(field, stretches[0].first, stretches[0].last)}" in {field.name}'
        elif len(relaxed.elements) > 1 and glued in field.plain:
            index = field.plain.index(glued)
            yield f'{shown} found as "{_original_words(field, index, index)}" in {field.name}'
        elif len(glued) >= 3 and len(relaxed.elements) == 1:
            inside = [index for index, word in enumerate(field.plain) if glued in word]
            if inside:
                yield f'{shown} found inside "{_original_words(field, inside[0], inside[0])}" in {field.name}'
    if leaf.field in expression.LIST_FIELDS:
        other_field = "title" if leaf.field == "body" else "body"
        if any(text.find(leaf.pattern) for text in view.fields(other_field)):
            yield f"{shown} found {'after the lead' if leaf.field == 'lead' else f'in {other_field}'} only"


def _original_words(field: FieldText, first: int, last: int) -> str:
    start, end = field.normal.place(field.tokens[first].start, field.tokens[last].end)
    return " ".join(field.original[start:end].split())


#: Maximum number of looser versions of a rule that each omit one required line.
MAX_LINES = 20
#: Maximum length of a label. Longer labels are parts of a query, and are shortened.
MAX_LABEL = 60


class LooserRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule, less one condition."""

    #: The reason why an article that matches only this version is a near miss: “no demand”, “excluded”.
    what: str
    compiled: CompiledRule


def loosen_rule(compiled: CompiledRule) -> tuple[LooserRule, ...]:
    """Return the looser versions of a rule, each with one condition less.

    They are without skipped forms, without exact wordings, without exclusions, and without each required line.
    """
    versions = []
    parts = compiled.parts
    if compiled.rule.skip:
        unskipping = replace(compiled, rule=dataclasses.replace(compiled.rule, skip=()), own=compiled.reading)
        versions.append(LooserRule(what="skipped for their form", compiled=unskipping))
    relaxed = tuple(
        part if part.kind is LineKind.NONE else replace(part, expression=_relax_expression(part.expression))
        for part in parts
    )
    if relaxed != parts:
        versions.append(_make_looser(compiled, "written differently or too far apart", relaxed))
    without_exclusions = tuple(part for part in parts if part.kind is not LineKind.NONE)
    if len(without_exclusions) < len(parts):
        versions.append(_make_looser(compiled, "excluded", without_exclusions))
    versions.extend(
        _make_looser(compiled, what, tuple(part for part in parts if part not in left_out))
        for what, left_out in _droppable_lines(parts)
    )
    return tuple(versions)


def _make_looser(compiled: CompiledRule, what: str, parts: tuple[Part, ...]) -> LooserRule:
    # Omit the terms in capitals, so that no match of this version is weak and each is a near miss.
    return LooserRule(what=what, compiled=replace(compiled, own=RuleReading(parts)))


def _droppable_lines(parts: tuple[Part, ...]) -> Iterator[tuple[str, tuple[Part, ...]]]:
    """Yield the reason for a near miss and the lines to leave out, if the rule still requires a term without them."""
    required = [part for part in parts if part.kind is LineKind.ALL]
    either = tuple(part for part in parts if part.kind is LineKind.ANY)
    if len(required) + bool(either) < 2:
        return
    for part in required[:MAX_LINES]:
        remaining = [other for other in required if other is not part]
        if either or any(expression.requires_a_term(other.expression) for other in remaining):
            yield f"no {shorten_label(part.label)}", (part,)
    if either and any(expression.requires_a_term(part.expression) for part in required):
        yield f"none of {shorten_label(', '.join(part.label for part in either))}", either


def shorten_label(label: str) -> str:
    """Shorten a label to ``MAX_LABEL`` characters."""
    return label if len(label) <= MAX_LABEL else label[: MAX_LABEL - 1] + "…"


def _relax_expression(tree: expression.Expression) -> expression.Expression:
    """Return the expression without its conditions on capitals, accents, distance and order. Exclusions stay."""
    match tree:
        case expression.Words():
            return _relax_words(tree)
        case expression.Window(parts):
            return expression.All(tuple(map(_relax_words, parts)))
        case expression.Near(left, right):
            return expression.All((_relax_expression(left), _relax_expression(right)))
        case expression.Not():
            return tree
        case _:
            return expression.change_parts(tree, _relax_expression)


def _relax_words(leaf: expression.Words) -> expression.Words:
    plain = tokens.drop_accents(tokens.fold_case(leaf.text))
    if plain == leaf.text and not leaf.is_exact:
        return leaf
    try:
        relaxed = expression.make_words(plain, field=leaf.field)
    except QueryError:
        return leaf
    # The term already matches in any case, like “BlackBerry”.
    return leaf if relaxed.pattern == leaf.pattern else relaxed


def describe_rule(rule: Rule) -> str:
    """Return the meaning of the rule in English. Raises RuleError."""
    compiled = compiling.compile_rule(rule)
    notified = _join_words(rule.notify, "and") if rule.notify else "by the routes of bot.yaml"
    lines = [f"Notifies {notified} (severity {rule.severity.value}) when an article"]
    joint = "  "
    for part in compiled.parts:
        if part.kind is LineKind.ALL:
            lines.append(f"{joint}mentions {_describe_part(part)}")
            joint = "  and "
    any_parts = [part for part in compiled.parts if part.kind is LineKind.ANY]
    if any_parts:
        lines.append(f"{joint}mentions {'; or '.join(_describe_part(part) for part in any_parts)}")
    lines += [f"  unless it mentions {_describe_part(part)}" for part in compiled.parts if part.kind is LineKind.NONE]
    lines += _describe_conditions(rule)
    return "\n".join(lines)


def _describe_part(part: Part) -> str:
    description = _describe_expression(part.expression)
    terms = {parse.render_item(leaf) for leaf in expression.leaves(part.expression)}
    return description if part.is_query or part.label in terms else f"{part.label}: {description}"


def _describe_conditions(rule: Rule) -> list[str]:
    conditions = []
    if rule.feeds:
        conditions.append(f"  only in {_join_words(rule.feeds, 'or')}")
    if rule.skip:
        conditions.append(f"  unless it is marked as {_join_words(rule.skip, 'or')}")
    if rule.min_outlets > 1:
        conditions.append(f"  once {rule.min_outlets} independent outlets carry it")
    if rule.group is Group.RULE:
        pause = format_duration(rule.quiet) if rule.quiet else "the window of stories"
        conditions.append(f"  as one thread, until nothing has matched for {pause}")
    if rule.when == ONLY_BRIEF:
        conditions.append("  only in the brief of the channel")
    if (limits := rule.surge_limits) is not None:
        only = "only" if rule.when == ONLY_SURGES else "and also"
        conditions.append(
            f"  {only} when at least {limits.at_least} articles in {format_duration(limits.in_)} are "
            f"{limits.above:g} times as many as usual"
        )
    if rule.until:
        conditions.append(f"  until {rule.until:%Y-%m-%d %H:%M %Z}")
    if rule.paused:
        conditions.append("  but the rule is paused")
    return conditions


def _join_words(words: tuple[str, ...] | list[str], joint: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"


def _describe_expression(part: expression.Expression) -> str:
    match part:
        case expression.Any(parts) | expression.Named(_, parts):
            return _join_words([_describe_inner(part) for part in parts], "or")
        case expression.All(parts):
            return _join_words([_describe_inner(part) for part in parts], "and")
        case expression.Not(negated):
            return f"not {_describe_inner(negated)}"
        case expression.Near(left, right, words, is_ordered):
            between = "next to" if words == 0 else f"at most {words} words from"
            between = f"{between} (and before)" if is_ordered else between
            return f"{_describe_inner(left)} {between} {_describe_inner(right)}"
        case expression.Words(text, is_exact, field):
            return _describe_words(text, is_exact, part.pattern) + _describe_field(field)
        case expression.Window(parts, words, field):
            all_words = _join_words([part.text for part in parts], "and")
            return f"{all_words} in any order with at most {words} other words inside{_describe_field(field)}"
        case expression.Regex(_, _, field):
            pattern = parse.render_term(expression.Regex(part.source, part.ignores_case))
            return f"the expression {pattern}{_describe_field(field)}"
        case expression.Value(field, text):
            return f"{'the site' if field == 'site' else 'the language'} {text}"


def _describe_inner(part: expression.Expression) -> str:
    description = _describe_expression(part)
    return f"({description})" if isinstance(part, expression.Any | expression.All | expression.Near) else description


def _describe_field(field: str | None) -> str:
    if field == "lead":
        return " in the headline or the first two sentences"
    return f" in the {field}" if field else ""


def _describe_words(text: str, is_exact: bool, pattern: expression.Pattern) -> str:
    if is_exact:
        return f'"{text}" in exactly this case'
    if pattern.is_capitals:
        return f'"{text}" in capitals'
    if pattern.elements and pattern.elements[-1].shape is expression.Shape.PREFIX:
        return f'"{text.rstrip("*")}" with any ending'
    return f'"{text}"'

"""Read a rule into its parts (the expressions that it requires or excludes), and collect all its problems."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from bot.model.rules import Line, Rule, Where
from bot.rules import english, expression, parse, terms
from bot.rules.errors import QueryError, RuleProblem

#: Number of rules whose parts are cached. A rule is read several times when it is loaded, then rarely, and its parts
#: take four times the memory of its text.
_CACHED_RULES = 4


class LineKind(StrEnum):
    #: The line must match.
    ALL = "all"
    #: At least one line of this kind must match.
    ANY = "any"
    #: The line must not match.
    NONE = "none"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a rule, or one part of its query between the outermost ANDs."""

    kind: LineKind
    label: str
    #: The expression that must match; in a NONE line, it must not match.
    expression: expression.Expression
    is_query: bool = False


class RuleReading(NamedTuple):
    parts: tuple[Part, ...]
    #: The rule's terms in capitals, including excluded terms.
    capitals: tuple[expression.Pattern, ...] = ()
    problems: tuple[RuleProblem, ...] = ()


@functools.lru_cache(maxsize=_CACHED_RULES)
def read_rule(rule: Rule) -> RuleReading:
    """Read the rule as far as possible and collect every problem. Does not run the examples."""
    problems: list[RuleProblem] = []
    sets = dict(rule.sets)
    parts = [
        part
        for kind, lines in ((LineKind.ALL, rule.all), (LineKind.ANY, rule.any), (LineKind.NONE, rule.none))
        for line in lines
        if (part := _read_line(kind, line, sets, rule.where, problems))
    ]
    if rule.query is not None:
        parts += _read_query(rule.query, sets, rule.where, problems)
        if rule.all or rule.any:
            other = "all" if rule.all else "any"
            problems.append(
                RuleProblem(
                    place=("query",),
                    code="query-and-lists",
                    message=f"query and {other} in one rule",
                    help="move the lists into the query, or write the query as lists",
                )
            )
    if rule.stem:
        parts = [replace(part, expression=english.add_word_forms(part.expression)) for part in parts]
    required = [part.expression for part in parts if part.kind is not LineKind.NONE]
    if not problems and not any(map(expression.requires_a_term, required)):
        problems.append(_only_negatives_problem(rule))
    parts.sort(key=lambda part: part.kind is LineKind.NONE)
    return RuleReading(tuple(parts), _find_capitals(parts), tuple(problems))


def _read_line(
    kind: LineKind,
    line: Line,
    sets: Mapping[str, tuple[str, ...]],
    where: Where,
    problems: list[RuleProblem],
) -> Part | None:
    wordings = []
    for number, term in enumerate(line.terms):
        try:
            wordings.append(parse.parse_term(term, sets=sets))
        except QueryError as error:
            problem = _as_problem((kind.value, line.label, number), error)
            if kind is LineKind.ALL and line.terms == (line.label,) and (names := terms.find_alternatives(term)):
                # Each item of a plain list under all must match; only a line with a name has alternatives.
                help_ = f"under all, give each line a name: all: {{one: [{', '.join(names)}], other: …}}"
                problem = replace(problem, help=help_)
            problems.append(problem)
    if not wordings:
        if not line.terms:
            problems.append(
                RuleProblem(
                    place=(kind.value, line.label),
                    code="empty-line",
                    message=f'"{line.label}" has no terms',
                    help="add a term or remove the line",
                )
            )
        return None
    either = wordings[0] if len(wordings) == 1 else expression.Any(tuple(wordings))
    return Part(kind=kind, label=line.label, expression=_restrict_to(either, where))


def _read_query(
    query: str, sets: Mapping[str, tuple[str, ...]], where: Where, problems: list[RuleProblem]
) -> Iterable[Part]:
    try:
        whole = _restrict_to(parse.parse_query(query, sets=sets), where)
    except QueryError as error:
        problems.append(_as_problem(("query",), error))
        return
    for part in whole.parts if isinstance(whole, expression.All) else (whole,):
        if isinstance(part, expression.Not):
            yield Part(kind=LineKind.NONE, label=parse.render_query(part.part), expression=part.part, is_query=True)
        else:
            yield Part(kind=LineKind.ALL, label=parse.render_query(part), expression=part, is_query=True)


def _as_problem(place: tuple[str | int, ...], error: QueryError) -> RuleProblem:
    return RuleProblem(
        place=place, start=error.start, end=error.end, code=error.code, message=error.message, help=error.help
    )


def _restrict_to(tree: expression.Expression, where: Where) -> expression.Expression:
    """Apply the rule's ``where`` to every term without a field."""
    if where is Where.ANYWHERE:
        return tree
    match expression.change_parts(tree, lambda part: _restrict_to(part, where)):
        case expression.Window(parts, _, None) as window:
            return replace(
                window, parts=tuple(dataclasses.replace(part, field=where.value) for part in parts), field=where.value
            )
        case expression.Words(field=None) as words:
            return dataclasses.replace(words, field=where.value)
        case expression.Regex(field=None) | expression.Named(field=None) as node:
            return replace(node, field=where.value)
        case node:
            return node


def _only_negatives_problem(rule: Rule) -> RuleProblem:
    place: tuple[str | int, ...] = ("query",) if rule.query is not None else ("none",) if rule.none else ("name",)
    return RuleProblem(
        place=place,
        end=len(rule.query or ""),
        code="only-negatives",
        message="nothing has to match, so nearly every article would match",
        help="list under all or any the terms that must match" if rule.query is None else "add a term that must match",
    )


def _find_capitals(parts: Iterable[Part]) -> tuple[expression.Pattern, ...]:
    capitals: dict[expression.Pattern, None] = {}
    for part in parts:
        for leaf in expression.leaves(part.expression):
            for words in leaf.parts if isinstance(leaf, expression.Window) else (leaf,):
                if isinstance(words, expression.Words) and words.pattern.is_capitals:
                    capitals[words.pattern] = None
    return tuple(capitals)

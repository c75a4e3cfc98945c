"""Describe a rule in plain English, and as one query."""

from __future__ import annotations

from bot import model
from bot.rules import compile as compiling
from bot.rules import expression, patterns, show
from bot.rules.evaluation import CompiledRule
from bot.rules.reading import Kind, Part


def describe(rule: model.Rule) -> str:
    """Return what the rule does in English, then the same as a query. Raises RuleError."""
    compiled = compiling.compile_rule(rule)
    notified = _list(rule.notify, "and") if rule.notify else "by the routes of bot.yaml"
    lines = [f"Notifies {notified} (severity {rule.severity.value}) when an article"]
    joint = "  "
    for part in compiled.parts:
        if part.kind is Kind.ALL:
            lines.append(f"{joint}mentions {_labelled(part)}")
            joint = "  and "
    any_parts = [part for part in compiled.parts if part.kind is Kind.ANY]
    if any_parts:
        lines.append(f"{joint}mentions {'; or '.join(_labelled(part) for part in any_parts)}")
    lines += [f"  unless it mentions {_labelled(part)}" for part in compiled.parts if part.kind is Kind.NONE]
    lines += _conditions(rule)
    lines.append(f"As a query: {show.show(_as_expression(compiled))}")
    return "\n".join(lines)


def _as_expression(compiled: CompiledRule) -> expression.Expression:
    """Return all lines of a rule as one expression."""
    any_expressions = [part.expression for part in compiled.parts if part.kind is Kind.ANY]
    joined = [part.expression for part in compiled.parts if part.kind is Kind.ALL]
    if any_expressions:
        joined.append(any_expressions[0] if len(any_expressions) == 1 else expression.Any(tuple(any_expressions)))
    joined += [expression.Not(part.expression) for part in compiled.parts if part.kind is Kind.NONE]
    return joined[0] if len(joined) == 1 else expression.All(tuple(joined))


def _labelled(part: Part) -> str:
    description = _english(part.expression)
    terms = {show.item(leaf) for leaf in expression.leaves(part.expression)}
    return description if part.is_query or part.label in terms else f"{part.label}: {description}"


def _conditions(rule: model.Rule) -> list[str]:
    conditions = []
    if rule.feeds:
        conditions.append(f"  only in {_list(rule.feeds, 'or')}")
    if rule.min_outlets > 1:
        conditions.append(f"  once {rule.min_outlets} independent outlets carry it")
    if rule.digest:
        conditions.append(f"  gathered at {rule.digest.at:%H:%M} {rule.digest.zone}")
    if rule.until:
        conditions.append(f"  until {rule.until:%Y-%m-%d %H:%M %Z}")
    if rule.paused:
        conditions.append("  but it is paused")
    return conditions


def _list(words: tuple[str, ...] | list[str], joint: str) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {joint} {words[-1]}"


def _english(part: expression.Expression) -> str:
    match part:
        case expression.Any(parts) | expression.Named(_, parts):
            return _list([_bracketed(part) for part in parts], "or")
        case expression.All(parts):
            return _list([_bracketed(part) for part in parts], "and")
        case expression.Not(negated):
            return f"not {_bracketed(negated)}"
        case expression.Near(left, right, words, is_ordered):
            between = "next to" if words == 0 else f"at most {words} words from"
            between = f"{between} (and before)" if is_ordered else between
            return f"{_bracketed(left)} {between} {_bracketed(right)}"
        case expression.Words(text, is_exact, field):
            return _words(text, is_exact, part.pattern) + _place(field)
        case expression.Window(parts, words, field):
            all_words = _list([part.text for part in parts], "and")
            return f"{all_words} in any order with at most {words} other words inside{_place(field)}"
        case expression.Regex(_, _, field):
            return f"the expression {show.term(expression.Regex(part.source, part.ignores_case))}{_place(field)}"
        case expression.Value(field, text):
            return f"{'the site' if field == 'site' else 'the language'} {text}"


def _bracketed(part: expression.Expression) -> str:
    description = _english(part)
    return f"({description})" if isinstance(part, expression.Any | expression.All | expression.Near) else description


def _place(field: str | None) -> str:
    return f" in the {field}" if field else ""


def _words(text: str, is_exact: bool, pattern: patterns.Pattern) -> str:
    if is_exact:
        return f'"{text}" in exactly this case'
    if pattern.is_capitals:
        return f'"{text}" in capitals'
    if len(pattern.elements) == 1 and pattern.elements[0].shape is patterns.Shape.PREFIX:
        return f'words that begin with "{text.rstrip("*")}"'
    return f'"{text}"'

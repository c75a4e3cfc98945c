"""The rule language and its engine.

    text of a query, items of lists -> expression -> compiled rule -> rule set -> matches with their evidence

Uses no network and no database. Only search.py uses a clock, to limit its time.
"""

from bot.rules.article_text import Steps, TooManySteps
from bot.rules.compile import compile_rule, make_article
from bot.rules.errors import QueryError, RuleError, RuleProblem
from bot.rules.evaluate import CompiledRule
from bot.rules.explain import (
    MAX_LABEL,
    ExplainedLine,
    Explanation,
    LooserRule,
    describe_rule,
    explain_rule,
    loosen_rule,
)
from bot.rules.expression import Expression
from bot.rules.lint import find_warnings
from bot.rules.parse import parse_query, parse_term, render_query
from bot.rules.ruleset import RuleSet

__all__ = [
    "MAX_LABEL",
    "CompiledRule",
    "ExplainedLine",
    "Explanation",
    "Expression",
    "LooserRule",
    "QueryError",
    "RuleError",
    "RuleProblem",
    "RuleSet",
    "Steps",
    "TooManySteps",
    "compile_rule",
    "describe_rule",
    "explain_rule",
    "find_warnings",
    "loosen_rule",
    "make_article",
    "parse_query",
    "parse_term",
    "render_query",
]

"""The rule language and its engine.

    text of a query, items of lists -> expression -> compiled rule -> rule set -> matches with their evidence

Pure: uses no file, no network and no clock.
"""

from bot.rules.compile import compile_rule
from bot.rules.describe import describe
from bot.rules.errors import QueryError, RuleError, RuleProblem
from bot.rules.evaluation import CompiledRule
from bot.rules.explain import ExplainedLine, Explanation, explain
from bot.rules.expression import Expression
from bot.rules.lint import warnings
from bot.rules.near_misses import MAX_LABEL, Looser, looser
from bot.rules.parse import parse_query, parse_term
from bot.rules.ruleset import RuleSet
from bot.rules.show import show
from bot.rules.steps import Steps, TooManySteps

__all__ = [
    "MAX_LABEL",
    "CompiledRule",
    "ExplainedLine",
    "Explanation",
    "Expression",
    "Looser",
    "QueryError",
    "RuleError",
    "RuleProblem",
    "RuleSet",
    "Steps",
    "TooManySteps",
    "compile_rule",
    "describe",
    "explain",
    "looser",
    "parse_query",
    "parse_term",
    "show",
    "warnings",
]

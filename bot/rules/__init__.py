"""The rule language and its engine.

    text of a query, items of lists -> expression -> compiled rule -> rule set -> matches with their evidence

Pure: knows no file, no network and no clock.
"""

from bot.rules.compile import compile_rule
from bot.rules.errors import QueryError, RuleError, RuleProblem
from bot.rules.expression import Expression
from bot.rules.parse import parse_query, parse_term
from bot.rules.ruleset import RuleSet
from bot.rules.show import show
from bot.rules.verdict import CompiledRule

__all__ = [
    "CompiledRule",
    "Expression",
    "QueryError",
    "RuleError",
    "RuleProblem",
    "RuleSet",
    "compile_rule",
    "parse_query",
    "parse_term",
    "show",
]

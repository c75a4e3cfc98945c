"""Compile a rule: read its parts and run its examples, or raise all its problems."""

from __future__ import annotations

from bot import model
from bot.rules import examples, reading
from bot.rules.errors import RuleError
from bot.rules.evaluation import CompiledRule
from bot.rules.steps import Steps


def compile_rule(rule: model.Rule, *, steps: Steps | None = None) -> CompiledRule:
    """Read the rule's terms and run its examples, within ``steps``. Raises RuleError with every problem."""
    compiled = CompiledRule(rule=rule)
    if problems := reading.read(rule).problems or examples.problems(compiled, steps):
        raise RuleError(problems)
    return compiled

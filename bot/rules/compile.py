"""Compile a rule: read its parts and run its examples, or raise all its problems."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from msgspec.structs import replace

from bot.model.rules import Example, Rule
from bot.model.stories import Article, ArticleId
from bot.rules import article_text, evaluate, expression, parts
from bot.rules.article_text import Steps, TooManySteps
from bot.rules.errors import RuleError, RuleProblem
from bot.rules.evaluate import CompiledRule, Evaluation, evaluate_rule
from bot.rules.parts import LineKind
from bot.rules.ruleset import find_skipped_form
from bot.text import tokens


def compile_rule(rule: Rule, *, steps: Steps | None = None) -> CompiledRule:
    """Read the rule's terms and run its examples, within ``steps``. Raises RuleError with every problem."""
    compiled = CompiledRule(rule=rule)
    if problems := parts.read_rule(rule).problems or find_example_problems(compiled, steps):
        raise RuleError(problems)
    return compiled


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def make_article(example: Example) -> Article:
    """Return an article with only the title and the text of an example."""
    return Article(
        id=ArticleId("example"),
        feed="",
        outlet="",
        owner="",
        link="",
        title=example.title,
        text=example.body,
        first_seen=_NEVER,
        fingerprint="",
    )


def find_example_problems(compiled: CompiledRule, steps: Steps | None = None) -> list[RuleProblem]:
    """Return the problems of the rule's examples.

    ``steps`` limits all examples together; without it, each example has a separate limit. An example has only a title
    and a text, so terms on other fields are ignored.
    """
    rule = _without_fields(compiled)
    problems: list[RuleProblem] = []
    for key, examples in (("must_match", rule.rule.must_match), ("must_not_match", rule.rule.must_not_match)):
        for number, example in enumerate(examples):
            if failure := _try_example(rule, key, example, steps or Steps()):
                end = len(example.title or example.body)
                code, message, remedy = failure
                problems.append(RuleProblem(place=(key, number), end=end, code=code, message=message, help=remedy))
                if code == "too-many-steps":
                    return problems
    return problems


def _try_example(rule: CompiledRule, key: str, example: Example, steps: Steps) -> tuple[str, str, str] | None:
    """Return the code, message and remedy of the failure, or None if the example passes."""
    article = make_article(example)
    view = article_text.ArticleText(article, steps)
    skipped = find_skipped_form(rule.rule, article)
    try:
        matches = evaluate.rule_matches(rule, view) and not skipped
        if matches is (key == "must_match"):
            return None
        result = evaluate_rule(rule, view)
    except TooManySteps as error:
        message = f"the rule needs more than {error.most:,} steps to check its examples up to this one"
        return "too-many-steps", message, "use fewer wordings under NEAR, or shorter examples"
    if skipped:
        message = f'the example does not match: "{skipped.mark}" marks it as {skipped.form.value}, which the rule skips'
        return "must-match", message, f"remove {skipped.form.value} from skip, or correct the example"
    if key == "must_match":
        message = f"the example does not match: {describe_missing(result)}"
        advice = "add a wording that the example uses, or correct the example"
        return "must-match", message, f"{_help_with_capitals(result, example)}{advice}"
    remedy = f"{_help_with_case(result)}add a line, exclude a word of the example under none, or correct the example"
    return "must-not-match", f"the example matches: {describe_hits(result)}", remedy


def _help_with_capitals(result: Evaluation, example: Example) -> str:
    """Return the remedy if the example has a term of a missing line, but not in capitals; otherwise an empty text."""
    words = f"{example.title} {example.body}"
    for line in result.lines:
        for leaf in expression.leaves(line.part.expression) if not line.is_found else ():
            if isinstance(leaf, expression.Words) and leaf.pattern.is_capitals:
                match = re.search(rf"\b{re.escape(leaf.text)}\b", words, re.IGNORECASE)
                if match:
                    return (
                        f'"{leaf.text}" matches only in capitals: to match "{match[0]}", write {match[0].lower()}; or '
                    )
    return ""


def _help_with_case(result: Evaluation) -> str:
    """Return the remedy if a name matched a common word (Apple in "apple pie"); otherwise an empty text."""
    for line in result.lines:
        for hit in line.hits if line.part.kind is not LineKind.NONE else ():
            leaf = hit.leaf
            if (
                isinstance(leaf, expression.Words)
                and leaf.text != hit.text
                and tokens.fold(leaf.text) == tokens.fold(hit.text)
                and not leaf.text.islower()
            ):
                return f"write {{{leaf.text}}} (in a list with quotes) to match only this case, "
    return ""


def describe_missing(result: Evaluation) -> str:
    """Return the reason why the rule does not match, such as “no demand” or “excluded by …”."""
    if result.is_weak:
        words = ", ".join(dict.fromkeys(hit.text for line in result.lines for hit in line.hits))
        return f"only {words} was found, in a title that is all in capitals and may mean another word"
    reasons = [f"no {line.part.label}" for line in result.lines if line.part.kind is LineKind.ALL and not line.is_found]
    any_lines = [line for line in result.lines if line.part.kind is LineKind.ANY]
    if any_lines and not any(line.is_found for line in any_lines):
        reasons.append("none of " + ", ".join(line.part.label for line in any_lines))
    reasons += [
        f'excluded by "{line.hits[0].text}"' if line.hits else f"excluded by {line.part.label}"
        for line in result.lines
        if line.part.kind is LineKind.NONE and line.is_found
    ]
    return "; ".join(reasons)


def describe_hits(result: Evaluation) -> str:
    """Return the lines that match, with the matched words: “regulator on "PTA"”."""
    matches = []
    for line in result.lines:
        if line.part.kind is not LineKind.NONE and line.hits:
            words = ", ".join(f'"{word}"' for word in dict.fromkeys(hit.text for hit in line.hits))
            matches.append(f"{line.part.label} on {words}")
    return "; ".join(matches) or "nothing in it is excluded"


def _without_fields(compiled: CompiledRule) -> CompiledRule:
    if compiled.rule.query is None:
        # The terms of lists are only searched in the title and the body.
        return compiled
    parts = []
    has_open_any = False
    for part in compiled.parts:
        pruned = _prune(part.expression, part.kind is not LineKind.NONE)
        if pruned is not None:
            parts.append(replace(part, expression=pruned))
        has_open_any = has_open_any or (pruned is None and part.kind is LineKind.ANY)
    if has_open_any:
        parts = [part for part in parts if part.kind is not LineKind.ANY]
    return replace(compiled, own=compiled.reading._replace(parts=tuple(parts)))


def _prune(tree: expression.Expression, is_wanted: bool) -> expression.Expression | None:
    """Remove terms on fields that examples lack. Return None if the other terms cannot decide the result."""
    match tree:
        case expression.Not(part):
            pruned = _prune(part, not is_wanted)
            return expression.Not(pruned) if pruned else None
        case expression.Any(parts) | expression.Named(_, parts) | expression.All(parts):
            kept = [_prune(part, is_wanted) for part in parts]
            remaining = tuple(part for part in kept if part is not None)
            # Assume the wanted result if a removed part could produce it: a true OR, or a false AND.
            is_open = len(remaining) < len(kept) and isinstance(tree, expression.All) is not is_wanted
            if is_open or not remaining:
                return None
            both = expression.All if isinstance(tree, expression.All) else expression.Any
            return remaining[0] if len(remaining) == 1 else both(remaining)
        case _:
            fields = {getattr(leaf, "field", None) for leaf in expression.leaves(tree)}
            return tree if fields <= {None, *expression.LIST_FIELDS} else None

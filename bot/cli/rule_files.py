"""A rules file that may not be in the configuration yet, read as if it were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bot import config, model, ports, rules
from bot.config import files, rule_context, rules_file


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFile:
    """The usable rules of a file, and why others are not."""

    rules: tuple[rules.CompiledRule, ...]
    #: Errors only: what keeps some rules of it from being used.
    problems: tuple[model.Problem, ...]


def read_rule_file(path: Path, settings: config.Settings) -> RuleFile:
    """Its usable rules, and what is wrong with the others. Raises ConfigError where none can be used."""
    try:
        content = files.fetch(str(path), None)
    except OSError as error:
        raise ports.ConfigError(f"reading {path}: {error.strerror}") from None
    report = files.parse(content, by_item=True)
    context = rule_context.Context.of(settings, wants_warnings=False)
    is_read = report.document.root is not None or not report.error_count
    desk = rules_file.parse_rules_file(report, context) if is_read else None
    found = tuple(entry.compiled for entry in desk.rules) if desk else ()
    problems = tuple(problem for problem in report.finish() if problem.severity == "error")
    if not found:
        why = "none of its rules can be used" if problems else "it has no rule"
        raise ports.ConfigError(f"reading {path}: {why}", problems)
    return RuleFile(rules=found, problems=problems)


def feed_of(article: model.Article, feeds: Mapping[str, model.Feed]) -> model.Feed:
    """Of an article whose feed is no longer configured, a stand-in."""
    return feeds.get(article.feed) or model.Feed(url=article.feed, name=article.outlet)

"""Queries about rules: list the loaded rules, and show a rule."""

from __future__ import annotations

from datetime import timedelta

import pydantic

from bot import config, rules
from bot.alerts import routing
from bot.alerts.feedback import JUDGED_WITHIN
from bot.model.rules import Rule
from bot.pipeline.volume import explain_unmeasured
from bot.queries.feedback import FeedbackDocument, read_feedback
from bot.queries.registry import Archive, Document, Id, PagedParameters, Parameters, Query, find_rule

#: Period over which a rule's stories are counted.
RECENT = timedelta(days=7)


class RulesParameters(PagedParameters):
    """A page of the rules."""


class RuleLine(Document):
    """A summary of a loaded rule."""

    name: str
    notify: list[str]
    severity: str
    paused: bool
    #: Whether the rule's ``until`` is over.
    ended: bool
    stories_7d: int
    #: Why the rule cannot report surges now; empty if it can, or has no ``volume``.
    unmeasured: str


class RulesPage(Document):
    """Rules, in the order of the rule files; ``after`` starts the next page and is null on the last page."""

    rules: list[RuleLine]
    after: str | None


def summarize_rule(archive: Archive, rule: Rule, stories: int) -> RuleLine:
    """Summarize a rule with every channel that it may notify. ``stories`` counts its stories of the last seven days."""
    bot, now = archive.settings.bot, archive.now
    return RuleLine(
        name=rule.name,
        notify=list(routing.possible_channels(bot.routes, rule)),
        severity=rule.severity.value,
        paused=rule.paused,
        ended=rule.has_ended(now),
        stories_7d=stories,
        unmeasured=explain_unmeasured(archive.tx, rule, now=now, zone=bot.timezone),
    )


def list_rules(archive: Archive, parameters: RulesParameters) -> RulesPage:
    """List the loaded rules with their channels, severity and number of stories in seven days."""
    loaded, skip = archive.settings.rules, parameters.number_after or 0
    stories = archive.tx.stories.count_by_rule(since=archive.now - RECENT)
    shown = loaded[skip : skip + parameters.limit]
    return RulesPage(
        rules=[summarize_rule(archive, entry.rule, stories.get(entry.rule.name, 0)) for entry in shown],
        after=str(skip + len(shown)) if shown and skip + len(shown) < len(loaded) else None,
    )


RULES = Query("rules", list_rules, RulesPage, path="/rules", is_tool=True)


class RuleParameters(Parameters):
    """The rule to show."""

    name: Id = pydantic.Field(description="The rule's name.")


class RuleDocument(RuleLine):
    """A loaded rule: its meaning, its matches by day, and its feedback in the last 90 days."""

    in_english: str
    note: str | None
    yaml: str | None
    matches_by_day: dict[str, int]
    feedback: FeedbackDocument | None


def show_rule(archive: Archive, parameters: RuleParameters) -> RuleDocument:
    """Show one loaded rule: its meaning in English, its YAML, its matches by day and its feedback."""
    rule, name = find_rule(parameters.name, archive.settings).rule, parameters.name
    stories = archive.tx.stories.count_by_rule(since=archive.now - RECENT)
    rows = read_feedback(archive, archive.now - JUDGED_WITHIN)
    source = config.find_rule_text(archive.settings, name)
    by_day = archive.day_counts.rules.get(name, {})
    return RuleDocument(
        **summarize_rule(archive, rule, stories.get(name, 0)).model_dump(),
        in_english=rules.describe_rule(rule),
        note=rule.note,
        yaml=source.yaml if source else None,
        matches_by_day={day.isoformat(): count for day, count in sorted(by_day.items())},
        feedback=next((row for row in rows if row.rule == name), None),
    )


RULE = Query("rule", show_rule, RuleDocument, path="/rules/{name}", is_tool=True)

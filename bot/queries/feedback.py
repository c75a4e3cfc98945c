"""The query about feedback: how many stories of each rule readers found useful, and how many they found noise."""

from __future__ import annotations

from datetime import datetime

import pydantic

from bot.alerts import feedback
from bot.queries.registry import (
    Archive,
    Document,
    Name,
    Omittable,
    Parameters,
    Query,
    When,
    parse_time,
    unknown_rule,
)
from bot.rules import errors


class FeedbackParameters(Parameters):
    """The rules whose feedback is shown, and how far to look back."""

    rule: Omittable[Name] = pydantic.Field(default=None, description="A rule's name or a part of it; without it, all.")
    since: When = pydantic.Field(default="30d", description="Only feedback since this day or within this time.")


class FeedbackDocument(Document):
    """The feedback on the stories of one rule. ``precision`` is the share of useful stories, from 0 to 1."""

    rule: str
    useful: int
    noise: int
    precision: float


class FeedbackPage(Document):
    """The feedback on rules with a judged story, lowest precision first."""

    feedback: list[FeedbackDocument]


def list_feedback(archive: Archive, parameters: FeedbackParameters) -> FeedbackPage:
    """List how many stories of each rule readers found useful, and how many they found noise."""
    since = parse_time("since", parameters.since, archive.now)
    assert since is not None
    rows = read_feedback(archive, since)
    if parameters.rule is not None:
        loaded = {entry.rule.name for entry in archive.settings.rules}
        names = errors.find_names(parameters.rule, loaded | {row.rule for row in rows})
        if not names:
            raise unknown_rule(parameters.rule, archive.settings)
        rows = [row for row in rows if row.rule in names]
    return FeedbackPage(feedback=rows)


FEEDBACK = Query("feedback", list_feedback, FeedbackPage, path="/feedback")


def read_feedback(archive: Archive, since: datetime) -> list[FeedbackDocument]:
    """Return the feedback on each rule with a judged story, lowest precision first."""
    precisions = feedback.precision_by_rule(archive.tx.judgements.since(since))
    rows = [
        FeedbackDocument(rule=rule, useful=entry.useful, noise=entry.noise, precision=entry.share)
        for rule, entry in precisions.items()
    ]
    return sorted(rows, key=lambda row: (row.precision, row.rule))

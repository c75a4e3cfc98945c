"""Replies in a story's thread."""

from __future__ import annotations

from bot import model
from bot.alerts.situation import Situation
from bot.alerts.times import quiet_until


def reply(
    situation: Situation,
    reason: model.Reason,
    *,
    rules: tuple[model.Rule, ...] | None = None,
    detail: str = "",
    facts: tuple[model.Fact, ...] = (),
    edits: tuple[model.Edit, ...] = (),
) -> model.Decision:
    """Return a reply; in quiet hours or under a digest it is sent at their end (``until``)."""
    send_at = situation.next_digest(situation.rules)
    if send_at is None and situation.severity is not model.Severity.HIGH:
        send_at = quiet_until(situation.policy.quiet, situation.now)
    return situation.decision(
        model.Action.REPLY, reason, rules=rules, detail=detail, until=send_at, facts=facts, edits=edits
    )

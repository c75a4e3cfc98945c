"""Record decisions in alerts."""

from __future__ import annotations

from dataclasses import replace

from bot import model
from bot.alerts.decide import said


def record(
    alert: model.Alert | None,
    decision: model.Decision,
    *,
    head: model.SendId | None = None,
    headline: model.ArticleId | None = None,
    is_gathered: bool = False,
) -> model.Alert:
    """Return the alert after a decision; for a post with its outbox row and the article of its headline."""
    alert = alert or model.Alert(
        story=decision.story,
        channel=decision.channel,
        state=model.AlertState.HELD,
        rules=(),
        reason=decision.reason,
    )
    rules = tuple(dict.fromkeys((*alert.rules, *decision.rules)))
    match decision.action:
        case model.Action.HOLD if decision.reason is model.Reason.REMINDER:
            return replace(alert, held_until=decision.until)
        case model.Action.HOLD:
            return replace(
                alert, state=model.AlertState.HELD, rules=rules, reason=decision.reason, held_until=decision.until
            )
        case model.Action.POST:
            return replace(
                alert,
                state=model.AlertState.POSTED,
                rules=decision.rules,
                reason=decision.reason,
                held_until=None,
                head=head,
                headline=headline,
                is_gathered=is_gathered,
                posted_at=decision.at,
                spoke_at=decision.at,
            )
        case model.Action.REPLY:
            facts = tuple(said(fact) for fact in decision.facts)
            latest = next((fact for fact in decision.facts if not fact.is_joined), alert.latest)
            is_corroborated = alert.is_corroborated or decision.reason is model.Reason.CORROBORATION
            return replace(
                alert,
                rules=rules,
                spoke_at=decision.at,
                said=tuple(dict.fromkeys((*alert.said, *facts))),
                latest=latest,
                is_corroborated=is_corroborated,
                held_until=None if decision.reason is model.Reason.REMINDER else alert.held_until,
            )
        case model.Action.SILENT if alert.state is not model.AlertState.POSTED:
            return replace(alert, state=model.AlertState.SILENT, rules=rules, reason=decision.reason, held_until=None)
        case _:
            return alert

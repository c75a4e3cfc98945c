"""Reminders of deadlines (``remind:`` of a rule)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from bot import model
from bot.alerts.replies import reply
from bot.alerts.situation import Situation

#: A deadline counts from this hour of its day, so that reminders come in the morning.
MORNING = time(9)


@dataclass(frozen=True, slots=True)
class _Moment:
    """One lead time of one rule before one deadline."""

    at: datetime
    deadline: model.Deadline
    #: When the deadline is over.
    ends: datetime
    rule: model.Rule


def due(situation: Situation) -> tuple[model.Decision, ...]:
    """Return a reply for each deadline ahead that has a due reminder."""
    alert = situation.alert
    if alert is None or alert.state is not model.AlertState.POSTED:
        return ()
    if alert.held_until is None or alert.held_until > situation.now:
        return ()
    if situation.silenced:
        return (situation.silenced,)
    since = alert.held_until
    rules_by_deadline: dict[model.Deadline, list[model.Rule]] = {}
    for moment in _moments(situation):
        if since <= moment.at <= situation.now < moment.ends:
            rules_by_deadline.setdefault(moment.deadline, []).append(moment.rule)
    return tuple(
        _remind(situation, deadline, tuple(dict.fromkeys(rules))) for deadline, rules in rules_by_deadline.items()
    )


def _remind(situation: Situation, deadline: model.Deadline, rules: tuple[model.Rule, ...]) -> model.Decision:
    """Return the reminder of the rules that are not silenced, or the silence if all are."""
    silenced = {rule.name: silence for rule, silence in situation.silenced_rules}
    active = tuple(rule for rule in rules if rule.name not in silenced)
    if not active:
        return situation.silenced_by(silenced[rules[0].name], rules)
    decision = reply(situation, model.Reason.REMINDER, rules=active, facts=(deadline.fact,))
    zone = next(rule.remind.zone for rule in active if rule.remind)
    days = (deadline.day - (decision.until or decision.at).astimezone(zone).date()).days
    when = f"in {days} days" if days > 1 else "tomorrow" if days == 1 else "today"
    return replace(decision, detail=f"deadline {when}")


def plan(situation: Situation, *, is_released: bool = False) -> model.Decision | None:
    """Return the hold until the next reminder, or None if it has not changed.

    ``is_released``: the due reminders are decided. Before that, a due reminder is not replaced by the next one.
    """
    alert = situation.alert
    if alert is None or alert.state is not model.AlertState.POSTED:
        return None
    if not is_released and alert.held_until is not None and alert.held_until <= situation.now:
        return None
    ahead = [moment for moment in _moments(situation) if moment.at > situation.now]
    following = min(ahead, key=lambda moment: moment.at, default=None)
    until = following.at if following else None
    if until == alert.held_until:
        return None
    detail = "no reminder is due"
    if following:
        detail = f"deadline {following.deadline.fact.after}: reminder at {following.at:%Y-%m-%d %H:%M} UTC"
    return situation.decision(model.Action.HOLD, model.Reason.REMINDER, detail=detail, until=until)


def _moments(situation: Situation) -> Iterator[_Moment]:
    for rule in (*situation.rules, *(rule for rule, _ in situation.silenced_rules)):
        if rule.remind is None or not situation.is_ready(rule):
            continue
        for deadline in situation.deadlines:
            ends = datetime.combine(deadline.day, MORNING, tzinfo=rule.remind.zone).astimezone(UTC)
            for lead in rule.remind.leads:
                # Subtract on the wall clock, so that a day is a day also across a change of summer time.
                at = (ends.astimezone(rule.remind.zone) - lead).astimezone(UTC)
                yield _Moment(at, deadline, ends, rule)

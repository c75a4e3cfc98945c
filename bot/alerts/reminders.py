"""When a story is recalled because a deadline in it comes near (``remind`` of a rule).

A reminder is a hold on a posted story: the alert keeps the moment of the next one, and when it has come the thread says
so and the next is planned. Since moments only pass, each deadline and lead time is reported once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time, timedelta

from bot import model
from bot.alerts.replies import reply
from bot.alerts.situation import Situation

#: A deadline counts from this hour of its day, so that “2 days before” is told in the morning.
MORNING = time(9)


@dataclass(frozen=True, slots=True)
class _Moment:
    """One lead time of one rule before one deadline."""

    at: datetime
    deadline: model.Deadline
    #: When the deadline itself has come.
    ends: datetime
    rule: model.Rule


def due(situation: Situation) -> tuple[model.Decision, ...]:
    """A reply for each deadline of which a reminder has come due and that is still ahead."""
    alert = situation.alert
    if alert is None or alert.state is not model.AlertState.POSTED:
        return ()
    if alert.held_until is None or alert.held_until > situation.now:
        return ()
    if situation.silenced:
        return (situation.silenced,)
    since = alert.held_until
    found: dict[model.Deadline, list[model.Rule]] = {}
    for moment in _moments(situation):
        if since <= moment.at <= situation.now < moment.ends:
            found.setdefault(moment.deadline, []).append(moment.rule)
    return tuple(_told(situation, deadline, tuple(dict.fromkeys(rules))) for deadline, rules in found.items())


def _told(situation: Situation, deadline: model.Deadline, rules: tuple[model.Rule, ...]) -> model.Decision:
    """The reminder of those rules that are not silenced; where all are, what keeps it back."""
    silenced = {rule.name: silence for rule, silence in situation.silenced_rules}
    loud = tuple(rule for rule in rules if rule.name not in silenced)
    return _remind(situation, deadline, loud) if loud else situation.silenced_by(silenced[rules[0].name], rules)


def plan(situation: Situation, *, is_released: bool = False) -> model.Decision | None:
    """The hold until the next reminder; None: nothing has changed.

    ``is_released``: the last one's time has come and ``due`` was asked; before that it is not planned away.
    """
    alert = situation.alert
    if alert is None or alert.state is not model.AlertState.POSTED:
        return None
    if not is_released and alert.held_until is not None and alert.held_until <= situation.now:
        return None
    ahead = min((moment for moment in _moments(situation) if moment.at > situation.now), key=_time_of, default=None)
    until = ahead.at if ahead else None
    if until == alert.held_until:
        return None
    detail = "no reminder is due"
    if ahead:
        detail = f"deadline {ahead.deadline.fact.after}: reminder at {ahead.at:%Y-%m-%d %H:%M} UTC"
    return situation.decision(model.Action.HOLD, model.Reason.REMINDER, detail=detail, until=until)


def _time_of(moment: _Moment) -> datetime:
    return moment.at


def _moments(situation: Situation) -> Iterator[_Moment]:
    for rule in (*situation.rules, *(rule for rule, _ in situation.silenced_rules)):
        if rule.remind is None or not situation.is_ready(rule):
            continue
        for deadline in situation.deadlines:
            ends = datetime.combine(deadline.day, MORNING, tzinfo=rule.remind.zone).astimezone(UTC)
            for lead in rule.remind.leads:
                yield _Moment(_before(ends, lead, rule.remind), deadline, ends, rule)


def _before(ends: datetime, lead: timedelta, remind: model.Remind) -> datetime:
    """Days are days of the wall clock, also over a change of summer time."""
    return (ends.astimezone(remind.zone) - lead).astimezone(UTC)


def _remind(situation: Situation, deadline: model.Deadline, rules: tuple[model.Rule, ...]) -> model.Decision:
    decision = reply(situation, model.Reason.REMINDER, rules=rules, facts=(deadline.fact,))
    zone = next(rule.remind.zone for rule in rules if rule.remind)
    told_on = (decision.until or decision.at).astimezone(zone).date()
    return replace(decision, detail=f"deadline {_nearness((deadline.day - told_on).days)}")


def _nearness(days: int) -> str:
    """
    >>> _nearness(7), _nearness(1), _nearness(0)
    ('in 7 days', 'tomorrow', 'today')
    """
    if days > 1:
        return f"in {days} days"
    return "tomorrow" if days == 1 else "today"

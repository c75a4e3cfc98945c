"""Release held alerts whose time has come, several of them in one message."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot import model
from bot.alerts.holds import hold_for
from bot.alerts.situation import Situation

#: A first poll announces at most this many stories a rule (DESIGN section 5).
BASELINE_STORIES_A_RULE = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """The decisions for one channel; several posts are gathered in one message."""

    decisions: tuple[model.Decision, ...]

    @property
    def posts(self) -> tuple[model.Decision, ...]:
        """The decisions that post a message."""
        return tuple(decision for decision in self.decisions if decision.action is model.Action.POST)


def release(situations: Sequence[Situation]) -> Released:
    """Decide again for held alerts of one channel whose ``held_until`` has come, newest story first."""
    posts_by_rule: Counter[str] = Counter()
    decisions = []
    for situation in sorted(situations, key=lambda s: (s.story.last_seen, s.story.id), reverse=True):
        decision = _decide_held(situation, posts_by_rule)
        if decision.action is model.Action.POST:
            posts_by_rule.update(decision.rules)
        decisions.append(decision)
    return Released(decisions=tuple(decisions))


def _decide_held(situation: Situation, posts_by_rule: Counter[str]) -> model.Decision:
    alert = situation.alert
    reason = alert.reason if alert else model.Reason.FIRST_REPORT
    if situation.silenced:
        return situation.silenced
    if not situation.rules:
        return situation.decision(
            model.Action.SILENT, model.Reason.RULE_PAUSED, detail="its rules are no longer loaded"
        )
    is_beyond_cap = reason is model.Reason.RATE_CAP and situation.policy.can_edit
    is_released = reason in (model.Reason.BASELINE, model.Reason.DIGEST)
    hold = hold_for(situation, is_released=is_released, is_beyond_cap=is_beyond_cap)
    if hold is not None:
        return situation.decision(model.Action.HOLD, hold.reason, detail=hold.detail, until=hold.until)
    ready = situation.speaking
    if is_beyond_cap:
        return situation.decision(model.Action.POST, reason, rules=ready, detail="gathered: the channel's hour is full")
    if reason is not model.Reason.BASELINE:
        post_reason = model.Reason.DIGEST if reason is model.Reason.DIGEST else model.Reason.FIRST_REPORT
        return situation.decision(model.Action.POST, post_reason, rules=ready, detail=f"held: {reason.value}")
    announced = tuple(rule for rule in ready if posts_by_rule[rule.name] < BASELINE_STORIES_A_RULE)
    if announced:
        return situation.decision(model.Action.POST, model.Reason.FIRST_REPORT, rules=announced, detail="baseline")
    detail = f"a first poll announces {BASELINE_STORIES_A_RULE} stories a rule"
    return situation.decision(model.Action.SILENT, model.Reason.BASELINE, detail=detail)

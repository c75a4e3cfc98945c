"""Why a story that was never posted is not posted now, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bot import model
from bot.alerts.situation import HOUR, Situation
from bot.alerts.times import quiet_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why an alert is held, and until when."""

    reason: model.Reason
    #: None: until another article joins.
    until: datetime | None
    detail: str


def hold_for(situation: Situation, *, is_released: bool = False, is_beyond_cap: bool = False) -> Hold | None:
    """The first reason to wait; None: post.

    ``is_released``: a baseline or digest hold has just run out, so these two no longer hold. ``is_beyond_cap``: the
    story goes to the message that gathers what the rate cap keeps back, so the cap no longer holds.
    """
    ready = tuple(rule for rule in situation.rules if situation.is_ready(rule))
    if not ready:
        return _too_few_outlets(situation)
    if not is_released and all(member.is_baseline for member in situation.story.members):
        return Hold(reason=model.Reason.BASELINE, until=situation.now, detail="the feed's first poll is gathered")
    if not is_released and (due := situation.next_digest(ready)):
        return Hold(reason=model.Reason.DIGEST, until=due, detail=f"digest at {due:%Y-%m-%d %H:%M} UTC")
    loud = any(rule.severity is model.Severity.HIGH and not situation.digest_of(rule) for rule in ready)
    if not loud and (end := quiet_until(situation.policy.quiet, situation.now)):
        return Hold(reason=model.Reason.QUIET_HOURS, until=end, detail=f"quiet hours until {end:%Y-%m-%d %H:%M} UTC")
    cooldown = _cooling(ready, situation)
    return cooldown if cooldown or is_beyond_cap else _hour_is_full(situation, loud=loud)


def gathering(situation: Situation) -> Hold | None:
    """The wait of a first post for other outlets, counted from the first article; None: it does not wait.

    Never under a rule of severity high, and only for what nothing else has held.
    """
    alert = situation.alert
    if alert is not None and (
        alert.reason is not model.Reason.GATHER or (alert.held_until or situation.now) <= situation.now
    ):
        return None
    waits = [rule.gather or situation.policy.gather for rule in situation.speaking]
    is_high = any(rule.severity is model.Severity.HIGH for rule in situation.speaking)
    if is_high or not waits or any(wait is None for wait in waits):
        return None
    wait = min(wait for wait in waits if wait is not None)
    until = alert.held_until if alert is not None and alert.held_until else situation.now + wait
    return Hold(reason=model.Reason.GATHER, until=until, detail=f"waits {model.show_duration(wait)} for other outlets")


def _too_few_outlets(situation: Situation) -> Hold:
    needed = min((rule.min_outlets for rule in situation.rules), default=1)
    have = len(situation.story.owners)
    return Hold(reason=model.Reason.MIN_OUTLETS, until=None, detail=f"{have} of {needed} independent outlets")


def _cooling(rules: tuple[model.Rule, ...], situation: Situation) -> Hold | None:
    ends = [_cooldown_end(rule, situation) for rule in rules]
    if any(end is None for end in ends):
        return None
    until = min(end for end in ends if end is not None)
    return Hold(reason=model.Reason.COOLDOWN, until=until, detail=f"cooldown until {until:%Y-%m-%d %H:%M} UTC")


def _cooldown_end(rule: model.Rule, situation: Situation) -> datetime | None:
    """When the rule may open a thread again; None: now."""
    spoke_at = situation.rule_spoke_at.get(rule.name)
    if rule.cooldown is None or spoke_at is None or spoke_at + rule.cooldown <= situation.now:
        return None
    return spoke_at + rule.cooldown


def _hour_is_full(situation: Situation, *, loud: bool) -> Hold | None:
    """The hold of a story beyond the cap: gathered at once where messages can be edited, else when the hour has room.

    Severity high never waits: where the gathered message cannot be edited, it is posted.
    """
    cap, gathers_at_once = situation.policy.posts_per_hour, situation.policy.can_edit
    recent = situation.recent_high_posts if loud else situation.recent_posts
    posts = [at for at in recent if at > situation.now - HOUR]
    if cap is None or len(posts) < cap or (loud and not gathers_at_once):
        return None
    until = situation.now if gathers_at_once else posts[len(posts) - cap] + HOUR
    return Hold(reason=model.Reason.RATE_CAP, until=until, detail=f"{cap} posts in the last hour")

"""Why a story that was not posted yet is held, and until when."""

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
    """Return the first reason to wait, or None to post.

    ``is_released``: a baseline or digest hold has just ended, so these two do not apply. ``is_beyond_cap``: the story
    goes to the gathered message for stories beyond the rate cap, so the cap does not apply.
    """
    ready = tuple(rule for rule in situation.rules if situation.is_ready(rule))
    if not ready:
        return _too_few_outlets(situation)
    if not is_released and all(member.is_baseline for member in situation.story.members):
        return Hold(reason=model.Reason.BASELINE, until=situation.now, detail="the feed's first poll is gathered")
    if not is_released and (due := situation.next_digest(ready)):
        return Hold(reason=model.Reason.DIGEST, until=due, detail=f"digest at {due:%Y-%m-%d %H:%M} UTC")
    is_high = any(rule.severity is model.Severity.HIGH and not situation.digest_of(rule) for rule in ready)
    if not is_high and (end := quiet_until(situation.policy.quiet, situation.now)):
        return Hold(reason=model.Reason.QUIET_HOURS, until=end, detail=f"quiet hours until {end:%Y-%m-%d %H:%M} UTC")
    cooldown = _cooling(ready, situation)
    return cooldown if cooldown or is_beyond_cap else _rate_cap(situation, is_high=is_high)


def gathering(situation: Situation) -> Hold | None:
    """Return the wait of a first post for other outlets, counted from the first article; None if it does not wait.

    Does not apply under a rule of severity high, nor after another hold.
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
    count = len(situation.story.owners)
    return Hold(reason=model.Reason.MIN_OUTLETS, until=None, detail=f"{count} of {needed} independent outlets")


def _cooling(rules: tuple[model.Rule, ...], situation: Situation) -> Hold | None:
    ends = [_cooldown_end(rule, situation) for rule in rules]
    if any(end is None for end in ends):
        return None
    until = min(end for end in ends if end is not None)
    return Hold(reason=model.Reason.COOLDOWN, until=until, detail=f"cooldown until {until:%Y-%m-%d %H:%M} UTC")


def _cooldown_end(rule: model.Rule, situation: Situation) -> datetime | None:
    """Return when the rule may open a thread again; None: now."""
    spoke_at = situation.rule_spoke_at.get(rule.name)
    if rule.cooldown is None or spoke_at is None or spoke_at + rule.cooldown <= situation.now:
        return None
    return spoke_at + rule.cooldown


def _rate_cap(situation: Situation, *, is_high: bool) -> Hold | None:
    """Return the hold of a story beyond the cap.

    It is gathered at once if messages can be edited, else when the hour has room.

    Severity high never waits: if the gathered message cannot be edited, the story is posted.
    """
    cap, gathers_at_once = situation.policy.posts_per_hour, situation.policy.can_edit
    recent = situation.recent_high_posts if is_high else situation.recent_posts
    posts = [at for at in recent if at > situation.now - HOUR]
    if cap is None or len(posts) < cap or (is_high and not gathers_at_once):
        return None
    until = situation.now if gathers_at_once else posts[len(posts) - cap] + HOUR
    return Hold(reason=model.Reason.RATE_CAP, until=until, detail=f"{cap} posts in the last hour")

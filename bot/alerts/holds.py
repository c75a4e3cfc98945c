"""Decide why a story waits, and when it is released."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from bot.alerts.events import find_events
from bot.alerts.situation import Situation, next_brief_time, quiet_hours_end
from bot.durations import format_duration
from bot.model.alerts import AlertAction, Decision, Reason
from bot.model.rules import Severity
from bot.model.stories import JoinReason, Story, StoryId

#: The window of ``posts_per_hour``.
HOUR = timedelta(hours=1)


def find_hold(situation: Situation, *, is_released: bool = False, is_beyond_cap: bool = False) -> Decision | None:
    """Return the decision to wait, with the first reason that applies. Return None if no reason applies.

    If ``is_released`` is true, a baseline hold has just ended, so the story does not wait for it or for a brief. If
    ``is_beyond_cap`` is true, the story goes to the listing of stories beyond the rate cap, so the cap does
    not apply.
    """
    ready = situation.speaking
    if not ready:
        needed = min((rule.min_outlets for rule in situation.rules), default=1)
        detail = f"{len(situation.story.owners)} of {needed} independent outlets"
        return situation.hold(Reason.MIN_OUTLETS, until=None, detail=detail)
    if not is_released and all(member.is_baseline for member in situation.story.members):
        detail = "the feed's first poll is gathered"
        return situation.hold(Reason.BASELINE, until=situation.now, detail=detail)
    brief = situation.policy.brief
    if brief is not None and not is_released and all(map(situation.waits_for_brief, ready)):
        due = next_brief_time(brief, situation.now)
        return situation.hold(Reason.BRIEF, until=due, detail=f"brief at {due:%Y-%m-%d %H:%M} UTC")
    is_high = any(rule.severity is Severity.HIGH and not situation.waits_for_brief(rule) for rule in ready)
    if not is_high and (end := quiet_hours_end(situation.policy.quiet, situation.now)):
        return situation.hold(Reason.QUIET_HOURS, until=end, detail=f"quiet hours until {end:%Y-%m-%d %H:%M} UTC")
    return None if is_beyond_cap else _rate_cap(situation, is_high=is_high)


def gather_hold(situation: Situation) -> Decision | None:
    """Return the hold of a first post that waits for other outlets, or None if it does not wait.

    The first decision about the story starts the wait. There is no wait after another hold, or if one of the rules has
    severity high or no ``gather``.
    """
    alert = situation.alert
    if alert is not None and (
        alert.reason is not Reason.GATHER or (alert.held_until or situation.now) <= situation.now
    ):
        return None
    waits = [rule.gather or situation.policy.gather for rule in situation.speaking]
    is_high = any(rule.severity is Severity.HIGH for rule in situation.speaking)
    if is_high or not waits or any(wait is None for wait in waits):
        return None
    wait = min(wait for wait in waits if wait is not None)
    until = alert.held_until if alert is not None and alert.held_until else situation.now + wait
    detail = f"waits {format_duration(wait)} for other outlets"
    return situation.hold(Reason.GATHER, until=until, detail=detail)


def _rate_cap(situation: Situation, *, is_high: bool) -> Decision | None:
    """Return the hold of a story beyond the cap of its channel, or of all its rules. Return None if it may be posted.

    If messages can be edited, the story is gathered at once. Otherwise it waits until an hour after the posts that
    filled the cap, unless its severity is high. Then all that waited are gathered, unless the channel keeps records.
    """
    gathers_at_once = situation.policy.can_edit and not situation.policy.keeps_records
    if is_high and not gathers_at_once:
        return None
    recent = situation.recent_high_posts if is_high else situation.recent_posts
    end = _room_at(situation.policy.posts_per_hour, recent, situation.now)
    detail = f"{situation.policy.posts_per_hour} posts in the last hour"
    if end is None:
        by_rule = [
            _room_at(rule.posts_per_hour, situation.rule_posts.get(rule.name, ()), situation.now)
            for rule in situation.speaking
        ]
        ends = [rule_end for rule_end in by_rule if rule_end is not None]
        if len(ends) < len(by_rule):
            return None
        end, detail = min(ends), "the rule's posts in the last hour"
    return situation.hold(Reason.RATE_CAP, until=situation.now if gathers_at_once else end, detail=detail)


def _room_at(cap: int | None, posts: Sequence[datetime], now: datetime) -> datetime | None:
    """Return when a further post has room below the cap of an hour, or None if it has room now."""
    within = [at for at in posts if at > now - HOUR]
    return within[len(within) - cap] + HOUR if cap is not None and len(within) >= cap else None


#: Maximum stories that a feed's first poll announces for each rule.
BASELINE_STORIES_A_RULE = 5


def release(situations: Sequence[Situation]) -> tuple[Decision, ...]:
    """Decide again about one channel's held alerts that are due: by severity, then by number of outlets.

    If several stories may be about one event, a first look shows one of them, and a denial.
    """
    posts_by_rule: Counter[str] = Counter()
    events = set[StoryId]()
    decisions = []
    for situation in sorted(situations, key=_weight, reverse=True):
        event = _event_of(situation.story)
        decision = _decide_held(situation, posts_by_rule, is_shown=event in events)
        if decision.action is AlertAction.POST:
            # The message lists the other events of a thread, so they get no replies.
            decision = replace(decision, facts=find_events(situation, None))
            posts_by_rule.update(decision.rules)
            events |= {event, situation.story.id}
        decisions.append(decision)
    return tuple(decisions)


def _event_of(story: Story) -> StoryId:
    """Return the id of the story with the event of this one, or its own id."""
    opener = story.members[0].join if story.members else None
    return opener.near if opener and opener.near and opener.reason is JoinReason.UNSURE else story.id


def _weight(situation: Situation) -> tuple[int, int, datetime, StoryId]:
    story = situation.story
    return situation.severity.rank, len(story.owners), story.last_seen, story.id


def _decide_held(situation: Situation, posts_by_rule: Counter[str], *, is_shown: bool) -> Decision:
    alert = situation.alert
    reason = alert.reason if alert else Reason.FIRST_REPORT
    if situation.silenced:
        return situation.silenced
    if not situation.rules:
        return situation.decision(AlertAction.SILENT, Reason.RULE_PAUSED, detail="its rules are no longer loaded")
    is_beyond_cap = reason is Reason.RATE_CAP
    is_released = reason is Reason.BASELINE
    if hold := find_hold(situation, is_released=is_released, is_beyond_cap=is_beyond_cap):
        return hold
    ready = situation.speaking
    if is_beyond_cap:
        return situation.decision(AlertAction.POST, reason, rules=ready, detail="gathered: the hour is full")
    if reason is not Reason.BASELINE:
        return situation.decision(AlertAction.POST, Reason.FIRST_REPORT, rules=ready, detail=f"held: {reason.value}")
    if is_shown and not situation.is_denial:
        detail = "a story that may be about the same event is posted"
        return situation.decision(AlertAction.SILENT, Reason.BASELINE, detail=detail)
    # Without its denial, a report would be false.
    limit = 2 * BASELINE_STORIES_A_RULE if situation.is_denial else BASELINE_STORIES_A_RULE
    announced = tuple(rule for rule in ready if posts_by_rule[rule.name] < limit)
    if announced:
        return situation.decision(AlertAction.POST, Reason.FIRST_REPORT, rules=announced, detail="baseline")
    detail = f"a first poll announces at most {BASELINE_STORIES_A_RULE} stories for each rule"
    return situation.decision(AlertAction.SILENT, Reason.BASELINE, detail=detail)


def release_to_brief(situation: Situation) -> Decision:
    """Decide about a story that waits for the channel's brief, which is posted now."""
    if situation.silenced:
        return situation.silenced
    if not situation.rules:
        return situation.decision(AlertAction.SILENT, Reason.RULE_PAUSED, detail="its rules are no longer loaded")
    if not situation.speaking and (hold := find_hold(situation)):
        return hold
    events = find_events(situation, None)
    return situation.decision(AlertAction.POST, Reason.BRIEF, rules=situation.speaking, facts=events)

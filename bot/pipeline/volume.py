"""Count the articles of rules that report surges, and keep one message per surge and channel.

    a turn's new members ─▶ hourly counts
    once a minute: counts ─▶ open, update or close a surge ─▶ its message, an edit, the closing edit

Like all decisions, both are part of a turn, so a turn that is not committed leaves neither counts nor messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.alerts import routing
from bot.alerts.situation import next_digest_time, quiet_hours_end
from bot.config.settings import Settings
from bot.model.alerts import Reason
from bot.model.durations import format_duration
from bot.model.messages import Message, MessageKind, Outgoing
from bot.model.rules import Rule, Severity, SurgeLimits
from bot.model.stories import Story, StoryId, send_id
from bot.model.surges import Surge
from bot.pipeline.silences import ActiveSilences
from bot.pipeline.turn import Turn
from bot.stories import summaries, volume

#: Interval at which rules are measured.
MEASURE_EVERY = timedelta(minutes=1)
#: Minimum time between two edits of one message, except for the closing edit.
EDIT_EVERY = timedelta(minutes=10)
#: Maximum stories of one window that are read to find the cause.
_STORIES = 200


def count_members(turn: Turn) -> None:
    """Count the articles that joined stories in this turn, for each rule that reports surges.

    An article counts in the hour in which it was published, so that articles found after an outage are no surge.
    """
    rules = _surge_rules(turn)
    #: Rule -> the first hour in which it was counted.
    began_at: dict[str, datetime] = {}
    for entry in turn.changed.values() if rules else ():
        for member in entry.arrivals:
            hour = volume.floor_hour(member.article.when)
            for name in dict.fromkeys(match.rule for match in member.matches if match.rule in rules):
                rule = rules[name]
                if name not in began_at:
                    began_at[name] = _begin(turn, rule)
                is_counted = not member.is_baseline and hour >= began_at[name]
                if is_counted and not volume.counts_again(entry.story, member, name):
                    turn.counts[name, rule.version, hour] += 1


def _begin(turn: Turn, rule: Rule) -> datetime:
    """Return the first hour in which a rule was counted. A new rule begins now, by a row without articles."""
    began_at = turn.tx.volume.began_at(rule.name, rule.version)
    if began_at is None:
        began_at = volume.floor_hour(turn.now)
        turn.counts[rule.name, rule.version, began_at] += 0
    return began_at


def _surge_rules(turn: Turn) -> dict[str, Rule]:
    return {name: rule for name, rule in turn.rules.items() if rule.surge_limits is not None and not rule.paused}


class VolumeMonitor:
    """Remembers when rules were last measured, so that most turns need no query."""

    def __init__(self) -> None:
        self._measured_at: datetime | None = None

    def is_due(self, settings: Settings, *, now: datetime) -> bool:
        """Return whether a rule that reports surges is to be measured."""
        # If the clock was set back, the last time is in the future.
        is_recent = self._measured_at is not None and timedelta() <= now - self._measured_at < MEASURE_EVERY
        return not is_recent and any(entry.rule.surge_limits is not None for entry in settings.rules)

    def measure(self, turn: Turn) -> None:
        """Open, update and close surges. Articles of this turn are not measured yet."""
        self._measured_at = turn.now
        for rule in _surge_rules(turn).values():
            if not rule.has_ended(turn.now):
                _watch_rule(turn, rule, rule.surge_limits or SurgeLimits())


def _watch_rule(turn: Turn, rule: Rule, limits: SurgeLimits) -> None:
    now, counted = turn.now, turn.tx.volume
    began_at = _begin(turn, rule)
    counts = counted.curve(rule.name, rule.version, since=now - volume.HISTORY - limits.in_ - volume.DAY)
    measured = volume.measure(counts, began_at=began_at, window=limits.in_, now=now)
    last = counted.last_surge(rule.name)
    current = last if last is not None and last.closed_at is None else None
    step = volume.follow(current, measured, limits, last_closed_at=last.closed_at if last else None, now=now)
    if measured is None or not step:
        return
    if current is not None and step == "update" and now - current.shown_at < EDIT_EVERY:
        if measured.count > current.peak.count:
            turn.save_surge(replace(current, now=measured, peak=measured, peak_at=now))
        return
    stories = _stories_in_window(turn, rule, since=current.began_at if current else now - limits.in_)
    if current is None:
        found = volume.find_causes(stories.values(), rule.name, since=now - limits.in_)
        surge = Surge(
            id=send_id("surge", rule.name, now.isoformat()),
            rule=rule.name,
            opened_at=now,
            began_at=volume.find_beginning(counts, measured, limits.in_, now),
            now=measured,
            peak=measured,
            peak_at=now,
            causes=found,
            shown_at=now,
        )
        surge = replace(surge, channels=_open_channels(turn, rule, surge, stories))
    else:
        # While the surge lasts, its causes only grow, so the message does not lose the story that began it.
        found = volume.find_causes(stories.values(), rule.name, since=current.began_at)
        is_peak = measured.count > current.peak.count
        surge = replace(
            current,
            now=measured,
            peak=measured if is_peak else current.peak,
            peak_at=now if is_peak else current.peak_at,
            causes=found if found.largest else current.causes,
            closed_at=now if step == "close" else None,
            shown_at=now,
        )
        if (surge.now, surge.causes, surge.closed_at) == (current.now, current.causes, None):
            return
    turn.save_surge(surge)
    silences = ActiveSilences(turn.tx.silences.active(now))
    for channel in surge.channels:
        if current is None or not _is_silenced(silences, rule, channel):
            turn.post(
                _row(turn, rule, limits, surge, channel, stories, sparkline=volume.draw_sparkline(counts, until=now))
            )


def _stories_in_window(turn: Turn, rule: Rule, *, since: datetime) -> dict[StoryId, Story]:
    stored = turn.tx.stories.newest(since=since, rule=rule.name, skip=0, most=_STORIES)
    return {story.id: story for story in stored}


def _open_channels(turn: Turn, rule: Rule, surge: Surge, stories: dict[StoryId, Story]) -> tuple[str, ...]:
    """Return the channels that get the surge's message: those of the rule, without the silenced ones."""
    channels: Iterable[str] = rule.notify
    if not channels:
        feeds = turn.settings.feeds_by_address
        members = [member for cause in surge.causes.largest for member in stories[cause.story].members]
        tags = {tag for member in members if (feed := feeds.get(member.article.feed)) for tag in feed.tags}
        channels = routing.route_channels(turn.settings.bot.routes, rule, tags=tags, now=turn.now)
    silences = ActiveSilences(turn.tx.silences.active(turn.now))
    return tuple(channel for channel in channels if not _is_silenced(silences, rule, channel))


def _is_silenced(silences: ActiveSilences, rule: Rule, channel: str) -> bool:
    """Return whether the rule, or everything, is silenced in the channel."""
    return silences.of_rule(rule.name, channel) is not None or silences.of_story(StoryId(""), channel) is not None


def _row(
    turn: Turn,
    rule: Rule,
    limits: SurgeLimits,
    surge: Surge,
    channel: str,
    stories: dict[StoryId, Story],
    *,
    sparkline: str,
) -> Outgoing:
    """Return the surge's message, or an edit of it. In quiet hours and before a digest, the first message waits."""
    now, window = turn.now, format_duration(limits.in_)
    head = send_id("surge", surge.id, channel)
    is_first = now == surge.opened_at
    if surge.closed_at is None:
        lead = f"Surge: {rule.name}: {volume.describe_volume(surge.now, window)}"
    else:
        lead = f"Surge over: {rule.name}: at its peak {volume.describe_volume(surge.peak, window)}"
    times = f"since {surge.began_at:%d %b %H:%M} UTC, peak at {surge.peak_at:%d %b %H:%M} UTC"
    if surge.closed_at is not None:
        times = f"from {surge.began_at:%d %b %H:%M} to {surge.closed_at:%d %b %H:%M} UTC, peak at {surge.peak_at:%H:%M}"
    lines = (f"{sparkline} last 24 hours; {times}", volume.describe_causes(surge.causes))
    named = {rule.name: rule}
    briefs = [summaries.make_brief(stories[c.story], named) for c in surge.causes.largest if c.story in stories]
    message = Message(
        kind=MessageKind.GATHERED if is_first else MessageKind.EDIT,
        severity=rule.severity,
        reason=Reason.SURGE,
        lead=lead,
        lines=tuple(line for line in lines if line),
        briefs=tuple(briefs),
        public_url=turn.settings.bot.public_url,
    )
    due_at = now
    if is_first:
        policy = turn.settings.policy(channel)
        if policy.digest is not None:
            due_at = next_digest_time(policy.digest, now)
        elif rule.severity is not Severity.HIGH:
            due_at = quiet_hours_end(policy.quiet, now) or now
    row_id = head if is_first else send_id("edit", head, now.isoformat())
    return Outgoing(id=row_id, channel=channel, thread=head, message=message, created_at=now, due_at=due_at)

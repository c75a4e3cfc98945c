"""Count the articles of rules that report surges, and keep one message per surge and channel.

    a turn's new members ─▶ hourly counts
    once a minute: counts ─▶ open, update or close a surge ─▶ its message, an edit, the closing edit

Like all decisions, both are part of a turn, so a turn that is not committed leaves no counts and no messages.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta, tzinfo

from msgspec.structs import replace

from bot import storage
from bot.alerts import routing
from bot.alerts.situation import quiet_hours_end
from bot.config.settings import Settings
from bot.durations import format_duration, format_time, is_recent
from bot.model.alerts import Reason
from bot.model.messages import Edit, Listing, Outgoing
from bot.model.rules import Rule, Severity, SurgeLimits
from bot.model.stories import Member, Story, StoryId, send_id
from bot.model.surges import Surge, Volume
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

    An article counts in the hour in which it was published, so that articles found after an outage do not make a surge.
    """
    rules = _surge_rules(turn)
    #: Rule -> the first hour in which it was counted.
    began_at: dict[str, datetime] = {}
    for entry in turn.changed.values() if rules else ():
        by_owner: dict[str, list[Member]] = {}
        for member in entry.story.members:
            by_owner.setdefault(member.article.owner, []).append(member)
        for member in entry.arrivals:
            hour = volume.floor_hour(member.article.when)
            for name in dict.fromkeys(match.rule for match in member.matches if match.rule in rules):
                rule = rules[name]
                if name not in began_at:
                    began_at[name] = _begin(turn, rule)
                if hour >= began_at[name] and volume.is_counted(by_owner[member.article.owner], member, name):
                    turn.changes.counts[name, rule.version, hour] += 1


def explain_unmeasured(tx: storage.Transaction, rule: Rule, *, now: datetime, zone: tzinfo) -> str:
    """Return why a rule cannot report surges now, or "" if it can, or if it should not."""
    limits = rule.surge_limits
    if limits is None or rule.paused or rule.has_ended(now):
        return ""
    counts = tx.volume.curve(rule.name, rule.version, since=now - volume.HISTORY - limits.in_ - volume.DAY)
    return volume.explain_unmeasured(counts, window=limits.in_, now=now, zone=zone)


def _begin(turn: Turn, rule: Rule) -> datetime:
    """Return the first hour in which a rule was counted. A new rule begins now, by a row without articles."""
    began_at = turn.tx.volume.began_at(rule.name, rule.version)
    if began_at is None:
        began_at = volume.floor_hour(turn.now)
        turn.changes.counts[rule.name, rule.version, began_at] += 0
    return began_at


def _surge_rules(turn: Turn) -> dict[str, Rule]:
    return {name: rule for name, rule in turn.rules.items() if rule.surge_limits is not None and not rule.paused}


class VolumeMonitor:
    """Remembers when rules were last measured, so that most turns need no query."""

    def __init__(self) -> None:
        self._measured_at: datetime | None = None
        self._settings: Settings | None = None

    def is_due(self, settings: Settings, *, now: datetime) -> bool:
        """Return whether to measure the rules: once a minute, and when the settings have changed."""
        if settings is not self._settings:
            return True
        has_volume = any(entry.rule.surge_limits is not None for entry in settings.rules)
        return has_volume and not is_recent(self._measured_at, MEASURE_EVERY, now)

    def measure(self, turn: Turn, only: Collection[str] | None = None) -> None:
        """Open, update and close surges. Articles of this turn are not measured yet.

        With ``only``, measure these rules and those with an open surge.
        """
        self._settings, self._measured_at = turn.settings, turn.now
        watched = {name: rule for name, rule in _surge_rules(turn).items() if not rule.has_ended(turn.now)}
        surges = {surge.rule: surge for surge in turn.tx.volume.open_surges()}
        for name, surge in surges.items():
            if name not in watched or watched[name].version != surge.version:
                # The rule was removed, paused or changed, so nothing can be compared any more.
                _update(turn, surge, replace(surge, closed_at=turn.now))
        for name, rule in watched.items():
            is_wanted = only is None or name in only or name in surges
            if is_wanted and (name not in surges or rule.version == surges[name].version):
                _watch_rule(turn, rule, surges.get(name))


def _watch_rule(turn: Turn, rule: Rule, surge: Surge | None) -> None:
    now, limits = turn.now, rule.surge_limits or SurgeLimits()
    window = surge.window if surge else limits.in_
    counts = turn.tx.volume.curve(rule.name, rule.version, since=now - volume.HISTORY - window - volume.DAY)
    # An hour without a row is an hour in which the rule was not measured.
    new_hours = [hour for hour in volume.hours_measured(min(counts, default=None), now) if hour not in counts]
    for hour in new_hours:
        turn.changes.counts[rule.name, rule.version, hour] += 0
    counts = {**counts, **dict.fromkeys(new_hours, 0)}
    measured = volume.measure(counts, window=window, now=now)
    if surge is None:
        if measured is not None and volume.is_surge(measured, limits):
            _open(turn, rule, limits, measured)
        return
    current = replace(surge, now=measured or surge.now)
    if current.now.count > surge.peak.count:
        current = replace(current, peak=current.now, peak_at=now)
    if measured is None or volume.is_over(measured, limits):
        _update(turn, surge, replace(current, closed_at=now))
    elif now - surge.shown_at >= EDIT_EVERY:
        _update(turn, surge, current)
    elif current.peak != surge.peak:
        turn.changes.surges[current.id] = current


def _open(turn: Turn, rule: Rule, limits: SurgeLimits, measured: Volume) -> None:
    """Open a surge if its articles support it."""
    now = turn.now
    last_closed_at = turn.tx.volume.last_closed_at(rule.name)
    if last_closed_at is not None and now - last_closed_at < limits.in_:
        # A whole window passes between two surges, so that no article counts for two.
        return
    since = volume.first_hour(now, limits.in_)
    stories = _read_stories(turn, rule.name, since)
    settled = replace(measured, count=measured.count - _count_of_new_feeds(turn, rule, stories, since))
    causes = volume.find_causes(stories.values(), rule.name, since=since)
    if not volume.is_surge(settled, limits) or not volume.is_of_events(causes):
        return
    surge = Surge(
        id=send_id("surge", rule.name, now.isoformat()),
        rule=rule.name,
        version=rule.version,
        severity=rule.severity,
        window=limits.in_,
        opened_at=now,
        since=since,
        now=measured,
        peak=measured,
        peak_at=now,
        causes=causes,
        shown_at=now,
    )
    _post(turn, replace(surge, channels=_channels(turn, rule, surge, stories)), stories)


def _read_stories(turn: Turn, rule: str, since: datetime) -> dict[StoryId, Story]:
    return {story.id: story for story in turn.tx.stories.newest(since=since, rule=rule, skip=0, most=_STORIES)}


def _count_of_new_feeds(turn: Turn, rule: Rule, stories: Mapping[StoryId, Story], since: datetime) -> int:
    """Return how many of the counted articles come from feeds that most of the history does not contain."""
    members = [member for story in stories.values() for member in volume.counted_members(story, rule.name, since=since)]
    # Feeds that were added on the first day of the rule are in all of its history.
    settled_at = max(_begin(turn, rule) + volume.DAY, turn.now - volume.SETTLING)
    states = {feed: turn.tx.feeds.get(feed) for feed in {member.article.feed for member in members}}
    new = {feed for feed, state in states.items() if state and state.baseline_at and state.baseline_at > settled_at}
    return sum(member.article.feed in new for member in members)


def _channels(turn: Turn, rule: Rule, surge: Surge, stories: Mapping[StoryId, Story]) -> tuple[str, ...]:
    """Return the channels that get the surge's message: the rule's channels that are not silenced."""
    channels: Iterable[str] = rule.notify
    if not channels:
        feeds = turn.settings.feeds_by_address
        members = [member for cause in surge.causes.largest for member in stories[cause.story].members]
        tags = {tag for member in members if (feed := feeds.get(member.article.feed)) for tag in feed.tags}
        channels = routing.route_channels(turn.settings.bot.routes, rule, tags=tags, now=turn.now)
    silences = turn.active_silences()
    return tuple(channel for channel in channels if silences.of_rule(rule.name, channel) is None)


def _update(turn: Turn, stored: Surge, surge: Surge) -> None:
    """Save a surge and edit its messages, if it differs from what is stored."""
    # While the surge lasts, its causes only grow, so the message does not lose the story that began it.
    stories = _read_stories(turn, surge.rule, surge.since)
    causes = volume.find_causes(stories.values(), surge.rule, since=surge.since)
    surge = replace(surge, causes=causes if causes.largest else surge.causes)
    if surge != stored:
        _post(turn, replace(surge, shown_at=turn.now), stories)


def _post(turn: Turn, surge: Surge, stories: Mapping[StoryId, Story]) -> None:
    """Save a surge and write its message, or an edit of it, for each channel.

    In quiet hours, the first message waits. A channel that gets only briefs has the surge in its brief.
    """
    now, is_first = turn.now, turn.now == surge.opened_at
    turn.changes.surges[surge.id] = surge
    listing = _write_listing(turn, surge, stories)
    message = listing if is_first else Edit(content=listing)
    silences = turn.active_silences()
    for channel in surge.channels:
        policy = turn.settings.policy(channel)
        has_only_briefs = policy.brief is not None and policy.brief.only
        if has_only_briefs or silences.of_rule(surge.rule, channel):
            continue
        head, due_at = send_id("surge", surge.id, channel), now
        if is_first and surge.severity is not Severity.HIGH:
            due_at = quiet_hours_end(policy.quiet, now) or now
        row_id = head if is_first else send_id("edit", head, now.isoformat())
        turn.post(Outgoing(id=row_id, channel=channel, thread=head, message=message, created_at=now, due_at=due_at))


def _write_listing(turn: Turn, surge: Surge, stories: Mapping[StoryId, Story]) -> Listing:
    now, window = turn.now, format_duration(surge.window)
    zone = turn.settings.bot.timezone
    counts = turn.tx.volume.curve(surge.rule, surge.version, since=now - volume.DAY)
    chart = f"{volume.draw_sparkline(counts, until=now)} last 24 hours"
    peak = format_time(surge.peak_at, zone)
    if surge.closed_at is not None:
        lead = f"Surge over: {surge.rule}: at its peak {volume.describe_volume(surge.peak, window)}"
        chart += (
            f"; it lasted from {format_time(surge.opened_at, zone)} to {format_time(now, zone)}; its peak was at {peak}"
        )
    else:
        lead = f"Surge: {surge.rule}: {volume.describe_volume(surge.now, window)}"
        if surge.peak.count > surge.now.count:
            chart += f"; its peak was {surge.peak.count} articles, at {peak}"
    lines = (chart, volume.describe_causes(surge, zone))
    rules = {surge.rule: turn.rules[surge.rule]} if surge.rule in turn.rules else {}
    return Listing(
        severity=surge.severity,
        reason=Reason.SURGE,
        lead=lead,
        lines=tuple(line for line in lines if line),
        stories=tuple(summaries.make_view(stories[c.story], rules) for c in surge.causes.largest if c.story in stories),
        public_url=turn.settings.bot.public_url,
    )

"""Decide when the coverage of a rule is a surge, and which stories cause it.

    hourly counts ─▶ the window's count, against what is usual at this hour ─▶ open ─▶ (update) ─▶ close

The usual number comes from the windows at the same hour of the previous four weeks: the median of all days or of the
same weekday, whichever is higher. A rule in its first week is compared with the busiest of its days, and in its first
three days with nothing. All functions are pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import accumulate
from statistics import median

from bot.durations import format_count, format_time
from bot.model.rules import SurgeLimits
from bot.model.stories import Member, Story
from bot.model.surges import Cause, Causes, Surge, Volume
from bot.stories.summaries import story_headline

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
#: How far back counts are compared.
HISTORY = 4 * WEEK
#: After an outage, so many of its hours are measured, because most feeds still list the articles of a day.
REACH = timedelta(hours=24)
#: Minimum number of earlier windows to compare with: three a day, for three days.
MIN_WINDOWS = 9
#: How long before its window a rule must have been counted for that.
MIN_HISTORY = 3 * DAY
#: Minimum number of independent outlets in a surge.
MIN_OUTLETS = 3
#: Minimum share of a surge's articles that are about events of several outlets. Without such events, the articles have
#: only the words of the rule in common.
SHARED = 1 / 3
#: The articles of a feed can begin a surge only this long after its first poll: then most windows of the history
#: contain it.
SETTLING = 3 * WEEK
#: A surge is less likely than this if articles arrive independently at the usual rate. On noise with a rhythm of days
#: and weeks, this gives fewer than one false surge in five months.
CHANCE = 1e-3
#: Maximum stories that are named as the cause.
CAUSES = 3
_BARS = "▁▂▃▄▅▆▇█"


def floor_hour(when: datetime) -> datetime:
    """Return the beginning of the hour."""
    return when.replace(minute=0, second=0, microsecond=0)


def is_counted(members: Iterable[Member], member: Member, rule: str) -> bool:
    """Return whether an article of a story with these members counts for the rule.

    An outlet's articles about one event count once, and copies never. An article without a date does not count,
    because a poll after an outage would find many of them in one hour.
    """
    for earlier in members:
        if earlier.article.owner == member.article.owner and _is_independent(earlier, rule):
            return earlier.article.id == member.article.id
    return _is_independent(member, rule)


def _is_independent(member: Member, rule: str) -> bool:
    is_report = not member.is_baseline and member.join.copy_of is None and member.article.published is not None
    return is_report and any(match.rule == rule for match in member.matches)


def counted_members(story: Story, rule: str, *, since: datetime | None = None) -> list[Member]:
    """Return the articles of a story that count for the rule, of all times or since a time."""
    owners: dict[str, Member] = {}
    for member in story.members:
        if _is_independent(member, rule):
            owners.setdefault(member.article.owner, member)
    return [member for member in owners.values() if since is None or member.article.when >= since]


# -- the baseline


def measure(counts: Mapping[datetime, int], *, window: timedelta, now: datetime) -> Volume | None:
    """Return the volume of the window that ends in the hour of ``now``, or None if there is too little to compare.

    ``counts`` are the counts of each hour in which the rule was measured. A window with other hours (before the rule
    began, or while the bot was off or the rule paused) is not compared.
    """
    width, length = window // HOUR, HISTORY // HOUR + window // HOUR + 2
    end = floor_hour(now)
    #: The counts of the hours, newest first, and their running totals.
    hours = [counts.get(end - number * HOUR) for number in range(length)]
    sums = [0, *accumulate(count or 0 for count in hours)]
    gaps = [0, *accumulate(count is None for count in hours)]

    def windows(step: int) -> list[int]:
        """Return the counts of the windows that ended a multiple of ``step`` hours ago, or an hour before or after."""
        ends = [end for last in range(step, HISTORY // HOUR + 1, step) for end in (last - 1, last, last + 1)]
        return [sums[end + width] - sums[end] for end in ends if end >= width and gaps[end + width] == gaps[end]]

    by_day, by_week = windows(DAY // HOUR), windows(WEEK // HOUR)
    if len(by_day) < MIN_WINDOWS:
        return None
    # In the first week, a working day may be compared only with a weekend, so take the busiest day.
    usual = max(median(by_day), median(by_week)) if by_week else max(by_day)
    return Volume(count=sums[width], usual=float(usual))


def hours_measured(since: datetime | None, now: datetime) -> list[datetime]:
    """Return the last hours after the hour ``since``, newest first. A poll finds the articles of all of them.

    Without ``since``, return the hour of ``now``.
    """
    end = floor_hour(now)
    count = min(end - since, REACH) // HOUR if since is not None else 1
    return [end - number * HOUR for number in range(count)]


def explain_unmeasured(counts: Mapping[datetime, int], *, window: timedelta, now: datetime, zone: tzinfo = UTC) -> str:
    """Return why a rule cannot report surges now, or "" if it can. Times are in ``zone``."""
    if measure(counts, window=window, now=now) is not None:
        return ""
    ready_at = min(counts, default=floor_hour(now)) + MIN_HISTORY + window
    if now < ready_at:
        return f"reports surges from {format_time(ready_at, zone)} on, when there is enough to compare with"
    return "reports no surges: the bot has run too rarely in the last four weeks; run it at least once a day"


def first_hour(now: datetime, window: timedelta) -> datetime:
    """Return the first hour of the window that ends in the hour of ``now``."""
    return floor_hour(now) - window + HOUR


def is_surge(volume: Volume, limits: SurgeLimits) -> bool:
    """Return whether a volume is above the rule's limits, and not by chance."""
    if volume.count < limits.at_least or volume.count < limits.above * max(volume.usual, 1.0):
        return False
    # The usual rate is an estimate from a few windows, so it may be higher by its standard error.
    rate = volume.usual + math.sqrt((volume.usual + 1) / 4)
    return poisson_tail(volume.count, rate) < CHANCE


def is_over(volume: Volume, limits: SurgeLimits) -> bool:
    """Return whether a surge has ended. Its limit is half of the limit for the beginning, so it does not flicker."""
    return volume.count < max(limits.at_least, limits.above * max(volume.usual, 1.0)) / 2


def poisson_tail(count: int, rate: float) -> float:
    """Return the probability of at least ``count`` articles if ``rate`` are expected.

    >>> round(poisson_tail(1, 1.0), 3), round(poisson_tail(8, 2.0), 4)
    (0.632, 0.0011)
    """
    total = 0.0
    # From about six hundred terms on, the remainder is far below any probability that matters.
    for number in range(count, count + 600):
        total += math.exp(number * math.log(rate) - rate - math.lgamma(number + 1))
    return min(1.0, total)


# -- one surge


def find_causes(stories: Iterable[Story], rule: str, *, since: datetime) -> Causes:
    """Return the stories that make up a rule's coverage since a time, those with most reports first.

    Their outlets and beginnings include earlier reports, so that nobody is called the first who was not.
    """
    causes: list[Cause] = []
    owners: set[str] = set()
    for story in stories:
        recent = counted_members(story, rule, since=since)
        owners.update(member.article.owner for member in recent)
        if recent:
            members = sorted(counted_members(story, rule), key=lambda member: member.article.when)
            causes.append(
                Cause(
                    story=story.id,
                    headline=story_headline(story),
                    outlets=tuple(dict.fromkeys(member.article.outlet for member in members)),
                    count=len(recent),
                    began_at=members[0].article.when,
                )
            )
    causes.sort(key=lambda cause: (-cause.count, -len(cause.outlets), cause.began_at, cause.story))
    most = causes[0].count if causes else 0
    return Causes(
        # Name a smaller story only if it has a real part in the surge.
        largest=tuple(cause for cause in causes[:CAUSES] if 3 * cause.count >= most),
        story_count=len(causes),
        article_count=sum(cause.count for cause in causes),
        shared_count=sum(cause.count for cause in causes if len(cause.outlets) > 1),
        outlet_count=len(owners),
    )


def is_of_events(causes: Causes) -> bool:
    """Return whether articles are about events that several outlets report, and not only about the same words."""
    return causes.outlet_count >= MIN_OUTLETS and causes.shared_count >= SHARED * causes.article_count


# -- words


def draw_sparkline(counts: Mapping[datetime, int], *, until: datetime, hours: int = 24) -> str:
    """Return one bar for each of the last hours.

    >>> hour = datetime(2015, 12, 1, 5)
    >>> draw_sparkline({hour: 8, hour - HOUR: 4}, until=hour, hours=4)
    '▁▁▅█'
    """
    end = floor_hour(until)
    values = [counts.get(end - number * HOUR, 0) for number in reversed(range(hours))]
    most = max(values)
    return "".join(_BARS[round(value / most * 7)] if most else _BARS[0] for value in values)


def describe_volume(volume: Volume, window: str) -> str:
    """Return words such as “14 articles in 6 hours, usually 2 (7×)”."""
    usual = f"usually {volume.usual:.0f} ({volume.factor:.0f}×)" if volume.usual >= 1 else "usually fewer than 1"
    return f"{volume.count} articles in {window}, {usual}"


def describe_causes(surge: Surge, zone: tzinfo) -> str:
    """Return whether a surge is one event or several, and who began, with times in ``zone``.

    The articles are those since the surge was found, and not only those of the window that ends now.
    """
    causes = surge.causes
    if not causes.largest:
        return ""
    first = causes.largest[0]
    began = f"first from {first.outlets[0]} at {format_time(first.began_at, zone)}"
    since = f"since {format_time(surge.since, zone)}"
    if causes.story_count == 1:
        return f"One event, in {format_count(first.count, 'article')} {since}, {began}"
    articles = f"{first.count} of {causes.article_count} articles {since}"
    if causes.is_one_event:
        return f"Mostly one event, in {articles}, {began}"
    return f"{causes.story_count} stories; the largest has {articles}, {began}"

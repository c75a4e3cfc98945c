"""Decide when the coverage of a rule is a surge, and which stories cause it.

    hourly counts ─▶ the window's count, against what is usual at this hour ─▶ open ─▶ (update) ─▶ close

What is usual comes from the windows at the same hour of the week in the four previous weeks, and the hours beside it.
A rule with less than two full weeks of counts is compared with the same hour of its previous days. All functions are
pure.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from statistics import median

from bot.model.rules import SurgeLimits
from bot.model.stories import Member, Story
from bot.model.surges import Cause, Causes, Surge, Volume
from bot.stories.summaries import story_headline

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
WEEK = timedelta(weeks=1)
#: How far back counts are compared.
HISTORY = 4 * WEEK
#: A rule with a shorter history has no surges.
FIRST_DAY = DAY
#: A surge is less likely than this if articles arrive independently at the usual rate. Hourly windows overlap, so one
#: rule makes about 200 independent comparisons in a month.
CHANCE = 1e-4
#: Maximum stories that are named as the cause.
CAUSES = 3
_BARS = "▁▂▃▄▅▆▇█"


def floor_hour(when: datetime) -> datetime:
    """Return the beginning of the hour."""
    return when.replace(minute=0, second=0, microsecond=0)


def counts_again(story: Story, member: Member, rule: str) -> bool:
    """Return whether the story already has an article of this owner that counts for the rule.

    A copy never counts again, and neither do the later articles of one outlet about one event.
    """
    if member.join.copy_of is not None:
        return True
    for earlier in story.members:
        if earlier.article.id == member.article.id:
            return False
        is_counted = earlier.join.copy_of is None and not earlier.is_baseline
        if is_counted and earlier.article.owner == member.article.owner and _matches(earlier, rule):
            return True
    return False


def _matches(member: Member, rule: str) -> bool:
    return any(match.rule == rule for match in member.matches)


# -- the baseline


def measure(counts: Mapping[datetime, int], *, began_at: datetime, window: timedelta, now: datetime) -> Volume | None:
    """Return the volume of the window that ends in the hour of ``now``, or None on the rule's first day.

    ``counts`` are the counts of each hour; hours without articles may be absent. ``began_at`` is the first hour in
    which the rule was counted.
    """
    end = floor_hour(now)
    samples = _comparable_windows(end, began_at, window)
    if now - began_at < FIRST_DAY or not samples:
        return None
    sums = [sum_window(counts, sample, window) for sample in samples]
    # With few days, a weekday may be compared only with a weekend, so take the busiest of them.
    has_weeks = end - began_at >= 2 * WEEK + window
    usual = float(median(sums)) if has_weeks else float(max(sums))
    return Volume(count=sum_window(counts, end, window), usual=usual)


def sum_window(counts: Mapping[datetime, int], last_hour: datetime, window: timedelta) -> int:
    """Return the number of articles in the window whose last hour is ``last_hour``."""
    return sum(counts.get(last_hour - number * HOUR, 0) for number in range(max(1, window // HOUR)))


def _comparable_windows(end: datetime, began_at: datetime, window: timedelta) -> list[datetime]:
    """Return the last hours of earlier windows that do not overlap with the current window."""
    has_weeks = end - began_at >= 2 * WEEK + window
    step, count = (WEEK, 4) if has_weeks else (DAY, 14)
    ends = [end - number * step + shift * HOUR for number in range(1, count + 1) for shift in (-1, 0, 1)]
    return [last for last in ends if last - window + HOUR >= floor_hour(began_at) and last <= end - window]


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


def follow(
    surge: Surge | None, volume: Volume | None, limits: SurgeLimits, *, last_closed_at: datetime | None, now: datetime
) -> str:
    """Return the next step of a rule's surge: "open", "update", "close", or "" for none.

    ``surge`` is the open surge. After the end of a surge, a window passes before the next one can open, so that no
    article counts for two.
    """
    if volume is None:
        return ""
    if surge is not None:
        return "close" if is_over(volume, limits) else "update"
    if last_closed_at is not None and now - last_closed_at < limits.in_:
        return ""
    return "open" if is_surge(volume, limits) else ""


def find_beginning(counts: Mapping[datetime, int], volume: Volume, window: timedelta, now: datetime) -> datetime:
    """Return the first hour of the window with more articles than usual."""
    hours = max(1, window // HOUR)
    end = floor_hour(now)
    for number in reversed(range(hours)):
        if counts.get(end - number * HOUR, 0) > volume.usual / hours:
            return end - number * HOUR
    return end


def find_causes(stories: Iterable[Story], rule: str, *, since: datetime) -> Causes:
    """Return the stories that make up a rule's coverage since a time."""
    causes = []
    for story in stories:
        owners: dict[str, Member] = {}
        for member in story.members:
            is_counted = member.article.when >= since and member.join.copy_of is None and not member.is_baseline
            if is_counted and _matches(member, rule):
                owners.setdefault(member.article.owner, member)
        if owners:
            first = min(owners.values(), key=lambda member: member.article.when)
            outlets = tuple(dict.fromkeys(member.article.outlet for member in owners.values()))
            causes.append(
                Cause(
                    story=story.id,
                    headline=story_headline(story),
                    outlets=(first.article.outlet, *(name for name in outlets if name != first.article.outlet)),
                    count=len(owners),
                    began_at=first.article.when,
                )
            )
    causes.sort(key=lambda cause: (-cause.count, cause.began_at, cause.story))
    total = sum(cause.count for cause in causes)
    most = causes[0].count if causes else 0
    # Name a smaller story only if it has a real part in the surge.
    largest = tuple(cause for cause in causes[:CAUSES] if 3 * cause.count >= most)
    return Causes(largest=largest, story_count=len(causes), article_count=total)


# -- words


def draw_sparkline(counts: Mapping[datetime, int], *, until: datetime, hours: int = 24) -> str:
    """Return one bar for each of the last hours.

    >>> hour = datetime(2015, 12, 1, 5)
    >>> draw_sparkline({hour: 8, hour - HOUR: 4}, until=hour, hours=4)
    '▁▁▄█'
    """
    end = floor_hour(until)
    values = [counts.get(end - number * HOUR, 0) for number in reversed(range(hours))]
    most = max(values)
    return "".join(_BARS[round(value / most * 7)] if most else _BARS[0] for value in values)


def describe_volume(volume: Volume, window: str) -> str:
    """Return words such as “14 articles in 6 hours, usually 2 (7×)”."""
    usual = f"usually {volume.usual:.0f}" if volume.usual >= 1 else "usually fewer than 1"
    return f"{volume.count} articles in {window}, {usual} ({volume.factor:.0f}×)"


def describe_causes(causes: Causes) -> str:
    """Return whether a surge is one event or several, and who began."""
    if not causes.largest:
        return ""
    first = causes.largest[0]
    began = f"{first.outlets[0]} was first, at {first.began_at:%d %b %H:%M} UTC"
    if causes.story_count == 1:
        return f"One event; {began}"
    share = f"{first.count} of {causes.article_count} articles"
    if causes.is_one_event:
        return f"Mostly one event, with {share}; {began}"
    return f"{causes.story_count} events; the largest has {share}, and {began}"

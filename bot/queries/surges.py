"""Queries about surges: the volume of a rule over time, with the surges and their stories."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

import pydantic

from bot.queries.registry import Archive, Document, Id, Parameters, Query, Time, Whole, find_rule, unusable
from bot.stories import volume

#: The period that the page of a rule shows.
USUAL_DAYS = 28


class CauseDocument(Document):
    """A story that makes up a part of a surge."""

    story: str
    headline: str
    outlets: list[str]
    count: int
    began_at: Time


class SurgeDocument(Document):
    """A surge: a time in which the coverage of a rule is far above what is usual, at its peak."""

    rule: str
    #: The hour from which its articles count.
    since: Time
    opened_at: Time
    closed_at: Time | None
    peak_at: Time
    count: int = pydantic.Field(validation_alias=pydantic.AliasPath("peak", "count"))
    usual: float = pydantic.Field(validation_alias=pydantic.AliasPath("peak", "usual"))
    event_count: int = pydantic.Field(validation_alias=pydantic.AliasPath("causes", "story_count"))
    causes: list[CauseDocument] = pydantic.Field(validation_alias=pydantic.AliasPath("causes", "largest"))


class VolumeParameters(Parameters):
    """The rule, and the period."""

    name: Id = pydantic.Field(description="The rule's name.")
    days: Annotated[int, pydantic.Field(ge=1, le=90, description="The period in days."), Whole] = USUAL_DAYS


class HourDocument(Document):
    """The independent articles of one hour."""

    hour: Time
    count: int


class VolumeDocument(Document):
    """The volume of a rule: its hours with articles, oldest first, and its surges.

    ``count`` and ``usual`` are of the window that ends now; both are null if ``unmeasured`` says why the rule cannot
    report surges.
    """

    rule: str
    began_at: Time | None
    window_hours: int
    count: int | None
    usual: float | None
    unmeasured: str
    hours: list[HourDocument]
    surges: list[SurgeDocument]


def show_volume(archive: Archive, parameters: VolumeParameters) -> VolumeDocument:
    """Show how many independent articles a rule had in each hour, what is usual, and its surges with their stories."""
    rule, now = find_rule(parameters.name, archive.settings).rule, archive.now
    limits, counted = rule.surge_limits, archive.tx.volume
    if limits is None:
        raise unusable("name", f'the rule "{rule.name}" does not count its articles; give it the key volume')
    began_at = counted.began_at(rule.name, rule.version)
    since = now - timedelta(days=parameters.days)
    counts = counted.curve(rule.name, rule.version, since=min(since, now - volume.HISTORY - limits.in_ - volume.DAY))
    measured = volume.measure(counts, window=limits.in_, now=now)
    return VolumeDocument(
        rule=rule.name,
        began_at=began_at,
        window_hours=limits.in_ // volume.HOUR,
        count=measured.count if measured else None,
        usual=measured.usual if measured else None,
        unmeasured=volume.explain_unmeasured(counts, window=limits.in_, now=now, zone=archive.settings.bot.timezone),
        hours=[
            HourDocument(hour=hour, count=count) for hour, count in sorted(counts.items()) if count and hour >= since
        ],
        surges=[SurgeDocument.of(surge) for surge in counted.surges_since(since, rule.name)],
    )


VOLUME = Query("volume", show_volume, VolumeDocument, path="/rules/{name}/volume", is_tool=True)


class Bar(Document):
    """One bar of a chart."""

    begin: datetime
    count: int
    #: Whether a surge was open in this time.
    is_surge: bool


def draw_bars(shown: VolumeDocument, *, now: datetime) -> list[Bar]:
    """Return a bar for each window of six hours, oldest first."""
    width = timedelta(hours=6)
    begin = volume.floor_hour(now) - timedelta(days=USUAL_DAYS) + width
    bars = []
    while begin <= now:
        end = begin + width
        is_surge = any(surge.opened_at < end and (surge.closed_at or now) >= begin for surge in shown.surges)
        count = sum(hour.count for hour in shown.hours if begin <= hour.hour < end)
        bars.append(Bar(begin=begin, count=count, is_surge=is_surge))
        begin = end
    return bars

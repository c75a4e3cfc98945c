"""The query about a brief: what moved in a period, for one channel or for all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Annotated

import pydantic

from bot.model.briefs import Brief, SectionKind
from bot.pipeline import briefs
from bot.queries.registry import (
    DURATION,
    Archive,
    Document,
    Mistake,
    Name,
    Omittable,
    Parameters,
    Query,
    RefusalKind,
    Refused,
    Time,
    parse_time,
    unusable,
)
from bot.queries.stories import FactDocument
from bot.rules import errors

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
#: Maximum length of a period.
MOST_DAYS = timedelta(days=31)
_MOMENT = r"[12][0-9]{3}-[01][0-9]-[0-3][0-9](T[0-2][0-9]:[0-5][0-9]Z)?"
BriefTime = Annotated[
    str,
    pydantic.Field(
        min_length=1,
        max_length=40,
        examples=["monday", "2026-11-30", "24h"],
        json_schema_extra={"pattern": f"^(today|yesterday|{'|'.join(_DAYS)}|{_MOMENT}|{DURATION})$"},
    ),
]


class BriefParameters(Parameters):
    """The channel and the period of a brief."""

    channel: Omittable[Name] = pydantic.Field(default=None, description="Only what this channel reports.")
    since: BriefTime = pydantic.Field(
        default="24h", description="The beginning: a duration, a day (the start of it), or a time in UTC."
    )
    until: Omittable[BriefTime] = pydantic.Field(
        default=None, description="The end: a day (the end of it), a time in UTC, or a duration ago. Default: now."
    )


class EntryDocument(Document):
    """One entry. ``story`` is null if the entry is a surge.

    ``parts`` are other reports of a thread, whose ``story`` is null, and stories that may be about the same event.
    """

    story: str | None
    severity: str | None
    headline: str
    link: str
    rule: str
    details: list[str]
    parts: list[EntryDocument]
    fact: FactDocument | None
    quote: str


class SectionDocument(Document):
    """One section with its first entries, most important first; ``more`` is the number of further entries."""

    kind: SectionKind
    entries: list[EntryDocument]
    more: int
    #: For stories that were seen only elsewhere: how many of all outside stories, such as “3 of 41 stories”.
    share: str


class BriefDocument(Document):
    """A brief: its sections in their order, without the empty ones. ``channel`` is null for all channels."""

    channel: str | None
    since: Time
    until: Time
    sections: list[SectionDocument]


def show_brief(archive: Archive, parameters: BriefParameters) -> Brief:
    """Show what moved in a period: new stories, news in earlier ones, surges, and what was held."""
    channel, now = parameters.channel, archive.now
    channels = archive.settings.bot.channels
    if channel is not None and channel not in channels:
        text, advice = f'no channel is named "{channel}"', errors.help_with_unknown_name(channel, channels)
        raise Refused(RefusalKind.NOT_FOUND, f"{text}; {advice}", Mistake(where="channel", message=text, help=advice))
    zone = briefs.brief_zone(archive.settings, channel)
    since = _parse_moment("since", parameters.since, now, zone)
    until = now
    if parameters.until is not None:
        until = _parse_moment("until", parameters.until, now, zone, is_end=True)
    if not since < min(until, now):
        raise unusable("since", "the period is empty: since must be before until and before now")
    if until - since > MOST_DAYS:
        raise unusable("since", f"the period is longer than {MOST_DAYS.days} days")
    period = briefs.Period(channel=channel, since=since, until=min(until, now))
    return briefs.read_brief(archive.tx, archive.settings, period, now=now)


def _parse_moment(where: str, written: str, now: datetime, zone: tzinfo, *, is_end: bool = False) -> datetime:
    """Return a time in UTC. A day is its start in ``zone``, or its end; a weekday is the last one, possibly today."""
    today = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    day: datetime | None = None
    word = written.strip().lower()
    if word in _DAYS:
        day = today - timedelta(days=(today.weekday() - _DAYS.index(word)) % 7)
    elif word in ("today", "yesterday"):
        day = today - timedelta(days=word == "yesterday")
    else:
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            parsed_time = parse_time(where, written, now)
            assert parsed_time is not None
            return parsed_time
        if len(written) > len("2026-11-30"):
            return _as_utc(where, moment if moment.tzinfo else moment.replace(tzinfo=UTC))
        day = moment.replace(tzinfo=zone)
    return _as_utc(where, day, plus=timedelta(days=is_end))


def _as_utc(where: str, moment: datetime, plus: timedelta = timedelta()) -> datetime:
    try:
        return (moment + plus).astimezone(UTC)
    except OverflowError:
        raise unusable(where, "this time is too far away") from None


BRIEF = Query("brief", show_brief, BriefDocument, path="/brief", is_tool=True, is_long=True)

"""Compare what outside indexes list with what our feeds carried: carried, or seen only elsewhere.

    outside report ─▶ its page or headline is known? ─▶ one of our stories has it? ─▶ an event of other outside reports

Nothing here does I/O. The same judgement as in grouping decides.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from bot.model.archive import Arrival
from bot.model.audit import SETTLED_AFTER, OutsideReport
from bot.model.encoders import Vector
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId, StoryId
from bot.stories import grouping
from bot.stories.copies import HEADLINE_WORDS
from bot.stories.index import Index
from bot.stories.profile import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedReport:
    """An outside report with what it is compared by."""

    report: OutsideReport
    matches: tuple[Match, ...]
    meaning: Vector | None = None
    #: The first article of our feeds with the same page or headline, and when it was first seen.
    known_as: ArticleId | None = None
    known_since: datetime | None = None


def has_telling_headline(title: str) -> bool:
    """Return whether a headline is long enough to identify an event: "Live updates" is not."""
    return len(title.split()) >= HEADLINE_WORDS


def article_of(report: OutsideReport) -> Article:
    """Return the article of an outside report."""
    return Article(
        id=report.id,
        feed=report.place,
        outlet=report.outlet,
        owner=report.site or report.outlet,
        link=report.link,
        title=report.title,
        text=report.text,
        published=report.reported_at,
        first_seen=report.reported_at,
        fingerprint="",
    )


def compare(index: Index, compared: Iterable[ComparedReport], *, now: datetime) -> list[OutsideReport]:
    """Return the reports with their event, and when a feed carried it. ``index`` has the stories of the rule.

    A report about one of our stories joins it in the index, so that later wordings are recognised too. The other
    reports are grouped with each other.
    """
    ours = frozenset(index.stories)
    ordered = sorted(compared, key=lambda entry: (entry.report.reported_at, entry.report.id))
    events: dict[ArticleId, tuple[str, datetime | None]] = {}
    # Look twice, because a report may be like another one that is like our story.
    for _ in range(2):
        for entry in ordered:
            if entry.report.id not in events and (carried := _find_ours(index, ours, entry)):
                events[entry.report.id] = carried
    missed = [entry for entry in ordered if entry.report.id not in events]
    for entry in missed:
        profile = _profile_of(index, entry)
        candidates = grouping.find_candidates(index, profile)
        index.add(profile, grouping.place([candidate for candidate in candidates if candidate.id not in ours], profile))
    # Read the events at the end, because a report may merge two of them.
    events |= {entry.report.id: (index.joins[entry.report.id].story, None) for entry in missed}
    return [_with_event(entry.report, *events[entry.report.id], now=now) for entry in ordered]


def _find_ours(index: Index, ours: frozenset[StoryId], entry: ComparedReport) -> tuple[str, datetime] | None:
    """Return the event of our feeds that a report is about, and when a feed first carried it, or None."""
    if entry.known_as is not None and entry.known_since is not None:
        known_join = index.joins.get(entry.known_as)
        return (known_join.story if known_join else entry.known_as), entry.known_since
    profile = _profile_of(index, entry)
    candidates = [candidate for candidate in grouping.find_candidates(index, profile) if candidate.id in ours]
    if not candidates or not (candidates[0].is_certain or candidates[0].probability >= grouping.JOIN_FROM):
        return None
    join = grouping.place(candidates, profile)
    if join.story in ours:
        index.add(profile, replace(join, merges=()))
    return candidates[0].id, candidates[0].story.opened_at


def _profile_of(index: Index, entry: ComparedReport) -> Profile:
    article = article_of(entry.report)
    return index.profile(Arrival(article=article, matches=entry.matches, is_baseline=False, meaning=entry.meaning))


def _with_event(report: OutsideReport, event: str, carried_at: datetime | None, *, now: datetime) -> OutsideReport:
    is_settled = carried_at is not None or now - report.reported_at >= SETTLED_AFTER
    is_in_time = carried_at is not None and carried_at - report.reported_at < SETTLED_AFTER
    return replace(
        report,
        event=event,
        carried_at=carried_at,
        is_missed=not is_in_time and (report.is_missed or carried_at is None),
        counted_at=report.counted_at or (now if is_settled else None),
    )

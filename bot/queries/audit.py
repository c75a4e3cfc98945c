"""The query about the audit: what outside indexes listed, and what of it no feed carried."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

import pydantic

from bot.config import audits
from bot.model.audit import RECALL_PERIOD, OutsideEvent, OutsideReport, count_coverage, name_outlets
from bot.queries.registry import (
    Archive,
    Document,
    Name,
    Omittable,
    Parameters,
    Query,
    Time,
    When,
    fields_of,
    parse_time,
    unknown_rule,
)
from bot.rules import errors

#: Maximum stories and outlets that are listed.
MOST_MISSED, MOST_OUTLETS = 100, 30


class AuditParameters(Parameters):
    """The rules, and how far to look back."""

    rule: Omittable[Name] = pydantic.Field(default=None, description="A rule's name or a part of it; without it, all.")
    since: When = pydantic.Field(default="90d", description="Only stories since this day or within this time.")


class CoverageDocument(Document):
    """How many outside stories feeds carried in time, late (by how many hours on average), or did not carry."""

    carried: int
    late: int
    hours_late: float | None
    only_elsewhere: int


class RecallDocument(CoverageDocument):
    """The share of the outside stories of the last 30 days that feeds carried; null if there are too few stories."""

    recall: float | None
    stories: int


class MonthDocument(CoverageDocument):
    """The outside stories of one rule in one month (UTC)."""

    rule: str
    month: str


class MissedDocument(Document):
    """A story that was seen only elsewhere, by its first report. ``outlets`` are all outlets that had it."""

    rule: str
    headline: str
    link: str
    outlets: list[str]
    reported_at: Time


class OutletDocument(Document):
    """An outlet that had stories that were seen only elsewhere. ``site`` is its domain, or empty if it is unknown."""

    outlet: str
    site: str
    stories: int


class AuditSummary(Document):
    """The recall of the last 30 days, and why an index (google-news, bing-news, gdelt) did not answer last."""

    recall: RecallDocument
    failing: dict[str, str]


class AuditDocument(AuditSummary):
    """The audit. ``recall`` is of the last 30 days; the months, stories and outlets are of the requested time."""

    months: list[MonthDocument]
    missed: list[MissedDocument]
    outlets: list[OutletDocument]


def show_audit(archive: Archive, parameters: AuditParameters) -> AuditDocument:
    """Show what news search engines listed for audited rules, and which stories of it no feed carried."""
    since = parse_time("since", parameters.since, archive.now)
    assert since is not None
    events, rules = archive.tx.audits.events(since=since, until=archive.now), None
    if parameters.rule is not None:
        names = {entry.rule.name for entry in archive.settings.rules} | {event.rule for event in events}
        rules = errors.find_names(parameters.rule, names)
        if not rules:
            raise unknown_rule(parameters.rule, archive.settings)
    months = defaultdict[tuple[str, str], list[OutsideEvent]](list)
    for event in events:
        if rules is None or event.rule in rules:
            months[f"{event.listed_at:%Y-%m}", event.rule].append(event)
    missed = archive.tx.audits.missed(since=since, until=archive.now, rules=rules)
    return AuditDocument(
        **dict(_summarize(archive, rules)),
        months=[
            MonthDocument(month=month, rule=rule, **fields_of(count_coverage(months[month, rule]), CoverageDocument))
            for month, rule in sorted(months, reverse=True)
        ],
        missed=list(map(_describe_missed, missed[:MOST_MISSED])),
        outlets=_count_outlets(missed),
    )


AUDIT = Query("audit", show_audit, AuditDocument, path="/audit", is_tool=True)


def summarize_audit(archive: Archive) -> AuditSummary | None:
    """Return the summary of the audit, or None if no rule is audited."""
    return _summarize(archive) if archive.settings.audit_searches else None


def _summarize(archive: Archive, rules: Collection[str] | None = None) -> AuditSummary:
    """Return the recall of the last 30 days over these rules, or over all rules, and the indexes that fail."""
    events = archive.tx.audits.events(since=archive.now - RECALL_PERIOD, until=archive.now, rules=rules)
    searches = archive.settings.audit_searches
    failing = audits.find_failing(searches, archive.tx.feeds.get_many([search.feed.url for search in searches]))
    return AuditSummary(recall=RecallDocument.of(count_coverage(events)), failing=failing)


def _describe_missed(reports: Sequence[OutsideReport]) -> MissedDocument:
    first, outlets = reports[0].article, list(name_outlets(reports).values())
    return MissedDocument(
        rule=reports[0].rule, headline=first.title, link=first.link, outlets=outlets, reported_at=first.when
    )


def _count_outlets(missed: Sequence[Sequence[OutsideReport]]) -> list[OutletDocument]:
    """Return the outlets that had most of the missed stories. An outlet with an unknown site is counted by its name."""
    names = name_outlets(report for reports in missed for report in reports)
    counts = Counter(owner for reports in missed for owner in name_outlets(reports))
    return [
        OutletDocument(outlet=names[owner], site=owner if "." in owner and " " not in owner else "", stories=count)
        for owner, count in counts.most_common(MOST_OUTLETS)
    ]

"""The query about the audit: what outside indexes listed, and what of it no feed carried."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

import pydantic

from bot.config.audits import index_states
from bot.model.audit import FEWEST_STORIES, RECALL_PERIOD, OutsideReport, name_outlets
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
    """How many outside stories feeds carried in time, carried late or did not carry."""

    carried: int
    late: int
    only_elsewhere: int


class RecallDocument(CoverageDocument):
    """The share of the outside stories of the last 30 days that feeds carried; null if there are too few stories."""

    recall: float | None
    stories: int


class MonthDocument(CoverageDocument):
    """The outside stories of one rule in one month (UTC). ``hours_late`` is the mean delay of the late ones."""

    rule: str
    month: str
    hours_late: float | None


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


class IndexDocument(Document):
    """An outside index: when it was last asked and last answered, and why it did not answer the last question."""

    index: str
    asked_at: Time | None
    answered_at: Time | None
    error: str


class AuditSummary(Document):
    """The recall of the last 30 days, and the indexes."""

    recall: RecallDocument
    indexes: list[IndexDocument]


class AuditDocument(AuditSummary):
    """The audit. ``recall`` is of the last 30 days; the months, stories and outlets are of the requested time."""

    months: list[MonthDocument]
    missed: list[MissedDocument]
    outlets: list[OutletDocument]


def show_audit(archive: Archive, parameters: AuditParameters) -> AuditDocument:
    """Show what news search engines listed for audited rules, and which stories of it no feed carried."""
    audits, now = archive.tx.audits, archive.now
    since = parse_time("since", parameters.since, now)
    assert since is not None
    # Months before the first report are not counted one by one: a request may name the year 1000.
    since = max(since, audits.first_listed() or now)
    rules = None
    if parameters.rule is not None:
        loaded = {entry.rule.name for entry in archive.settings.rules}
        counted = {coverage.rule for coverage in audits.count(since=since, until=now)}
        rules = errors.find_names(parameters.rule, loaded | counted)
        if not rules:
            raise unknown_rule(parameters.rule, archive.settings)
    months = [
        MonthDocument(month=f"{begin:%Y-%m}", **fields_of(coverage, MonthDocument))
        for begin, end in _split_months(since, now)
        for coverage in audits.count(since=begin, until=end, rules=rules)
    ]
    missed = audits.missed(since=since, until=now, rules=rules)
    return AuditDocument(
        **dict(_summarize(archive, rules)),
        months=months,
        missed=list(map(_describe_missed, missed[:MOST_MISSED])),
        outlets=_count_outlets(missed),
    )


AUDIT = Query("audit", show_audit, AuditDocument, path="/audit", is_tool=True)


def summarize_audit(archive: Archive) -> AuditSummary | None:
    """Return the summary of the audit, or None if no rule is audited."""
    return _summarize(archive) if archive.settings.audit_searches else None


def _summarize(archive: Archive, rules: Collection[str] | None = None) -> AuditSummary:
    """Return the recall of the last 30 days over these rules, or over all rules, and the indexes."""
    by_rule = archive.tx.audits.count(since=archive.now - RECALL_PERIOD, until=archive.now, rules=rules)
    stories = sum(coverage.stories for coverage in by_rule)
    missed = sum(coverage.only_elsewhere for coverage in by_rule)
    late = sum(coverage.late for coverage in by_rule)
    recall = RecallDocument(
        recall=(stories - missed) / stories if stories >= FEWEST_STORIES else None,
        stories=stories,
        carried=stories - missed - late,
        late=late,
        only_elsewhere=missed,
    )
    searches = archive.settings.audit_searches
    states = archive.tx.feeds.get_many([search.feed.url for search in searches])
    return AuditSummary(recall=recall, indexes=list(map(IndexDocument.of, index_states(searches, states))))


def _split_months(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the beginning and end of each month of a time, newest first."""
    while until > since:
        last_moment = until - timedelta(microseconds=1)
        begin = max(since, last_moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
        yield begin, until
        until = begin


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

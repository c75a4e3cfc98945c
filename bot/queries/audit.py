"""The query about the audit: what outside indexes listed, and what of it no feed carried."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import pydantic

from bot import storage
from bot.model.audit import RECALL_PERIOD, Coverage, OutsideEvent, OutsideReport, last_questions, recall_of
from bot.queries.registry import (
    Archive,
    Document,
    Name,
    Omittable,
    Parameters,
    Query,
    Time,
    When,
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


class MonthDocument(Document):
    """The outside stories of one rule in one month (UTC).

    ``delay_hours`` is the median time from the first outside report until a feed carried a late story.
    """

    rule: str
    month: str
    carried: int
    late: int
    only_elsewhere: int
    delay_hours: float | None


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
    """An outside index: when it last answered, and why it did not answer the last question."""

    index: str
    asked_at: Time | None
    answered_at: Time | None
    error: str


class RecallDocument(Document):
    """The share of the outside stories of the last 30 days that feeds carried; null if there are too few stories."""

    recall: float | None
    stories: int
    carried: int
    late: int
    only_elsewhere: int


class AuditDocument(Document):
    """The audit. ``recall`` is of the last 30 days; everything else is of the requested time."""

    recall: RecallDocument
    months: list[MonthDocument]
    missed: list[MissedDocument]
    outlets: list[OutletDocument]
    indexes: list[IndexDocument]


def show_audit(archive: Archive, parameters: AuditParameters) -> AuditDocument:
    """Show what news search engines listed for audited rules, and which stories of it no feed carried."""
    tx, now = archive.tx, archive.now
    since = parse_time("since", parameters.since, now)
    assert since is not None
    events = tx.audits.events(since=since, until=now)
    loaded = {entry.rule.name for entry in archive.settings.rules}
    rules = loaded | {event.rule for event in events}
    if parameters.rule is not None:
        rules = set(errors.find_names(parameters.rule, rules))
        if not rules:
            raise unknown_rule(parameters.rule, archive.settings)
    events = [event for event in events if event.rule in rules]
    missed = [event for event in reversed(events) if event.coverage is Coverage.ONLY_ELSEWHERE]
    reports = tx.audits.reports_about(missed)
    return AuditDocument(
        recall=measure_recall(tx, rules, now=now),
        months=_count_months(events),
        missed=[_describe_missed(event, reports[event.rule, event.event]) for event in missed[:MOST_MISSED]],
        outlets=_count_outlets(reports.values()),
        indexes=describe_indexes(tx),
    )


AUDIT = Query("audit", show_audit, AuditDocument, path="/audit", is_tool=True)


class AuditSummary(Document):
    """The recall of the last 30 days, and the indexes that did not answer their last question."""

    recall: RecallDocument
    failing: list[IndexDocument]


def summarize_audit(tx: storage.Transaction, *, now: datetime) -> AuditSummary | None:
    """Return the summary of the audit, or None if no rule is audited."""
    indexes = describe_indexes(tx)
    if not indexes:
        return None
    return AuditSummary(recall=measure_recall(tx, now=now), failing=[index for index in indexes if index.error])


def measure_recall(tx: storage.Transaction, rules: Iterable[str] | None = None, *, now: datetime) -> RecallDocument:
    """Return the recall of the last 30 days over these rules, or over all rules."""
    chosen_rules = None if rules is None else set(rules)
    events = tx.audits.events(since=now - RECALL_PERIOD, until=now)
    counts = Counter(event.coverage for event in events if chosen_rules is None or event.rule in chosen_rules)
    total, missed = counts.total(), counts[Coverage.ONLY_ELSEWHERE]
    return RecallDocument(
        recall=recall_of(total, missed),
        stories=total,
        carried=counts[Coverage.CARRIED],
        late=counts[Coverage.LATE],
        only_elsewhere=missed,
    )


def describe_indexes(tx: storage.Transaction) -> list[IndexDocument]:
    """Return each index with its last question."""
    questions = tx.audits.questions()
    last = last_questions(questions)
    documents = []
    for index in sorted({question.place for question in questions}):
        answers = [question.answered_at for question in questions if question.place == index and question.answered_at]
        documents.append(
            IndexDocument(
                index=index,
                asked_at=last[index].asked_at if index in last else None,
                answered_at=max(answers, default=None),
                error=last[index].error if index in last else "",
            )
        )
    return documents


def _describe_missed(event: OutsideEvent, reports: Sequence[OutsideReport]) -> MissedDocument:
    return MissedDocument(
        rule=event.rule,
        headline=reports[0].title,
        link=reports[0].link,
        outlets=list(dict.fromkeys(report.outlet for report in reports)),
        reported_at=event.reported_at,
    )


def _count_outlets(by_event: Iterable[Sequence[OutsideReport]]) -> list[OutletDocument]:
    """Return the outlets that had most of the missed stories. An outlet with an unknown site is counted by its name."""
    names: dict[str, OutsideReport] = {}
    counts = Counter[str]()
    for reports in by_event:
        of_event = {report.site or report.outlet: report for report in reports}
        counts.update(of_event.keys())
        names |= of_event
    return [
        OutletDocument(outlet=names[key].outlet, site=names[key].site, stories=count)
        for key, count in counts.most_common(MOST_OUTLETS)
    ]


def _count_months(events: Iterable[OutsideEvent]) -> list[MonthDocument]:
    """Count the stories by rule and month, newest month first."""
    by_month: defaultdict[tuple[str, str], list[OutsideEvent]] = defaultdict(list)
    for event in events:
        by_month[f"{event.reported_at:%Y-%m}", event.rule].append(event)
    months = []
    for (month, rule), of_month in by_month.items():
        counts = Counter(event.coverage for event in of_month)
        delays = [
            (event.carried_at - event.reported_at) / timedelta(hours=1)
            for event in of_month
            if event.carried_at is not None and event.coverage is Coverage.LATE
        ]
        months.append(
            MonthDocument(
                rule=rule,
                month=month,
                carried=counts[Coverage.CARRIED],
                late=counts[Coverage.LATE],
                only_elsewhere=counts[Coverage.ONLY_ELSEWHERE],
                delay_hours=round(statistics.median(delays), 1) if delays else None,
            )
        )
    months.sort(key=lambda row: row.rule)
    return sorted(months, key=lambda row: row.month, reverse=True)

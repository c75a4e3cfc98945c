"""The question about the audit: what outside indexes listed, and what of it no feed carried."""

from __future__ import annotations

import statistics
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta

import pydantic

from bot import storage
from bot.config import feed_list
from bot.model import visible
from bot.model.audit import RECALL_PERIOD, Coverage, OutletFeed, OutsideEvent, last_questions, recall_of
from bot.model.feeds import Feed
from bot.queries.registry import (
    Archive,
    Document,
    Name,
    Omittable,
    Parameters,
    Question,
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
    """An outlet that had stories that were seen only elsewhere. ``line`` is for feeds.yaml, if its feed is known."""

    outlet: str
    site: str
    stories: int
    line: str


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
    return AuditDocument(
        recall=measure_recall(tx, rules, now=now),
        months=_count_months(events),
        missed=_list_missed(tx, events),
        outlets=_list_outlets(tx, rules, since=since, until=now),
        indexes=describe_indexes(tx),
    )


AUDIT = Question("audit", show_audit, AuditDocument, path="/audit", is_tool=True)


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
    wanted = None if rules is None else set(rules)
    events = tx.audits.events(since=now - RECALL_PERIOD, until=now)
    counts = Counter(event.coverage for event in events if wanted is None or event.rule in wanted)
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


def _list_missed(tx: storage.Transaction, events: Iterable[OutsideEvent]) -> list[MissedDocument]:
    """Return the newest stories that were seen only elsewhere, newest first."""
    missed = [event for event in events if event.coverage is Coverage.ONLY_ELSEWHERE][-MOST_MISSED:]
    reports = tx.audits.reports_about(missed)
    return [
        MissedDocument(
            rule=event.rule,
            headline=reports[event.rule, event.event][0].title,
            link=reports[event.rule, event.event][0].link,
            outlets=list(dict.fromkeys(report.outlet for report in reports[event.rule, event.event])),
            reported_at=event.reported_at,
        )
        for event in reversed(missed)
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


def _list_outlets(
    tx: storage.Transaction, rules: Iterable[str], *, since: datetime, until: datetime
) -> list[OutletDocument]:
    """Return the outlets that had most of the missed stories, with a line for feeds.yaml if their feed is known."""
    wanted, counts, names = set(rules), Counter[tuple[str, str]](), dict[tuple[str, str], str]()
    for outlet in tx.audits.missed_outlets(since=since, until=until):
        if outlet.rule in wanted:
            key = outlet.site, "" if outlet.site else outlet.outlet
            counts[key] += outlet.count
            names[key] = outlet.outlet
    feeds = tx.audits.outlet_feeds()
    ordered = sorted(counts.items(), key=lambda item: (-item[1], names[item[0]]))
    return [
        OutletDocument(outlet=names[key], site=key[0], stories=count, line=_render_line(feeds.get(key[0])))
        for key, count in ordered[:MOST_OUTLETS]
    ]


def _render_line(feed: OutletFeed | None) -> str:
    """Return the feed's line for feeds.yaml, or an empty text if none was found."""
    if feed is None or not feed.url:
        return ""
    return f"- {feed_list.render_feed(Feed(url=feed.url, name=visible.dropped(feed.title) or None))}"

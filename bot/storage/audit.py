"""Store the questions of the audit to outside indexes, and the reports that they listed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, select

from bot.model.audit import IndexQuestion, OutsideEvent, OutsideReport
from bot.model.stories import ArticleId
from bot.storage.articles import place_of
from bot.storage.columns import WANTED, Repository, Rows, digest, upsert
from bot.storage.schema import articles, index_questions, outside_reports
from bot.text.folding import fold_title

_QUESTION = Rows(IndexQuestion, index_questions)
_REPORT = Rows(OutsideReport, outside_reports)
_SAVE_QUESTION = upsert(
    [index_questions.c.rule, index_questions.c.url],
    [name for name in index_questions.c.keys() if name not in ("rule", "url")],  # noqa: SIM118 - not a dict
)
_SAVE_REPORT = upsert(
    [outside_reports.c.id, outside_reports.c.rule], ["event", "counted_at", "is_missed", "carried_at"]
)
#: Reports about one event come within this time.
_EVENT_LASTS = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class CarriedPage:
    """An article of our feeds with the page or the headline of an outside report."""

    id: ArticleId
    first_seen: datetime


class Audits(Repository):
    """Questions to outside indexes, and the reports that they listed."""

    # -- questions

    def questions(self) -> Sequence[IndexQuestion]:
        """Return the questions about all audited rules, most overdue first."""
        order = (index_questions.c.due_at, index_questions.c.rule, index_questions.c.url)
        return self._values(_QUESTION, select(index_questions).order_by(*order))

    def save_questions(self, questions: Iterable[IndexQuestion]) -> None:
        """Write questions."""
        if rows := list(map(_QUESTION.dump, questions)):
            self._connection.execute(_SAVE_QUESTION, rows)

    def drop_questions(self, questions: Iterable[IndexQuestion]) -> None:
        """Delete questions that are no longer asked."""
        for question in questions:
            is_gone = (index_questions.c.rule == question.rule, index_questions.c.url == question.url)
            self._connection.execute(delete(index_questions).where(*is_gone))

    # -- reports

    def save_reports(self, reports: Iterable[OutsideReport]) -> None:
        """Write reports. In a stored report, update only the result of the comparison."""
        if rows := list(map(_REPORT.dump, reports)):
            self._connection.execute(_SAVE_REPORT, rows)

    def reports(self, ids: Sequence[ArticleId], rule: str) -> Mapping[ArticleId, OutsideReport]:
        """Return the stored reports of a rule among these ids."""
        statement = select(outside_reports).where(outside_reports.c.id.in_(WANTED), outside_reports.c.rule == rule)
        reports = map(_REPORT.load, self._rows_in_chunks(statement, list(ids)))
        return {report.id: report for report in reports}

    def reports_about(self, events: Iterable[OutsideEvent]) -> Mapping[tuple[str, str], Sequence[OutsideReport]]:
        """Return (rule, event) -> the outside reports about it, oldest first."""
        about: dict[tuple[str, str], list[OutsideReport]] = {(event.rule, event.event): [] for event in events}
        statement = select(outside_reports).where(outside_reports.c.event.in_(WANTED))
        names = list(dict.fromkeys(event for _, event in about))
        for report in map(_REPORT.load, self._rows_in_chunks(statement, names)):
            if (report.rule, report.event) in about:
                about[report.rule, report.event].append(report)
        return {key: sorted(reports, key=lambda report: report.reported_at) for key, reports in about.items()}

    def uncarried(self, rule: str, *, since: datetime) -> Sequence[OutsideReport]:
        """Return the reports of a rule that no feed has carried, including reports that are too new to count."""
        is_wanted = (outside_reports.c.rule == rule, outside_reports.c.reported_at >= since)
        return self._values(_REPORT, select(outside_reports).where(outside_reports.c.carried_at.is_(None), *is_wanted))

    def events(self, *, since: datetime, until: datetime) -> Sequence[OutsideEvent]:
        """Return the events that began to count in this time, oldest first."""
        table = outside_reports.c
        columns = (
            table.rule,
            table.event,
            func.min(table.reported_at).label("reported_at"),
            func.max(case((table.is_missed, 1), else_=0)).label("is_missed"),
            func.min(table.carried_at).label("carried_at"),
        )
        # Read earlier reports too, because a later report does not begin the event again.
        is_counted = (table.counted_at >= since - _EVENT_LASTS, table.counted_at < until)
        statement = select(*columns).where(*is_counted).group_by(table.rule, table.event)
        statement = statement.having(func.min(table.counted_at) >= since)
        rows = self._connection.execute(statement.order_by(func.min(table.reported_at), table.event))
        return [
            OutsideEvent(
                rule=row.rule,
                event=row.event,
                reported_at=row.reported_at,
                is_missed=bool(row.is_missed),
                carried_at=row.carried_at,
            )
            for row in rows
        ]

    def find_carried(
        self, links: Iterable[str], titles: Iterable[str], *, since: datetime
    ) -> tuple[Mapping[str, CarriedPage], Mapping[str, CarriedPage]]:
        """Return the first article of our feeds since a time by link, and by headline."""
        by_link = {digest(place_of(link)): link for link in links if link}
        by_title = {digest(fold_title(title)): title for title in titles}
        pages_by_link: dict[str, CarriedPage] = {}
        pages_by_title: dict[str, CarriedPage] = {}
        for column, names, pages in (
            (articles.c.link_key, by_link, pages_by_link),
            (articles.c.title_key, by_title, pages_by_title),
        ):
            statement = select(articles.c.id, articles.c.first_seen, column.label("key"))
            statement = statement.where(column.in_(WANTED), articles.c.first_seen >= since)
            for row in self._rows_in_chunks(statement.order_by(articles.c.first_seen.desc()), list(names)):
                pages[names[row.key]] = CarriedPage(id=row.id, first_seen=row.first_seen)
        return pages_by_link, pages_by_title

"""Store the reports that outside indexes listed, and find the events in them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, func, select

from bot.model.audit import OutsideEvent, OutsideReport
from bot.model.stories import Article, ArticleId
from bot.storage.articles import place_of
from bot.storage.columns import EPOCH, WANTED, Repository, Rows, digest, upsert
from bot.storage.schema import articles, outside_reports
from bot.stories.copies import HEADLINE_WORDS
from bot.text.folding import fold_title

_REPORT = Rows(OutsideReport, outside_reports)
_SAVE = upsert([outside_reports.c.id, outside_reports.c.rule], ["event", "carried_at"])
#: Reports about one event come within this time.
_EVENT_LASTS = timedelta(days=7)


class CarriedPage(NamedTuple):
    """An article of our feeds with the page or the headline of an outside report."""

    article: ArticleId
    first_seen: datetime


def _events(since: datetime, until: datetime, rules: Collection[str] | None) -> Select[tuple[Any, ...]]:
    """Select the events that were first listed in this time, of these rules or of all."""
    table = outside_reports.c
    times = [func.min(column).label(column.name) for column in (table.listed_at, table.reported_at, table.carried_at)]
    # Read earlier reports too, because a later report does not begin the event again.
    is_read = table.listed_at >= max(since, EPOCH) - _EVENT_LASTS, table.listed_at < until
    statement = select(table.rule, table.event, *times).where(*is_read)
    if rules is not None:
        statement = statement.where(table.rule.in_(rules))
    return statement.group_by(table.rule, table.event).having(func.min(table.listed_at) >= since)


class Audits(Repository):
    """The reports that outside indexes listed."""

    def save(self, reports: Iterable[OutsideReport]) -> None:
        """Write reports. In a stored report, update only the result of the comparison."""
        rows = [_REPORT.dump(report, id=report.article.id, reported_at=report.article.when) for report in reports]
        if rows:
            self._connection.execute(_SAVE, rows)

    def reports(self, rule: str, *, since: datetime) -> Sequence[OutsideReport]:
        """Return the stored reports of a rule that were published since a time."""
        is_wanted = outside_reports.c.rule == rule, outside_reports.c.reported_at >= since
        return self._values(_REPORT, select(outside_reports).where(*is_wanted))

    def find_carried(self, reports: Iterable[Article], *, since: datetime) -> Mapping[ArticleId, CarriedPage]:
        """Return report -> the first article of our feeds with its page, or else with its headline."""
        reports = list(reports)
        links = {report.id: digest(place_of(report.link)) for report in reports if report.link}
        # A short headline, such as "Live updates", does not identify an event.
        titled = [report for report in reports if len(report.title.split()) >= HEADLINE_WORDS]
        titles = {report.id: digest(fold_title(report.title)) for report in titled}
        pages: dict[ArticleId, CarriedPage] = {}
        for column, keys in ((articles.c.title_key, titles), (articles.c.link_key, links)):
            statement = select(articles.c.id, articles.c.first_seen, column.label("key"))
            statement = statement.where(column.in_(WANTED), articles.c.first_seen >= since)
            rows = self._rows_in_chunks(statement.order_by(articles.c.first_seen.desc()), list(set(keys.values())))
            first = {row.key: CarriedPage(row.id, row.first_seen) for row in rows}
            pages |= {report: first[key] for report, key in keys.items() if key in first}
        return pages

    def events(
        self, *, since: datetime, until: datetime, rules: Collection[str] | None = None
    ) -> Sequence[OutsideEvent]:
        """Return the events that were first listed in this time."""
        rows = self._connection.execute(_events(since, until, rules))
        return [OutsideEvent(**row) for row in rows.mappings()]

    def missed(
        self, *, since: datetime, until: datetime, rules: Collection[str] | None = None
    ) -> Sequence[Sequence[OutsideReport]]:
        """Return the reports of each event that was first listed in this time and that no feed carried, newest first.

        The reports of an event are in the order of publication.
        """
        events = _events(since, until, rules).subquery()
        reports: defaultdict[tuple[str, str], list[OutsideReport]] = defaultdict(list)
        table = outside_reports.c
        statement = select(outside_reports).join(
            events, and_(table.rule == events.c.rule, table.event == events.c.event)
        )
        statement = statement.where(events.c.carried_at.is_(None)).order_by(
            events.c.reported_at.desc(), table.reported_at, table.id
        )
        for report in self._values(_REPORT, statement):
            reports[report.rule, report.event].append(report)
        return list(reports.values())

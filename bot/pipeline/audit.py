"""Audit rules: ask outside indexes once a day what they list, and compare it with what our feeds carried.

    rules with ``audit`` ─▶ questions, spread over the day ─▶ poll an index ─▶ match ─▶ compare ─▶ reports
                            (rule, index)                                              │
                                        the rule's stories, and the pages and headlines of our feeds

This module posts nothing. If an index fails, nothing is counted, and the question is repeated the next day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot import storage
from bot.config import audits
from bot.config.audits import IndexSearch
from bot.config.settings import Settings
from bot.durations import Clock
from bot.feeds import links, polling
from bot.feeds.items import Item, hash_id
from bot.model.audit import IndexQuestion, OutsideReport, last_questions
from bot.model.errors import StoreError
from bot.model.feeds import Feed, FeedState
from bot.model.rules import Match, Rule
from bot.model.stories import ArticleId
from bot.patterns import LazyPattern
from bot.pipeline.meaning import MeaningStage
from bot.pipeline.poll import OUR_BUG, Poll, Poller
from bot.rules import CompiledRule, RuleSet
from bot.storage.audit import CarriedPage
from bot.stories import elsewhere
from bot.stories.elsewhere import ComparedReport
from bot.stories.index import Index
from bot.text import headlines

log = structlog.get_logger("wirewatch")

#: Maximum results of one question.
MOST_RESULTS = 100
#: Maximum characters that are kept of a result.
_MOST_TITLE, _MOST_TEXT, _MOST_NAME = 300, 1_000, 100
_SITE = LazyPattern(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_DAY = timedelta(days=1)
#: Maximum stories of a rule with which reports are compared.
_MOST_STORIES = 1_000
#: Longest time for which an index is left alone after a failure.
_LONGEST_PAUSE = timedelta(days=7)
#: Reports that no feed has carried are compared again for this long.
_COMPARED_FOR = timedelta(days=4)
_GOOGLE = "google-news"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditedRule:
    """A rule with its searches."""

    compiled: CompiledRule
    searches: Mapping[str, IndexSearch]

    @property
    def rule(self) -> Rule:
        """The rule."""
        return self.compiled.rule


def find_audited_rules(settings: Settings) -> dict[str, AuditedRule]:
    """Return the rules with a search, by name."""
    audited = {}
    for compiled in settings.rules:
        rule = compiled.rule
        if not rule.audit or rule.paused:
            continue
        try:
            searches = {search.feed.url: search for search in audits.list_searches(compiled)}
        except audits.NotSearchable:
            continue  # `wirewatch check` reports it
        audited[rule.name] = AuditedRule(compiled=compiled, searches=searches)
    return audited


def next_slot(rule: str, url: str, after: datetime) -> datetime:
    """Return the next time of the day at which a question is due. It is the same time each day."""
    fraction = int.from_bytes(hashlib.sha256(f"{rule}\n{url}".encode()).digest()[:8]) / 2**64
    midnight = after.replace(hour=0, minute=0, second=0, microsecond=0)
    slot = midnight + fraction * _DAY
    return slot if slot > after else slot + _DAY


def renew_questions(
    stored: Iterable[IndexQuestion], audited: Mapping[str, AuditedRule], *, now: datetime
) -> tuple[list[IndexQuestion], list[IndexQuestion]]:
    """Return the questions to save (new, or of a changed rule) and the questions to drop."""
    stored_questions = {(question.rule, question.url): question for question in stored}
    current_questions = {
        (name, url): IndexQuestion(
            rule=name,
            url=url,
            place=search.place,
            version=entry.rule.version,
            began_at=now,
            due_at=next_slot(name, url, now),
        )
        for name, entry in audited.items()
        for url, search in entry.searches.items()
    }
    begun = [
        new
        for key, new in current_questions.items()
        if key not in stored_questions or stored_questions[key].version != new.version
    ]
    return begun, [question for key, question in stored_questions.items() if key not in current_questions]


def choose_due(
    questions: Sequence[IndexQuestion], limits: Mapping[str, datetime], *, now: datetime
) -> list[IndexQuestion]:
    """Return the question that is most overdue for each index, unless the index or its host asked for a pause.

    ``limits`` are the hosts that limit requests.
    """
    paused = {question.place for question in questions if question.retry_at is not None and question.retry_at > now}
    due: dict[str, IndexQuestion] = {}
    for question in questions:
        is_free = question.place not in paused and links.host_of(question.url) not in limits
        if question.due_at <= now and is_free and question.place not in due:
            due[question.place] = question
    return list(due.values())


@dataclass(slots=True, kw_only=True)
class Auditor:
    """Asks the questions that are due, one for each index at a time."""

    store: storage.Store
    clock: Clock
    poller: Poller
    meaning: MeaningStage | None
    _settings: Settings | None = field(default=None, init=False)
    _audited: dict[str, AuditedRule] = field(default_factory=dict, init=False)

    async def run(self, settings: Settings) -> None:
        """Ask at most one question of each index. Raises StoreError."""
        now = self.clock.now()
        if self._settings is not settings:
            self._audited, self._settings = find_audited_rules(settings), settings
        audited = {name: entry for name, entry in self._audited.items() if not entry.rule.has_ended(now)}
        questions, limits = await self.store.read(
            lambda tx: (tx.audits.questions(), tx.feeds.host_limits(now=now)),
        )
        begun, ended = renew_questions(questions, audited, now=now)
        if begun or ended:

            def write(tx: storage.Transaction) -> Sequence[IndexQuestion]:
                tx.audits.drop_questions(ended)
                tx.audits.save_questions(begun)
                return tx.audits.questions()

            questions = await self.store.write(write)
        # A damaged row may name a rule or a search that does not exist.
        searches = {(name, url) for name, entry in audited.items() for url in entry.searches}
        valid_questions = [question for question in questions if (question.rule, question.url) in searches]
        for question in choose_due(valid_questions, limits, now=now):
            await self._ask(question, questions, settings)

    async def _ask(self, question: IndexQuestion, questions: Sequence[IndexQuestion], settings: Settings) -> None:
        """Ask one question, and store what its results show, or why there are none."""
        entry = self._audited[question.rule]
        feed, last = entry.searches[question.url].feed, last_questions(questions).get(question.place)
        failures = last.failures if last is not None else 0
        state = FeedState(
            url=feed.url, due_at=self.clock.now(), failures=failures, ok_at=None if failures else question.began_at
        )
        polled = await self.poller.poll(state, settings, feed=feed)
        if polled.postponed_to is not None:
            return
        now = self.clock.now()
        question = replace(question, asked_at=now, due_at=next_slot(question.rule, question.url, now))
        failed = _find_failure(polled, settings, now=now)
        items = polled.items[:MOST_RESULTS] if failed is None else ()
        reports: Sequence[OutsideReport] = ()
        error = (failed.error if failed else None) or ""
        try:
            reports = await self._compare(entry, question, items, settings)
        except StoreError:
            raise
        except Exception:
            # The fault stays with this question; the other rules are audited.
            log.critical("an audit raised an unexpected error", rule=question.rule, exc_info=True)
            error = OUR_BUG
        if error:
            retry_at = min(failed.due_at, now + _LONGEST_PAUSE) if failed else None
            question = replace(question, failures=failures + 1, error=error, retry_at=retry_at)
        else:
            question = replace(question, answered_at=now, failures=0, error="", retry_at=None)

        def write(tx: storage.Transaction) -> None:
            tx.audits.save_questions([question])
            tx.audits.save_reports(reports)

        await self.store.write(write)
        only_elsewhere = sum(report.carried_at is None for report in reports)
        fields = {"results": len(items), "compared": len(reports), "only_elsewhere": only_elsewhere}
        log.info("rule audited", rule=question.rule, index=question.place, **fields, error=error or None)

    async def _compare(
        self, entry: AuditedRule, question: IndexQuestion, items: Sequence[Item], settings: Settings
    ) -> Sequence[OutsideReport]:
        """Compare the new and the uncarried reports with our feeds, and return them with the result."""
        now, rule = self.clock.now(), entry.rule.name
        since = now - _COMPARED_FOR
        listed = [report for item in items if (report := _report_of(item, question, now=now))]

        def read_reports(tx: storage.Transaction) -> tuple[list[OutsideReport], Mapping[ArticleId, CarriedPage]]:
            stored = tx.audits.reports([report.id for report in listed], rule)
            new = [report for report in listed if report.id not in stored]
            reports = {report.id: report for report in (*tx.audits.uncarried(rule, since=since), *new)}
            return list(reports.values()), _find_carried(tx, reports.values(), since=since - audits.RECENT)

        reports, carried_pages = await self.store.read(read_reports)
        matches = _match(entry, reports, now=now)
        matched = [report for report in reports if report.id in matches]
        unknown = [elsewhere.article_of(report) for report in matched if report.id not in carried_pages]
        vectors = await self.meaning.vectors_of(settings, unknown) if self.meaning is not None else {}
        compared = [
            ComparedReport(
                report=report,
                matches=matches[report.id],
                meaning=vectors.get(report.id),
                known_as=carried_pages[report.id].id if report.id in carried_pages else None,
                known_since=carried_pages[report.id].first_seen if report.id in carried_pages else None,
            )
            for report in matched
        ]
        return await self.store.read_long(
            lambda tx: elsewhere.compare(_load_index(tx, rule, settings, since=since), compared, now=now)
        )


def _find_failure(polled: Poll, settings: Settings, *, now: datetime) -> FeedState | None:
    """Return what the failure means for the next question, as polling decides about feeds, or None if there is none."""
    finished = polling.FinishedPoll(polled.state, polled.feed, settings.bot.fetch, now, jitter=0.0)
    if polled.error is not None:
        return finished.after_failure(polled.error)
    if polled.answer is not None and polled.reading is None:
        return finished.after_answer(polled.answer)
    return None


def _report_of(item: Item, question: IndexQuestion, *, now: datetime) -> OutsideReport | None:
    """Return a result as a report, or None if it has no date, or is from before the audit of the rule."""
    if item.published is None or item.published < max(question.began_at, now - audits.RECENT):
        return None
    address = item.entry.outlet_address or ("" if question.place == _GOOGLE else item.link)
    domain = links.registrable_domain(address)
    site = domain if _SITE.fullmatch(domain) else ""
    outlet = (item.entry.outlet or site)[:_MOST_NAME]
    return OutsideReport(
        id=hash_id("outside", question.rule, item.link_key or item.folded_title),
        rule=question.rule,
        place=question.place,
        event="",
        title=headlines.without_outlet(item.title, outlet=outlet, link=address)[:_MOST_TITLE],
        # Google shows no text, but the headlines of several outlets.
        text="" if question.place == _GOOGLE else item.text[:_MOST_TEXT],
        link=item.link,
        outlet=outlet,
        site=site,
        reported_at=min(item.published, now),
    )


def _match(
    entry: AuditedRule, reports: Iterable[OutsideReport], *, now: datetime
) -> Mapping[ArticleId, tuple[Match, ...]]:
    """Return the matches of the reports that the rule matches, whatever feeds the rule is for."""
    rule_set = RuleSet([replace(entry.compiled, rule=replace(entry.rule, feeds=()))])
    by_report = {
        report.id: rule_set.match(elsewhere.article_of(report), Feed(url=report.place), now=now) for report in reports
    }
    return {id_: matches for id_, matches in by_report.items() if matches}


def _find_carried(
    tx: storage.Transaction, reports: Iterable[OutsideReport], *, since: datetime
) -> dict[ArticleId, CarriedPage]:
    """Return the first article of our feeds with the page, or else the headline, of each report."""
    reports = list(reports)
    titles = [report.title for report in reports if elsewhere.has_telling_headline(report.title)]
    by_link, by_title = tx.audits.find_carried([report.link for report in reports], titles, since=since)
    pages = {report.id: by_link.get(report.link) or by_title.get(report.title) for report in reports}
    return {id_: page for id_, page in pages.items() if page is not None}


def _load_index(tx: storage.Transaction, rule: str, settings: Settings, *, since: datetime) -> Index:
    """Return a separate index of the stories of a rule that have an article since a time."""
    index = Index(window=settings.bot.stories.window)
    stories = tx.stories.newest(since=since - audits.RECENT, rule=rule, skip=0, most=_MOST_STORIES)
    vectors = tx.vectors.get([member.article.id for story in stories for member in story.members])
    index.load(stories, vectors=vectors)
    return index

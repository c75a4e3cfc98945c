"""Audit rules: ask outside indexes once a day what they list, and compare it with what our feeds carried.

    searches of audited rules ─▶ poll one that is due ─▶ match ─▶ compare ─▶ outside reports
                                                                     │
                              the rule's stories, and the pages and headlines of our feeds

A search is polled like a feed, and its state is stored like that of a feed, but not listed. As for a feed, its first
answer is the baseline: what was reported before does not count. This module posts nothing, and an index that fails
counts for nothing.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog
from msgspec.structs import replace

from bot import storage
from bot.config.audits import RECENT, IndexSearch
from bot.config.settings import Settings
from bot.durations import Clock
from bot.feeds import links, polling
from bot.feeds.items import Item, hash_id
from bot.model.archive import Arrival
from bot.model.audit import LATE_AFTER, OutsideReport
from bot.model.feeds import Feed, FeedState, Validators
from bot.model.stories import Article, ArticleId, StoryId
from bot.patterns import LazyPattern
from bot.pipeline.meaning import MeaningStage
from bot.pipeline.poll import Poller
from bot.rules import RuleSet
from bot.storage.audit import CarriedPage
from bot.stories import grouping
from bot.stories.index import Index
from bot.text import headlines

log = structlog.get_logger("wirewatch")

#: Maximum results of one search.
MOST_RESULTS = 100
#: Maximum characters that are kept of a result.
_MOST_TITLE, _MOST_TEXT, _MOST_NAME = 300, 1_000, 100
_SITE = LazyPattern(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_DAY = timedelta(days=1)
#: Maximum stories of a rule with which reports are compared.
_MOST_STORIES = 1_000
#: An index is left alone for this long after a failure, or for as long as it asks.
_PAUSE = timedelta(hours=1)
#: Reports that no feed has carried are compared again for this long.
_COMPARED_FOR = timedelta(days=4)
_GOOGLE = "google-news"


def next_slot(url: str, now: datetime) -> datetime:
    """Return when a search is due again: once a day, always at the same time, which depends on its address."""
    fraction = int.from_bytes(hashlib.sha256(url.encode()).digest()[:8]) / 2**64
    # The first answer comes at any time, so the second one may come up to half a day earlier or later.
    earliest = now + _DAY / 2
    slot = earliest.replace(hour=0, minute=0, second=0, microsecond=0) + fraction * _DAY
    return slot if slot > earliest else slot + _DAY


class Auditor(msgspec.Struct, frozen=True, kw_only=True):
    """Asks the searches that are due, one for each index at a time."""

    store: storage.Store
    clock: Clock
    poller: Poller
    meaning: MeaningStage | None

    async def run(self, settings: Settings) -> None:
        """Ask each index the search that is most overdue, unless the index needs a pause. Raises StoreError."""
        now = self.clock.now()
        searches = [search for search in settings.audit_searches if not search.compiled.rule.has_ended(now)]
        urls = [search.feed.url for search in searches]
        stored, limits = await self.store.read(lambda tx: (tx.feeds.get_many(urls), tx.feeds.host_limits(now=now)))
        by_index = defaultdict[str, list[tuple[FeedState, IndexSearch]]](list)
        for search in searches:
            state = stored.get(search.feed.url) or FeedState(url=search.feed.url, due_at=now)
            by_index[search.index].append((state, search))
        for pairs in by_index.values():
            state, search = min(pairs, key=lambda pair: pair[0].due_at)
            is_paused = links.host_of(state.url) in limits or any(_needs_pause(state, now) for state, _ in pairs)
            if state.due_at <= now and not is_paused:
                await self._ask(search, state, settings)

    async def _ask(self, search: IndexSearch, state: FeedState, settings: Settings) -> None:
        """Ask one search, and store its state, then what its results show."""
        polled = await self.poller.poll(state, settings, feed=search.feed)
        now = self.clock.now()
        finished = polling.FinishedPoll(state, search.feed, settings.bot.fetch, now, jitter=0.0)
        if polled.reading is not None and polled.answer is not None:
            new_state = finished.after_reading(polled.reading, polled.answer, digest="", new_count=0, arrivals=())
            # Without validators, the next answer has all results again.
            new_state = replace(new_state, validators=Validators(), due_at=next_slot(state.url, now))
        else:
            new_state = polled.state_without_document(finished)
        await self.store.write(lambda tx: tx.feeds.save([new_state]))
        begin = max(state.baseline_at or now, now - RECENT)
        results = polled.items[:MOST_RESULTS]
        articles = [read_result(item, search, at=item.published) for item in results if item.published is not None]
        listed = [article for article in articles if begin <= article.when <= now - LATE_AFTER]
        reports = await self._compare(search, listed, settings)
        await self.store.write(lambda tx: tx.audits.save(reports))
        only_elsewhere = sum(report.carried_at is None for report in reports)
        fields = {"results": len(polled.items), "compared": len(reports), "only_elsewhere": only_elsewhere}
        log.info("rule audited", rule=search.compiled.rule.name, index=search.index, **fields, error=new_state.error)

    async def _compare(
        self, search: IndexSearch, listed: Sequence[Article], settings: Settings
    ) -> Sequence[OutsideReport]:
        """Compare the new and the uncarried reports with our feeds, and return them with the result."""
        now, rule = self.clock.now(), search.compiled.rule
        since = now - _COMPARED_FOR

        def read_reports(tx: storage.Transaction) -> tuple[list[Article], Mapping[ArticleId, CarriedPage]]:
            stored = {report.article.id: report for report in tx.audits.reports(rule.name, since=since)}
            new = {article.id: article for article in listed if article.id not in stored}
            uncarried = [report.article for report in stored.values() if report.carried_at is None]
            articles = [*uncarried, *new.values()]
            return articles, tx.audits.find_carried(articles, since=since - RECENT)

        articles, pages = await self.store.read(read_reports)
        rule_set = RuleSet([replace(search.compiled, rule=dataclasses.replace(rule, feeds=()))])
        matched = [(article, rule_set.match(article, Feed(url=article.feed), now=now)) for article in articles]
        unknown = [article for article, matches in matched if matches and article.id not in pages]
        vectors = await self.meaning.vectors_of(settings, unknown) if self.meaning is not None else {}
        arrivals = [
            Arrival(article=article, matches=matches, is_baseline=False, meaning=vectors.get(article.id))
            for article, matches in matched
            if matches
        ]
        events = await self.store.read_long(
            lambda tx: find_events(_load_index(tx, rule.name, settings, since=since), arrivals, pages)
        )
        return [
            OutsideReport(article=arrival.article, rule=rule.name, event=event, carried_at=carried_at, listed_at=now)
            for arrival, (event, carried_at) in zip(arrivals, events, strict=True)
        ]


def _needs_pause(state: FeedState, now: datetime) -> bool:
    """Return whether the index of a search failed to answer it less than an hour ago, or asks for a longer pause."""
    is_recent_failure = state.failures > 0 and state.polled_at is not None and state.polled_at + _PAUSE > now
    return is_recent_failure or (state.retry_after is not None and state.retry_after > now)


def read_result(item: Item, search: IndexSearch, *, at: datetime) -> Article:
    """Return a result, published at a time, as an article that can be matched and compared."""
    address = item.entry.outlet_address or ("" if search.index == _GOOGLE else item.link)
    domain = links.registrable_domain(address)
    site = domain if _SITE.fullmatch(domain) else ""
    outlet = (item.entry.outlet or site)[:_MOST_NAME]
    return Article(
        id=hash_id("outside", search.compiled.rule.name, item.link_key or item.folded_title),
        feed=search.index,
        outlet=outlet,
        owner=site or outlet,
        link=item.link,
        title=headlines.without_outlet(item.title, outlet=outlet, link=address)[:_MOST_TITLE],
        # Google shows no text, but the headlines of several outlets.
        text="" if search.index == _GOOGLE else item.text[:_MOST_TEXT],
        published=at,
        first_seen=at,
        fingerprint="",
    )


def _load_index(tx: storage.Transaction, rule: str, settings: Settings, *, since: datetime) -> Index:
    """Return a separate index of the stories of a rule that have an article since a time."""
    index = Index(window=settings.bot.stories.window)
    stories = tx.stories.newest(since=since - RECENT, rule=rule, skip=0, most=_MOST_STORIES)
    vectors = tx.vectors.get([member.article.id for story in stories for member in story.members])
    index.load(stories, vectors=vectors)
    return index


def find_events(
    index: Index, arrivals: Sequence[Arrival], pages: Mapping[ArticleId, CarriedPage]
) -> list[tuple[str, datetime | None]]:
    """Return the event of each report, and when a feed first carried it. The same judgement as in grouping decides.

    ``index`` has the stories of the rule, and ``pages`` the reports whose page or headline a feed carried. A report
    about one of our stories joins it in the index, so that later wordings are recognised too. The other reports are
    grouped with each other.
    """
    ours = frozenset(index.stories)
    ordered = sorted(arrivals, key=lambda arrival: (arrival.article.when, arrival.article.id))
    carried: dict[ArticleId, tuple[str, datetime]] = {}
    for id_, page in pages.items():
        join = index.joins.get(page.article)
        carried[id_] = (join.story if join else page.article), page.first_seen
    # Look twice, because a report may be like another one that is like our story.
    for arrival in [*ordered, *ordered]:
        if arrival.article.id not in carried and (event := _find_our_story(index, ours, arrival)):
            carried[arrival.article.id] = event
    for arrival in ordered:
        if arrival.article.id not in carried:
            profile = index.profile(arrival)
            others = [candidate for candidate in grouping.find_candidates(index, profile) if candidate.id not in ours]
            index.add(profile, grouping.place(others, profile))
    # Read the other events at the end, because a report may merge two of them.
    ids = [arrival.article.id for arrival in arrivals]
    return [carried[id_] if id_ in carried else (index.joins[id_].story, None) for id_ in ids]


def _find_our_story(index: Index, ours: frozenset[StoryId], arrival: Arrival) -> tuple[str, datetime] | None:
    """Return our story about the event of a report, and when a feed first carried it, or None."""
    profile = index.profile(arrival)
    candidates = [candidate for candidate in grouping.find_candidates(index, profile) if candidate.id in ours]
    if not candidates or not (candidates[0].is_certain or candidates[0].probability >= grouping.JOIN_FROM):
        return None
    join = grouping.place(candidates, profile)
    if join.story in ours:
        index.add(profile, replace(join, merges=()))
    return candidates[0].id, candidates[0].story.opened_at

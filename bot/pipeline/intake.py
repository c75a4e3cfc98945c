"""Process the results of polls: identify and match items; write articles, matches, feed states and queued work.

polls ─▸ look up ─▸ identify, feed by feed ─▸ match, feed by feed     computed in a read transaction
                                                 └─▸ write            short transactions of some hundred articles

The feeds' states are written last. If the process ends before then, the feeds are polled again, and the articles that
are already stored are recognised.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from bot import storage
from bot.alerts import notices
from bot.feeds import cleaning, health, identity, polling, schedule, websub
from bot.model import ledger
from bot.model.archive import Arrival, KnownItems, Revision, Sighting
from bot.model.feeds import Feed, FeedState
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId
from bot.pipeline.keep import note_rule_matches
from bot.pipeline.poll import Poll
from bot.pipeline.snapshot import Snapshot
from bot.stories import facts
from bot.text import titles

#: Items that do not count for the daily limit: old ones are stored without text, retold ones only if they match.
_FREE = (identity.Novelty.OLD, identity.Novelty.RETOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyUse:
    """The use of a feed's daily limit by one poll."""

    #: Number of items stored, where a long text counts as several. ``fetch.max_items_per_day`` limits it.
    cost: int = 0
    #: Number of new feed ids of known articles. ``fetch.max_items_per_day`` also limits this number, separately.
    names: int = 0
    #: Number of items postponed to the next day.
    postponed: int = 0


def limit_to_day(
    identified: identity.Identification,
    known_items: KnownItems,
    state: FeedState,
    *,
    pages: Mapping[str, str],
    most: int,
    now: datetime,
) -> tuple[identity.Identification, DailyUse]:
    """Return the items to store now, and their use of the daily limit. ``pages`` maps links to main texts."""
    storing = [item for item in identified.items if item.article and item.novelty not in _FREE]
    fits, cost = polling.count_fitting(state, [_length(item, pages) for item in storing], most=most, now=now)
    postponed = {item.sighting.article for item in storing[fits:]}
    free_names = max(0, most - (state.day_names if state.day == now.date() else 0))
    names = sum(_is_new_name(item, known_items) for item in identified.items)
    if not postponed and names <= free_names:
        return identified, DailyUse(cost=cost, names=names)
    kept: list[identity.Identified] = []
    used_names = 0
    for item in identified.items:
        if item.sighting.article in postponed:
            # Postpone the edit, but note that the feed still lists the article, so that it is not deleted.
            if item.sighting.key in known_items.by_key:
                kept.append(replace(item, novelty=identity.Novelty.SEEN, article=None))
            continue
        if _is_new_name(item, known_items):
            # Skipping the id loses nothing, because the next poll recognises the article by its link or title.
            if used_names >= free_names:
                continue
            used_names += 1
        kept.append(item)
    return replace(identified, items=tuple(kept)), DailyUse(cost=cost, names=used_names, postponed=len(postponed))


def _is_new_name(item: identity.Identified, known_items: KnownItems) -> bool:
    is_named = item.article is None or item.novelty is identity.Novelty.RETOLD
    return is_named and item.sighting.key not in known_items.by_key


def _length(item: identity.Identified, pages: Mapping[str, str]) -> int:
    assert item.article is not None
    return len(pages.get(item.article.link) or item.article.text)


#: Writing this many articles without text takes as long as writing one with text, which is indexed for search.
_OLD_PER_ARTICLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestedPoll:
    """The articles and the new state of one poll."""

    polled: Poll
    state: FeedState
    arrivals: tuple[Arrival, ...] = ()
    revisions: tuple[Revision, ...] = ()
    new_count: int = 0
    health: tuple[health.HealthEvent, ...] = ()


@dataclass(slots=True, kw_only=True)
class IngestBatch:
    """The computed results of a batch of polls, not yet stored."""

    #: One entry for each poll, in the order of the polls.
    ingested: list[IngestedPoll] = field(default_factory=list)
    #: Articles that are older than the backfill window, which are stored without text.
    old: list[Article] = field(default_factory=list)
    new: list[Article] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    #: New versions of stored articles.
    revised: list[Article] = field(default_factory=list)
    matches: list[tuple[ArticleId, tuple[Match, ...]]] = field(default_factory=list)

    @property
    def articles(self) -> Sequence[Article]:
        """All articles to write."""
        return (*self.old, *self.new, *self.revised)

    @property
    def _weight(self) -> int:
        """The cost of writing the batch, as a number of articles with text."""
        return -(-len(self.old) // _OLD_PER_ARTICLE) + len(self.new) + len(self.revised)

    def cut(self, most: int) -> Sequence[IngestBatch]:
        """Remove and return pieces of ``most`` articles, until this batch has at most ``most`` articles left.

        A piece includes the sightings and matches of its articles. ``_OLD_PER_ARTICLE`` articles without text count as
        one article. The feeds' states stay in this batch.
        """
        pieces = []
        while self._weight > most:
            piece = IngestBatch()
            for source, target in ((self.old, piece.old), (self.new, piece.new), (self.revised, piece.revised)):
                count = (most - piece._weight) * (_OLD_PER_ARTICLE if source is self.old else 1)
                target.extend(source[:count])
                del source[:count]
            ids = {article.id for article in piece.articles}
            piece.sightings = [sighting for sighting in self.sightings if sighting.article in ids]
            piece.matches = [(article, matches) for article, matches in self.matches if article in ids]
            self.sightings = [sighting for sighting in self.sightings if sighting.article not in ids]
            self.matches = [(article, matches) for article, matches in self.matches if article not in ids]
            pieces.append(piece)
        return pieces

    def store(self, tx: storage.Transaction, *, now: datetime) -> None:
        """Write the articles, the ids that feeds give them, and their matches."""
        tx.articles.add(self.old, has_text=False)
        tx.articles.add(self.new)
        tx.articles.see(self.sightings, at=now)
        for article in self.revised:
            tx.articles.revise(article)
        for article_id, matches in self.matches:
            tx.articles.add_matches(article_id, matches)


def ingest_polls(tx: storage.Transaction, polls: Sequence[Poll], snapshot: Snapshot, *, now: datetime) -> IngestBatch:
    """Identify the items of polls with the help of the store, and match them. Write nothing."""
    return _Ingestor(tx, snapshot, now).ingest(polls)


class _Ingestor:
    def __init__(self, tx: storage.Transaction, snapshot: Snapshot, now: datetime) -> None:
        self._tx = tx
        self._snapshot = snapshot
        self._now = now
        self._done = IngestBatch()
        #: Feed -> what ``cleaning.learn_boilerplate`` remembers about its repeated sentences.
        self._boilerplate: dict[str, str] = {}
        #: Feed -> use of its daily limit by the poll.
        self._used: dict[str, DailyUse] = {}
        #: Ids of the articles with the same link -> rules that matched any of them.
        self._matched_rules: defaultdict[tuple[ArticleId, ...], set[str]] = defaultdict(set)

    def ingest(self, polls: Sequence[Poll]) -> IngestBatch:
        self._boilerplate = {polled.feed.url: polled.state.boilerplate for polled in polls}
        by_feed = {url: self._stripped(url, identified) for url, identified in self._identified(polls).items()}
        for identified in by_feed.values():
            self._done.old += _of(identified.items, identity.Novelty.OLD)
            self._done.new += _of(identified.items, identity.Novelty.NEW)
            self._done.sightings += [item.sighting for item in identified.items]
        for polled in polls:
            poll = self._ingested(polled, by_feed.get(polled.feed.url))
            if events := health.find_health_events(poll.state, polled.feed, self._now):
                poll = replace(poll, state=health.mark_reported(poll.state, events), health=events)
            self._done.ingested.append(poll)
        return self._done

    def _stripped(self, url: str, identified: identity.Identification) -> identity.Identification:
        """Return the items without the sentences that the feed repeats, which are learnt from items not seen before."""
        first_seen = [item.article.text for item in identified.items if item.novelty in _FIRST_SEEN and item.article]
        self._boilerplate[url] = memory = cleaning.learn_boilerplate(first_seen, self._boilerplate[url])
        return replace(identified, items=tuple(_without_boilerplate(item, memory) for item in identified.items))

    def _identified(self, polls: Sequence[Poll]) -> Mapping[str, identity.Identification]:
        """Return feed -> identified items, for each feed whose poll returned a new document."""
        parsed = [(polled, polled.reading, polled.question) for polled in polls if polled.reading is not None]
        stored = self._tx.articles.find_known_items([question for _, _, question in parsed])
        fresh = identity.BatchArticles()
        by_feed = {}
        most = self._snapshot.fetch.max_items_per_day
        for (polled, reading, question), known_items in zip(parsed, stored, strict=True):
            with_batch = fresh.beside(known_items, question)
            identified = polled.identify(reading, with_batch, self._snapshot, now=self._now)
            identified, self._used[polled.feed.url] = limit_to_day(
                identified, known_items, polled.state, pages=polled.pages, most=most, now=self._now
            )
            fresh.add(identified)
            if polled.pages:
                with_pages = tuple(_with_page(item, polled.pages) for item in identified.items)
                identified = replace(identified, items=with_pages)
            by_feed[polled.feed.url] = identified
        return by_feed

    def _ingested(self, polled: Poll, identified: identity.Identification | None) -> IngestedPoll:
        if polled.reading is None or identified is None:
            return IngestedPoll(polled=polled, state=self._without_reading(polled))
        # Articles older than the backfill window do not affect how often the feed is polled.
        new = _of(identified.items, identity.Novelty.NEW)
        assert polled.answer is not None
        state = self._finished(polled).after_reading(
            replace(polled.reading, entries=tuple(item.entry for item in polled.items)),
            polled.answer,
            digest=polled.body_hash,
            new_count=len(new),
            arrivals=tuple(article.when for article in new),
            names_known=polled.names_known,
        )
        state = self._with_remarks(state, polled, identified)
        reworded = self._reworded(polled, identified.items)
        matched = ((article, self._match(article, polled.feed)) for article in new)
        arrivals = [_arrival(polled, article, matches) for article, matches in matched if matches]
        return IngestedPoll(
            polled=polled,
            state=state,
            arrivals=(*arrivals, *reworded),
            revisions=self._edited(polled, identified.items),
            new_count=len(new) + len(reworded),
        )

    def _with_remarks(self, state: FeedState, polled: Poll, identified: identity.Identification) -> FeedState:
        feed = polled.feed
        elsewhere = state.links_elsewhere if identified.links_elsewhere is None else identified.links_elsewhere
        remarks = [*state.remarks, *identified.remarks]
        if elsewhere and feed.aggregator is None and feed.owner is None:
            remarks.append("it links to other sites; if it is an aggregator, set aggregator: true in feeds.yaml")
        state = replace(
            state,
            boilerplate=self._boilerplate[feed.url],
            moved_to=polled.found_at or state.moved_to,
            remarks=tuple(remarks),
            links_elsewhere=elsewhere,
        )
        used = self._used[feed.url]
        return polling.count_stored(
            state,
            cost=used.cost,
            names=used.names,
            postponed=used.postponed,
            most=self._snapshot.fetch.max_items_per_day,
            now=self._now,
            # With the etag from before this poll, a mailbox's next poll returns this poll's mails but no older ones.
            etag=polled.state.etag if polled.reading and polled.reading.is_increment else None,
        )

    def _without_reading(self, polled: Poll) -> FeedState:
        if polled.postponed_to is not None:
            return replace(polled.state, due_at=polled.postponed_to)
        if polled.error is None and polled.answer is not None:
            return self._finished(polled).after_answer(polled.answer)
        return self._finished(polled).after_failure(polled.error or "no answer")

    def _finished(self, polled: Poll) -> polling.FinishedPoll:
        jitter = random.random()  # noqa: S311 - not a secret
        return polling.FinishedPoll(polled.state, polled.feed, self._snapshot.fetch, self._now, jitter)

    def _reworded(self, polled: Poll, items: Sequence[identity.Identified]) -> tuple[Arrival, ...]:
        """Return arrivals for known articles with matches that only this feed's wording produces."""
        arrivals = []
        for item in items:
            if item.novelty is not identity.Novelty.RETOLD or item.article is None or item.stub is None:
                continue
            matches = self._snapshot.rules.match(item.article, polled.feed, now=self._now)
            if matches:
                rules = self._matched_rules[item.same_link]
                rules.update(match.rule for id_ in item.same_link for match in self._tx.articles.matches(id_))
                rules.update(
                    match.rule for id_, stored in self._done.matches if id_ in item.same_link for match in stored
                )
                matches = tuple(match for match in matches if match.rule not in rules)
                rules.update(match.rule for match in matches)
            if matches:
                arrivals.append(_arrival(polled, item.article, matches))
                self._done.new.append(item.article)
                self._done.matches.append((item.article.id, matches))
                self._done.sightings = [
                    replace(sighting, article=item.article.id)
                    if (sighting.feed, sighting.article) == (polled.feed.url, item.stub.id)
                    else sighting
                    for sighting in self._done.sightings
                ]
        return tuple(arrivals)

    def _edited(self, polled: Poll, items: Sequence[identity.Identified]) -> tuple[Revision, ...]:
        edited = {
            item.stub.id: item.article for item in items if item.novelty in _REVISED and item.article and item.stub
        }
        taken_over = {item.sighting.article for item in items if item.novelty is identity.Novelty.TAKEN_OVER}
        # Articles that another feed of this batch added or changed are not stored yet.
        in_batch = {item.id: item for item in (*self._done.new, *self._done.revised) if item.id in edited}
        previous = {**self._tx.articles.get(list(edited)), **in_batch}
        revisions = []
        for article_id, article in edited.items():
            if article_id not in previous:
                continue
            # Strip the previous version too; otherwise the edit would seem to remove a newly learnt footer.
            previous_version = _stripped(previous[article_id], self._boilerplate[polled.feed.url])
            is_taken_over = article_id in taken_over
            revised = self._revised(previous_version, article, is_taken_over=is_taken_over)
            if revised is None:
                continue
            self._done.revised.append(revised)
            if _content(revised) == _content(previous_version) and not is_taken_over:
                # Only the date has changed: store it, but do not match or post again.
                continue
            revisions.append(
                Revision(
                    article=revised,
                    matches=self._match(revised, polled.feed),
                    # Two outlets word the same news differently; that is not a correction.
                    edits=() if is_taken_over else facts.corrections(previous_version, revised),
                    poll=polled.id,
                    live_before=previous_version if titles.is_live_page(revised) and not is_taken_over else None,
                )
            )
        return tuple(revisions)

    def _revised(self, previous: Article, new: Article, *, is_taken_over: bool) -> Article | None:
        """Return the next version of an article, or None if its stored fields would not change."""
        if previous.is_full_text and not new.is_full_text:
            # Keep the page's text. The page was not fetched again, so the new text is only the feed's teaser.
            new = replace(new, text=previous.text, links=previous.links, is_full_text=True)
        published = new.published or previous.published
        if _content(previous) == _content(new) and previous.published == published and not is_taken_over:
            return None
        source = new if is_taken_over else previous
        return replace(
            new,
            id=previous.id,
            feed=source.feed,
            outlet=source.outlet,
            owner=source.owner,
            first_seen=previous.first_seen,
            published=published,
            version=previous.version + 1,
        )

    def _match(self, article: Article, feed: Feed) -> tuple[Match, ...]:
        matches = self._snapshot.rules.match(article, feed, now=self._now)
        if matches:
            self._done.matches.append((article.id, matches))
        return matches


_FIRST_SEEN = (identity.Novelty.NEW, identity.Novelty.OLD)
_REVISED = (identity.Novelty.EDITED, identity.Novelty.TAKEN_OVER)


def _arrival(polled: Poll, article: Article, matches: tuple[Match, ...]) -> Arrival:
    return Arrival(article=article, matches=matches, is_baseline=polled.is_baseline, poll=polled.id)


def _of(items: Sequence[identity.Identified], novelty: identity.Novelty) -> list[Article]:
    return [item.article for item in items if item.novelty is novelty and item.article]


def _with_page(item: identity.Identified, pages: Mapping[str, str]) -> identity.Identified:
    """Return the item with the main text of its page, or unchanged if the page was not fetched."""
    text = pages.get(item.article.link) if item.article else None
    if not text or item.article is None or item.novelty is identity.Novelty.OLD:
        return item
    return replace(item, article=replace(item.article, text=text, is_full_text=True))


def _without_boilerplate(item: identity.Identified, memory: str) -> identity.Identified:
    if item.article is None or item.novelty is identity.Novelty.OLD:
        return item
    article = _stripped(item.article, memory)
    return item if article is item.article else replace(item, article=article)


def _stripped(article: Article, memory: str) -> Article:
    stripped = cleaning.strip_boilerplate(article.text, memory)
    return replace(article, text=stripped.text, left_out=stripped.left_out) if stripped.left_out else article


def _content(article: Article) -> tuple[str, str]:
    return article.title, article.text


#: Maximum articles in one transaction, which takes about 50 ms. During this time nothing else can write to SQLite.
MOST = 250


async def store_polls(
    store: storage.Store, polls: Sequence[Poll], snapshot: Snapshot, *, token: str, now: datetime
) -> Sequence[IngestedPoll]:
    """Write polls. Return the polls of feeds that were still leased by ``token``. Raises StoreError.

    Calls must not overlap, because data that is computed in a read must still be true when it is written.
    """
    compute = partial(ingest_polls, polls=polls, snapshot=snapshot, now=now)
    batch = await store.read(compute)
    computed = [batch]
    stored: list[Article] = []
    for piece in batch.cut(MOST):
        if not await store.write(partial(_store_piece, piece=piece, batch=batch, stored=stored, now=now)):
            computed.clear()
            break
        stored += piece.articles

    def work(tx: storage.Transaction) -> Sequence[IngestedPoll]:
        # If the transaction is repeated after a conflict, compute again, because another worker may have stored
        # the same articles.
        batch = computed.pop() if computed else compute(tx)
        if tx.articles.are_rivalled((*batch.new, *batch.old), beside=stored):
            # Another worker has stored some of the articles since the batch was computed, so identify them again.
            batch = compute(tx)
        return _finish(tx, batch, snapshot, token=token, now=now)

    return await store.write(work)


def _finish(
    tx: storage.Transaction, batch: IngestBatch, snapshot: Snapshot, *, token: str, now: datetime
) -> Sequence[IngestedPoll]:
    """Write the remaining articles of the batch, and the feeds' states."""
    lost = set(tx.feeds.save([poll.state for poll in batch.ingested], token=token))
    kept = [poll for poll in batch.ingested if poll.state.url not in lost]
    facts = (
        ledger.poll_row(
            poll.polled.state,
            poll.state,
            status=poll.polled.answer.status if poll.polled.answer else None,
            new_count=poll.new_count,
            at=now,
        )
        for poll in kept
    )
    tx.ledger.add([fact for fact in facts if fact])
    _limit_hosts(tx, kept)
    _note_hubs(tx, kept, now)
    _report_health(tx, kept, snapshot, now)
    matched: list[Arrival | Revision] = []
    for poll in kept:
        matched += [*poll.arrivals, *poll.revisions]
    note_rule_matches(tx, snapshot, matched, now=now)
    _store(tx, batch, kept, now=now)
    return kept


def _store_piece(
    tx: storage.Transaction, *, piece: IngestBatch, batch: IngestBatch, stored: Sequence[Article], now: datetime
) -> bool:
    """Write a piece. If another worker has stored one of its articles, return False and write nothing."""
    if tx.articles.are_rivalled((*piece.new, *piece.old), beside=stored):
        return False
    _store(tx, piece, batch.ingested, now=now)
    return True


def _store(tx: storage.Transaction, piece: IngestBatch, ingested: Sequence[IngestedPoll], *, now: datetime) -> None:
    """Write the articles. Add their matches to the decision queue and the ledger."""
    piece.store(tx, now=now)
    new, revised = {article.id for article in piece.new}, {article.id for article in piece.revised}
    arrivals = [arrival for poll in ingested for arrival in poll.arrivals if arrival.article.id in new]
    revisions = [revision for poll in ingested for revision in poll.revisions if revision.article.id in revised]
    matched = [(arrival.article, arrival.matches) for arrival in arrivals]
    matched += [(revision.article, revision.matches) for revision in revisions]
    tx.ledger.add([ledger.match_row(article, match, at=now) for article, matches in matched for match in matches])
    tx.decision_queue.add(arrivals, revisions)


def _note_hubs(tx: storage.Transaction, ingested: Sequence[IngestedPoll], now: datetime) -> None:
    """Update the subscriptions of feeds whose hub has changed."""
    for poll in ingested:
        previous, state = poll.polled.state, poll.state
        if (previous.hub, previous.topic) == (state.hub, state.topic):
            continue
        if state.hub and state.topic:
            changed_at = previous.hub_changed_at
            tx.subscriptions.want(
                websub.new_subscription(state.url, state.hub, state.topic, now=now, changed_at=changed_at)
            )
        elif previous.hub:
            tx.subscriptions.drop(state.url)


def _limit_hosts(tx: storage.Transaction, ingested: Sequence[IngestedPoll]) -> None:
    """Pause all feeds of a host if three of its addresses responded with Retry-After within ten minutes."""
    limited = [poll.state for poll in ingested if poll.state.retry_after and poll.state.limited_at]
    if not limited:
        return
    states = tx.feeds.limited()
    for host in {schedule.request_host(state) for state in limited}:
        recent = [
            (state.url, state.limited_at, state.retry_after)
            for state in states
            if schedule.request_host(state) == host and state.limited_at and state.retry_after
        ]
        until = schedule.host_limit(recent)
        if until:
            tx.feeds.limit_host(host, until)


def _report_health(
    tx: storage.Transaction, ingested: Sequence[IngestedPoll], snapshot: Snapshot, now: datetime
) -> None:
    if snapshot.operator is None:
        return
    events = [event for poll in ingested for event in poll.health]
    if events:
        troubles = [event.text for event in events if not event.is_well]
        resolved = [event.text for event in events if event.is_well]
        notice = notices.feed_health(troubles, resolved, now=now)
        tx.outbox.add([notices.notice_row(notice, channel=snapshot.operator, now=now)])

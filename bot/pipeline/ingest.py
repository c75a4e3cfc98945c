"""From readings to stored articles and their matches. Knows no story and no channel.

readings ─▸ asked for together ─▸ identified in turn ─▸ matched, feed by feed    computed over a read: ``take``
                                                             └─▸ stored together, in short transactions: storing.py
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot import articles, facts, model, polling, ports
from bot.pipeline import daily_limit
from bot.pipeline.poll import Polled, identify, look_up_of
from bot.pipeline.snapshot import Snapshot

#: Identities without a text that take as long to write as an article with one, which is indexed for search.
_OLD_TO_ONE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestedPoll:
    """What one feed's poll gave."""

    polled: Polled
    state: model.FeedState
    arrivals: tuple[model.Arrival, ...] = ()
    revisions: tuple[model.Revision, ...] = ()
    new_count: int = 0
    health: tuple[polling.HealthEvent, ...] = ()


@dataclass(slots=True, kw_only=True)
class IngestBatch:
    """What a batch of polls brought, computed and not yet stored."""

    #: One a poll, in their order.
    ingested: list[IngestedPoll] = field(default_factory=list)
    #: Older than the backfill window: only their identity is kept.
    old: list[model.Article] = field(default_factory=list)
    new: list[model.Article] = field(default_factory=list)
    sightings: list[ports.Sighting] = field(default_factory=list)
    #: Next versions of stored articles.
    revised: list[model.Article] = field(default_factory=list)
    matches: list[tuple[model.ArticleId, tuple[model.Match, ...]]] = field(default_factory=list)

    @property
    def articles(self) -> Sequence[model.Article]:
        """All that will be written."""
        return (*self.old, *self.new, *self.revised)

    @property
    def _weight(self) -> int:
        """In articles with a text."""
        return -(-len(self.old) // _OLD_TO_ONE) + len(self.new) + len(self.revised)

    def cut(self, most: int) -> Sequence[IngestBatch]:
        """Take off pieces of ``most`` articles, each with all that is stored of it, until no more than that are left.

        Several of which only the identity is kept count as one. What is left has the feeds' states.
        """
        pieces = []
        while self._weight > most:
            piece = IngestBatch()
            for mine, theirs in ((self.old, piece.old), (self.new, piece.new), (self.revised, piece.revised)):
                room = (most - piece._weight) * (_OLD_TO_ONE if mine is self.old else 1)
                theirs.extend(mine[:room])
                del mine[:room]
            ids = {article.id for article in piece.articles}
            piece.sightings = [each for each in self.sightings if each.article in ids]
            piece.matches = [each for each in self.matches if each[0] in ids]
            self.sightings = [each for each in self.sightings if each.article not in ids]
            self.matches = [each for each in self.matches if each[0] not in ids]
            pieces.append(piece)
        return pieces

    def store(self, tx: ports.Transaction, *, now: datetime) -> None:
        """Write the articles, what feeds call them, and what they matched."""
        tx.articles.add(self.old, has_text=False)
        tx.articles.add(self.new)
        tx.articles.see(self.sightings, at=now)
        for article in self.revised:
            tx.articles.revise(article)
        for article_id, matches in self.matches:
            tx.articles.add_matches(article_id, matches)


def ingest_polls(tx: ports.Transaction, polls: Sequence[Polled], snapshot: Snapshot, *, now: datetime) -> IngestBatch:
    """What polls brought, against what ``tx`` knows; reads only."""
    return _Ingestor(tx, snapshot, now).ingest(polls)


class _Ingestor:
    def __init__(self, tx: ports.Transaction, snapshot: Snapshot, now: datetime) -> None:
        self._tx = tx
        self._snapshot = snapshot
        self._now = now
        self._done = IngestBatch()
        #: Feed -> what its items repeat.
        self._boilerplate: dict[str, str] = {}
        #: Feed -> what its reading uses of its day.
        self._used: dict[str, daily_limit.Use] = {}
        #: Articles under one link -> rules that matched another feed's words for them in this batch.
        self._heard: defaultdict[tuple[model.ArticleId, ...], set[str]] = defaultdict(set)

    def ingest(self, polls: Sequence[Polled]) -> IngestBatch:
        self._boilerplate = {polled.feed.url: polled.state.boilerplate for polled in polls}
        found = self._identified(polls)
        found = {url: self._stripped(url, each) for url, each in found.items()}
        for each in found.values():
            self._done.old += _of(each.items, articles.Novelty.OLD)
            self._done.new += _of(each.items, articles.Novelty.NEW)
            self._done.sightings += [item.sighting for item in each.items]
        self._done.ingested = [
            self._with_health(self._ingested(polled, found.get(polled.feed.url))) for polled in polls
        ]
        return self._done

    def _stripped(self, url: str, found: articles.Identification) -> articles.Identification:
        """Return the items without the sentences that the feed repeats; items seen for the first time teach them."""
        first_seen = [item.article.text for item in found.items if item.novelty in _FIRST_SEEN and item.article]
        self._boilerplate[url] = memory = articles.boilerplate.learn(first_seen, self._boilerplate[url])
        return replace(found, items=tuple(_without_boilerplate(item, memory) for item in found.items))

    def _identified(self, polls: Sequence[Polled]) -> Mapping[str, articles.Identification]:
        """By feed, where it was read."""
        read = [(each, each.reading, look_up_of(each, each.reading)) for each in polls if each.reading is not None]
        answers = self._tx.articles.known([look_up.question for _, _, look_up in read])
        fresh = articles.Fresh()
        found = {}
        most = self._snapshot.fetch.max_items_per_day
        for (polled, reading, look_up), known in zip(read, answers, strict=True):
            both = fresh.beside(known, look_up.question)
            identified = identify(polled, reading, look_up, both, snapshot=self._snapshot, now=self._now)
            identified, self._used[polled.feed.url] = daily_limit.within(
                identified, known, polled.state, pages=polled.pages, most=most, now=self._now
            )
            fresh.add(identified)
            found[polled.feed.url] = _with_pages(identified, polled.pages)
        return found

    def _ingested(self, polled: Polled, found: articles.Identification | None) -> IngestedPoll:
        if polled.reading is None or found is None:
            return IngestedPoll(polled=polled, state=self._without_reading(polled))
        # Articles kept for their identity only are not news: they teach the feed's rhythm nothing.
        new = _of(found.items, articles.Novelty.NEW)
        assert polled.answer is not None
        state = polling.after_reading(
            polled.state,
            polled.feed,
            polled.reading,
            polled.answer,
            digest=polled.body_hash,
            new_count=len(new),
            arrivals=tuple(article.when for article in new),
            names_known=polled.names_known,
            policy=self._snapshot.fetch,
            now=self._now,
            jitter=_draw(),
        )
        state = self._with_remarks(state, polled, found)
        retold = self._retold(polled, found.items)
        return IngestedPoll(
            polled=polled,
            state=state,
            arrivals=(*self._arrivals(polled, new), *retold),
            revisions=self._edited(polled, found.items),
            new_count=len(new) + len(retold),
        )

    def _with_remarks(self, state: model.FeedState, polled: Polled, found: articles.Identification) -> model.FeedState:
        feed = polled.feed
        elsewhere = state.links_elsewhere if found.links_elsewhere is None else found.links_elsewhere
        remarks = [*state.remarks, *found.remarks]
        if elsewhere and feed.aggregator is None and feed.owner is None:
            remarks.append("it links to other sites; if it is an aggregator, say aggregator: true in feeds.yaml")
        state = replace(
            state,
            boilerplate=self._boilerplate[feed.url],
            moved_to=polled.found_at or state.moved_to,
            remarks=tuple(remarks),
            links_elsewhere=elsewhere,
        )
        used = self._used[feed.url]
        return polling.counted(
            state,
            cost=used.cost,
            names=used.names,
            left=used.left,
            most=self._snapshot.fetch.max_items_per_day,
            now=self._now,
            # A mailbox without one gives its last mails, not those after the last one that was read.
            etag=polled.state.etag if polled.reading and polled.reading.is_increment else None,
        )

    def _without_reading(self, polled: Polled) -> model.FeedState:
        policy = self._snapshot.fetch
        if polled.postponed_to is not None:
            return polling.after_none(polled.state, polled.postponed_to)
        if polled.error is None and polled.answer is not None:
            return polling.after_answer(
                polled.state, polled.feed, polled.answer, policy=policy, now=self._now, jitter=_draw()
            )
        text = polled.error or "no answer"
        return polling.after_failure(polled.state, polled.feed, text, policy=policy, now=self._now, jitter=_draw())

    def _arrivals(self, polled: Polled, new: Sequence[model.Article]) -> tuple[model.Arrival, ...]:
        matched = ((article, self._match(article, polled.feed)) for article in new)
        return tuple(_arrival(polled, article, matches) for article, matches in matched if matches)

    def _retold(self, polled: Polled, items: Sequence[articles.Identified]) -> tuple[model.Arrival, ...]:
        """What rules match in this feed's words, and did not in those of the feeds that brought it before."""
        arrivals = []
        for item in items:
            if item.novelty is not articles.Novelty.RETOLD or item.article is None or item.stub is None:
                continue
            matches = self._snapshot.rules.match(item.article, polled.feed, now=self._now)
            if matches:
                heard = self._heard[item.told]
                heard.update(match.rule for id_ in item.told for match in self._tx.articles.matches(id_))
                heard.update(match.rule for id_, stored in self._done.matches if id_ in item.told for match in stored)
                matches = tuple(match for match in matches if match.rule not in heard)
                heard.update(match.rule for match in matches)
            if matches:
                arrivals.append(_arrival(polled, item.article, matches))
                self._done.new.append(item.article)
                self._done.matches.append((item.article.id, matches))
                self._done.sightings = [
                    replace(each, article=item.article.id)
                    if (each.feed, each.article) == (polled.feed.url, item.stub.id)
                    else each
                    for each in self._done.sightings
                ]
        return tuple(arrivals)

    def _edited(self, polled: Polled, items: Sequence[articles.Identified]) -> tuple[model.Revision, ...]:
        edited = {
            item.stub.id: item.article for item in items if item.novelty in _REVISED and item.article and item.stub
        }
        taken_over = {item.sighting.article for item in items if item.novelty is articles.Novelty.TAKEN_OVER}
        # What another feed of this batch brought or changed is not stored yet.
        ours = {one.id: one for one in (*self._done.new, *self._done.revised) if one.id in edited}
        before = {**self._tx.articles.get(list(edited)), **ours}
        revisions = []
        for article_id, article in edited.items():
            if article_id not in before:
                continue
            # By what is known of the feed now: else a footer that was text at first looks taken out by the edit.
            known = _stripped(before[article_id], self._boilerplate[polled.feed.url])
            is_taken_over = article_id in taken_over
            revised = self._revised(known, article, is_taken_over=is_taken_over)
            if revised is None:
                continue
            self._done.revised.append(revised)
            if _says(revised) == _says(known) and not is_taken_over:
                # Another date alone is kept; it is no reason to match again, nor to speak.
                continue
            revisions.append(
                model.Revision(
                    article=revised,
                    matches=self._match(revised, polled.feed),
                    # Two outlets' words for one article differ: that is no correction.
                    edits=() if is_taken_over else facts.corrections(known, revised),
                    poll=polled.id,
                    live_before=known if facts.is_live_page(revised) and not is_taken_over else None,
                )
            )
        return tuple(revisions)

    def _revised(self, before: model.Article, after: model.Article, *, is_taken_over: bool) -> model.Article | None:
        """The next version of an article; None: nothing that is kept has changed."""
        if before.is_full_text and not after.is_full_text:
            # The teaser says nothing about the page that was read: only the headline can have changed.
            after = replace(after, text=before.text, links=before.links, is_full_text=True)
        published = after.published or before.published
        if _says(before) == _says(after) and before.published == published and not is_taken_over:
            return None
        source = after if is_taken_over else before
        return replace(
            after,
            id=before.id,
            feed=source.feed,
            outlet=source.outlet,
            owner=source.owner,
            first_seen=before.first_seen,
            published=published,
            version=before.version + 1,
        )

    def _match(self, article: model.Article, feed: model.Feed) -> tuple[model.Match, ...]:
        matches = self._snapshot.rules.match(article, feed, now=self._now)
        if matches:
            self._done.matches.append((article.id, matches))
        return matches

    def _with_health(self, poll: IngestedPoll) -> IngestedPoll:
        events = polling.health(poll.state, poll.polled.feed, self._now)
        if not events:
            return poll
        return replace(poll, state=polling.with_told(poll.state, events), health=events)


_FIRST_SEEN = (articles.Novelty.NEW, articles.Novelty.OLD)
_REVISED = (articles.Novelty.EDITED, articles.Novelty.TAKEN_OVER)


def _arrival(polled: Polled, article: model.Article, matches: tuple[model.Match, ...]) -> model.Arrival:
    return model.Arrival(article=article, matches=matches, is_baseline=polled.is_baseline, poll=polled.id)


def _draw() -> float:
    """Chance for the jitter of the next poll."""
    return random.random()  # noqa: S311 - no secret


def _of(items: Sequence[articles.Identified], novelty: articles.Novelty) -> list[model.Article]:
    return [item.article for item in items if item.novelty is novelty and item.article]


def _with_pages(found: articles.Identification, pages: Mapping[str, str]) -> articles.Identification:
    """With the main text of each article's page, where it was read."""
    if not pages:
        return found
    return replace(found, items=tuple(_with_page(item, pages) for item in found.items))


def _with_page(item: articles.Identified, pages: Mapping[str, str]) -> articles.Identified:
    text = pages.get(item.article.link) if item.article else None
    if not text or item.article is None or item.novelty is articles.Novelty.OLD:
        return item
    return replace(item, article=replace(item.article, text=text, is_full_text=True))


def _without_boilerplate(item: articles.Identified, memory: str) -> articles.Identified:
    if item.article is None or item.novelty is articles.Novelty.OLD:
        return item
    article = _stripped(item.article, memory)
    return item if article is item.article else replace(item, article=article)


def _stripped(article: model.Article, memory: str) -> model.Article:
    found = articles.boilerplate.strip(article.text, memory)
    return replace(article, text=found.text, left_out=found.left_out) if found.left_out else article


def _says(article: model.Article) -> tuple[str, str]:
    return article.title, article.text

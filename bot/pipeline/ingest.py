"""From polls to articles and their matches, computed over a read."""

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

#: Number of articles without text that take as long to write as one with text, which is indexed for search.
_OLD_PER_ARTICLE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestedPoll:
    """The articles and the new state of one poll."""

    polled: Polled
    state: model.FeedState
    arrivals: tuple[model.Arrival, ...] = ()
    revisions: tuple[model.Revision, ...] = ()
    new_count: int = 0
    health: tuple[polling.HealthEvent, ...] = ()


@dataclass(slots=True, kw_only=True)
class IngestBatch:
    """The computed results of a batch of polls, not yet stored."""

    #: One for each poll, in order.
    ingested: list[IngestedPoll] = field(default_factory=list)
    #: Older than the backfill window: stored without text.
    old: list[model.Article] = field(default_factory=list)
    new: list[model.Article] = field(default_factory=list)
    sightings: list[ports.Sighting] = field(default_factory=list)
    #: Next versions of stored articles.
    revised: list[model.Article] = field(default_factory=list)
    matches: list[tuple[model.ArticleId, tuple[model.Match, ...]]] = field(default_factory=list)

    @property
    def articles(self) -> Sequence[model.Article]:
        """All articles to write."""
        return (*self.old, *self.new, *self.revised)

    @property
    def _weight(self) -> int:
        """The cost of writing, in articles with text."""
        return -(-len(self.old) // _OLD_PER_ARTICLE) + len(self.new) + len(self.revised)

    def cut(self, most: int) -> Sequence[IngestBatch]:
        """Remove pieces of ``most`` articles, each with its sightings and matches, until the rest is not larger.

        Several articles without text count as one. The rest includes the feeds' states.
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

    def store(self, tx: ports.Transaction, *, now: datetime) -> None:
        """Write the articles, their ids in feeds, and their matches."""
        tx.articles.add(self.old, has_text=False)
        tx.articles.add(self.new)
        tx.articles.see(self.sightings, at=now)
        for article in self.revised:
            tx.articles.revise(article)
        for article_id, matches in self.matches:
            tx.articles.add_matches(article_id, matches)


def ingest_polls(tx: ports.Transaction, polls: Sequence[Polled], snapshot: Snapshot, *, now: datetime) -> IngestBatch:
    """Identify and match the items of polls against the store. Reads only."""
    return _Ingestor(tx, snapshot, now).ingest(polls)


class _Ingestor:
    def __init__(self, tx: ports.Transaction, snapshot: Snapshot, now: datetime) -> None:
        self._tx = tx
        self._snapshot = snapshot
        self._now = now
        self._done = IngestBatch()
        #: Feed -> the text that its items repeat.
        self._boilerplate: dict[str, str] = {}
        #: Feed -> what the poll uses of its daily limit.
        self._used: dict[str, daily_limit.Use] = {}
        #: Articles under one link -> rules that matched another feed's wording of them.
        self._matched_rules: defaultdict[tuple[model.ArticleId, ...], set[str]] = defaultdict(set)

    def ingest(self, polls: Sequence[Polled]) -> IngestBatch:
        self._boilerplate = {polled.feed.url: polled.state.boilerplate for polled in polls}
        by_feed = {url: self._stripped(url, identified) for url, identified in self._identified(polls).items()}
        for identified in by_feed.values():
            self._done.old += _of(identified.items, articles.Novelty.OLD)
            self._done.new += _of(identified.items, articles.Novelty.NEW)
            self._done.sightings += [item.sighting for item in identified.items]
        self._done.ingested = [
            self._with_health(self._ingested(polled, by_feed.get(polled.feed.url))) for polled in polls
        ]
        return self._done

    def _stripped(self, url: str, identified: articles.Identification) -> articles.Identification:
        """Return the items without the sentences that the feed repeats, learnt from items seen for the first time."""
        first_seen = [item.article.text for item in identified.items if item.novelty in _FIRST_SEEN and item.article]
        self._boilerplate[url] = memory = articles.boilerplate.learn(first_seen, self._boilerplate[url])
        return replace(identified, items=tuple(_without_boilerplate(item, memory) for item in identified.items))

    def _identified(self, polls: Sequence[Polled]) -> Mapping[str, articles.Identification]:
        """Return the identified items of each feed with a new document."""
        parsed = [
            (polled, polled.reading, look_up_of(polled, polled.reading))
            for polled in polls
            if polled.reading is not None
        ]
        stored = self._tx.articles.known([look_up.question for _, _, look_up in parsed])
        fresh = articles.Fresh()
        by_feed = {}
        most = self._snapshot.fetch.max_items_per_day
        for (polled, reading, look_up), known_items in zip(parsed, stored, strict=True):
            with_batch = fresh.beside(known_items, look_up.question)
            identified = identify(polled, reading, look_up, with_batch, snapshot=self._snapshot, now=self._now)
            identified, self._used[polled.feed.url] = daily_limit.within(
                identified, known_items, polled.state, pages=polled.pages, most=most, now=self._now
            )
            fresh.add(identified)
            by_feed[polled.feed.url] = _with_pages(identified, polled.pages)
        return by_feed

    def _ingested(self, polled: Polled, identified: articles.Identification | None) -> IngestedPoll:
        if polled.reading is None or identified is None:
            return IngestedPoll(polled=polled, state=self._without_reading(polled))
        # Articles older than the backfill window do not count for the feed's rhythm.
        new = _of(identified.items, articles.Novelty.NEW)
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
        state = self._with_remarks(state, polled, identified)
        reworded = self._reworded(polled, identified.items)
        return IngestedPoll(
            polled=polled,
            state=state,
            arrivals=(*self._arrivals(polled, new), *reworded),
            revisions=self._edited(polled, identified.items),
            new_count=len(new) + len(reworded),
        )

    def _with_remarks(
        self, state: model.FeedState, polled: Polled, identified: articles.Identification
    ) -> model.FeedState:
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
        return polling.counted(
            state,
            cost=used.cost,
            names=used.names,
            left=used.left,
            most=self._snapshot.fetch.max_items_per_day,
            now=self._now,
            # Without an etag, a mailbox would return its last mails, not the mails after the last one that was read.
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

    def _reworded(self, polled: Polled, items: Sequence[articles.Identified]) -> tuple[model.Arrival, ...]:
        """Return known articles with matches that only this feed's wording triggers."""
        arrivals = []
        for item in items:
            if item.novelty is not articles.Novelty.RETOLD or item.article is None or item.stub is None:
                continue
            matches = self._snapshot.rules.match(item.article, polled.feed, now=self._now)
            if matches:
                rules = self._matched_rules[item.told]
                rules.update(match.rule for id_ in item.told for match in self._tx.articles.matches(id_))
                rules.update(match.rule for id_, stored in self._done.matches if id_ in item.told for match in stored)
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

    def _edited(self, polled: Polled, items: Sequence[articles.Identified]) -> tuple[model.Revision, ...]:
        edited = {
            item.stub.id: item.article for item in items if item.novelty in _REVISED and item.article and item.stub
        }
        taken_over = {item.sighting.article for item in items if item.novelty is articles.Novelty.TAKEN_OVER}
        # Articles that another feed of this batch added or changed are not stored yet.
        in_batch = {item.id: item for item in (*self._done.new, *self._done.revised) if item.id in edited}
        previous = {**self._tx.articles.get(list(edited)), **in_batch}
        revisions = []
        for article_id, article in edited.items():
            if article_id not in previous:
                continue
            # Strip the previous version too, so that a footer that is now known does not look removed by the edit.
            before = _stripped(previous[article_id], self._boilerplate[polled.feed.url])
            is_taken_over = article_id in taken_over
            revised = self._revised(before, article, is_taken_over=is_taken_over)
            if revised is None:
                continue
            self._done.revised.append(revised)
            if _content(revised) == _content(before) and not is_taken_over:
                # Store another date, but do not match again or post for it.
                continue
            revisions.append(
                model.Revision(
                    article=revised,
                    matches=self._match(revised, polled.feed),
                    # The wording of two outlets differs without being a correction.
                    edits=() if is_taken_over else facts.corrections(before, revised),
                    poll=polled.id,
                    live_before=before if facts.is_live_page(revised) and not is_taken_over else None,
                )
            )
        return tuple(revisions)

    def _revised(self, previous: model.Article, new: model.Article, *, is_taken_over: bool) -> model.Article | None:
        """Return the next version of an article, or None if nothing that is stored has changed."""
        if previous.is_full_text and not new.is_full_text:
            # The feed's teaser cannot show a change of the page's text, only of the headline.
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
    """Return a random number for the jitter of the next poll."""
    return random.random()  # noqa: S311 - not a secret


def _of(items: Sequence[articles.Identified], novelty: articles.Novelty) -> list[model.Article]:
    return [item.article for item in items if item.novelty is novelty and item.article]


def _with_pages(identified: articles.Identification, pages: Mapping[str, str]) -> articles.Identification:
    """Return the items with the main text of their pages, if it was fetched."""
    if not pages:
        return identified
    return replace(identified, items=tuple(_with_page(item, pages) for item in identified.items))


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
    stripped = articles.boilerplate.strip(article.text, memory)
    return replace(article, text=stripped.text, left_out=stripped.left_out) if stripped.left_out else article


def _content(article: model.Article) -> tuple[str, str]:
    return article.title, article.text

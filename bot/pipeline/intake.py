"""From readings to stored articles and their matches, inside one transaction. Knows no story and no channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot import articles, model, polling, ports
from bot.pipeline.poll import Polled, identify
from bot.pipeline.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Intake:
    """What one feed's poll gave."""

    polled: Polled
    state: model.FeedState
    arrivals: tuple[model.Arrival, ...] = ()
    revisions: tuple[model.Revision, ...] = ()
    new_count: int = 0
    health: tuple[polling.HealthEvent, ...] = ()


class Reader:
    """Takes polls in, one after another, in the transaction that it is given."""

    def __init__(self, tx: ports.Transaction, snapshot: Snapshot, *, now: datetime, draw: Callable[[], float]) -> None:
        self._tx = tx
        self._snapshot = snapshot
        self._now = now
        self._draw = draw

    def take(self, polled: Polled) -> Intake:
        if polled.reading is None:
            state = self._without_reading(polled)
            return self._with_health(Intake(polled=polled, state=state))
        return self._with_health(self._read(polled, polled.reading))

    def _without_reading(self, polled: Polled) -> model.FeedState:
        policy = self._snapshot.fetch
        if polled.error is None and polled.answer is not None:
            return polling.after_answer(
                polled.state, polled.feed, polled.answer, policy=policy, now=self._now, jitter=self._draw()
            )
        text = polled.error or "no answer"
        return polling.after_failure(polled.state, polled.feed, text, policy=policy, now=self._now, jitter=self._draw())

    def _read(self, polled: Polled, reading: model.Reading) -> Intake:
        look_up = articles.look_up(polled.feed, reading)
        known = self._tx.articles.known(
            polled.feed.url,
            keys=look_up.keys,
            links=look_up.links,
            fingerprints=look_up.fingerprints,
            titles=look_up.titles,
        )
        found = identify(polled, reading, look_up, known, snapshot=self._snapshot, now=self._now)
        arrivals = self._new(polled, found.items)
        revisions = self._edited(polled, found.items)
        self._tx.articles.see([item.sighting for item in found.items], at=self._now)
        # Articles kept for their identity only are not news: they teach the feed's rhythm nothing.
        new = [item.article for item in found.items if item.novelty is articles.Novelty.NEW and item.article]
        assert polled.answer is not None
        state = polling.after_reading(
            polled.state,
            polled.feed,
            reading,
            polled.answer,
            new_count=len(new),
            arrivals=tuple(article.when for article in new),
            names_known=polled.names_known,
            policy=self._snapshot.fetch,
            now=self._now,
            jitter=self._draw(),
        )
        if found.remarks:
            state = replace(state, remarks=(*state.remarks, *found.remarks))
        return Intake(polled=polled, state=state, arrivals=arrivals, revisions=revisions, new_count=len(new))

    def _new(self, polled: Polled, items: Sequence[articles.Identified]) -> tuple[model.Arrival, ...]:
        old = [item.article for item in items if item.novelty is articles.Novelty.OLD and item.article]
        self._tx.articles.add(old, has_text=False)
        new = [
            self._with_page(polled, item.article)
            for item in items
            if item.novelty is articles.Novelty.NEW and item.article
        ]
        self._tx.articles.add(new)
        arrivals = []
        for article in new:
            matches = self._match(article, polled.feed)
            if matches:
                arrivals.append(
                    model.Arrival(article=article, matches=matches, is_baseline=polled.is_baseline, poll=polled.id)
                )
        return tuple(arrivals)

    def _edited(self, polled: Polled, items: Sequence[articles.Identified]) -> tuple[model.Revision, ...]:
        edited = {
            item.stub.id: item.article
            for item in items
            if item.novelty is articles.Novelty.EDITED and item.article and item.stub
        }
        before = self._tx.articles.get(list(edited))
        revisions = []
        for article_id, article in edited.items():
            if article_id not in before:
                continue
            revised = self._revised(before[article_id], self._with_page(polled, article))
            if revised is None:
                continue
            self._tx.articles.revise(revised)
            if _says(revised) == _says(before[article_id]):
                # Another date alone is kept; it is no reason to match anew, nor to speak.
                continue
            revisions.append(
                model.Revision(
                    article=revised,
                    matches=self._match(revised, polled.feed),
                    edits=articles.edits(before[article_id], revised),
                    poll=polled.id,
                    live_before=before[article_id] if articles.is_live_page(revised) else None,
                )
            )
        return tuple(revisions)

    def _revised(self, before: model.Article, after: model.Article) -> model.Article | None:
        """The next version of an article; None: nothing that is kept has changed."""
        if before.is_full_text and not after.is_full_text:
            # The teaser says nothing about the page that was read: only the headline can have changed.
            after = replace(after, text=before.text, links=before.links, is_full_text=True)
        published = after.published or before.published
        if _says(before) == _says(after) and before.published == published:
            return None
        return replace(
            after,
            id=before.id,
            feed=before.feed,
            outlet=before.outlet,
            owner=before.owner,
            first_seen=before.first_seen,
            published=published,
            version=before.version + 1,
        )

    def _with_page(self, polled: Polled, article: model.Article) -> model.Article:
        text = polled.pages.get(article.link)
        return replace(article, text=text, is_full_text=True) if text else article

    def _match(self, article: model.Article, feed: model.Feed) -> tuple[model.Match, ...]:
        matches = self._snapshot.rules.match(article, feed, now=self._now)
        if matches:
            self._tx.articles.add_matches(article.id, matches)
        return matches

    def _with_health(self, intake: Intake) -> Intake:
        events = polling.health(intake.state, intake.polled.feed, self._now)
        if not events:
            return intake
        return replace(intake, state=polling.with_told(intake.state, events), health=events)


def _says(article: model.Article) -> tuple[str, str]:
    return article.title, article.text

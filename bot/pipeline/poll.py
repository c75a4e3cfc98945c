"""One feed, one time: ask, read, and say what came of it. Decides nothing about articles and writes nothing."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Protocol

import structlog

from bot import articles, model, polling, ports
from bot.pipeline.snapshot import Snapshot
from bot.polling import places

log = structlog.get_logger("wirewatch")

#: What a poll is told where we broke on it.
OUR_BUG = "Wirewatch could not take this feed in (our bug); the log has the details"
#: How long one poll may ask for pages. At a page a second, a feed of 5,000 links would keep a poll's place for hours.
PAGES_WITHIN = timedelta(seconds=60)


class Documents(Protocol):
    """Parses what was fetched, off the loop."""

    async def prepare(self) -> None:
        """Documents are about to be fetched. Returns at once; never raises for what cannot be started."""

    async def read(
        self, body: ports.Body, feed: model.Feed, *, is_first: bool
    ) -> tuple[model.Reading, articles.Lookup | None]:
        """The document, and its entries made ready for the store; None: they are not yet. Raises ReadError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """What one poll brought."""

    #: Stands in each log line about it, from the feed to the decisions.
    id: str = field(default_factory=lambda: secrets.token_hex(4))
    feed: model.Feed
    #: As it was before the poll.
    state: model.FeedState
    #: Without its body: a batch of these waits to be stored.
    answer: ports.Answer | None = None
    body_hash: str = ""
    #: None: not changed, or failed.
    reading: model.Reading | None = None
    #: Its entries made ready, and what the store is to be asked about them; None: not yet.
    look_up: articles.Lookup | None = None
    #: The reading names what is known too.
    names_known: bool = False
    #: For people; None: the poll went well.
    error: str | None = None
    #: Nothing was asked: the feed's turn at its host comes then.
    postponed_to: datetime | None = None
    #: The address of the feed, where its own leads to a page that names it.
    found_at: str | None = None
    #: Of the memory; closed when all of this is stored.
    share: ports.Share | None = None
    #: Link -> main text of the article's page.
    pages: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_baseline(self) -> bool:
        """Whether it is the feed's first poll that worked."""
        return self.state.baseline_at is None


class Poller:
    """Fetches and parses feeds, and the pages of articles where a feed wants full text."""

    def __init__(
        self,
        *,
        fetcher: ports.Fetcher,
        documents: Documents,
        pages: ports.PageReader,
        links: ports.LinkResolver,
        store: ports.Store,
        clock: ports.Clock,
    ) -> None:
        self._fetcher = fetcher
        self._documents = documents
        self._pages = pages
        self._links = links
        self._store = store
        self._clock = clock

    async def poll(self, state: model.FeedState, snapshot: Snapshot, share: ports.Share | None = None) -> Polled:
        """Never raises for what a feed does."""
        names_known = polling.is_naming_due(state, self._clock.now())
        polled = Polled(feed=snapshot.feeds[state.url], state=state, names_known=names_known, share=share)
        await self._documents.prepare()
        request = replace(polling.request(state, polled.feed), share=share)
        return await self._poll(request, polled, snapshot)

    async def _poll(self, request: ports.Request, polled: Polled, snapshot: Snapshot) -> Polled:
        state = polled.state
        try:
            answer = await self._fetcher.get(request)
        except ports.TooSoon as soon:
            return replace(polled, postponed_to=soon.until)
        except ports.FetchError as error:
            return replace(polled, error=str(error))
        if answer.status != HTTPStatus.OK or _says_too_often(answer, polled.feed):
            status = answer.status if answer.status != HTTPStatus.OK else HTTPStatus.TOO_MANY_REQUESTS
            return replace(polled, answer=replace(answer, status=status, body=b""))
        digest = polling.body_hash(answer.body)
        if polling.is_unchanged(state, digest):
            return replace(polled, answer=replace(answer, body=b""))
        body, answer = self._body(polled, answer, snapshot), replace(answer, body=b"")
        polled = replace(polled, answer=answer, body_hash=digest)
        try:
            reading, look_up = await self._documents.read(body, polled.feed, is_first=polled.is_baseline)
        except ports.ReadError as error:
            if isinstance(error, ports.IsPage) and error.feeds and _may_follow(polled):
                there = replace(request, url=error.feeds[0], etag=None, last_modified=None)
                return await self._poll(there, replace(polled, found_at=there.url), snapshot)
            return replace(polled, error=str(error))
        except Exception:
            log.critical("parsing a feed raised an unexpected error", feed=state.url, poll=polled.id, exc_info=True)
            return replace(polled, error=OUR_BUG)
        del body
        return await self._with_the_web(replace(polled, reading=reading, look_up=look_up), reading, snapshot)

    async def _with_the_web(self, polled: Polled, reading: model.Reading, snapshot: Snapshot) -> Polled:
        """With the links that were hidden, and with the pages' texts where the feed wants them."""
        hides_links, wants_pages = places.of(polled.feed.url).hides_links, polled.feed.full_text
        if not hides_links and wants_pages is model.FullText.NEVER:
            return polled
        if hides_links:
            reading = await self._resolved(polled, reading, snapshot)
            polled = replace(polled, reading=reading, look_up=None)
        look_up = look_up_of(polled, reading)
        polled = replace(polled, look_up=look_up)
        if wants_pages is model.FullText.NEVER:
            return polled
        return replace(polled, pages=await self._read_pages(polled, reading, look_up, snapshot))

    async def _resolved(self, polled: Polled, reading: model.Reading, snapshot: Snapshot) -> model.Reading:
        """Links of items that are new or edited; what is known is known by its id."""
        found = await self._identified(polled, reading, look_up_of(polled, reading), snapshot)
        told = {item.article.link for item in found if item.novelty in _TOLD and item.article}
        hidden = [entry.link for entry in reading.entries if entry.link in told]
        links = await self._links.resolve(hidden)
        entries = [replace(entry, link=links.get(entry.link or "", entry.link)) for entry in reading.entries]
        return replace(reading, entries=tuple(entries))

    async def _identified(
        self, polled: Polled, reading: model.Reading, look_up: articles.Lookup, snapshot: Snapshot
    ) -> Sequence[articles.Identified]:
        [known] = await self._store.read(lambda tx: tx.articles.known([look_up.question]))
        return identify(polled, reading, look_up, known, snapshot=snapshot, now=self._clock.now()).items

    def _body(self, polled: Polled, answer: ports.Answer, snapshot: Snapshot) -> ports.Body:
        backfill = polled.feed.backfill or snapshot.fetch.backfill
        return ports.Body(
            content=answer.body,
            content_type=answer.content_type,
            url=answer.url,
            known_hashes=frozenset(polled.state.item_hashes),
            names_known=polled.names_known,
            identity_before=self._clock.now() - backfill if polled.is_baseline else None,
            fetched=self._clock.now(),
        )

    async def _read_pages(
        self, polled: Polled, reading: model.Reading, look_up: articles.Lookup, snapshot: Snapshot
    ) -> Mapping[str, str]:
        found = await self._identified(polled, reading, look_up, snapshot)
        fresh = [item.article for item in found if item.novelty is articles.Novelty.NEW and item.article]
        wanted = [article for article in fresh if article.link and self._wants_page(article, polled.feed, snapshot)]
        return await self._texts_of(wanted, polled)

    async def _texts_of(self, wanted: Sequence[model.Article], polled: Polled) -> Mapping[str, str]:
        found: dict[str, str | None] = {}
        try:
            async with asyncio.timeout(PAGES_WITHIN.total_seconds()):
                for article in wanted:
                    found[article.link] = await self._pages.text_of(article.link, polled.feed)
        except TimeoutError:
            log.warning(
                "pages left out",
                feed=polled.feed.url,
                poll=polled.id,
                read=len(found),
                left=len(wanted) - len(found),
                help=f"one poll asks for pages for {PAGES_WITHIN.seconds} seconds; the others have the feed's text",
            )
        return {link: text for link, text in found.items() if text}

    def _wants_page(self, article: model.Article, feed: model.Feed, snapshot: Snapshot) -> bool:
        if feed.full_text is model.FullText.ALWAYS:
            return True
        if articles.is_cut(article.text):
            return True
        return snapshot.rules.wants_full_text(article, feed, now=self._clock.now())


#: What is stored of these has the link that the item has now.
_TOLD = (articles.Novelty.NEW, articles.Novelty.EDITED, articles.Novelty.TAKEN_OVER)


def _says_too_often(answer: ports.Answer, feed: model.Feed) -> bool:
    """Some say it with status 200."""
    text = places.of(feed.url).limit_text
    return text is not None and answer.body.lstrip().startswith(text)


def _may_follow(polled: Polled) -> bool:
    """A known place's page names its feed; that is no page again."""
    return polled.found_at is None and places.of(polled.feed.url).is_page


def look_up_of(polled: Polled, reading: model.Reading) -> articles.Lookup:
    """The questions to the store, as the reader process made them ready or made here."""
    return polled.look_up or articles.look_up(polled.feed, reading, is_first=polled.is_baseline)


def identify(
    polled: Polled,
    reading: model.Reading,
    look_up: articles.Lookup,
    known: ports.Known,
    *,
    snapshot: Snapshot,
    now: datetime,
) -> articles.Identification:
    """What each item of the document is, given what the store knows."""
    return articles.identify(
        polled.feed,
        reading,
        known,
        looked_up=look_up,
        now=now,
        backfill=polled.feed.backfill or snapshot.fetch.backfill,
        is_baseline=polled.is_baseline,
        feed_title=polled.state.title or reading.title,
    )

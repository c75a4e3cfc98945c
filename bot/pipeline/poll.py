"""Poll one feed once: fetch and parse it, and return the result. Nothing here decides about articles or writes them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import cached_property
from http import HTTPStatus
from typing import Protocol

import msgspec
import structlog
from msgspec.structs import replace

from bot import storage
from bot.config.settings import Settings
from bot.durations import Clock
from bot.feeds import cleaning, identity, places, polling
from bot.feeds.items import Item, make_question, prepare_items
from bot.fetch.slots import Share
from bot.model.archive import IdentityQuery, KnownItems
from bot.model.errors import FetchError, HostLimited, IsPage, ReadError, StoreError
from bot.model.feeds import Feed, FeedState, FullText, ParsedFeed
from bot.model.fetching import Body, Fetcher, PageReader, PageText, Request, Response
from bot.model.stories import Article

log = structlog.get_logger("wirewatch")

#: Error text of a poll that failed because of a bug in our code.
OUR_BUG = "Wirewatch could not process this feed because of a bug; the log has the details"
#: Time during which one poll may fetch pages. At one page a second, a feed of 5,000 links would use a slot for hours.
PAGES_WITHIN = timedelta(seconds=60)


class Documents(Protocol):
    """Parses documents, outside the event loop."""

    async def prepare(self) -> None:
        """Prepare to parse documents. Return at once, and do not raise if a worker cannot be started."""

    async def read(self, body: Body, feed: Feed) -> tuple[ParsedFeed, tuple[Item, ...] | None]:
        """Return the parsed document and its cleaned entries, or None if they are not cleaned yet. Raises ReadError."""


class Poll(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """The result of one poll."""

    #: Id of the poll in log lines, including the log lines of its decisions.
    id: str = msgspec.field(default_factory=lambda: f"{random.getrandbits(32):08x}")
    feed: Feed
    #: The state before the poll.
    state: FeedState
    #: The response. Its body is omitted, because polls wait in memory.
    answer: Response | None = None
    body_hash: str = ""
    #: The parsed document, or None if it has not changed or the poll failed.
    reading: ParsedFeed | None = None
    #: The entries of the document as a reader process has cleaned them.
    cleaned: tuple[Item, ...] | None = None
    #: Whether parsing also returned the identities of items that are already known.
    names_known: bool = False
    #: Error text for people, or None if the poll succeeded.
    error: str | None = None
    #: Time at which the host accepts the next request, if no request was sent because of a limit.
    postponed_to: datetime | None = None
    #: Address of the feed, if the configured address is a page that links to the feed.
    found_at: str | None = None
    #: Memory reserved for the poll. It is released when the poll is stored.
    share: Share | None = None
    #: Link -> main text of the article's page.
    pages: Mapping[str, PageText] = msgspec.field(default_factory=dict)

    @property
    def is_baseline(self) -> bool:
        """Whether the feed was never polled successfully before."""
        return self.state.baseline_at is None

    @property
    def prepared(self) -> Poll:
        """The poll with cleaned entries. Its document lists the entries that could not be cleaned."""
        return self if self.cleaned is not None or self.reading is None else self._prepared

    @cached_property
    def _prepared(self) -> Poll:
        # Never self: a poll that refers to itself would stay in memory until a garbage collection.
        assert self.reading is not None
        reading, items = prepare_items(self.feed, self.reading)
        return replace(self, reading=reading, cleaned=items)

    @property
    def items(self) -> tuple[Item, ...]:
        """The cleaned entries of the document."""
        return self.prepared.cleaned or ()

    def state_without_document(self, finished: polling.FinishedPoll) -> FeedState:
        """Return the feed's state after a poll without a new document: postponed, unchanged or failed."""
        if self.postponed_to is not None:
            return replace(self.state, due_at=self.postponed_to)
        if self.error is None and self.answer is not None:
            return finished.after_answer(self.answer)
        return finished.after_failure(self.error or "no answer")

    @property
    def question(self) -> IdentityQuery:
        """The query for the stored articles that may be the same as the poll's items."""
        return make_question(self.feed, self.items, is_first=self.is_baseline)

    def identify(
        self, reading: ParsedFeed, known_items: KnownItems, settings: Settings, *, now: datetime
    ) -> identity.Identification:
        """Identify each item of the document with the help of the stored articles."""
        return identity.identify(
            self.feed,
            reading,
            known_items,
            items=self.items,
            now=now,
            backfill=self.feed.backfill or settings.bot.fetch.backfill,
            is_baseline=self.is_baseline,
            feed_title=self.state.title or reading.title,
        )


class Poller(msgspec.Struct, kw_only=True):
    """Fetches and parses feeds, and the pages of articles if a feed wants full text."""

    fetcher: Fetcher
    documents: Documents
    pages: PageReader
    store: storage.Store
    clock: Clock

    async def poll(
        self, state: FeedState, settings: Settings, share: Share | None = None, *, feed: Feed | None = None
    ) -> Poll:
        """Poll one feed. A failure of the feed, or a bug of ours, is returned in the result. Raises only StoreError.

        ``feed`` is needed for a feed that is not in feeds.yaml.
        """
        polled = Poll(feed=feed or settings.feeds_by_address[state.url], state=state, share=share)
        try:
            polled = replace(polled, names_known=polling.is_naming_due(state, self.clock.now()))
            await self.documents.prepare()
            request = replace(polling.make_request(state, polled.feed), hold=share.hold if share else None)
            return await self._poll(request, polled, settings)
        except StoreError:
            raise
        except Exception:
            # The feed fails, like one whose document cannot be parsed, and is polled again.
            log.critical("a poll raised an unexpected error", feed=state.url, poll=polled.id, exc_info=True)
            return replace(polled, error=OUR_BUG)

    async def _poll(self, request: Request, polled: Poll, settings: Settings) -> Poll:
        state = polled.state
        try:
            answer = await self.fetcher.get(request)
        except HostLimited as error:
            return replace(polled, postponed_to=error.until)
        except FetchError as error:
            return replace(polled, error=str(error))
        place, status = places.place_of(polled.feed.url), answer.status
        if status == HTTPStatus.OK and place.limit_text and answer.body.lstrip().startswith(place.limit_text):
            # Some hosts report a rate limit with status 200.
            status = HTTPStatus.TOO_MANY_REQUESTS
        if status != HTTPStatus.OK:
            return replace(polled, answer=replace(answer, status=status, body=b""))
        digest = polling.hash_body(answer.body)
        if polling.is_unchanged(state, digest):
            return replace(polled, answer=replace(answer, body=b""))
        body, answer = self._body(polled, answer, settings), replace(answer, body=b"")
        polled = replace(polled, answer=answer, body_hash=digest)
        try:
            reading, items = await self.documents.read(body, polled.feed)
        except ReadError as error:
            # If the page of a known site links to a feed, poll that feed. Follow only one such link.
            if isinstance(error, IsPage) and error.feeds and place.is_page and polled.found_at is None:
                request = replace(request, url=error.feeds[0], etag=None, last_modified=None)
                return await self._poll(request, replace(polled, found_at=request.url), settings)
            return replace(polled, error=str(error))
        del body
        polled = replace(polled, reading=reading, cleaned=items)
        if polled.feed.full_text is FullText.NEVER:
            return polled
        return replace(polled, pages=await self._read_pages(polled, reading, settings))

    def _body(self, polled: Poll, answer: Response, settings: Settings) -> Body:
        backfill = polled.feed.backfill or settings.bot.fetch.backfill
        return Body(
            content=answer.body,
            content_type=answer.content_type,
            url=answer.url,
            known_hashes=frozenset(polled.state.validators.item_hashes),
            names_known=polled.names_known,
            identity_before=self.clock.now() - backfill if polled.is_baseline else None,
            fetched=self.clock.now(),
        )

    async def _read_pages(self, polled: Poll, reading: ParsedFeed, settings: Settings) -> Mapping[str, PageText]:
        [known_items] = await self.store.read(lambda tx: tx.articles.find_known_items([polled.question]))
        items = polled.identify(reading, known_items, settings, now=self.clock.now()).items
        new = [item.article for item in items if item.novelty is identity.Novelty.NEW and item.article]
        links = [article.link for article in new if article.link and self._wants_page(article, polled.feed, settings)]
        texts: dict[str, PageText | None] = {}
        try:
            async with asyncio.timeout(PAGES_WITHIN.total_seconds()):
                for link in links:
                    texts[link] = await self.pages.text_of(link, polled.feed)
        except TimeoutError:
            log.warning(
                "pages skipped",
                feed=polled.feed.url,
                poll=polled.id,
                read=len(texts),
                left=len(links) - len(texts),
                help=f"one poll fetches pages for {PAGES_WITHIN.seconds} seconds; other articles keep the feed's text",
            )
        return {link: text for link, text in texts.items() if text}

    def _wants_page(self, article: Article, feed: Feed, settings: Settings) -> bool:
        if feed.full_text is FullText.ALWAYS or cleaning.is_teaser(article.text):
            return True
        return settings.rule_set.wants_full_text(article, feed, now=self.clock.now())

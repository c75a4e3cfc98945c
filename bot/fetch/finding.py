"""Find feeds: fetch and parse an address, the feeds that a page links to, or the list of headlines on a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from json import dumps

import msgspec
from msgspec.structs import replace

from bot.durations import Clock
from bot.feeds.items import prepare_items
from bot.fetch.parsing import ReaderProcesses, ReaderThreads
from bot.model.errors import FetchError, IsPage, ReadError
from bot.model.feeds import Feed, ParsedFeed
from bot.model.fetching import Body, Fetcher, Request, Response


class FoundFeed(msgspec.Struct, frozen=True, kw_only=True):
    """One feed that was fetched and parsed."""

    url: str
    reading: ParsedFeed
    #: The page that links to the feed; None if the user entered the address of the feed itself.
    page: str | None = None
    #: The proposed selectors, as keys of feeds.yaml, for a page that has no feed; otherwise None.
    selectors: Mapping[str, str] | None = None
    name: str | None = None


class FeedFinder(msgspec.Struct, frozen=True):
    """Fetches and parses addresses with the settings of the configuration."""

    fetcher: Fetcher
    documents: ReaderThreads | ReaderProcesses
    #: The feeds of feeds.yaml, by address.
    configured: Mapping[str, Feed]
    clock: Clock

    async def find_offered(self, urls: Sequence[str], *, page: str) -> tuple[list[FoundFeed], list[str]]:
        """Return the feeds that a page links to, and a problem for each that cannot be read."""
        feeds, problems = list[FoundFeed](), list[str]()
        for url in urls:
            try:
                feeds.append(await self.find(url, page=page))
            except (FetchError, ReadError) as error:
                problems.append(f"the page links to {url} as a feed, but: {error}")
        return feeds, problems

    async def find(self, url: str, *, page: str | None = None) -> FoundFeed:
        """Fetch and parse the feed at an address. Raises FetchError, ReadError, IsPage."""
        feed = self.configured.get(url) or Feed(url=url)
        home = url if page is None or url in self.configured else page
        request = Request(url=url, access=feed.access, options=feed.options, home=home)
        answer = await self.fetcher.get(request)
        if answer.status != 200:
            raise FetchError(f"{url}: the server answered {answer.status}")
        body = self._body(answer)
        try:
            reading = await self._parsed(body, feed)
        except IsPage:
            raise
        except ReadError as error:
            raise ReadError(f"{url}: {error}") from None
        return FoundFeed(url=answer.permanent_url or url, reading=reading, page=page)

    async def _parsed(self, body: Body, feed: Feed) -> ParsedFeed:
        """Parse a document, and omit the entries without any content. Raises ReadError."""
        reading, items = await self.documents.read(body, feed)
        items = prepare_items(feed, reading)[1] if items is None else items
        return replace(reading, entries=tuple(item.entry for item in items))

    def _body(self, answer: Response) -> Body:
        now = self.clock.now()
        return Body(content=answer.body, content_type=answer.content_type, url=answer.url, fetched=now)

    async def find_list(self, url: str) -> list[FoundFeed]:
        """Return the likeliest list of links on a page without a feed, parsed with its selectors, or nothing."""
        feed = self.configured.get(url) or Feed(url=url)
        answer = await self.fetcher.get(Request(url=url, access=feed.access, home=url))
        body = self._body(answer)
        try:
            name, selectors = await self.documents.propose_selectors(body)
        except ReadError as error:
            raise ReadError(f"{url}: {error}") from None
        if selectors is None:
            return []
        try:
            reading = await self._parsed(body, Feed(url=url, kind="page", options=dumps(dict(selectors))))
        except ReadError:
            return []
        return [FoundFeed(url=answer.permanent_url or url, reading=reading, selectors=selectors, name=name)]

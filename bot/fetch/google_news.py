"""Resolve Google News links to the publishers' addresses with googlenewsdecoder.

The library's requests go through our own client, with its guard and limits. A link that cannot be resolved stays
unchanged.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from bot.model.durations import Clock
from bot.model.errors import FetchError
from bot.model.fetching import Fetcher, Request

if TYPE_CHECKING:
    import httpx


_log = structlog.get_logger(__name__)

#: Maximum links per poll. Each link costs the request of a page, and all links together one more request.
_MOST: Final = 40
_SECONDS: Final = 60
#: Pause after a poll in which no link could be resolved.
_PAUSE: Final = timedelta(hours=1)
_MOST_KEPT: Final = 10_000


class GoogleNews:
    """Implements LinkResolver."""

    def __init__(self, fetcher: Fetcher, clock: Clock) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._resolved: OrderedDict[str, str] = OrderedDict()
        self._closed_until: datetime | None = None

    async def resolve(self, links: Sequence[str]) -> Mapping[str, str]:
        """Return the publisher's address by link. Omit links that are not Google's or cannot be resolved."""
        hidden = [link for link in dict.fromkeys(links) if _is_hidden(link)]
        unknown = [link for link in hidden if link not in self._resolved][:_MOST]
        now = self._clock.now()
        if unknown and (self._closed_until is None or self._closed_until <= now):
            resolved = await self._resolve(unknown)
            self._closed_until = None if resolved else now + _PAUSE
            self._resolved.update(resolved)
            while len(self._resolved) > _MOST_KEPT:
                self._resolved.popitem(last=False)
        return {link: self._resolved[link] for link in hidden if link in self._resolved}

    async def _resolve(self, links: Sequence[str]) -> Mapping[str, str]:
        # Import on first use, because it is an extra, and loads a parser that nothing else needs.
        try:
            import googlenewsdecoder
        except ImportError as error:
            help_text = "pip install 'wirewatch[googlenewsdecoder]'; until then, outlets of Google News are Google's"
            _log.warning("Google News links not resolved", links=len(links), error=str(error), help=help_text)
            return {}
        import httpx  # slow to import

        decoder = googlenewsdecoder.GoogleDecoderAsync(timeout=None)
        await decoder.close()
        decoder.client = httpx.AsyncClient(transport=_transport(self._fetcher), trust_env=False)
        try:
            async with asyncio.timeout(_SECONDS), decoder:
                answers = await decoder.decode_google_news_urls(list(links), concurrency=2)
        except Exception as error:  # noqa: BLE001 -- Google's format changes; a link stays unchanged then
            _log.warning("Google News links not resolved", links=len(links), error=f"{type(error).__name__}: {error}")
            return {}
        resolved = {
            link: str(answer["decoded_url"])
            for link, answer in zip(links, answers, strict=True)
            if answer.get("success") and _is_web(answer.get("decoded_url"))
        }
        if len(resolved) < len(links):
            why = next((answer.get("message") for answer in answers if not answer.get("success")), None)
            _log.warning("Google News links not resolved", links=len(links) - len(resolved), of=len(links), error=why)
        return resolved


#: The only host that gets the library's requests; feeds cannot choose it.
_HOME = "https://news.google.com/"


def _transport(fetcher: Fetcher) -> httpx.AsyncBaseTransport:
    """Return a transport that sends the library's requests through our client."""
    # Import on first use, because few feeds have such links.
    import httpx  # slow to import

    class FetcherTransport(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            form = (await request.aread()).decode() if request.method == "POST" else None
            try:
                answer = await fetcher.get(
                    Request(url=str(request.url), accept="text/html, */*;q=0.5", form=form, home=_HOME)
                )
            except FetchError as error:
                raise httpx.ConnectError(str(error), request=request) from error
            kind = {"content-type": "text/html; charset=utf-8"}
            return httpx.Response(answer.status, content=answer.body, headers=kind)

    return FetcherTransport()


def _is_hidden(link: str) -> bool:
    return link.startswith("https://news.google.com/") and "/articles/" in link


def _is_web(link: object) -> bool:
    """Return whether the link is a publisher's web address, and not Google's."""
    if not isinstance(link, str) or len(link) > 4_000 or not link.isprintable():
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.hostname != "news.google.com"

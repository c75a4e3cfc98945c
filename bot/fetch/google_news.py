"""The publishers' addresses behind the links of Google News, by googlenewsdecoder.

Its requests go through our own client, with its guard and its bounds. Whatever fails leaves a link as it is.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

import structlog

from bot import ports

if TYPE_CHECKING:
    import httpx

_log = structlog.get_logger(__name__)

#: Links of one poll: a page is fetched for each, then one request is sent for all.
_MOST: Final = 40
_SECONDS: Final = 60
#: How long nothing is sent after Google has resolved none of the links.
_PAUSE: Final = timedelta(hours=1)
_MOST_KEPT: Final = 10_000


class GoogleNews:
    """Implements ports.LinkResolver."""

    def __init__(self, fetcher: ports.Fetcher, clock: ports.Clock) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._found: OrderedDict[str, str] = OrderedDict()
        self._closed_until: datetime | None = None

    async def resolve(self, links: Sequence[str]) -> Mapping[str, str]:
        """Link -> the publisher's; links that are not Google's or cannot be resolved are left out."""
        wanted = [link for link in dict.fromkeys(links) if _is_hidden(link)]
        unknown = [link for link in wanted if link not in self._found][:_MOST]
        now = self._clock.now()
        if unknown and (self._closed_until is None or self._closed_until <= now):
            found = await self._asked(unknown)
            self._closed_until = None if found else now + _PAUSE
            self._found.update(found)
            while len(self._found) > _MOST_KEPT:
                self._found.popitem(last=False)
        return {link: self._found[link] for link in wanted if link in self._found}

    async def _asked(self, links: Sequence[str]) -> Mapping[str, str]:
        # On first use: it loads a parser that nothing else needs.
        import googlenewsdecoder
        import httpx

        decoder = googlenewsdecoder.GoogleDecoderAsync(timeout=None)
        await decoder.close()
        decoder.client = httpx.AsyncClient(transport=_ours(self._fetcher), trust_env=False)
        try:
            async with asyncio.timeout(_SECONDS), decoder:
                answers = await decoder.decode_google_news_urls(list(links), concurrency=2)
        except Exception as error:  # noqa: BLE001 -- the format is Google's and changes; a link stays as it is
            _log.warning(
                "links of Google News not resolved", links=len(links), error=f"{type(error).__name__}: {error}"
            )
            return {}
        found = {
            link: str(answer["decoded_url"])
            for link, answer in zip(links, answers, strict=True)
            if answer.get("success") and _is_web(answer.get("decoded_url"))
        }
        if len(found) < len(links):
            why = next((answer.get("message") for answer in answers if not answer.get("success")), None)
            _log.warning("links of Google News not resolved", links=len(links) - len(found), of=len(links), error=why)
        return found


#: The only host that is asked, which no feed chooses.
_HOME = "https://news.google.com/"


def _ours(fetcher: ports.Fetcher) -> httpx.AsyncBaseTransport:
    """Sends the library's requests by our client."""
    # Costs start-up, and few feeds have such links.
    import httpx

    class Ours(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            form = (await request.aread()).decode() if request.method == "POST" else None
            try:
                answer = await fetcher.get(
                    ports.Request(url=str(request.url), accept="text/html, */*;q=0.5", form=form, home=_HOME)
                )
            except ports.FetchError as error:
                raise httpx.ConnectError(str(error), request=request) from error
            kind = {"content-type": "text/html; charset=utf-8"}
            return httpx.Response(answer.status, content=answer.body, headers=kind)

    return Ours()


def _is_hidden(link: str) -> bool:
    return link.startswith("https://news.google.com/") and "/articles/" in link


def _is_web(link: object) -> bool:
    """An address of a publisher: on the web, and not Google's own again."""
    if not isinstance(link, str) or len(link) > 4_000 or not link.isprintable():
        return False
    try:
        parts = urlsplit(link)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.hostname != "news.google.com"

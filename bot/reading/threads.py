"""Parse documents in threads of this process.

The stage that stores the entries also cleans them: in these threads, cleaning made a first poll a tenth slower, since
one more thread competed for the interpreter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from bot import articles, model, ports, sources
from bot.fetch import fulltext
from bot.reading import mails

#: Parsing holds the interpreter, so more threads do not help; the second one takes over while a document takes seconds.
_THREADS = 2


class Threads:
    """Parses documents without the limits of a process."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, "read")

    async def prepare(self) -> None:
        """Do nothing: threads start with their first document."""

    async def read(
        self, body: ports.Body, feed: model.Feed, *, is_first: bool
    ) -> tuple[model.Reading, articles.Lookup | None]:
        """Parse a document, and clean nothing. Raises ReadError."""
        if mails.holds_mails(body):
            return await mails.read_each(body, feed, partial(self._read, feed=feed), is_first=is_first)
        return await self._read(body, feed)

    async def _read(self, body: ports.Body, feed: model.Feed) -> tuple[model.Reading, None]:
        work = partial(_parse, body, feed)
        return await asyncio.get_running_loop().run_in_executor(self._threads, work), None

    async def text_of_page(self, page: ports.Answer) -> str | None:
        """Return the main text of an article's page, or None if it has none. Raises whatever its parser raises."""
        return await fulltext.extract_here(page)

    async def lists_of(self, body: ports.Body) -> tuple[str | None, Sequence[Mapping[str, str]]]:
        """Return a page's name, and selectors of its lists, the likeliest first. Raises ReadError."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, sources.lists_of, body)

    async def close(self) -> None:
        """Start no more work; does not wait for running work."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _parse(body: ports.Body, feed: model.Feed) -> model.Reading:
    try:
        return sources.parse_document(body, kind=feed.kind, options=feed.options)
    except Exception:
        raise
    except BaseException as error:
        # A panic of a Rust library is not an Exception, and would end the bot.
        raise RuntimeError(f"a parser panicked: {error}") from error

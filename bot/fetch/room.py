"""Limit how many large bodies are held at a time, each from its download until it is stored.

Without this limit, 64 polls held 64 bodies of ``fetch.max_bytes``, twice. Knows no document.
"""

from __future__ import annotations

import asyncio
from typing import Final

#: Smaller bodies never wait; most feeds and pages are smaller.
SMALL_BYTES: Final = 500_000
#: One is parsed, one is stored, the others are being downloaded.
_MOST_LARGE: Final = 4


class Room:
    """Implements ports.Room."""

    def __init__(self) -> None:
        self._large = asyncio.Semaphore(_MOST_LARGE)

    def share(self) -> Share:
        """Return the share of one poll or page."""
        return Share(self._large)


class Share:
    """Implements ports.Share."""

    def __init__(self, large: asyncio.Semaphore) -> None:
        self._large = large
        self._is_large = False

    async def hold(self, size_bytes: int) -> None:
        """Wait until a body of this size may be held. The caller must not hold another share."""
        if size_bytes > SMALL_BYTES and not self._is_large:
            await self._large.acquire()
            self._is_large = True

    def close(self) -> None:
        """Hold nothing any more; may be called again."""
        if self._is_large:
            self._is_large = False
            self._large.release()

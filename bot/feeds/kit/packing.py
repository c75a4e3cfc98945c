"""Unpack a document's bytes within limits: gzip and deflate, and several mails in one document.

The HTTP library inflates a whole network read before the caller can count its bytes (a brotli bomb of 796 bytes became
500 MB), so packed bytes are inflated here, in small steps.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

from bot.model.errors import BodyTooBig, Unreachable

_GZIP_MAGIC = b"\x1f\x8b"
#: Values of zlib's wbits for gzip, zlib and raw deflate.
_GZIP, _ZLIB, _RAW = 31, 15, -15
_STEP_BYTES = 1024
#: A chunk counts as at least this many bytes towards the limit, because each chunk of one byte costs processor time.
_CHUNK_BYTES = 64
#: Maximum layers of compression. A body with more is an attack, or comes from a broken proxy.
_MAX_LAYERS = 2
#: A function that waits until the given number of bytes may be held in memory.
Hold = Callable[[int], Awaitable[None]]


async def no_wait(size_bytes: int) -> None:
    """Return at once: any number of bytes may be held."""


async def read_bounded(
    chunks: AsyncIterator[bytes], *, coding: str, limit_bytes: int, hold: Hold = no_wait
) -> tuple[bytes, bool]:
    """Return the unpacked body, and whether it is complete. Raises BodyTooBig, Unreachable.

    Raises the ConnectionError of ``chunks`` if nothing was received.

    ``coding`` is the value of Content-Encoding. Some servers declare a coding but send an unpacked body; return such a
    body unchanged.
    """
    names = [name.strip().lower() for name in coding.split(",") if name.strip().lower() not in ("", "identity")]
    unknown = [name for name in names if name not in ("gzip", "x-gzip", "deflate")]
    if unknown or len(names) > _MAX_LAYERS:
        raise Unreachable(f"the response is compressed as {coding[:60]}, which was not requested; inform the publisher")
    unpacker = Unpacker(limit_bytes, is_packed=bool(names), deflate=names[:1] == ["deflate"])
    received = 0
    is_whole = True
    try:
        async for chunk in chunks:
            # Feed packed bytes in small steps, because they may unpack to a thousand times as many.
            step = _STEP_BYTES if names else len(chunk)
            for place in range(0, len(chunk), step or 1):
                unpacker.feed(chunk[place : place + step])
                await hold(unpacker.size)
            # Limit packed bytes too, because an endless stream of empty blocks inflates to nothing.
            received += max(len(chunk), _CHUNK_BYTES)
            _check(received, limit_bytes)
            if unpacker.is_over:
                break
    except ConnectionError:
        # Keep the received part: a feed that is cut off after 50 items still has these items.
        if not unpacker.finished():
            raise
        is_whole = False
    content = unpacker.finished()
    if content.startswith(_GZIP_MAGIC):
        await hold(limit_bytes)
    return gunzip(content, limit_bytes=limit_bytes), is_whole and unpacker.is_whole


def gunzip(content: bytes, *, limit_bytes: int) -> bytes:
    """Unpack bytes that begin like gzip; return other bytes unchanged. Raises BodyTooBig."""
    for _ in range(_MAX_LAYERS):
        if not content.startswith(_GZIP_MAGIC):
            break
        unpacker = Unpacker(limit_bytes)
        unpacker.feed(content)
        unpacked = unpacker.finished()
        if not unpacked and not unpacker.is_whole:
            break
        content = unpacked
    return content


class Unpacker:
    """Inflates bytes piece by piece, and never holds more than the limit plus one step."""

    def __init__(self, limit_bytes: int, *, is_packed: bool = True, deflate: bool = False) -> None:
        #: Whether the remaining bytes are junk or damaged.
        self.is_over = False
        self.is_damaged = False
        self._out = bytearray()
        self._limit = limit_bytes
        self._deflate = deflate
        self._inflater: zlib._Decompress | None = None
        self._is_begun = not is_packed
        self._head = b""

    def feed(self, chunk: bytes) -> None:
        """Add packed bytes. Raises BodyTooBig."""
        if self.is_over:
            return
        if not self._is_begun:
            self._head += chunk
            if len(self._head) < len(_GZIP_MAGIC):
                return
            chunk, self._head = self._head, b""
            self._begin(chunk)
        if self._inflater is not None:
            # Use small steps, so that damage loses no more than one step.
            for place in range(0, len(chunk), _STEP_BYTES):
                self._inflate(chunk[place : place + _STEP_BYTES])
        else:
            self._out += chunk
            _check(len(self._out), self._limit)

    @property
    def size(self) -> int:
        """Return the number of unpacked bytes so far."""
        return len(self._out)

    @property
    def is_whole(self) -> bool:
        """Return whether the packed stream is complete."""
        return not self.is_damaged and (self._inflater is None or self._inflater.eof)

    def finished(self) -> bytes:
        """Return all unpacked bytes."""
        return bytes(self._out) + self._head

    def _begin(self, start: bytes) -> None:
        self._is_begun = True
        if start.startswith(_GZIP_MAGIC):
            self._inflater = zlib.decompressobj(_GZIP)
        elif self._deflate:
            # RFC 9110 requires zlib, but many servers send raw deflate. A zlib header is two bytes; as a
            # number, they are a multiple of 31.
            is_zlib = start[0] & 0x0F == zlib.DEFLATED and int.from_bytes(start[:2], "big") % 31 == 0
            self._inflater = zlib.decompressobj(_ZLIB if is_zlib else _RAW)

    def _inflate(self, chunk: bytes) -> None:
        while chunk and self._inflater is not None and not self.is_over:
            try:
                self._out += self._inflater.decompress(chunk, self._limit + 1 - len(self._out))
            except zlib.error:
                # Keep the bytes before the damage, as for a document that is cut off.
                self.is_over = self.is_damaged = True
                return
            _check(len(self._out), self._limit)
            if not self._inflater.eof:
                chunk = self._inflater.unconsumed_tail
                continue
            # A gzip file may have several members (RFC 1952 section 2.2). Any other bytes after a member are junk.
            chunk = self._inflater.unused_data
            if chunk.startswith(_GZIP_MAGIC):
                self._inflater = zlib.decompressobj(_GZIP)
            else:
                self.is_over = bool(chunk)


def _check(size: int, limit_bytes: int) -> None:
    if size > limit_bytes:
        raise too_big(limit_bytes)


def too_big(limit_bytes: int) -> BodyTooBig:
    """Return the error for a document of more than ``limit_bytes``, as received or unpacked."""
    return BodyTooBig(
        f"more than {limit_bytes / 1e6:g} MB when unpacked; not read."
        " If the feed is right, raise fetch.max_bytes in bot.yaml"
    )


MAILS_HEAD = b"Mails 1\n"
MAILS_TYPE = "application/vnd.wirewatch.mails"
_LENGTH_BYTES = 4


def pack_mail(mail: bytes, etag: str = "") -> bytes:
    """Pack one mail for a document that begins with MAILS_HEAD; ``etag`` is the mailbox's etag after this mail."""
    return b"".join(len(part).to_bytes(_LENGTH_BYTES, "big") + part for part in (etag.encode(), mail))


def unpack_mails(document: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the etag and the bytes of each complete mail of a document.

    >>> list(unpack_mails(MAILS_HEAD + pack_mail(b"one", "77.1") + pack_mail(b"two", "77.2")))
    [('77.1', b'one'), ('77.2', b'two')]
    """
    at = len(MAILS_HEAD)
    parts: list[bytes] = []
    while at + _LENGTH_BYTES <= len(document):
        end = at + _LENGTH_BYTES + int.from_bytes(document[at : at + _LENGTH_BYTES], "big")
        if end > len(document):
            return
        parts.append(document[at + _LENGTH_BYTES : end])
        at = end
        if len(parts) == 2:
            yield parts[0].decode("utf-8", "replace"), parts[1]
            parts.clear()

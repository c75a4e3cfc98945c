"""Pack several mails into one document: a head, then the etag and the bytes of each mail, each after its length."""

from __future__ import annotations

from collections.abc import Iterator

HEAD = b"Mails 1\n"
TYPE = "application/vnd.wirewatch.mails"
_LENGTH = 4


def packed(mail: bytes, etag: str = "") -> bytes:
    """Return one mail as it follows the head; ``etag`` is the mailbox's after this mail."""
    return b"".join(len(part).to_bytes(_LENGTH, "big") + part for part in (etag.encode(), mail))


def unpacked(document: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield the etag and the bytes of each complete mail of a document.

    >>> list(unpacked(HEAD + packed(b"one", "77.1") + packed(b"two", "77.2")))
    [('77.1', b'one'), ('77.2', b'two')]
    """
    at = len(HEAD)
    parts: list[bytes] = []
    while at + _LENGTH <= len(document):
        end = at + _LENGTH + int.from_bytes(document[at : at + _LENGTH], "big")
        if end > len(document):
            return
        parts.append(document[at + _LENGTH : end])
        at = end
        if len(parts) == 2:
            yield parts[0].decode("utf-8", "replace"), parts[1]
            parts.clear()

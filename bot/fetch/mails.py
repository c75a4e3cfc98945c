"""Several mails as one document: a head, then each with its length before it."""

from __future__ import annotations

from collections.abc import Iterator

HEAD = b"Mails 1\n"
TYPE = "application/vnd.wirewatch.mails"
_LENGTH = 4


def packed(mail: bytes) -> bytes:
    """One mail as it follows the head."""
    return len(mail).to_bytes(_LENGTH, "big") + mail


def unpacked(document: bytes) -> Iterator[bytes]:
    """The mails; of a document that was cut off, the whole ones.

    >>> list(unpacked(HEAD + packed(b"one") + packed(b"two")))
    [b'one', b'two']
    """
    at = len(HEAD)
    while at + _LENGTH <= len(document):
        end = at + _LENGTH + int.from_bytes(document[at : at + _LENGTH], "big")
        if end > len(document):
            return
        yield document[at + _LENGTH : end]
        at = end

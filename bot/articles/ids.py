"""Make the id of an article: the same on every machine.

The feed is part of it, so that no feed can take the id of another feed's article by listing its link first.
"""

from __future__ import annotations

import hashlib

from bot import model, ports


def of_link(feed: str, key: str) -> model.ArticleId:
    """Return the id of an article with a link; ``key`` is the link's key."""
    return of("link", feed, key)


def is_of_link(stub: ports.Stub, key: str) -> bool:
    """Return whether this link gave the article its id; up to schema 0008 the link alone did."""
    return stub.id in (of_link(stub.feed, key), of("link", key))


def of(*parts: str) -> model.ArticleId:
    """Return the first 20 hexadecimal digits of a hash over the parts."""
    packed = "\n".join(parts).encode("utf-8", "replace")
    return model.ArticleId(hashlib.sha256(packed).hexdigest()[:20])

"""The id of an article: the same on every machine, whichever feed brings it."""

from __future__ import annotations

import hashlib

from bot import model


def of_link(key: str) -> model.ArticleId:
    return of("link", key)


def of(*parts: str) -> model.ArticleId:
    said = "\n".join(parts).encode("utf-8", "replace")
    return model.ArticleId(hashlib.sha256(said).hexdigest()[:20])

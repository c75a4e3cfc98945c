"""Short articles of our own about the example story, and a hand for making more."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from bot import model

START = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)


def article(
    title: str,
    text: str = "",
    *,
    at: datetime = START,
    link: str | None = None,
    outlet: str = "Gazette",
    links: tuple[str, ...] = (),
) -> model.Article:
    """One article; its id follows from outlet, title and text."""
    key = hashlib.sha256(f"{outlet}\n{title}\n{text}\n{link}".encode()).hexdigest()
    return model.Article(
        id=model.ArticleId(key[:20]),
        feed=f"https://{outlet.lower()}.example/feed",
        outlet=outlet,
        owner=outlet,
        link=f"https://{outlet.lower()}.example/{key[:8]}" if link is None else link,
        title=title,
        text=text,
        published=at,
        first_seen=at + timedelta(minutes=5),
        links=links,
        fingerprint=key,
    )

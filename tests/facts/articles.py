"""Articles for the tests of facts."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

from bot.model.stories import Article, ArticleId


def article(
    title: str,
    text: str,
    *,
    name: str = "later",
    outlet: str = "Wire",
    day: date = date(2015, 12, 2),
    language: str = "en",
) -> Article:
    when = datetime.combine(day, time(9), UTC)
    return Article(
        id=ArticleId(name),
        feed=f"https://{outlet}.example/feed".replace(" ", "-").lower(),
        outlet=outlet,
        owner=outlet,
        link=f"https://news.example/{name}",
        title=title,
        text=text,
        language=language,
        published=when,
        first_seen=when,
        fingerprint=name,
    )

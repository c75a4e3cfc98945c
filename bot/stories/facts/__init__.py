"""Extract facts: news that an article adds to its story, and corrections between versions of an article.

    article → read → Reading ────────────────┐
    StoryClaims of its story and near ones ──┴→ news → facts; claims.add(reading)

These are pure functions. A statement is compared with earlier statements about the same thing, and a different value is
a change. The cost does not grow with the story, because the number of its claims is limited.
"""

from bot.stories.facts.claims import StoryClaims, claims_of
from bot.stories.facts.corrections import corrections
from bot.stories.facts.news import may_undo, newest_change, news, news_and_more, news_of_version, undoing
from bot.stories.facts.reading import Reading, read

__all__ = [
    "Reading",
    "StoryClaims",
    "claims_of",
    "corrections",
    "may_undo",
    "newest_change",
    "news",
    "news_and_more",
    "news_of_version",
    "read",
    "undoing",
]

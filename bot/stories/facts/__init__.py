"""Extract facts: news that an article adds to its story, corrections between its versions, and deadlines.

    article → read → Reading ─────────┐
    StoryClaims, and near it others' ─┴→ news → facts; claims.add(reading)

Pure. A statement is compared with earlier statements about the same thing, and the difference is the change. The cost
depends on the article, not on the story: claims are bounded however many articles join.
"""

from bot.stories.facts.claims import StoryClaims, claims_of
from bot.stories.facts.corrections import corrections
from bot.stories.facts.news import news, news_and_more, news_of_version, undoing
from bot.stories.facts.reading import Reading, read

__all__ = [
    "Reading",
    "StoryClaims",
    "claims_of",
    "corrections",
    "news",
    "news_and_more",
    "news_of_version",
    "read",
    "undoing",
]

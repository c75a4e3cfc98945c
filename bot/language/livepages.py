"""Pages that are rewritten all day: live blogs, tickers, “as it happened”. What changes in them is news, no correction.

Told by the words that outlets put into headline and address; a page without them is an article.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot import model

#: A page about several events, by the words of its headline.
_BLOG = re.compile(
    r"\b(?:live|rolling)(?:[ -]\w+){0,3}[ -](?:updates?|blog|coverage|ticker|feed|tracker)\b|\bliveblog\b|\blive news\b"
    r"|\b(?:updates?|news|coverage|blog|latest) live\b|\bnews updates?\b|\b(?:daily|morning|evening) update\b"
    r"|\b(?:world|global) (?:updates?|tracker)\b|\bas it happen(?:ed|s)\b|\bas the day unfolded\b"
    r"|\bminute[ -]by[ -]minute\b|\bminuto a minuto\b|\bminute par minute\b|\b(?:live|news)-?ticker\b",
    re.IGNORECASE,
)
#: Headlines of other pages that are rewritten; "LIVE:" alone does not say that a page is about several events.
_HEADLINE = re.compile(
    r"\b\w+ updates?\s*:|^\W*live\s*[:|–—-]|[:|–—-]\s*live\W*$"
    r"|\ben (?:direct|vivo|directo)\b|\bao vivo\b|\bin diretta\b"
    r"|онлайн-трансляция|прямая трансляция|تغطية مباشرة|\bcanlı (?:yayın|anlatım)\b",
    re.IGNORECASE,
)
#: In capitals inside a headline that does not shout: “Virus updates LIVE: …”.
_CAPITALS = re.compile(r"\bLIVE\b")
_PATH = re.compile(r"/live/|live-?blog|live-updates?\b|-as-it-happen(?:ed|s)\b|/liveticker\b", re.IGNORECASE)


def is_live_blog(article: model.Article) -> bool:
    """The page is about several events, one after another."""
    return bool(_BLOG.search(article.title) or _PATH.search(urlsplit(article.link).path))


def is_live_page(article: model.Article) -> bool:
    """The outlet writes this page again as things happen."""
    title = article.title
    if is_live_blog(article) or _HEADLINE.search(title):
        return True
    return not title.isupper() and _CAPITALS.search(title) is not None

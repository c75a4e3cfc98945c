"""Extract facts: what an article states to be new in its story, and corrections between versions of an article.

    earlier articles ─┐
    article ──────────┴▶ read ─▶ Reading ─▶ changes ("from A to B") ─┐
                                        └─▶ its headline, if it says ┴▶ news

These are pure functions. Nothing is inferred: both values of a change are stated, and a headline is quoted as its
outlet wrote it. Figures of two outlets are never a change.
"""

from bot.stories.facts.corrections import corrections
from bot.stories.facts.news import find_news, list_sentences, newest_news, opposes

__all__ = ["corrections", "find_news", "list_sentences", "newest_news", "opposes"]

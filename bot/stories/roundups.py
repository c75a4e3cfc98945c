"""Recognise round-ups by their titles: articles that list several events. They open stories, which only copies join."""

from __future__ import annotations

import re

from bot.model.rules import ArticleForm
from bot.model.stories import Article
from bot.text import headlines
from bot.text.headlines import find_form

_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"
#: A title that by itself announces several events.
_HEADS = re.compile(
    r"\b(?:round-?up|in brief|news ?briefs?|digest|bulletin|weekly wrap|top stories|quiz of the week"
    r"|(?:week|month|year) in review|what happened (?:in|around|today|this week)|things (?:you need )?to know"
    r"|(?:morning|evening|daily|weekly|(?:mon|tues|wednes|thurs|fri|satur|sun)day)(?:’s|'s)?"
    r" (?:briefing|wrap|report card|headlines|newsletter|tip sheet|update))\b"
    r"|;.*;|;\s*(?:and )?(?:other|more|plus)\b|\band other (?:news|stories|headlines)\b",
    re.IGNORECASE,
)
#: A title that names a period or a list.
_PERIOD = re.compile(
    r"\b(?:weeks?|fortnight|months?|quarter|half-?year|mid-year|\w+ days|log|list|table|tally|tracker|watch|map|recap"
    r"|diary|highlights|files?|calendar|ledger|(?:this|of the) (?:spring|summer|autumn|winter|year|season)"
    rf"|in (?:{_MONTHS})|(?:{_MONTHS})(?:’s|'s| in\b)|woche|wochenr[uü]ckblick|semaine|semana|week van|resumen"
    r"|tour d.horizon)\b",
    re.IGNORECASE,
)


def heads_several(article: Article) -> bool:
    """Return whether the title alone announces several events: a live blog, a briefing, a list of headlines."""
    if headlines.is_live_blog(article) or _HEADS.search(article.title) is not None:
        return True
    found = find_form(article.title, article.link, article.tags)
    return found is not None and found.form is ArticleForm.BRIEFING


def names_period(title: str) -> bool:
    """Return whether a title names a period or a list."""
    return _PERIOD.search(title) is not None

"""Remove an outlet's additions from titles ("UPDATE 2: Bank fined - Channel 5 News"), and recognise live pages."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot.model.stories import Article

#: Labels before a title, such as "BREAKING:" and "Update 2:".
_MARKS = "live|update[ds]?|watch|video|breaking(?: news)?|exclusive|just in|brief|urgent|refile"
_DRESS, _FRESHNESS = (
    re.compile(rf"^\s*(?:(?:{marks})(?:[\s-]*\d+)?\s*(?:[:|–—-]\s*))+", re.IGNORECASE)
    for marks in (f"{_MARKS}|opinion|analysis", _MARKS)
)
_SEPARATOR = re.compile(r"(?<!\s)\s++(?:[-–—·•|]|::)\s++|(?<!\s)\s*+\|\s*+")
_HOST = re.compile(r"https?://([^/:?#]+)", re.IGNORECASE)
#: Minimum letters of an outlet's name. Too many words begin with a shorter name by chance.
NAME_LETTERS = 3
#: Characters at the start of a title that are not searched for the outlet's name.
TITLE_CHARS = 12
#: Maximum words from the outlet's name to the end of the title, such as its town or "News, Weather & Sports".
TAIL_WORDS = 12
#: Maximum separators that are examined, from the end of the title.
_MOST_SEPARATORS = 12


def without_outlet(title: str, *, outlet: str, link: str) -> str:
    """Return the title up to the outlet's name. Recognise the name by ``outlet`` or by the link's domain."""
    names = [name for name in (_letters(outlet), _domain(link)) if len(name) >= NAME_LETTERS]
    for separator in [*_SEPARATOR.finditer(title, TITLE_CHARS)][-_MOST_SEPARATORS:]:
        tail = title[separator.end() :]
        if len(tail.split()) <= TAIL_WORDS and any(_begins_with(_letters(tail), name) for name in names):
            return title[: separator.start()]
    return title


def bare_title(title: str) -> str:
    """Return the title without a leading "LIVE:" or "Update 2:"."""
    return _DRESS.sub("", title) or title


def quoted_title(title: str, *, outlet: str, link: str) -> str:
    """Return the title as quoted next to its outlet: without the outlet's name and "LIVE:", but with "Opinion:"."""
    return _FRESHNESS.sub("", without_outlet(title, outlet=outlet, link=link)) or title


def _begins_with(tail: str, name: str) -> bool:
    """Return whether one text begins with the other, so that "BBC" names the outlet "BBC News"."""
    return tail.startswith(name) or (len(tail) >= NAME_LETTERS and name.startswith(tail))


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold())).removeprefix("the")


def _domain(link: str) -> str:
    """Return the name in a link's host, such as "gazette" for www.gazette.example and gazette.co.example."""
    match = _HOST.match(link)
    labels = match.group(1).split(".") if match else []
    if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2:
        labels.pop()
    return _letters(labels[-2]) if len(labels) > 1 else ""


#: Headlines of pages about several events.
_BLOG = re.compile(
    r"\b(?:live|rolling)(?:[ -]\w+){0,3}[ -](?:updates?|blog|coverage|ticker|feed|tracker)\b|\bliveblog\b|\blive news\b"
    r"|\b(?:updates?|news|coverage|blog|latest) live\b|\bnews updates?\b|\b(?:daily|morning|evening) update\b"
    r"|\b(?:world|global) (?:updates?|tracker)\b|\bas it happen(?:ed|s)\b|\bas the day unfolded\b"
    r"|\bminute[ -]by[ -]minute\b|\bminuto a minuto\b|\bminute par minute\b|\b(?:live|news)-?ticker\b",
    re.IGNORECASE,
)
#: Headlines of pages that are updated all day, but that may report a single event, such as "LIVE: …".
_HEADLINE = re.compile(
    r"\b\w+ updates?\s*:|^\W*live\s*[:|–—-]|[:|–—-]\s*live\W*$"
    r"|\ben (?:direct|vivo|directo)\b|\bao vivo\b|\bin diretta\b"
    r"|онлайн-трансляция|прямая трансляция|تغطية مباشرة|\bcanlı (?:yayın|anlatım)\b",
    re.IGNORECASE,
)
#: The word LIVE, which counts in a headline that is not all in capitals (“Virus updates LIVE: …”).
_CAPITALS = re.compile(r"\bLIVE\b")
_PATH = re.compile(r"/live/|live-?blog|live-updates?\b|-as-it-happen(?:ed|s)\b|/liveticker\b", re.IGNORECASE)


def is_live_blog(article: Article) -> bool:
    """Return whether the page reports several events, one after another."""
    return bool(_BLOG.search(article.title) or _PATH.search(urlsplit(article.link).path))


def is_live_page(article: Article) -> bool:
    """Return whether the outlet updates this page as events unfold."""
    title = article.title
    if is_live_blog(article) or _HEADLINE.search(title):
        return True
    return not title.isupper() and _CAPITALS.search(title) is not None

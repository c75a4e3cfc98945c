"""Titles without an outlet's additions ("UPDATE 2: Bank fined - Channel 5 News"), and titles of live pages."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from bot import model

#: "BREAKING:", "Update 2:", "CORRECTED-": what sort of item it is, not what it says.
_MARKS = "live|update[ds]?|watch|video|breaking(?: news)?|exclusive|just in|brief|urgent|refile"
_DRESS, _FRESHNESS = (
    re.compile(rf"^\s*(?:(?:{marks})(?:[\s-]*\d+)?\s*(?:[:|–—-]\s*))+", re.IGNORECASE)
    for marks in (f"{_MARKS}|opinion|analysis", _MARKS)
)
_SEPARATOR = re.compile(r"(?<!\s)\s++(?:[-–—·•|]|::)\s++|(?<!\s)\s*+\|\s*+")
_HOST = re.compile(r"https?://([^/:?#]+)", re.IGNORECASE)
#: A name of fewer letters begins too many words by chance.
NAME_LETTERS = 3
#: A title says something before its outlet is named.
TITLE_CHARS = 12
#: What follows an outlet's name (its town, "News, Weather & Sports") ends within this many words.
TAIL_WORDS = 12
#: Parts of a title that are looked at, from its end; what has more is no title.
_MOST_SEPARATORS = 12


def without_outlet(title: str, *, outlet: str, link: str) -> str:
    """The title up to where its outlet is named: by the feed's name or by its domain."""
    names = [name for name in (_letters(outlet), _domain(link)) if len(name) >= NAME_LETTERS]
    for separator in [*_SEPARATOR.finditer(title, TITLE_CHARS)][-_MOST_SEPARATORS:]:
        tail = title[separator.end() :]
        if len(tail.split()) <= TAIL_WORDS and any(_begins_with(_letters(tail), name) for name in names):
            return title[: separator.start()]
    return title


def bare_title(title: str) -> str:
    """Without "LIVE:" and "Update 2:" before it."""
    return _DRESS.sub("", title) or title


def quoted_title(title: str, *, outlet: str, link: str) -> str:
    """As it is quoted beside its outlet and the time: without both, and without "LIVE:"; "Opinion:" stays."""
    return _FRESHNESS.sub("", without_outlet(title, outlet=outlet, link=link)) or title


def _begins_with(tail: str, name: str) -> bool:
    """ "BBC News" is named by "BBC", and "The Gazette - Asia" by "The Gazette"."""
    return tail.startswith(name) or (len(tail) >= NAME_LETTERS and name.startswith(tail))


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold())).removeprefix("the")


def _domain(link: str) -> str:
    """The name in a link's host: gazette of www.gazette.example and of gazette.co.example."""
    found = _HOST.match(link)
    labels = found.group(1).split(".") if found else []
    if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2:
        labels.pop()
    return _letters(labels[-2]) if len(labels) > 1 else ""


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

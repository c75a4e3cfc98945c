"""Remove what an outlet adds to a headline: its own name, and labels such as "LIVE:"."""

from __future__ import annotations

import re

from bot.patterns import LazyPattern

#: Labels before a title, such as "BREAKING:" and "Update 2:".
_LABELS = (
    "live(?: updates?)?|update[ds]?|watch|video|listen|podcast|breaking(?: news)?|exclusive|just in|developing"
    "|brief|urgent|refile"
)
_DRESS, _FRESHNESS = (
    LazyPattern(rf"^\s*(?:(?:{marks})(?:[\s-]*\d+)?\s*(?:[:|–—-]\s*))+", re.IGNORECASE)
    for marks in (f"{_LABELS}|opinion|analysis", _LABELS)
)
#: One to three words before a headline that name its topic ("COVID: …"). Outlets add and remove them.
_TOPIC = LazyPattern(r"^\s*[^\s:|]+(?:\s+[^\s:|]+){0,2}(?::|\s+\|)\s+")
_SEPARATOR = LazyPattern(r"(?<!\s)\s++(?:[-–—·•|]|::)\s++|(?<!\s)\s*+\|\s*+")
_LINK_HOST = LazyPattern(r"https?://([^/:?#]+)", re.IGNORECASE)
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
        letters = _letters(tail)
        # "BBC" names the outlet "BBC News" too.
        begins = any(
            letters.startswith(name) or (len(letters) >= NAME_LETTERS and name.startswith(letters)) for name in names
        )
        if begins and len(tail.split()) <= TAIL_WORDS:
            return title[: separator.start()]
    return title


def bare_title(title: str) -> str:
    """Return the title without a leading "LIVE:" or "Update 2:"."""
    return _DRESS.sub("", title) or title


def without_topic(title: str) -> str:
    """Return the title without a leading topic, such as "Coronavirus: …"; the words may also name a speaker."""
    return _TOPIC.sub("", title) or title


def quoted_title(title: str, *, outlet: str, link: str) -> str:
    """Return the title as quoted next to its outlet: without the outlet's name and "LIVE:", but with "Opinion:"."""
    return _FRESHNESS.sub("", without_outlet(title, outlet=outlet, link=link)) or title


def _letters(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold())).removeprefix("the")


def _domain(link: str) -> str:
    """Return the name in a link's host, such as "gazette" for www.gazette.example and gazette.co.example."""
    match = _LINK_HOST.match(link)
    labels = match.group(1).split(".") if match else []
    if len(labels) > 2 and len(labels[-2]) <= 3 and len(labels[-1]) == 2:
        labels.pop()
    return _letters(labels[-2]) if len(labels) > 1 else ""

"""Find feeds for a topic: searches of news search engines that need no key, in the editions that suit the topic."""

from __future__ import annotations

import re

from babel import Locale
from babel.languages import get_official_languages

from bot.patterns import LazyPattern
from bot.text.names import background_table
from bot.text.tokens import fold

#: The edition that every topic gets.
_FIRST_EDITION = "en-US"
#: Maximum editions for one topic.
_MOST_EDITIONS = 4
#: Matches a phrase in quotation marks, or a word.
_PART = LazyPattern(r'"([^"]+)"|([\w@#&/.+-]+)')
#: Words that say nothing about a topic.
_COMMON = frozenset("a an and about at by for from in into of on or over the to under with".split())


def find_editions(topic: str) -> list[str]:
    """Return the editions of news search engines that suit a topic: the US edition, and one for each country it names.

    An edition is a language and a country. It is in English where English is an official language. Other editions are
    searched only for a topic with a word that is not English, because English words find next to nothing there.

    >>> find_editions("lawful access Pakistan"), find_editions("Chatkontrolle Germany"), find_editions("flu Denmark")
    (['en-US', 'en-PK'], ['en-US', 'de-DE'], ['en-US'])
    """
    editions = [_FIRST_EDITION]
    english = background_table().rates
    is_foreign = any(fold(word) not in english for word in re.findall(r"[^\W\d_]+", topic))
    for code, name in Locale("en").territories.items():
        if len(code) == 2 and code.isalpha() and re.search(rf"(?<!\w){re.escape(name)}(?!\w)", topic, re.IGNORECASE):
            languages = [language for language in get_official_languages(code) if len(language) <= 3]
            if "en" in languages:
                editions.append(f"en-{code}")
            elif languages and is_foreign:
                editions.append(f"{languages[0]}-{code}")
    return list(dict.fromkeys(editions))[:_MOST_EDITIONS]


def list_searches(topic: str, *, editions: list[str]) -> list[str]:
    """Return the short forms of the searches for a topic.

    >>> list_searches("lawful access", editions=["en-US"])
    ['google-news:en-US:lawful access', 'bing-news:en-US:lawful access', 'gdelt:lawful access']
    """
    words = " ".join(topic.split())
    engines = ("google-news", "bing-news")
    return [*(f"{engine}:{edition}:{words}" for engine in engines for edition in editions), f"gdelt:{words}"]


def split_topic(topic: str) -> list[str]:
    """Return the phrases and words of a topic that a rule can require.

    >>> split_topic('the "lawful access" bill in Pakistan')
    ['lawful access', 'bill', 'Pakistan']
    """
    parts = (phrase.strip() or word.strip(".-/+") for phrase, word in _PART.findall(topic))
    return list(dict.fromkeys(part for part in parts if len(part) > 1 and part.casefold() not in _COMMON))

"""Find the searches that audit a rule: the short forms of news search engines, as feeds.yaml has them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.feeds import places
from bot.model.feeds import Feed
from bot.model.rules import FROM_TERMS
from bot.rules import outside
from bot.rules.evaluate import CompiledRule

#: Reports that are older than this are not searched. GDELT returns those of one day.
RECENT = timedelta(days=2)
_EDITION = re.compile(r"([a-z]{2,3}-[A-Z]{2}): ?(.*)\Z", re.DOTALL)
_FIRST_EDITION = "en-US"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSearch:
    """One search in one outside index."""

    #: The place of the index: google-news, bing-news or gdelt.
    place: str
    feed: Feed


class NotSearchable(ValueError):
    """Raised if a rule or a search text has nothing that an index can search."""

    HELP = 'write what to search for: audit: "search text"'


def list_searches(compiled: CompiledRule) -> list[IndexSearch]:
    """Return the searches of a rule with the key ``audit``; none for other rules. Raises NotSearchable."""
    searches: dict[str, IndexSearch] = {}
    for short_form in _list_short_forms(compiled):
        try:
            feed = places.expand_short_form(short_form)
        except places.Unfit:
            raise NotSearchable(f'"{short_form}" is not a search of a news search engine') from None
        index = short_form.partition(":")[0]
        searches.setdefault(feed.url, IndexSearch(place=index, feed=replace(feed, backfill=RECENT)))
    return list(searches.values())


def _list_short_forms(compiled: CompiledRule) -> Iterator[str]:
    for written in compiled.rule.audit:
        match = _EDITION.match(written)
        text = match[2] if match else written
        editions = [match[1]] if match else [_FIRST_EDITION]
        if text == FROM_TERMS:
            text = outside.make_search_text(compiled)
            editions = editions if match else [*map(_edition_of, outside.find_languages(compiled))] or editions
            if not text:
                raise NotSearchable("an index cannot search for any word or phrase of the rule")
        for edition in editions:
            # Without this limit, Google returns old articles too.
            yield f"google-news:{edition}:{text} when:{RECENT.days}d"
            yield f"bing-news:{edition}:{text}"
            if edition.startswith("en-"):
                # GDELT searches English translations of the articles.
                yield f"gdelt:{text}"


def _edition_of(language: str) -> str:
    """Return the edition of the country where most people speak a language.

    >>> _edition_of("ur")
    'ur-PK'
    """
    # Import on first use, because babel is slow to import and few rules name a language.
    from babel.core import get_global

    return f"{language}-{get_global('likely_subtags').get(language, _FIRST_EDITION).replace('-', '_').split('_')[-1]}"

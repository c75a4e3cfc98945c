"""Find the searches that audit a rule: its terms as a search text, in the short forms that feeds.yaml has for indexes.

    rule → groups of alternatives, one group for each thing that must occur → (PTA OR regulator) "back door"

A search engine knows only words and phrases, so the text asks for more than the rule: exclusions, distances and fields
are omitted, and the rule itself decides about what the engine returns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import msgspec

from bot.feeds import places
from bot.model.feeds import Feed, FeedState
from bot.model.rules import FROM_TERMS
from bot.rules import expression
from bot.rules.evaluate import CompiledRule
from bot.rules.index import choose_groups, find_needs
from bot.rules.parts import LineKind, read_rule
from bot.text.names import background_table

#: Reports that are older than this are not searched. GDELT returns those of one day.
RECENT = timedelta(days=2)
#: Maximum words of a search text. Google ignores the words after the 32nd.
MOST_WORDS = 30
#: Maximum words for a term that ends in ``*``.
MOST_ENDINGS = 2
_EDITION = re.compile(r"([a-z]{2,3}-[A-Z]{2}): ?(.*)\Z", re.DOTALL)
_FIRST_EDITION = "en-US"
#: Words that search engines take for operators.
_OPERATORS = frozenset(("OR", "AND", "NOT"))

#: The weight of a need that no index can search for.
_UNSEARCHABLE = 1_000_000.0

#: Words or phrases; one of them must occur.
Phrases = tuple[str, ...]


class IndexSearch(msgspec.Struct, frozen=True, kw_only=True):
    """The search for a rule in one outside index."""

    compiled: CompiledRule
    #: google-news, bing-news or gdelt.
    index: str
    feed: Feed


def find_failing(searches: Iterable[IndexSearch], states: Mapping[str, FeedState]) -> dict[str, str]:
    """Return index -> error, for the indexes that did not answer the last search. ``states`` are by address."""
    polled = [(search.index, states[search.feed.url]) for search in searches if search.feed.url in states]
    last = dict(sorted(polled, key=lambda pair: pair[1].polled_at or pair[1].due_at))
    return {index: state.error for index, state in last.items() if state.error}


def list_searches(compiled: CompiledRule) -> list[IndexSearch]:
    """Return the searches of a rule's key ``audit``, or nothing if an index cannot search for one of its texts."""
    rule, searches = compiled.rule, dict[str, IndexSearch]()
    for written in rule.audit:
        match = _EDITION.match(written)
        text = match[2] if match else written
        editions = [match[1]] if match else [_FIRST_EDITION]
        if text == FROM_TERMS:
            text = make_search_text(compiled)
            editions = editions if match else [*map(_edition_of, _find_languages(compiled))] or editions
        if not text:
            return []
        for short_form in _list_short_forms(text, editions):
            try:
                feed = places.expand_short_form(short_form)
            except places.Unfit:
                return []
            # Servers do not see the fragment. It makes a rule with new terms start over, like a feed that was added.
            feed = replace(feed, url=f"{feed.url}#{quote(f'{rule.name} {rule.version}')}", every=timedelta(days=1))
            searches[feed.url] = IndexSearch(compiled=compiled, index=short_form.partition(":")[0], feed=feed)
    return list(searches.values())


def _list_short_forms(text: str, editions: Iterable[str]) -> Iterator[str]:
    for edition in editions:
        # Without this limit, Google returns old articles too.
        yield f"google-news:{edition}:{text} when:{RECENT.days}d"
        yield f"bing-news:{edition}:{text}"
        if edition.startswith("en-"):
            # GDELT searches English translations of the articles.
            yield f"gdelt:{text}"


def _find_languages(compiled: CompiledRule) -> list[str]:
    """Return the languages to which the rule's query is restricted by ``lang:``, or nothing."""
    required = (part.expression for part in compiled.parts if part.kind is not LineKind.NONE)
    leaves = (leaf for tree in required for leaf in expression.leaves(tree))
    named = (leaf.text for leaf in leaves if isinstance(leaf, expression.Value) and leaf.field == "lang")
    return list(dict.fromkeys(language.lower().replace("_", "-").partition("-")[0] for language in named))


def _edition_of(language: str) -> str:
    """Return the edition of the country where most people speak a language.

    >>> _edition_of("ur")
    'ur-PK'
    """
    # Import on first use, because babel is slow to import and few rules name a language.
    from babel.core import get_global

    return f"{language}-{get_global('likely_subtags').get(language, _FIRST_EDITION).replace('-', '_').split('_')[-1]}"


def make_search_text(compiled: CompiledRule) -> str:
    """Return the search text of a rule, or an empty text if no word or phrase of it can be searched."""
    phrases: list[Phrases] = []

    def number(leaf: expression.Leaf) -> int:
        phrases.append(_list_phrases(leaf))
        return len(phrases) - 1

    # Search engines know the forms of a word themselves.
    needs = find_needs(read_rule(replace(compiled.rule, stem=False)).parts, number)
    # Search for one need of each alternative: the text finds more, not less.
    needed = choose_groups(needs, lambda place: 1.0 if phrases[place] else _UNSEARCHABLE)
    groups = {tuple(dict.fromkeys(phrase for place in group for phrase in phrases[place])): None for group in needed}
    words_left, texts = MOST_WORDS, []
    for place, group in enumerate(sorted(filter(None, groups), key=len)):
        # A group with an alternative missing would hide articles; without a whole group, the text finds more. Only the
        # narrowest group may be shortened.
        words = [len(phrase.split()) for phrase in group]
        kept = tuple(phrase for count, phrase in enumerate(group, 1) if sum(words[:count]) <= words_left)
        if kept and (kept == group or place == 0):
            texts.append(f"({' OR '.join(kept)})" if len(kept) > 1 else kept[0])
            words_left -= sum(len(phrase.split()) for phrase in kept)
    return " ".join(texts)


def _list_phrases(leaf: expression.Leaf) -> Phrases:
    """Return the words or phrases to search for a term, or nothing if no index can search for it.

    A term that ends in ``*`` becomes the most frequent words that begin with it, or else stays as it is written.
    """
    if isinstance(leaf, expression.Window):
        return _list_phrases(leaf.parts[0])
    # A search engine searches titles and texts; it can search no other field, and no pattern.
    if not isinstance(leaf, expression.Words) or leaf.field not in (None, *expression.LIST_FIELDS) or "?" in leaf.text:
        return ()
    phrase, _, last = leaf.text.replace("*", "").rpartition(" ")
    endings = [last]
    if leaf.text.endswith("*"):
        rates = background_table().rates
        words = sorted((word for word in rates if word.startswith(last.lower())), key=lambda word: -rates[word])
        endings = words[:MOST_ENDINGS] or [last]
    return tuple(_quote(f"{phrase} {ending}".strip()) for ending in endings)


def _quote(text: str) -> str:
    bare = " ".join(re.sub(r'["()]', " ", text).split())
    return f'"{bare}"' if " " in bare or bare in _OPERATORS else bare

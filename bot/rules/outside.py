"""Make the search text that asks a news search engine for the articles of a rule.

    rule → groups of alternatives, one group for each thing that must occur → (PTA OR regulator) "back door"

A search engine knows only words and phrases, so the text asks for more than the rule: exclusions, distances and fields
are omitted, and the rule itself decides about what the engine returns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.rules import expression
from bot.rules.evaluate import CompiledRule
from bot.rules.parts import LineKind, read_rule
from bot.text.names import background_table

#: Maximum words of a search text. Google ignores the words after the 32nd.
MOST_WORDS = 30
#: Maximum words for a term that ends in ``*``.
MOST_ENDINGS = 2
#: Words that search engines take for operators.
_OPERATORS = frozenset(("OR", "AND", "NOT"))

#: Words or phrases; at least one must occur.
Group = tuple[str, ...]


def make_search_text(compiled: CompiledRule) -> str:
    """Return the search text of a rule, or an empty text if no word or phrase of it can be searched."""
    # Search engines know the forms of a word themselves.
    required = [part for part in read_rule(replace(compiled.rule, stem=False)).parts if part.kind is not LineKind.NONE]
    groups = [group for part in required if part.kind is LineKind.ALL for group in _list_groups(part.expression)]
    if alternatives := tuple(part.expression for part in required if part.kind is LineKind.ANY):
        groups += _list_groups(expression.Any(alternatives))
    return " ".join(map(_render, _fit(groups)))


def find_languages(compiled: CompiledRule) -> list[str]:
    """Return the languages to which the rule's query is restricted by ``lang:``, or nothing."""
    leaves = (
        leaf for part in compiled.parts if part.kind is not LineKind.NONE for leaf in expression.leaves(part.expression)
    )
    named = (leaf.text for leaf in leaves if isinstance(leaf, expression.Value) and leaf.field == "lang")
    return list(dict.fromkeys(language.lower().replace("_", "-").partition("-")[0] for language in named))


def _list_groups(tree: expression.Expression) -> list[Group]:
    """Return the groups that must all have a match. An empty list means that nothing of it can be searched."""
    match tree:
        case expression.Words(text=text, field=field):
            # A search engine searches titles and texts; it can search no other field, and no pattern.
            is_searchable = field in (None, *expression.LIST_FIELDS) and "?" not in text
            return [_complete(text)] if is_searchable else []
        case expression.All(parts) | expression.Window(parts):
            return [group for part in parts for group in _list_groups(part)]
        case expression.Near(left, right):
            return [*_list_groups(left), *_list_groups(right)]
        case expression.Any(parts) | expression.Named(_, parts):
            # If an alternative has several groups, one group is enough: the text finds more, not less.
            alternatives = [min(groups, key=len) for part in parts if (groups := _list_groups(part))]
            merged = dict.fromkeys(text for group in alternatives for text in group)
            return [tuple(merged)] if merged else []
        case _:
            return []


def _complete(text: str) -> Group:
    """Return a term without its ``*``: with the most frequent words that begin with it, or else as it is written."""
    if not text.endswith("*"):
        return (text.replace("*", ""),)
    phrase, _, beginning = text.removesuffix("*").replace("*", "").rpartition(" ")
    rates = background_table().rates
    words = sorted((word for word in rates if word.startswith(beginning.lower())), key=lambda word: -rates[word])
    return tuple(f"{phrase} {word}".strip() for word in words[:MOST_ENDINGS] or [beginning])


def _fit(groups: Sequence[Group]) -> Iterator[Group]:
    """Yield the groups that fit into a search text, the narrowest first. Only the first one may be shortened."""
    words_left = MOST_WORDS
    for number, group in enumerate(sorted(dict.fromkeys(groups), key=len)):
        kept, words_needed = [], 0
        for text in group:
            words_needed += len(text.split())
            if words_needed <= words_left:
                kept.append(text)
        # A group with an alternative missing would hide articles; without a whole group, the text finds more.
        if kept and (len(kept) == len(group) or number == 0):
            yield tuple(kept)
            words_left -= words_needed


def _render(group: Group) -> str:
    phrases = [f'"{bare}"' if " " in bare or bare in _OPERATORS else bare for bare in map(_without_quotes, group)]
    return f"({' OR '.join(phrases)})" if len(phrases) > 1 else phrases[0]


def _without_quotes(text: str) -> str:
    return " ".join(text.replace('"', " ").replace("(", " ").replace(")", " ").split())

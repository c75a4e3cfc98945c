"""Narrow a search: the condition on an index of words that every matching article fulfils."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot import ports
from bot.language.sentences import UNSPACED
from bot.rules import expression

#: Fields whose words the index holds.
_INDEXED = (None, "title", "body", "source")
#: A word as both indexes have it; ``?`` matches any letter, ``*`` any end.
_WORD = re.compile(r"[\w?]+\*?")


def condition(tree: expression.Expression) -> ports.Condition | None:
    """Return the condition, or None if the index cannot help (exclusion, regular expression, script without spaces)."""
    match tree:
        case expression.Words(text, _, field):
            return _all_of(_terms(text, field)) if field in _INDEXED else None
        case expression.All(parts):
            excluded_terms = tuple(other for part in parts for other in _excluded(part))
            required = _all_of(inner for part in parts if (inner := condition(part)) is not None)
            return ports.AllOf((required,), excluded_terms) if required is not None and excluded_terms else required
        case expression.Window(parts, _, _):
            return _all_of(inner for part in parts if (inner := condition(part)) is not None)
        case expression.Near(left, right):
            return _all_of(inner for part in (left, right) if (inner := condition(part)) is not None)
        case expression.Any(parts) | expression.Named(_, parts):
            alternatives = [condition(part) for part in parts]
            conditions = tuple(alternative for alternative in alternatives if alternative is not None)
            return ports.AnyOf(conditions) if len(conditions) == len(alternatives) else None
        case _:
            return None


def _excluded(part: expression.Expression) -> Iterable[ports.Term]:
    """Yield an excluded word that index and rules find in the same articles: without accents, capitals and digits."""
    match part:
        case expression.Not(expression.Words(text, False, field)):
            if field in _INDEXED and text.isascii() and text.isalpha() and text.islower():
                yield ports.Term(words=(text,), field=field)


def _all_of(parts: Iterable[ports.Condition]) -> ports.Condition | None:
    conditions = tuple(parts)
    return conditions[0] if len(conditions) == 1 else ports.AllOf(conditions) if conditions else None


def _terms(text: str, field: str | None) -> Iterable[ports.Term]:
    """Yield the runs of words that the index has; a word with ``?`` or of a script without spaces ends a run."""
    run: list[str] = []
    for match in _WORD.finditer(text):
        word = match[0].removesuffix("*")
        # The indexes treat a number in a circle as a mark.
        is_word = any(character.isalpha() or character.isdecimal() for character in word)
        is_indexed = is_word and "?" not in word and not UNSPACED.search(word)
        if is_indexed:
            run.append(word)
        if run and (not is_indexed or match[0].endswith("*")):
            yield ports.Term(words=tuple(run), is_prefix=is_indexed, field=field)
            run = []
    if run:
        yield ports.Term(words=tuple(run), field=field)

"""An expression → a condition that every article of which it is true fulfils, as far as an index of words can tell."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bot import ports
from bot.language.sentences import UNSPACED
from bot.rules import expression

#: Fields whose words the index holds.
_INDEXED = (None, "title", "body", "source")
#: A word as both indexes have it; ``?`` stands for any letter, ``*`` for any end.
_WORD = re.compile(r"[\w?]+\*?")


def condition(wanted: expression.Expression) -> ports.Condition | None:
    """None: an index of words tells nothing (an exclusion, a regular expression, a script without spaces)."""
    match wanted:
        case expression.Words(text, _, field):
            return _all_of(_terms(text, field)) if field in _INDEXED else None
        case expression.All(parts):
            others = tuple(other for part in parts for other in _excluded(part))
            needed = _all_of(found for part in parts if (found := condition(part)) is not None)
            return ports.AllOf((needed,), others) if needed is not None and others else needed
        case expression.Window(parts, _, _):
            return _all_of(found for part in parts if (found := condition(part)) is not None)
        case expression.Near(left, right):
            return _all_of(found for part in (left, right) if (found := condition(part)) is not None)
        case expression.Any(parts) | expression.Named(_, parts):
            alternatives = [condition(part) for part in parts]
            known = tuple(each for each in alternatives if each is not None)
            return ports.AnyOf(known) if len(known) == len(alternatives) else None
        case _:
            return None


def _excluded(part: expression.Expression) -> Iterable[ports.Term]:
    """A word that index and rules find in the same articles: without accents, capitals and digits."""
    match part:
        case expression.Not(expression.Words(text, False, field)):
            if field in _INDEXED and text.isascii() and text.isalpha() and text.islower():
                yield ports.Term(words=(text,), field=field)


def _all_of(parts: Iterable[ports.Condition]) -> ports.Condition | None:
    found = tuple(parts)
    return found[0] if len(found) == 1 else ports.AllOf(found) if found else None


def _terms(text: str, field: str | None) -> Iterable[ports.Term]:
    """The runs of words that the index knows; a word with a hole or of a script without spaces ends one."""
    run: list[str] = []
    for found in _WORD.finditer(text):
        word = found[0].removesuffix("*")
        # A number in a circle is a mark to the indexes.
        is_word = any(each.isalpha() or each.isdecimal() for each in word)
        is_known = is_word and "?" not in word and not UNSPACED.search(word)
        if is_known:
            run.append(word)
        if run and (not is_known or found[0].endswith("*")):
            yield ports.Term(words=tuple(run), is_prefix=is_known, field=field)
            run = []
    if run:
        yield ports.Term(words=tuple(run), field=field)

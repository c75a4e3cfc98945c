"""Write out the other English forms of a term's last word, for rules with ``stem: true``.

A stemmer removes endings; the engine looks words up. So the forms are written out when a rule is compiled, the stemmer
checks each form, and a match names the form that the article has.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from bot.language import background
from bot.rules import expression, patterns
from bot.rules.errors import QueryError

if TYPE_CHECKING:
    from snowballstemmer.english_stemmer import EnglishStemmer

#: Minimum length of a word; shorter ones are usually abbreviations.
_SHORTEST = 3


def widen(tree: expression.Expression) -> expression.Expression:
    """Return the tree with the other forms of each plain word added; the words of ``"a b"~n`` do not change."""
    match tree:
        case expression.Words():
            forms = (tree, *_other_forms(tree))
            return forms[0] if len(forms) == 1 else expression.Any(forms)
        case expression.Named(name, parts, field):
            return expression.Named(name, _flat(parts), field)
        case expression.All(parts):
            return expression.All(tuple(map(widen, parts)))
        case expression.Any(parts):
            return expression.Any(_flat(parts))
        case expression.Not(part):
            return expression.Not(widen(part))
        case expression.Near(left, right, words, is_ordered):
            return expression.Near(widen(left), widen(right), words, is_ordered)
        case _:
            return tree


def _flat(parts: tuple[expression.Expression, ...]) -> tuple[expression.Expression, ...]:
    """Return one level of OR, with each term once."""
    terms: dict[expression.Expression, None] = {}
    for part in parts:
        wide = widen(part)
        terms.update(dict.fromkeys(wide.parts if isinstance(wide, expression.Any) else (wide,)))
    return tuple(terms)


def _other_forms(term: expression.Words) -> Iterator[expression.Words]:
    last = term.pattern.elements[-1]
    is_plain = last.form is patterns.Form.PLAIN and last.shape is patterns.Shape.WORD
    if term.is_exact or not is_plain or term.pattern.tail or term.field in ("url", "source"):
        return
    start = term.text[: len(term.text) - len(last.text)]
    if term.text[len(start) :].casefold() != last.text:
        return
    for form in forms(last.text):
        try:
            yield expression.words(start + form, field=term.field)
        except QueryError:  # longer than a term may be
            continue


@lru_cache(maxsize=1 << 14)
def forms(word: str) -> tuple[str, ...]:
    """Return the other forms of an English word in small letters, shortest first: fine → fined, fines.

    A form in -ed or -ing is included only if the news uses it, so that a noun is not searched as a verb (lawed).
    """
    if len(word) < _SHORTEST or not (word.isascii() and word.isalpha()):
        return ()
    stem, used = _stemmer().stemWord, background.table().rates
    root = stem(word)
    word_forms: set[str] = set()
    bases = [base for base in _bases(word, used) if stem(base) == root]
    for base in bases:
        word_forms |= {base, *(form for form in _verb_forms(base) if form in used and stem(form) == root)}
        is_plural = base == word and len(bases) > 1 and base.endswith("s")
        if not is_plural and (base == root or not base.endswith("ed")):
            word_forms.add(s_form(base))
    return tuple(sorted(word_forms - {word}, key=lambda form: (len(form), form)))


@cache
def _stemmer() -> EnglishStemmer:
    # Imported here: it takes 10 ms at start, and only rules with `stem: true` need it.
    from snowballstemmer.english_stemmer import EnglishStemmer

    return EnglishStemmer()


def _bases(word: str, used: Mapping[str, float]) -> set[str]:
    """Return the words that this may be a form of; the stemmer decides."""
    bases = {word}
    if word.endswith(("ies", "ied")):
        bases.add(word[:-3] + "y")
    elif word.endswith("s") and not word.endswith("ss"):
        bases |= {word[:-1], word.removesuffix("es")}
    else:
        for ending in ("ed", "ing"):
            if word.endswith(ending):
                base = word.removesuffix(ending)
                bases |= {candidate for candidate in (base, base + "e", base[:-1]) if candidate in used}
    return {base for base in bases if len(base) >= _SHORTEST}


def s_form(base: str) -> str:
    """Return the word with the ending -s as English spells it: fine → fines, breach → breaches, policy → policies."""
    if base.endswith(("s", "x", "z", "ch", "sh")):
        return base + "es"
    return base[:-1] + "ies" if _ends_in_consonant_and_y(base) else base + "s"


def _verb_forms(base: str) -> Iterator[str]:
    if base.endswith("e"):
        yield from (base + "d", base[:-1] + "ing")
    elif _ends_in_consonant_and_y(base):
        yield from (base[:-1] + "ied", base + "ing")
    else:
        yield from (base + "ed", base + "ing", f"{base}{base[-1]}ed", f"{base}{base[-1]}ing")


def _ends_in_consonant_and_y(word: str) -> bool:
    return word[-1] == "y" and word[-2] not in "aeiou"

"""Names of a sentence, where capitals tell them.

German writes every noun with a capital, and scripts without case tell nothing: there only what is certain is a name.
"""

from __future__ import annotations

from collections.abc import Sequence

from bot.language import background, lexicon, words

#: From this share on a word that opens a sentence is a name: the shipped table tells how often it wears a capital.
_USUALLY = 0.7


def names(tokens: Sequence[words.Word], language: str) -> frozenset[str]:
    """Stems of the words that are names or parts of names; acronyms and codes (CVE-2026-1) too."""
    is_title_case = words.is_headline_case(tokens)
    capitals = background.table().capitals
    found: set[str] = set()
    for at, token in enumerate(tokens):
        if not token.is_capital or lexicon.is_small(language, words.fold(token.text)):
            continue
        is_acronym = len(token.text) > 1 and token.text.isupper() and not is_title_case
        if language == "de":
            beside = [tokens[near] for near in (at - 1, at + 1) if 0 <= near < len(tokens)]
            if is_acronym or any(near.is_capital and not near.opens for near in beside):
                found.add(token.stem)
        elif is_acronym or not (token.opens or is_title_case) or capitals.get(token.stem, 1.0) >= _USUALLY:
            found.add(token.stem)
    return frozenset(found)


def proper_names(text: str) -> tuple[str, ...]:
    """The names in a text as written, those of several words whole, each once.

    >>> proper_names("BlackBerry quits Pakistan after Barack Obama's visit")
    ('BlackBerry', 'Pakistan', 'Barack Obama')
    """
    tokens = list(words.words_of(text))
    known = names(tokens, "en")
    found: list[list[str]] = []
    is_inside = False
    for token in tokens:
        is_name = token.is_capital and token.stem in known
        if is_name and is_inside and not token.opens:
            found[-1].append(token.text)
        elif is_name:
            found.append([token.text])
        is_inside = is_name and words.without_possessive(token.text) == token.text
    return tuple(dict.fromkeys(words.without_possessive(" ".join(each)) for each in found))

"""English for rules: the other forms of a term's last word, and lists of common words.

When a rule with ``stem: true`` is compiled, the other forms of its terms are added. The stemmer checks each form, and
a match shows the form that is in the article.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bot.rules import expression
from bot.rules.errors import QueryError
from bot.text import names

if TYPE_CHECKING:
    from snowballstemmer.english_stemmer import EnglishStemmer


#: Minimum length of a word that gets other forms; shorter words are usually abbreviations.
_SHORTEST = 3


def add_word_forms(tree: expression.Expression) -> expression.Expression:
    """Return the tree with the other forms of each plain word added; the words of ``"a b"~n`` do not change."""
    match expression.change_parts(tree, add_word_forms):
        case expression.Words() as term:
            forms = (term, *_other_forms(term))
            return forms[0] if len(forms) == 1 else expression.Any(forms)
        case expression.Any(parts) | expression.Named(_, parts) as node:
            # Flatten nested ORs, and keep each term once.
            alternatives = [part.parts if isinstance(part, expression.Any) else (part,) for part in parts]
            return replace(node, parts=tuple(dict.fromkeys(chain.from_iterable(alternatives))))
        case node:
            return node


def _other_forms(term: expression.Words) -> Iterator[expression.Words]:
    last = term.pattern.elements[-1]
    is_plain = last.form is expression.Form.PLAIN and last.shape is expression.Shape.WORD
    if term.is_exact or not is_plain or term.pattern.tail or term.field in ("url", "source"):
        return
    start = term.text[: len(term.text) - len(last.text)]
    if term.text[len(start) :].casefold() != last.text:
        return
    for form in find_word_forms(last.text):
        try:
            yield expression.make_words(start + form, field=term.field)
        except QueryError:  # The form is too long for a term.
            continue


@lru_cache(maxsize=1 << 14)
def find_word_forms(word: str) -> tuple[str, ...]:
    """Return the other forms of an English word in lower case, shortest first: fine → fined, fines.

    A form in -ed or -ing is included only if it occurs in news, so that a noun gets no verb forms ("lawed").
    """
    if len(word) < _SHORTEST or not (word.isascii() and word.isalpha()):
        return ()
    stem, used = _stemmer().stemWord, names.background_table().rates
    root = stem(word)
    word_forms: set[str] = set()
    bases = [base for base in _possible_bases(word, used) if stem(base) == root]
    for base in bases:
        word_forms |= {base, *(form for form in _verb_forms(base) if form in used and stem(form) == root)}
        is_plural = base == word and len(bases) > 1 and base.endswith("s")
        if not is_plural and (base == root or not base.endswith("ed")):
            word_forms.add(add_s(base))
    return tuple(sorted(word_forms - {word}, key=lambda form: (len(form), form)))


@cache
def _stemmer() -> EnglishStemmer:
    # Import here, because the import takes 10 ms and only rules with `stem: true` need it.
    from snowballstemmer.english_stemmer import EnglishStemmer

    return EnglishStemmer()


def _possible_bases(word: str, used: Mapping[str, float]) -> set[str]:
    """Return the words of which this word may be a form. The caller checks them with the stemmer."""
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


def add_s(base: str) -> str:
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


#: Function words, and the nouns and verbs that occur in most news, in lower case.
COMMON_WORDS = frozenset(
    (
        "a about above after again against all almost along already also although always am among an and another any"
        " are around as ask at away back be became because become been before began being below best better between big"
        " both but by call came can case change city come company could country day did do does done down during each"
        " early end even ever every family far few first for former found four from full get give go going good"
        " government great group had has have he head her here high him his home house how however i if in including"
        " into is it its just keep know large last later law leave left less like little local long made make man many"
        " may me members might million minister month more most much must my national need never new news next night no"
        " not now number of off office official officials often old on once one only open or order other others our out"
        " over own part party past people percent place plan police power president public put re report reported"
        " right run said same say says school second see seen set several she should show since small so some state"
        " still such take team than that the their them then there these they think this those three through time to"
        " today told too took top two under until up us use used very war was way we week well went were what when"
        " where which while who whole why will with without woman women work world would year years yes yet you your"
    ).split()
)

#: Common words that are useful together with another line, but too broad alone.
NEWS_WORDS = frozenset(
    (
        "case change city company country day end family government group head home house law leader life man members"
        " million minister month national need news night number office official officials order part party people"
        " percent place plan police power president public report reported second set state states team time today"
        " united use war water week women work world year years"
    ).split()
)

#: Countable nouns that rules often use. A rule with such a noun nearly always means the plural too.
COUNTED_NOUNS = frozenset(
    (
        "accident acquisition agreement airline airport amendment app arrest attack auditor backdoor ballot ban"
        " battery bid bill blackout bond border breach bribe bridge candidate chip company complaint contract court"
        " crash customer cyberattack dam deadline deal device directive doctor drone earthquake election embargo"
        " employee executive explosion exploit factory fine firm flaw flight flood fraudster hack hacker hospital"
        " hurricane infection injunction inquiry investigation investor judge law lawmaker lawsuit layoff leak"
        " licence license loan loophole mayor merger messenger migrant mine minister missile monopoly nurse outage"
        " outbreak parliamentarian penalty permit phone pilot pipeline plaintiff platform politician port president"
        " probe prosecutor protest raid recall refinery reform refugee regulation regulator reprimand resignation"
        " riot router ruling sanction satellite scam scandal senator server settlement shareholder shipment"
        " shortage smartphone spill startup storm strike subpoena subsidy supplier takeover tanker tariff tax"
        " telescope tender terrorist treaty tribunal union vaccine vendor verdict virus voter vulnerability walkout"
        " warrant weapon website whistleblower wildfire wiretap worker"
    ).split()
)

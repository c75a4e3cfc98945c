"""Tell what turn of events a statement reports: an arrest, a verdict, an extension, a denial.

The words are data: the table ``turn`` of each lexicon gives a word and its kind, one over all languages. A turn that
undoes what was reported has a label, which people are shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.text import lexicon
from bot.text.words import fold, words_of

#: Kind -> label of what denies, withdraws or reverses an earlier report, or releases or clears somebody.
LABELS: Mapping[str, str] = {
    "deny": "Denial",
    "free": "Released",
    "acquit": "Cleared",
    "withdraw": "Withdrawn",
    "cancel": "Cancelled",
    "reverse": "Reversed",
    "lift": "Lifted",
}
#: What a story must have reported before it can be undone so; a kind that is not here needs nothing.
_NEEDS: Mapping[str, frozenset[str]] = {
    "free": frozenset({"arrest", "charge", "convict", "sentence", "=arrest", "=missing"}),
    "acquit": frozenset({"arrest", "charge", "convict", "sue", "=arrest", "=hearing", "=investigate", "=suspect"}),
    "lift": frozenset({"ban", "suspend", "order", "fine", "=ban", "=suspend", "=close"}),
}
#: Words before a turn in which "not" or "could" changes it.
_REACH = 4


def turns_in(plain: str, language: str) -> tuple[str, ...]:
    """Return the kinds of turns that a normalised statement reports, in order.

    >>> turns_in("PTA denies plan to block WhatsApp", "en"), turns_in("Minister was denied bail", "en")
    (('deny',), ())
    """
    if "turn" not in lexicon.of(language).tables:
        return ()
    words = [fold(token.text) for token in words_of(plain)]
    kinds = ((at, lexicon.of(language).value("turn", word)) for at, word in enumerate(words))
    return tuple(
        dict.fromkeys(
            kind
            for at, kind in kinds
            if kind and _is_meant(kind, words[max(0, at - _REACH) : at], words[at + 1 : at + 3], language)
        )
    )


def _is_meant(kind: str, before: Sequence[str], behind: Sequence[str], language: str) -> bool:
    table = lexicon.of(language)
    if any(table.has("not", word) for word in before) or any(table.has("aim", word) for word in before[-3:]):
        return False
    is_passive = any(table.has("passive", word) for word in before[-1:])
    if kind == "deny":
        # "denied bail", "was denied entry": nothing that was reported is denied.
        return not is_passive and not any(table.has("refused", word) for word in behind)
    if any(table.has("may", word) for word in before):
        return False
    if kind != "free" or is_passive or not behind:
        return True
    # "released a statement", "released footage".
    return lexicon.is_small(language, behind[0]) and not table.has("object", behind[0])


def undone(turns: Iterable[str], reported: Iterable[str]) -> str | None:
    """Return the first turn that undoes something, given the turns and words that a story reported, or None."""
    known = frozenset(reported)
    return next((turn for turn in turns if turn in LABELS and not _NEEDS.get(turn, known).isdisjoint(known)), None)

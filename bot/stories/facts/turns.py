"""Recognise the turns of events in a statement: an arrest, a verdict, an extension, a denial.

The words are data: the table ``turn`` of each lexicon maps a word to its kind, which is the same in all languages. A
turn that undoes an earlier report has a label for people.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from bot.text import lexicon
from bot.text.words import fold_word, words_of

#: Turns that repeat, replace or resume something that was reported: "second", "instead", "no longer", "resumes".
REPEATS = frozenset({"another", "again", "instead", "stop", "resume"})
#: Kind -> label, for turns that deny, withdraw or reverse an earlier report, or release or clear somebody.
LABELS: Mapping[str, str] = {
    "deny": "Denial",
    "free": "Released",
    "acquit": "Cleared",
    "withdraw": "Withdrawn",
    "cancel": "Cancelled",
    "reverse": "Reversed",
    "lift": "Lifted",
    "retake": "Retaken",
}
#: Kind -> reports; the story must have at least one of them. A kind without an entry may undo any report.
_NEEDS: Mapping[str, frozenset[str]] = {
    "free": frozenset({"arrest", "charge", "convict", "sentence", "=arrest", "=missing"}),
    "acquit": frozenset({"arrest", "charge", "convict", "sue", "=arrest", "=hearing", "=investigate", "=suspect"}),
    "lift": frozenset({"ban", "suspend", "order", "fine", "=ban", "=suspend", "=close"}),
}
#: Kinds that are one turn in two words: a ban that is lifted is also cancelled.
_FAMILIES = (
    frozenset({"withdraw", "cancel", "reverse", "lift", "resume", "stop"}),
    frozenset({"free", "acquit"}),
)
#: Number of words before a turn in which "not" or "could" changes the turn's meaning.
_REACH = 4


def turns_in(text: str, language: str) -> tuple[str, ...]:
    """Return the kinds of turns that a normalised statement reports, in order, with verbs of two words as one.

    >>> turns_in("PTA denies plan to block WhatsApp", "en"), turns_in("Minister was denied bail", "en")
    (('deny',), ())
    """
    if "turn" not in lexicon.of(language).tables:
        return ()
    words = [fold_word(token.text) for token in words_of(text)]
    kinds = ((at, lexicon.of(language).value("turn", word)) for at, word in enumerate(words))
    return tuple(
        dict.fromkeys(
            kind
            for at, kind in kinds
            if kind and _is_meant(kind, words[max(0, at - _REACH) : at], words[at + 1 : at + 3], language)
        )
    )


def _is_meant(kind: str, preceding: Sequence[str], following: Sequence[str], language: str) -> bool:
    table = lexicon.of(language)
    if any(table.has("not", word) for word in preceding) or any(table.has("aim", word) for word in preceding[-3:]):
        return False
    is_passive = any(table.has("passive", word) for word in preceding[-1:])
    if kind == "deny":
        # "denied bail" and "was denied entry" do not deny a report.
        return not is_passive and not any(table.has("refused", word) for word in following)
    if any(table.has("may", word) for word in preceding):
        return False
    if kind == "another":
        # "Second quarter" and "third largest" do not repeat anything.
        return not any(table.has("not-another", word) for word in following[:1])
    if kind != "free" or is_passive or not following:
        return True
    # "released a statement" and "released footage" do not free anybody.
    return lexicon.is_small(language, following[0]) and not table.has("object", following[0])


def undone(turns: Iterable[str], reported: Iterable[str]) -> str | None:
    """Return the first turn that undoes a report, given the turns and words that a story reported, or None."""
    reported_turns = frozenset(reported)
    return next(
        (turn for turn in turns if turn in LABELS and not _NEEDS.get(turn, reported_turns).isdisjoint(reported_turns)),
        None,
    )


def is_known(turn: str, reported: Iterable[str]) -> bool:
    """Return whether a story has reported a turn, perhaps in another word, given its turns and words."""
    family = next((family for family in _FAMILIES if turn in family), frozenset({turn}))
    return not (family | {f"={kind}" for kind in family}).isdisjoint(reported)

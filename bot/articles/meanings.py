"""What a headline's telling words mean, so far as one for another makes it another statement.

Each line of the list is one meaning in its wordings. Two words of one line are the same said twice («drops» and
«plunges»); a word that stands in no line says nothing here. English only.
"""

from __future__ import annotations

from functools import lru_cache

#: Negations and decisions: they turn a sentence round, in a text too.
_TURNS = """
    not no never none nobody nothing neither nor without cannot unable
    fail
    deny
    reject refuse veto rebuff
    delay postpone defer adjourn
    cancel scrap shelve ditch abandon axe
    suspend halt pause freeze stop
    withdraw retract
    lift ease relax
    extend prolong
    reverse overturn quash overrule annul
    drop dismiss
    acquit innocent exonerate
    guilty convict
    alleged allegedly
"""
#: Outcomes: they do so in a headline, where each word was chosen.
_OUTCOMES = """
    die dead death kill fatal fatality
    hurt injure wound
    missing vanish disappear
    survive rescue save
    arrest detain
    charge indict
    sentence jail imprison
    release free
    sue
    settle
    fine penalise penalize
    fall fell drop plunge slump tumble slide sink dip decline lower down shrink slip
    rise rose risen soar surge jump climb gain rally rebound raise hike up grow grew
    win won beat defeat victory
    lose lost loss defeated
    leave left exit quit depart departure pull
    stay remain keep kept
    close shut closure shutter
    open reopen
    resume restart return restore
    begin start launch
    end finish
    resign
    sack fire oust
    appoint elect
    approve clear pass authorise authorize endorse adopt ratify
    ban bar block outlaw prohibit
    allow permit let
    agree accept
    order
    warn threaten
    confirm admit
    buy bought acquire
    sell sold
    merge join
    back support
    oppose
    attack
    seize
    recall
    recover
    collapse
    may might could
    more
    fewer less
    all
    half
    double triple
"""
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def _listed(block: str) -> dict[str, str]:
    lines = [line.split() for line in block.strip().splitlines()]
    return {word: words[0] for words in lines for word in words}


_OF_TURNS = _listed(_TURNS)
#: In a headline «drops» is what shares do; in a text, what a court does to a case.
_OF_ALL = _OF_TURNS | _listed(_OUTCOMES)
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_NUMBERS)}


def turn(word: str) -> str | None:
    """The negation or decision that a word of a text states.

    >>> turn("refused"), turn("companies")
    ('reject', None)
    """
    return _of(word.casefold(), is_headline=False)


def outcome(word: str) -> str | None:
    """The same of a headline's word, outcomes and small numbers too.

    >>> outcome("plunging"), outcome("Seven"), outcome("sharpest")
    ('fall', '7', None)
    """
    return _NUMBER_WORDS.get(word.casefold()) or _of(word.casefold(), is_headline=True)


@lru_cache(maxsize=1 << 12)
def _of(word: str, *, is_headline: bool) -> str | None:
    meanings = _OF_ALL if is_headline else _OF_TURNS
    if word.endswith("n't"):
        return "not"
    return next((meanings[form] for form in _forms(word) if form in meanings), None)


def _forms(word: str) -> list[str]:
    """The word, and what it may be a form of: denies, dropped, closing → deny, drop, close."""
    found = [word]
    if word.endswith(("ies", "ied")):
        found.append(f"{word[:-3]}y")
    for ending in ("s", "es", "d", "ed", "ing"):
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < 3:
            continue
        found += [stem, f"{stem}e"]
        if len(stem) > 3 and stem[-1] == stem[-2]:
            found.append(stem[:-1])
    return found

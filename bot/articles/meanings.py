"""What a headline's telling words mean, so far as one for another makes it another statement.

Each line of the list is one meaning in its wordings. Two words of one line are the same said twice («drops» and
«plunges»); a word that stands in no line says nothing here. English only.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: Negations and decisions: they turn a sentence round, in a text too.
_TURNS = """
    not no never none nobody nothing neither nor without cannot unable
    fail
    deny
    reject refuse veto rebuff
    delay postpone defer adjourn
    cancel scrap shelve ditch abandon axe cancellation
    suspend halt pause freeze stop
    withdraw retract
    lift ease relax
    extend prolong
    reverse overturn quash overrule annul
    drop dismiss
    acquit innocent exonerate
    guilty convict
    alleged allegedly reportedly purportedly purported supposedly
    unlikely
"""
#: Outcomes: they do so in a headline, where each word was chosen.
_OUTCOMES = """
    die dead death kill fatal fatality
    hurt injure wound injury
    missing vanish disappear
    arrest detain custody
    charge indict
    sentence jail imprison
    release freed
    investigate investigation probe inquiry
    sue
    settle
    fine penalise penalize
    close shut closure shutter
    open reopen
    allow permit let
    resign
    sack fire oust
    appoint elect
    approve clear pass authorise authorize endorse adopt ratify
    ban bar block outlaw prohibit
    order
    recommend propose
    admit
    buy bought acquire
    sell sold
    seize
    recall
    collapse
    may might could expected
"""
#: Turns of events and moods: one for another is another statement; one more is a detail.
_DETAILS = """
    survive rescue save
    fall fell drop plunge slump tumble slide sink dip decline lower shrink slip
    rise rose risen soar surge jump climb gain rally rebound raise hike grow grew
    win won beat defeat victory
    lose lost loss defeated
    leave left exit quit depart departure pull
    stay remain keep kept
    resume restart return restore
    begin start launch
    end finish
    agree accept
    warn threaten
    confirm
    merge join
    support
    oppose
    attack
    recover
    fewer less
    half
    double triple
"""
#: Verbs of two words, read as one.
_TWO_WORDS = (
    (r"(?:call(?:s|ed|ing)?|calling) off", "cancel"),
    (r"(?:put(?:s|ting)?|push(?:es|ed|ing)?) (?:off|back)", "delay"),
    (r"(?:step(?:s|ped|ping)?|stand(?:s|ing)?|stood) down", "resign"),
    (r"(?:turn(?:s|ed|ing)?|vot(?:es?|ed|ing)) down", "reject"),
    (r"(?:back(?:s|ed|ing)?|climb(?:s|ed|ing)?) down", "withdraw"),
    (r"(?:shut(?:s|ting)?|clos(?:es?|ed|ing)) down", "close"),
    (r"(?:strik(?:es?|ing)|struck) down", "overturn"),
)
_JOINED = re.compile(
    "|".join(rf"(?P<v{at}>\b{wording}\b)" for at, (wording, _) in enumerate(_TWO_WORDS)), re.IGNORECASE
)
_NUMBERS = "zero one two three four five six seven eight nine ten eleven twelve".split()


def _listed(block: str) -> dict[str, str]:
    lines = [line.split() for line in block.strip().splitlines()]
    return {word: words[0] for words in lines for word in words}


_OF_TURNS = _listed(_TURNS)
#: In a headline «drops» is what shares do; in a text, what a court does to a case.
_OF_ALL = _OF_TURNS | _listed(_OUTCOMES) | _listed(_DETAILS)
#: Meanings of which one more is a detail.
DETAILS = frozenset(_listed(_DETAILS).values())
_NUMBER_WORDS = {word: str(number) for number, word in enumerate(_NUMBERS)}


def joined(string: str) -> str:
    """Verbs of two words as the one word that means them.

    >>> joined("NASA calls off launch")
    'NASA cancel launch'
    """
    return _JOINED.sub(lambda found: _TWO_WORDS[int((found.lastgroup or "v0")[1:])][1], string)


def turn(word: str) -> str | None:
    """The negation or decision that a word of a text states, and small numbers; not «one», which is seldom a number.

    >>> turn("refused"), turn("companies"), turn("six")
    ('reject', None, '6')
    """
    if word.casefold() not in {"zero", "one"} and word.casefold() in _NUMBER_WORDS:
        return _NUMBER_WORDS[word.casefold()]
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
        # closed is a form of close; find is none of fine.
        if stem == word or len(stem) < 3 or (ending == "d" and stem[-1] != "e"):
            continue
        found += [stem, f"{stem}e"]
        if len(stem) > 3 and stem[-1] == stem[-2]:
            found.append(stem[:-1])
    return found

"""Decisions and turns (lifted, delayed, fined, arrested, ruled …) that the story did not have.

Reads English closely, and the languages of languages.tsv by their cue words. A decision counts when it is stated as
done or decided, never when it may be, was asked for, or lies in the past; and the story has it when any
earlier article says the same in any of its wordings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from itertools import chain

from bot.stories.news import languages
from bot.stories.news.claims import Found
from bot.stories.news.past import is_background
from bot.stories.news.statements import Statement

#: A turn that another one of the story says already: nobody is convicted uncharged, or sentenced unconvicted.
_ALSO = {
    "lifted": {"cancelled"},
    "cancelled": {"lifted"},
    "dismissed": {"resigned"},
    "arrested": {"convicted", "sentenced"},
    "charged": {"convicted", "sentenced", "acquitted", "pleaded not guilty"},
    "convicted": {"sentenced"},
}

_PASSIVE = re.compile(r"\b(?:was|were|is|are|been|be|has|have)(?:\s+\w+ly)?\s*$", re.IGNORECASE)
_UNSURE = re.compile(
    r"\b(?:not|never|no|nor|neither|yet to|could|may|might|would|should|if"
    r"|whether|unless|until|before|can|cannot|\w+n't|possible|possibly|likely|"
    r"asked|asking|asks|urged|urging|urges|wants?|wanted|hopes?|hoped"
    r"|plans? to|planned to|seeks?|sought|threaten\w*|consider\w*|proposed?|calls? (?:for|on)|"
    r"demand\w*|refus\w*|fail\w*|due to be|expected|reportedly|allegedly"
    r"|bid|move|effort|attempt|push|fight|plan|call|request|threat|try|tries|trying|tried|aims?|vote"
    r"|denie[sd]|rumou?red|ever)\b(?:\W+\w+){0,4}\W*$",
    re.IGNORECASE,
)
#: Done, but told in passing, before, or of others: known with it, and no news.
_IN_PASSING = re.compile(
    r"\b(?:had|previously|earlier|already|once|since|when|after|who|which|that was|that were|other|another|why|how)\b"
    r"(?:\W+\w+){0,4}\W*$",
    re.IGNORECASE,
)
#: What was once is known of another time or another case.
_HAD_BEFORE = re.compile(r"\b(?:had|previously|earlier|once|other|another)\b(?:\W+\w+){0,4}\W*$", re.IGNORECASE)
#: «the name she adopted»: a clause that belongs to a noun.
_OF_A_NOUN = re.compile(
    r"\b(?!(?:that|and|but|so|said|says|say|as|because|then|also|if|though)\b)[\w'’-]+ (?:he|she|it|they|we|I)\s+$"
)
#: «The names of the victims were released»: what is told, not who was let go.
_TOLD = re.compile(
    r"\b(?:identit(?:y|ies)|names?|video|footage|photos?|pictures?|images?|details?|reports?|documents?|records?|statements?"
    r"|data|figures|results|films?|albums?|guidance|guidelines|findings|transcripts?|e?-?mails?|information)\b",
    re.IGNORECASE,
)
#: The same, further ahead of the verb: «if the Food and Drug Administration (FDA) approved», «while we evacuated».
_ASIDE = re.compile(r"\b(?:if|whether|unless|until|while)\b(?:\W+[\w.'’-]+){0,9}\W*$|\b(?:we|I)\s+(?:\w+ly\s+)?$")
_DECIDED = re.compile(
    r"\b(?:decided|agreed|voted|vowed|opted|chose|moved)\s+to\s+(?:be\s+)?$|\b(?:said|says)\b[^.]{1,40}\bhad\s+(?:been\s+)?$",
    re.IGNORECASE,
)
#: «the banned drug», «30,000 recalled dolls»: a decision of before.
_AS_ADJECTIVE = re.compile(
    r"\b(?:the|an?|its|their|his|her|this|that|these|those|some|all|any|many|most|more|certain|and|or|of|by|with|for|in|as|than|newly|recently"
    r"|generally|often|usually|always|sometimes|routinely|\d[\d,.]*)\s*$",
    re.IGNORECASE,
)
#: What an active verb decides about: «lifted its order», «fined Norvik», «agreed that …».
_OBJECT = re.compile(
    r"\s+(?:(?:the|an?|its|his|her|their|all|any|some|this|these|both|every|another|more|most|about|around|nearly|at|over|from|to|on|as"
    r"|in|with|against|leaving|one|two|three|four|five|six|seven|eight|nine|ten|dozens|hundreds|thousands)\b|[A-Z£$€\d])"
)
_INFINITIVE = re.compile(r"\bto(?:\s+be)?\s*$|\b(?:the|an?|its|by|this)\s+\w+ly\s*$", re.IGNORECASE)
_ON_CONDITION = re.compile(r"^[^.,;]*\b(?:if|unless|whether)\b", re.IGNORECASE)
_CLAUSE_END = re.compile(
    r",(?=\s|$)|(?<![A-Z])(?<!Mr)(?<!Mrs)(?<!Ms)(?<!Dr)(?<!Jan)(?<!Feb)(?<!Aug)(?<!Sep)(?<!Sept)"
    r"(?<!Oct)(?<!Nov)(?<!Dec)\.(?=\s|$)|[;!?()\"]|:(?!\d)|\s[-–—]\s|\b(?:said|says|after|because|while|which|who|where|although|according)\b"
)
#: Turns whose headline verbs are nouns as well: bans, delays, leaks.
_MAY_BE_NOUNS = frozenset(
    {"banned", "charged", "delayed", "exploited", "fined", "fixed", "ordered", "raided", "recalled", "suspended"}
)
#: Not behind «Rep.», «Mr.» and initials.
_CLAUSE_START = re.compile(
    r"(?:[;:!?\"]|(?<![A-Z])(?<!Mr)(?<!Ms)(?<!Mrs)(?<!Dr)(?<!St)(?<!Rep)(?<!Reps)(?<!Sen)(?<!Sens)(?<!Gov)(?<!Gen)"
    r"(?<!Lt)(?<!Col)(?<!Sgt)(?<!Jr)\.)\s|,\s(?=but|and|who|which)"
)
#: Words shown of a decision.
_MOST_WORDS = 14
#: Words at which a clause cannot be cut.
_NO_END = frozenset("a an and at by for from in its of on or over that the their to with would".split())
#: Further down an article stands its background.
_READ = 5


@dataclass(frozen=True, slots=True)
class _Turn:
    """One kind of decision: its label and the wordings that say it."""

    label: str
    past: re.Pattern[str]
    #: Of headlines: «PTA lifts …».
    present: re.Pattern[str]
    nouns: re.Pattern[str]


@cache
def _all_turns() -> tuple[_Turn, ...]:
    lines = resources.files(__package__).joinpath("turns.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return tuple(
        _Turn(label, *(re.compile(rf"(?<![\w-])(?:{wordings})\b", re.IGNORECASE) for wordings in forms))
        for label, *forms in rows
    )


def news(said: Sequence[Sequence[Statement]], fresh: Sequence[Statement], *, told: Collection[str] = ()) -> list[Found]:
    """``told``: turns that a fact of another kind says already."""
    known = {label for statement in chain.from_iterable(said) for label in _mentions(statement)} | set(told)
    subject = _subject(said)
    found: list[Found] = []
    for statement in fresh[:_READ]:
        if is_background(statement):
            continue
        if statement.order > 1 and len(statement.stems & subject) < 3:
            continue
        for label, clause in _turns(statement):
            if label in known or _ALSO.get(label, set()) & known:
                continue
            known.add(label)
            found.append(_in_the_text(label, fresh) or _found(label, clause, statement))
    return found


def _in_the_text(label: str, fresh: Sequence[Statement]) -> Found | None:
    """The turn as a whole sentence of the text tells it, which says more than the headline."""
    for statement in fresh[:_READ]:
        if statement.is_fit and label in (told := dict(_turns(statement))):
            return _found(label, told[label], statement)
    return None


def _found(label: str, clause: str, statement: Statement) -> Found:
    return Found(kind="decision", label=label, before=None, after=clause, statement=statement)


def _subject(said: Sequence[Sequence[Statement]]) -> frozenset[str]:
    """The words of the story's headlines and first sentences."""
    return frozenset(stem for one in said for statement in one[:3] for stem in statement.stems)


@lru_cache(maxsize=1 << 12)
def _mentions(statement: Statement) -> frozenset[str]:
    """Turns that a statement speaks of as done or under way: by any form or noun.

    Remembered: each article that joins a story is held against all that the story says.
    """
    cues = languages.of(statement.language)
    turns = cues.turns if cues else _all_turns()
    named = {turn.label for turn in turns if turn.nouns and turn.nouns.search(statement.plain)}
    done = set() if cues else {turn.label for turn in _all_turns() if _is_done(turn, statement)}
    return frozenset(named | done | {label for label, _ in _turns(statement)})


def _is_done(turn: _Turn, statement: Statement) -> bool:
    """Told as done in any grammar, also in passing: «after it rejected …», «the banned drug»."""
    plain = statement.normal
    headline = turn.present.finditer(plain) if statement.order == 0 else ()
    for found in chain(turn.past.finditer(plain), headline):
        before = plain[_clause_start(plain, found.start()) : found.start()]
        if not (_is_doubtful(before) or _INFINITIVE.search(before) or _HAD_BEFORE.search(before)):
            return True
    return False


def _turns(statement: Statement) -> Iterator[tuple[str, str]]:
    """Label and clause of each turn that a statement states."""
    if cues := languages.of(statement.language):
        yield from _turns_abroad(statement, cues)
        return
    plain = statement.normal
    for turn in _all_turns():
        headline = turn.present.finditer(plain) if statement.order == 0 else ()
        for found in chain(turn.past.finditer(plain), headline):
            clause_start = _clause_start(plain, found.start())
            before, after = plain[clause_start : found.start()], plain[found.end() :]
            if _is_told_about(turn.label, before) or _is_noun(turn.label, found.group(), after):
                continue
            if _is_stated(statement, before, after) and not _is_quoted(plain, found.start()):
                yield turn.label, _clause(plain, found.start())
                break


def _turns_abroad(statement: Statement, cues: languages.Cues) -> Iterator[tuple[str, str]]:
    plain = languages.bare(statement.normal)
    if plain.rstrip().endswith(("?", "؟")):
        return
    for label, at in cues.stated(plain):
        if not _is_quoted(plain, at):
            yield label, _clause(plain, at)


def _is_stated(statement: Statement, before: str, after: str) -> bool:
    """Someone did it or will: neither «may», «asked to», «the banned drug», nor a word by itself."""
    if statement.order == 0 and statement.normal.rstrip().endswith("?"):
        return False
    if not before.strip() or _AS_ADJECTIVE.search(before) or _ON_CONDITION.search(after[:120]):
        return False
    if _is_doubtful(before) or (_IN_PASSING.search(before) and not _DECIDED.search(before)):
        return False
    if _OF_A_NOUN.search(before):
        return False
    if _INFINITIVE.search(before) and not _DECIDED.search(before):
        return False
    # Headlines drop their articles and their «was».
    return statement.order == 0 or bool(_PASSIVE.search(before) or _OBJECT.match(after))


def _is_doubtful(before: str) -> bool:
    return bool(_UNSURE.search(before) or _ASIDE.search(before)) and not _DECIDED.search(before)


def _is_told_about(label: str, before: str) -> bool:
    return label == "released" and _TOLD.search(before[-60:]) is not None


def _is_noun(label: str, verb: str, after: str) -> bool:
    """«months of delays»: a headline's verb that has no object and may be a noun is one."""
    return label in _MAY_BE_NOUNS and verb.endswith("s") and not re.match(r"['\"]?\s+[\w'\"£$€]", after)


def _is_quoted(plain: str, at: int) -> bool:
    """What a speaker says was decided is the speaker's word."""
    return plain.count('"', 0, at) % 2 == 1


def _clause_start(plain: str, at: int) -> int:
    starts = [found.end() for found in _CLAUSE_START.finditer(plain, 0, at)]
    return starts[-1] if starts else 0


def _clause(plain: str, start: int) -> str:
    """The decision in its own words: from the verb to the end of its clause."""
    rest = plain[start:]
    end = next((found.start() for found in _CLAUSE_END.finditer(rest) if found.start() > 3), len(rest))
    words = rest[:end].split()
    if len(words) > _MOST_WORDS:
        words = words[:_MOST_WORDS]
        while len(words) > 2 and words[-2].lower() in _NO_END:
            words.pop()
    while len(words) > 1 and words[-1].lower() in _NO_END:
        words.pop()
    return " ".join(words).strip(" -–—")

"""Decisions and turns (lifted, delayed, fined, arrested, ruled …) that the story did not have.

Reads English closely, and the languages of languages.tsv by their cue words. A decision counts when it is stated as
done or decided, never when it may be, was asked for, or lies in the past; and the story has it when any
earlier article says the same in any of its wordings.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import chain

from bot.stories.news import clauses, grammar, languages
from bot.stories.news.claims import Found
from bot.stories.news.past import is_background
from bot.stories.news.statements import Statement
from bot.stories.news.turns import all_turns, places

#: A turn that another one of the story says already: nobody is convicted uncharged, or sentenced unconvicted.
_ALSO = {
    "lifted": {"cancelled"},
    "cancelled": {"lifted"},
    "left": {"closed"},
    "closed": {"left"},
    "dismissed": {"resigned"},
    "arrested": {"convicted", "sentenced"},
    "charged": {"convicted", "sentenced", "acquitted", "pleaded not guilty"},
    "convicted": {"sentenced"},
}

_ORDINALS = {
    ordinal: str(number)
    for number, both in enumerate(
        ("second 2nd", "third 3rd", "fourth 4th", "fifth 5th", "sixth 6th", "seventh 7th", "eighth 8th", "ninth 9th"), 2
    )
    for ordinal in both.split()
}
#: Who is meant, of several.
_ONE_MORE = re.compile(
    rf"\b(?P<which>{'|'.join(_ORDINALS)})\s+(?:\w+ )?"
    r"(?:suspect|man|woman|person|teen(?:ager)?|boy|girl|officer|official|executive|minister|company|firm|country|state"
    r"|court|judge|victim|defendant|member)\b",
    re.IGNORECASE,
)
#: Further down an article stands its background.
_READ = 5


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
    taken = {each.label for each in found}
    return [*found, *(each for each in _again(said, fresh) if each.label not in taken)]


def _again(said: Sequence[Sequence[Statement]], fresh: Sequence[Statement]) -> Iterator[Found]:
    """«A third suspect was arrested»: one more of a kind that the story has, by an ordinal that it has not."""
    known = {place for statement in chain.from_iterable(said) for place in _places(statement.normal)}
    told: set[str] = set()
    for statement in fresh[:2]:
        for label, clause in _turns(statement):
            start = max(statement.normal.find(clause), 0)
            subject = _places(statement.normal[:start])
            object_ = _places(clause)
            place = next(iter(object_ or subject), None)
            if place is None or place in known or label in told:
                continue
            told.add(label)
            whole = clause if object_ else f"{subject[place]} {clause}"
            yield _found(label, whole, statement)


def _places(plain: str) -> dict[str, str]:
    """«a third suspect» → {"3": "third suspect"}."""
    return {_ORDINALS[each["which"].lower()]: each.group() for each in _ONE_MORE.finditer(plain)}


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


@lru_cache(maxsize=1 << 11)
def _mentions(statement: Statement) -> frozenset[str]:
    """Turns that a statement speaks of as done or under way: by any form or noun.

    Remembered: each article that joins a story is held against all that the story says.
    """
    cues = languages.of(statement.language)
    turns = cues.turns if cues else all_turns()
    named = {turn.label for turn in turns if turn.nouns and _is_named(turn.nouns, statement.plain)}
    done = set() if cues else _done(statement)
    return frozenset(named | done | {label for label, _ in _turns(statement)})


def _is_named(nouns: re.Pattern[str], plain: str) -> bool:
    return any(not grammar.is_undone(plain[: found.start()]) for found in nouns.finditer(plain))


def _done(statement: Statement) -> set[str]:
    plain = statement.normal
    return {
        turn.label
        for turn, start, _ in places(plain, is_headline=statement.order == 0)
        if grammar.is_done(plain[clauses.starts_at(plain, start) : start])
    }


def _turns(statement: Statement) -> Iterator[tuple[str, str]]:
    """Label and clause of each turn that a statement states."""
    if cues := languages.of(statement.language):
        yield from _turns_abroad(statement, cues)
        return
    plain, is_headline = statement.normal, statement.order == 0
    if is_headline and plain.rstrip().endswith("?"):
        return
    stated: set[str] = set()
    for turn, start, end in places(plain, is_headline=is_headline):
        if turn.label in stated or _is_quoted(plain, start):
            continue
        before, verb, after = plain[clauses.starts_at(plain, start) : start], plain[start:end], plain[end:]
        if grammar.is_stated(turn.label, before, verb, after, is_headline=is_headline):
            stated.add(turn.label)
            yield turn.label, clauses.shown(plain, start)


def _turns_abroad(statement: Statement, cues: languages.Cues) -> Iterator[tuple[str, str]]:
    plain = languages.bare(statement.normal)
    if plain.rstrip().endswith(("?", "؟")):
        return
    for label, at in cues.stated(plain):
        if not _is_quoted(plain, at):
            yield label, clauses.shown(plain, at)


def _is_quoted(plain: str, at: int) -> bool:
    """What a speaker says was decided is the speaker's word."""
    return plain.count('"', 0, at) % 2 == 1

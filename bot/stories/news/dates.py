"""Dates with a role (deadline, hearing, launch …): moved ones and new ones.

The same day in another form is the same day; a day without a role («said on Monday») is never news.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from itertools import chain

from bot.stories.news import languages
from bot.stories.news.calendar import Day, days
from bot.stories.news.claims import Found
from bot.stories.news.statements import Statement

#: A role in order of preference where two stand equally near.
_ROLES = (
    (
        "deadline",
        (
            r"deadlines?|cut-?off|due(?! to\b)|no later than|expir\w+|ultimatum"
            r"|grace period|by(?= (?:the )?$)"
        ),
    ),
    ("hearing", r"hearings?|trial|verdict|in court|court date|sentencing|arraign\w+"),
    ("vote", r"votes?|voting|elections?|polls?|referendum|ballot|run-?off|primary|primaries|caucus(?:es)?"),
    ("meeting", r"meet(?:s|ings?)?|summit|talks|conference|session|negotiations"),
    (
        "launch",
        (
            r"launch\w*|releas\w+|on sale|shipping|ships?|available|debuts?"
            r"|premieres?|roll(?:s|ed|ing)? out|rollout|unveil\w*"
        ),
    ),
    (
        "effect",
        (
            r"(?:take|takes|taking|took|comes?|coming|came|enters?|entering|goes?"
            r"|going) (?:into )?(?:effect|force)|effective|in force"
        ),
    ),
    (
        "end",
        (
            r"clos\w+|shut\w*|ends?|ending|ceas\w+|stop\w*|leav\w+|exit\w*|quit\w*"
            r"|withdraw\w*|pull\w* out|halt\w*|operat\w+"
        ),
    ),
    (
        "start",
        (
            r"start\w*|begin\w*|commenc\w+|open(?:s|ing)?(?! (?:\w+ly )?(?:higher|lower|up|down|flat|about)\b)"
            r"|kick\w* off|resum\w+|reopen\w*|return\w*"
        ),
    ),
    ("strike", r"strikes?|walk-?out|protests?|rally|march"),
    (
        "date",
        (
            r"schedul\w+|slated|set for|planned for|rescheduled|postponed"
            r"|delayed|moved to|pushed back(?!(?: \w+){0,2} (?:on|against|at)\b)|brought forward|deferred"
        ),
    ),
)
_ROLE_PATTERNS = tuple((label, re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE)) for label, pattern in _ROLES)
_BY = re.compile(
    r"\b(?:by|before|until|till)\s+(?:at\s+least\s+|after\s+)?"
    r"(?:the\s+end\s+of\s+|late\s+|early\s+|midnight\s+(?:on\s+)?|noon\s+(?:on\s+)?)?$",
    re.IGNORECASE,
)
_REPORTED = re.compile(
    r"\b(?:said|says|told|announced|reported|confirmed|wrote|added"
    r"|published|posted|tweeted|statement|interview|spoke)\b"
    r"(?:\W+\w+){0,3}\W*$",
    re.IGNORECASE,
)
#: A day that was planned once, or on which something happened already.
_WAS_PLANNED = re.compile(
    r"\bhad (?:\w+ )?(?:been )?(?:set|scheduled|due|slated|expected|planned|meant)\b(?:\W+\w+){0,6}\W*$", re.IGNORECASE
)
_HAPPENED = re.compile(
    r"(?<!be )(?<!to )\b(?:released|launched|started|began|opened|ended|closed|struck|hit|held|returned|resumed"
    r"|reopened)\b"
    r"(?:\W+\w+){0,6}\W*$",
    re.IGNORECASE,
)
#: «was delayed Thursday»: the day of the delaying; «delayed until Thursday» is the new one.
_MOVED_ON = re.compile(
    r"\b(?:delayed|postponed|extended|rescheduled|deferred|adjourned|pushed back|put off)"
    r"\s+(?:late |early )?(?:on\s+)?$",
    re.IGNORECASE,
)
#: «the January 6 attack», «the 9 May parade», «Friday's deal»: the day names the event.
_NAMES_BEFORE = re.compile(r"\b(?:the|a|an|this|that|its|last)\s+$", re.IGNORECASE)
_NAMES_AFTER = re.compile(
    r"\s+(?!(?:to|for|at|in|on|and|or|as|but|by|when|where|while|with|after|before|until|is|was|will|would|has|had|that|from)\b)[a-z]"
)
#: «By Tuesday, a third were vaccinated.»
_DONE_BY = re.compile(r"^[\w\s]{0,12},[^;]{0,70}\b(?:was|were|had|did)\b")
#: «The services were down until Monday.»
_LASTED = re.compile(r"\b(?:was|were|had been)\b[^,;]{0,90}?\b(?:until|till)\s++(?:[\w:]++\s++){0,3}$")
_MOVED = re.compile(
    r"\b(?:extend\w*|extension|delay\w*|postpon\w*|push\w* back(?!(?: \w+){0,2} (?:on|against|at)\b)|put\w* back"
    r"|moved (?:back|forward|from)|mov(?:ed|es|ing) (?:the|its) \w+ (?:from|to|back)"
    r"|reschedul\w*|defer\w*|brought forward|bring\w* forward"
    r"|new (?:date|deadline)|instead of|rather than|later than)\b",
    re.IGNORECASE,
)
#: «called on the Senate to postpone the vote until Monday»: asked for, not moved.
_ASKED = re.compile(
    r"\b(?:call(?:s|ed|ing)? (?:on|for)|ask(?:s|ed|ing)?|urg(?:es?|ed|ing)|wants?|wanted|propos(?:es|ed|ing)"
    r"|seek(?:s|ing)?|demand(?:s|ed|ing)?|may|might|could)\b(?:\W+[\w.'’-]+){0,12}\W*$",
    re.IGNORECASE,
)
#: Roles that every second sentence with a date has.
WEAK = frozenset({"start", "end", "date"})
#: A matter has one of these at a time, so that another date replaces it without a word of moving.
_SINGLE = frozenset({"deadline", "effect", "launch"})
#: A deadline of yesterday can still be moved.
_LATELY = timedelta(days=45)
_CLAUSE = re.compile(r"[,;–—]|\s-\s")
#: Characters between a date and its role.
_REACH_BEFORE, _REACH_AFTER = 90, 45


@dataclass(frozen=True, slots=True)
class Dated:
    """A day with its role."""

    label: str
    day: Day
    statement: Statement
    #: «from 30 November to …»: the day that the sentence itself replaces.
    replaces: Day | None
    is_moved: bool


def news(said: Sequence[Sequence[Statement]], fresh: Sequence[Statement]) -> list[Found]:
    known = [day for statement in chain.from_iterable(said) for day in days(statement.plain, statement.day)]
    before = [dated for statement in chain.from_iterable(said) for dated in dated_in(statement)]
    named = [day for statement in fresh for day in days(statement.plain, statement.day)]
    found: list[Found] = []
    taken: list[Day] = []
    for dated in _most_exact(chain.from_iterable(dated_in(statement) for statement in fresh)):
        statement, day = dated.statement, dated.day
        if any(day.agrees_with(one) for one in chain(known, taken)) or not day.may_follow(statement.day):
            continue
        old = _replaced(dated, before)
        if old and not (dated.is_moved or dated.replaces) and any(old.day.agrees_with(one) for one in named):
            # An article that still names the old day does not replace it.
            continue
        if not dated.is_moved and not (_is_prominent(dated) and _is_exact(day, statement)):
            continue
        taken.append(day)
        label = old.label if old and dated.label in WEAK else dated.label
        shown_before = dated.replaces or (old.day if old else None)
        if shown_before and day.shown(statement.day).startswith(shown_before.shown(statement.day)):
            continue
        found.append(
            Found(
                kind="date",
                label=label,
                before=shown_before.shown(statement.day) if shown_before else None,
                after=day.shown(statement.day),
                statement=statement,
            )
        )
    return found


def _is_prominent(dated: Dated) -> bool:
    """High in the article; a date that only starts or ends something, in its first sentence."""
    return dated.statement.order <= 1 if dated.label in WEAK else dated.statement.is_prominent


def _is_exact(day: Day, statement: Statement) -> bool:
    """A day of the calendar that is still to come: «vowed Wednesday that …», «fell on 21 March» date what happened."""
    if day.day is not None:
        return (day.year, day.month or 0, day.day) > (statement.day.year, statement.day.month, statement.day.day)
    return False


def _most_exact(found: Iterable[Dated]) -> list[Dated]:
    """Each day once, where it is told most exactly: «in May» gives way to «on 23 May»."""
    kept: list[Dated] = []
    for one in found:
        same = next((at for at, other in enumerate(kept) if other.day.agrees_with(one.day)), None)
        if same is None:
            kept.append(one)
        elif kept[same].day.day is None and one.day.day is not None:
            kept[same] = one
    return kept


def _replaced(dated: Dated, before: Sequence[Dated]) -> Dated | None:
    """What the story said of the same matter: the same role, or any coming date when the sentence says «moved»."""
    coming = [one for one in before if one.day.may_follow(one.statement.day - _LATELY)]
    if dated.replaces:
        for one in coming:
            if dated.replaces.agrees_with(one.day):
                return one
    if not dated.is_moved and dated.label not in _SINGLE:
        return None
    alike = [one for one in coming if one.label == dated.label and is_same_matter(one.statement, dated.statement)]
    if not alike and dated.is_moved:
        alike = coming
    return alike[-1] if alike else None


def is_same_matter(one: Statement, other: Statement) -> bool:
    return len(one.stems & other.stems) >= 3


@lru_cache(maxsize=1 << 11)
def dated_in(statement: Statement) -> tuple[Dated, ...]:
    """The days of a sentence that have a role."""
    return tuple(_dated_in(statement))


def _dated_in(statement: Statement) -> Iterator[Dated]:
    cues = languages.of(statement.language)
    moving = _MOVED.search(statement.plain)
    if moving and _ASKED.search(statement.plain[: moving.start()]):
        return
    moved = bool(moving or (cues and cues.moved.search(languages.bare(statement.plain))))
    found = list(days(statement.plain, statement.day))
    for at, day in enumerate(found):
        before = statement.plain[max(day.start - _REACH_BEFORE, found[at - 1].end if at else 0) : day.start]
        wide_before = statement.plain[max(day.start - _REACH_BEFORE, 0) : day.start]
        after_end = found[at + 1].start if at + 1 < len(found) else len(statement.plain)
        after = statement.plain[day.end : min(day.end + _REACH_AFTER, after_end)]
        replaces = None
        if at + 1 < len(found) and re.match(r"\s*(?:instead of|rather than|and not|, not)\s+(?:on\s+)?$", after):
            replaces = found[at + 1]
        elif at and re.search(r"^\s*(?:to|until|till|->|→|and not|rather than)\s+(?:midnight\s+(?:on\s+)?)?$", before):
            opening = statement.plain[: found[at - 1].start]
            if re.search(r"\bfrom\s+(?:the original (?:date|deadline) of\s+)?$", opening, re.IGNORECASE):
                replaces = found[at - 1]
        label = _role(wide_before if replaces else before, after, cues)
        if label is None or (not replaces and _is_past(before, after, day)):
            continue
        if re.search(
            r"\b(?:from|instead of|rather than|since|original(?:ly)?(?: \w+){0,3}|previous(?:ly)?(?: \w+){0,3})\s*$",
            before,
            re.IGNORECASE,
        ):
            continue
        yield Dated(label, day, statement, replaces, moved)


def _is_past(before: str, after: str, day: Day) -> bool:
    """The day dates a report, what was planned once, or what happened."""
    if _REPORTED.search(before) or _WAS_PLANNED.search(before):
        return True
    if after.startswith(("'s", "’s")) or (_NAMES_BEFORE.search(before) and _NAMES_AFTER.match(after)):
        return True
    if day.is_relative and (_HAPPENED.search(before) or _MOVED_ON.search(before)):
        return True
    return bool((_BY.search(before) and _DONE_BY.match(after)) or _LASTED.search(before))


def _role(before: str, after: str, cues: languages.Cues | None) -> str | None:
    if cues and (cues.deadline.search(before) or cues.deadline.match(after.lstrip())):
        return "deadline"
    nearest: tuple[int, str] | None = None
    for label, pattern in _ROLE_PATTERNS:
        ends = [found.end() for found in pattern.finditer(before)]
        distance = len(before) - ends[-1] if ends else None
        # A clause of its own says something else: «who would have turned 37 on Friday, had been open about …».
        starts = pattern.search(_CLAUSE.split(after, maxsplit=1)[0] if label in WEAK else after)
        if starts and (distance is None or starts.start() + 20 < distance):
            distance = starts.start() + 20
        if distance is None:
            continue
        if label == "deadline":
            distance = distance // 3
        if nearest is None or distance < nearest[0]:
            nearest = distance, label
    if _BY.search(before):
        return "deadline"
    return nearest[1] if nearest else None

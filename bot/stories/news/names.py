"""Names that enter a story: who was identified, appointed or arrested, and a party that the headline brings in.

A name is new when no earlier article writes it, in full, in part or as its initials.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain

from bot.language.words import stem
from bot.stories.news.claims import Found
from bot.stories.news.statements import Statement

_NAME = (
    r"(?<![A-Z])(?:[A-Z][\w'’-]{1,40}|[A-Z]\.)"
    r"(?:\s+(?:(?:al|bin|de|van|von|el|of|der|da|di)\s+)?(?:[A-Z][\w'’-]{1,40}|[A-Z]\.)){1,3}"
)
#: What a person is named as, where the sentence itself says it.
_ROLES = (
    (
        "identified",
        rf"\b(?:identified|named)(?:\s+[\w-]+){{0,14}}?\s+as\s+(?:\d+-year-old\s+|[a-z]\w*\s+)?(?P<name>{_NAME})",
    ),
    ("suspect", rf"\b(?:suspect|gunman|attacker|driver|pilot|[Tt]he accused)(?:,|\s+is|\s+was)?\s+(?P<name>{_NAME})"),
    ("victim", rf"\b(?:victim)(?:,|\s+is|\s+was)?\s+(?P<name>{_NAME})"),
    (
        "appointed",
        (
            rf"\b(?:appointed|appoints|elected|promoted|picked|nominated|names"
            rf"|named)\s+(?P<name>{_NAME})(?=\s+(?:as|to|its|chief|the|interim|new)\b|,)"
        ),
    ),
    (
        "successor",
        (
            rf"\b(?:succeeded|replaced)\s+by\s+(?P<name>{_NAME})"
            rf"|(?P<name2>{_NAME})\s+(?:will|is to)\s+(?:succeed|replace)\b"
        ),
    ),
)
_ROLE_PATTERNS = tuple((label, re.compile(pattern)) for label, pattern in _ROLES)
_CAPITALS = r"[A-Z][\w-]{1,40}(?: [A-Z][\w-]{1,40}){0,2}"
_ENTERS = re.compile(
    rf"\b(?P<name>{_CAPITALS}) (?i:joins?|enters?|follows?|also|too|steps? in|sides?|backs?)\b"
    rf"|\b(?i:joined|followed|backed) (?i:by) (?P<by>{_CAPITALS})"
)
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
#: Days, months, what is named after a people, titles, agencies: capitalised, and no party.
_NO_PARTY = re.compile(
    rf"^(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|{_MONTHS})$"
    r"|(?:ian|ean|ish|ese|can|ists?|ans)$"
    r"|^(?:Mr|Mrs|Ms|Dr|The|A|An|I|It|He|She|Reuters|AFP|AP|BBC|Twitter|Facebook|Internet)$"
)


def news(said: Sequence[Sequence[Statement]], fresh: Sequence[Statement], *, outlet: str) -> list[Found]:
    known = _known(said)
    found: list[Found] = []
    for statement in fresh[:12]:
        for label, name in _named(statement):
            if not _is_known(name, known):
                found.append(Found(kind="name", label=label, before=None, after=name, statement=statement))
                known |= {stem(word) for word in name.split()}
    party = _party(fresh, known, outlet)
    return [*found, party] if party else found


def _named(statement: Statement) -> Iterator[tuple[str, str]]:
    for label, pattern in _ROLE_PATTERNS:
        for match in pattern.finditer(statement.plain):
            yield label, match["name"] or match["name2"] if "name2" in match.groupdict() else match["name"]


def _party(fresh: Sequence[Statement], known: set[str], outlet: str) -> Found | None:
    """A name that the headline lets in («Kestrel joins …»), the text repeats and the story never had."""
    if not fresh or fresh[0].order:
        return None
    text = " ".join(one.plain for one in fresh[1:8])
    for entering in _ENTERS.finditer(fresh[0].plain):
        name = entering["name"] or entering["by"]
        is_own = name.casefold() in outlet.casefold() or _NO_PARTY.search(name)
        if not is_own and re.search(rf"(?<=[a-z,] ){re.escape(name)}\b", text) and not _is_known(name, known):
            return Found(kind="name", label="party", before=None, after=name, statement=fresh[0])
    return None


def _known(said: Sequence[Sequence[Statement]]) -> set[str]:
    """Every word of the story, and the initials of its names."""
    known: set[str] = set()
    for statement in chain.from_iterable(said):
        known |= {stem(word) for word in re.findall(r"[^\W_][\w.'’-]*", statement.plain)}
        for name in re.findall(
            r"(?<![\w-])(?:[A-Z][\w-]++\s++(?:of\s++|and\s++|for\s++)?)+[A-Z][\w-]++", statement.plain
        ):
            known.add(stem("".join(word[0] for word in name.split() if word[0].isupper())))
    return known


def _is_known(name: str, known: set[str]) -> bool:
    words = [stem(word) for word in name.split() if len(word) > 2]
    initials = stem("".join(word[0] for word in name.split() if word[0].isupper()))
    return any(word in known for word in words) or (len(initials) > 1 and initials in known)

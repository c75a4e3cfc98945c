"""Claims as JSON-able data and back: words once, in a list, and everything else by their places in it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from bot import model
from bot.facts.claims import Stated, StoryClaims
from bot.facts.deadlines import Due, Dues
from bot.language import dates, numbers

#: Claims of another shape are made anew from the story's articles.
VERSION = 1


def to_json(claims: StoryClaims) -> dict[str, Any]:
    """Lists, dicts, strings and numbers only; some kilobytes for a usual story, 100 at most."""
    places: dict[str, int] = {}

    def put(words: Any) -> list[int]:
        return [places.setdefault(word, len(places)) for word in sorted(words)]

    statements = [[put(words), language] for words, language in claims.statements]
    stated = [
        [
            [each.number.value, each.number.unit, each.number.hedge] if each.number else None,
            _day(each.day) if each.day else None,
            each.what,
            put(each.beside),
            put(each.words),
            put(each.names),
            each.language,
        ]
        for each in claims.stated
    ]
    return {
        "version": VERSION,
        "statements": statements,
        "stated": stated,
        "held": [[_day(due.day), put(due.words), _fact(due.fact)] for due in claims.dues.held],
        "gone": [_day(day) for day in claims.dues.gone],
        "places": list(places),
        "words": claims.words,
        "names": claims.names,
        "subject": claims.subject,
        "languages": claims.languages,
        "fingerprints": claims.fingerprints,
        "count": claims.count,
        "times": [each.isoformat() if each else None for each in (claims.first_at, claims.last_at, claims.news_at)],
    }


def from_json(row: dict[str, Any]) -> StoryClaims | None:
    """None: written by another version of the bot."""
    if row.get("version") != VERSION:
        return None
    words: list[str] = row["places"]

    def got(found: list[int]) -> frozenset[str]:
        return frozenset(words[at] for at in found)

    first_at, last_at, news_at = (datetime.fromisoformat(each) if each else None for each in row["times"])
    return StoryClaims(
        words=dict(row["words"]),
        names=dict(row["names"]),
        subject=dict(row["subject"]),
        languages=dict(row["languages"]),
        statements=[(got(found), language) for found, language in row["statements"]],
        stated=[
            Stated(
                numbers.Number(number[0], number[1], 0, 0, number[2]) if number else None,
                _read_day(day) if day else None,
                what,
                got(beside),
                got(said),
                got(names),
                language,
            )
            for number, day, what, beside, said, names, language in row["stated"]
        ],
        fingerprints=list(row["fingerprints"]),
        count=row["count"],
        first_at=first_at,
        last_at=last_at,
        news_at=news_at,
        dues=Dues(
            [Due(_read_day(day), got(said), _read_fact(fact)) for day, said, fact in row["held"]],
            [_read_day(day) for day in row["gone"]],
        ),
    )


def _day(day: dates.Day) -> list[Any]:
    return [day.year, day.month, day.day, day.is_relative]


def _read_day(row: list[Any]) -> dates.Day:
    return dates.Day(row[0], row[1], row[2], 0, 0, row[3])


def _fact(fact: model.Fact) -> dict[str, Any]:
    return {**asdict(fact), "said_at": fact.said_at.isoformat() if fact.said_at else None}


def _read_fact(row: dict[str, Any]) -> model.Fact:
    return model.Fact(**{**row, "said_at": datetime.fromisoformat(row["said_at"]) if row["said_at"] else None})

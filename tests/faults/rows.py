"""Damage stored rows with SQL, and read what is in quarantine."""

from __future__ import annotations

import contextlib
import itertools
import random
import sqlite3
from collections.abc import Sequence
from typing import Any

from bot.model.quarantine import PieceKind
from tests.crash import storm
from tests.journeys.world import Item, World
from tests.testbed.fakes import START

RULES = "rules:\n  - {name: Recalls, all: {what: [recalls]}, notify: desk}\n"


def reports(count: int, *, skip: int = 0) -> list[Item]:
    """Return reports about different events, which the rule of ``RULES`` matches. The id is a name in the title."""
    words = storm.new_words(random.Random(7))
    made = []
    for number in range(skip + count):
        company, product, place, person = itertools.islice(words, 4)
        title = f"{company} recalls {100 + 7 * number} {product} kettles in {place}"
        text = f"{person} of {company} said that {product} kettles from {place} overheat."
        made.append(Item(id=company, title=title, text=text, at=START))
    return made[skip:]


def change(world: World, statement: str, *values: object) -> int:
    """Run one SQL statement on the database. Return the number of changed rows."""
    with contextlib.closing(sqlite3.connect(world.folder / "wirewatch.db")) as database, database:
        return database.execute(statement, values).rowcount


def ask(world: World, statement: str) -> list[tuple[Any, ...]]:
    """Return the rows of a SQL query."""
    with contextlib.closing(sqlite3.connect(world.folder / "wirewatch.db")) as database:
        return database.execute(statement).fetchall()


async def pieces(world: World) -> list[tuple[PieceKind, str]]:
    """Return the kind and the stage of each piece in quarantine."""
    return [(piece.kind, piece.stage) for piece in await world.read(lambda tx: tx.quarantine.all())]


def posted(world: World, among: Sequence[Item]) -> list[str]:
    """Return the ids of the reports that messages on the desk's channel show, with repetitions."""
    texts = [str(message["blocks"]) for message in world.heads()]
    return sorted(report.id for report in among for text in texts if report.title in text)


def notices(world: World) -> list[str]:
    """Return the operator's notices about pieces that were set aside."""
    return [text for message in world.heads("ops") if "set aside" in (text := str(message))]

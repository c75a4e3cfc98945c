"""A desk whose channel, feeds and database can be made to fail, and what is seen of it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from bot.model.quarantine import PieceKind
from tests.crash import stories
from tests.journeys import world as worlds
from tests.journeys.world import Item, World
from tests.testbed import faults
from tests.testbed.fakes import START
from tests.testbed.faults import spoiling

RULES = "rules:\n  - {name: Recalls, all: {what: [recalls]}, skip: [opinion], notify: desk}\n"
BOT = worlds.BOT.replace("desk: {{kind: slack,", "desk: {{kind: faulty,")


def configure(
    desk: World,
    *outlets: str,
    rules: str = RULES,
    item: str = faults.ITEM,
    message: str = faults.MESSAGE,
    raises: str = "before",
    bot: str = BOT,
) -> None:
    """Configure a desk on which items and messages with these words in their headlines raise."""
    bot = bot.replace("kind: faulty,", f'kind: faulty, poison: "{message}", raises: {raises},')
    desk.configure(*outlets, rules=rules, bot=bot, feed_keys=f'kind: faulty, poison: "{item}"')


def reports(count: int, *, skip: int = 0, poison: str = "", at: int = 5) -> list[Item]:
    """Return reports about different events, which the rule of ``RULES`` matches.

    The headline of the report number ``at`` begins with ``poison``.
    """
    words = stories.new_words(random.Random(7))
    collected = []
    for number in range(skip + count):
        _, (report, *_) = stories.story(number, words)
        title = f"{poison}: {report.title}" if poison and number == at else report.title
        collected.append(replace(report, title=title, at=START))
    return collected[skip:]


def run(world: World, statement: str, **values: object) -> list[tuple[Any, ...]]:
    """Run one SQL statement on the database. Return its rows."""
    return spoiling.run(world.address, statement, **values)


async def pieces(world: World) -> list[tuple[PieceKind, str]]:
    """Return the kind and the stage of each piece in quarantine."""
    return [(piece.kind, piece.stage) for piece in await world.read(lambda tx: tx.quarantine.all())]


def posted(world: World, among: Sequence[Item]) -> list[str]:
    """Return the ids of the reports that messages on the desk's channel are about, with repetitions."""
    texts = [stories.own_text(message) for message in world.heads()]
    return sorted(report.id for report in among for text in texts if report.title in text)


def ids(reports: Sequence[Item], *, without: str = "") -> list[str]:
    """Return the sorted ids of reports, without those whose headline has the poison ``without``."""
    return sorted(report.id for report in reports if not without or without not in report.title)


def notices(world: World) -> list[str]:
    """Return the operator's notices about pieces that were set aside."""
    return [text for message in world.heads("ops") if "set aside" in (text := str(message))]

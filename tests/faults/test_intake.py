"""An item that breaks the intake is set aside; the other items of its feed, and the other feeds, are stored."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest

from bot import rules
from bot.model.feeds import Feed
from bot.model.quarantine import PieceKind
from bot.model.rules import Match
from bot.model.stories import Article
from tests.faults import rows
from tests.journeys.world import World, world


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path / "config") as made:
        made.configure("wire", "courier", rules=rows.RULES)
        await made.once()
        yield made


async def test_one_item_at_fault_among_twenty_is_set_aside_and_can_be_tried_again(
    desk: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports, others = rows.reports(20), rows.reports(2, skip=20)
    poison, good = reports[5], [*reports[:5], *reports[6:], *others]
    match = rules.RuleSet.match

    def match_all_but_one(self: rules.RuleSet, article: Article, feed: Feed, *, now: datetime) -> tuple[Match, ...]:
        if article.title == poison.title:
            raise LookupError("a bug")
        return match(self, article, feed, now=now)

    monkeypatch.setattr(rules.RuleSet, "match", match_all_but_one)
    desk.publish("wire", *reports)
    desk.publish("courier", *others)
    for _ in range(2):
        report = await desk.once()
        assert [feed.error for feed in report.passed.feeds] == [None, None]
    assert rows.posted(desk, [*good, poison]) == sorted(item.id for item in good)
    assert await rows.pieces(desk) == [(PieceKind.ITEM, "intake")]
    assert len(rows.notices(desk)) == 1

    # The next version has no bug, and the feed no longer lists the item.
    monkeypatch.setattr(rules.RuleSet, "match", match)
    desk.publish("wire")
    rows.change(desk, "UPDATE quarantine SET version = '0'")
    await desk.once()

    assert rows.posted(desk, [poison]) == [poison.id]
    assert await rows.pieces(desk) == []

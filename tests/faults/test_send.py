"""A message that a channel's code cannot send is set aside; the others are sent, and it can be tried again."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.model.channels import Channel, Delivery
from bot.model.messages import Receipt
from bot.model.quarantine import PieceKind
from tests.faults import rows
from tests.journeys.world import world


async def test_one_message_at_fault_among_twenty_is_set_aside_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with world(tmp_path / "config") as desk:
        desk.configure("wire", rules=rows.RULES)
        await desk.once()
        async with desk.opened() as running:
            kind = type(running.live.channels["desk"])
        send, reports = kind.send, rows.reports(21)
        poison, good = reports[3], [*reports[:3], *reports[4:]]

        async def send_all_but_one(self: Channel, delivery: Delivery) -> Receipt:
            if any(brief.title.text == poison.title for brief in delivery.message.briefs):
                raise LookupError("a bug")
            return await send(self, delivery)

        monkeypatch.setattr(kind, "send", send_all_but_one)
        desk.publish("wire", *reports)
        for _ in range(2):
            await desk.once()
        assert rows.posted(desk, reports) == sorted(report.id for report in good)
        assert await rows.pieces(desk) == [(PieceKind.MESSAGE, "send")]
        assert len(rows.notices(desk)) == 1

        monkeypatch.setattr(kind, "send", send)
        rows.change(desk, "UPDATE quarantine SET is_retry_requested = 1")
        await desk.once()

        assert rows.posted(desk, [poison]) == [poison.id]
        assert await rows.pieces(desk) == []

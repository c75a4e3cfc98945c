"""When did we know, and whom did we tell: asked of a bot that ran for some days."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import ledger
from tests.journeys.world import BOT, Item, World, world
from tests.testbed.fakes import START

TITLE = "BlackBerry quits Pakistan after PTA sought backdoor into BES"
DAY_MINUTES = 24 * 60


@pytest.fixture
async def ran(tmp_path: Path) -> AsyncIterator[World]:
    """One story on the first day, and three more days without news."""
    async with world(tmp_path) as made:
        made.configure("wire", "courier", bot=BOT)
        await made.once()
        made.publish("wire", Item(id="w1", title=TITLE, text="The PTA asked for a backdoor.", at=START))
        await made.once()
        for _ in range(3):
            await made.once(minutes=DAY_MINUTES)
        yield made


async def run(ran: World, *words: str, code: int = 0) -> str:
    done = await asyncio.to_thread(CliRunner().invoke, ledger.ledger, [*words, "--config", str(ran.folder)])
    assert done.exit_code == code, done.output
    return done.output


async def test_the_export_tells_the_way_from_the_feed_to_the_reader(ran: World) -> None:
    rows = json.loads(await run(ran, "export", "--since", "20000d", "--json"))
    watched = [row for row in rows if row["kind"] in ("started", "stopped")]
    assert [row["kind"] for row in watched] == ["started", "stopped"] * 5, "a process for each pass"
    assert {row["how"] for row in watched[1::2]} == {"in order"}
    rows = [row for row in rows if row not in watched]
    kinds = [row["kind"] for row in rows]
    assert kinds == ["fetched", "fetched", "fetched", "matched", "decided", "sent"], "polls without news are no rows"
    matched, decided, sent = rows[3:]
    (message,) = ran.heads()
    assert (matched["rule"], matched["link"]) == ("BlackBerry in Pakistan", "https://wire.example/w1")
    assert matched["at"] == (START + timedelta(minutes=10)).isoformat()
    assert (decided["channel"], decided["action"], decided["reason"]) == ("desk", "post", "first report")
    assert (sent["channel"], sent["receipt"], sent["stories"]) == ("desk", message["ts"], [decided["story"]])


async def test_the_listing_is_a_line_a_row(ran: World) -> None:
    lines = (await run(ran, "--since", "20000d")).splitlines()
    assert len(lines) == 6 + 2 * 5
    (matched,) = [line for line in lines if " matched " in line]
    assert matched.startswith("2015-12-02 09:10:00 matched   article=")
    assert 'rule="BlackBerry in Pakistan"' in matched
    assert (await run(ran, "export", "--since", "20000d")).splitlines() == lines
    assert await run(ran, "export", "--since", "1d", "--json") == "[]\n"


async def test_a_channel_that_is_closed_is_told_as_parked(tmp_path: Path) -> None:
    async with world(tmp_path) as running:
        running.configure("wire")
        await running.once()
        (desk,) = [channel for channel in running.slack.workspace.channels.values() if channel.name == "policy-alerts"]
        desk.is_archived = True
        running.publish("wire", Item(id="w1", title=TITLE, text="The PTA asked for a backdoor.", at=START))
        await running.once()
        await running.once()
        rows = json.loads(await run(running, "export", "--since", "20000d", "--json"))
    parked = [(row["kind"], row["channel"], row["reason"]) for row in rows if row["kind"] == "parked"]
    assert [row[:2] for row in parked] == [("parked", "desk")]
    assert "the app sees no channel #policy-alerts" in parked[0][2]

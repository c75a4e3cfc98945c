"""When did we know, and whom did we notify: explain and status show the rows of the ledger."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

from bot.cli import commands
from tests.journeys.world import BOT, Item, world
from tests.testbed.fakes import START

ITEM = Item(id="w1", title="BlackBerry quits Pakistan after PTA sought backdoor into BES", text="No.", at=START)


async def run(folder: Path, *words: str) -> str:
    app = commands.app_of(words[:1])
    done = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--config", str(folder)])
    assert done.exit_code == 0, done.output
    return done.output


async def test_explain_shows_what_was_recorded_from_the_match_to_the_message(tmp_path: Path) -> None:
    async with world(tmp_path) as running:
        running.configure("wire", bot=BOT)
        await running.once()
        running.publish("wire", ITEM)
        await running.once()
        shown = await run(running.folder, "explain", "BlackBerry", "--url", "https://wire.example/w1")
        document: Any = json.loads(
            await run(running.folder, "explain", "BlackBerry", "--url", "https://wire.example/w1", "--json")
        )
        (message,) = running.heads()
    assert "recorded: 2015-12-02 09:10:00 UTC matched article=" in shown
    assert 'rule="BlackBerry in Pakistan"' in shown
    story = document[0]["story"]
    matched, sent = story["ledger"]
    assert (matched["kind"], matched["fields"]["link"]) == ("matched", "https://wire.example/w1")
    assert (sent["kind"], sent["fields"]["receipt"], sent["fields"]["stories"]) == (
        "sent",
        message["ts"],
        [story["id"]],
    )

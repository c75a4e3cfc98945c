"""A feed whose server redirects it for good: it is read at its new address, and people hear of it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest

from testbed import commands
from testbed.servers.feeds import Reply
from tests.journeys import world as worlds


@pytest.mark.parametrize("status", [301, 308])
async def test_a_permanent_redirect_that_stays_is_told_once_and_shown_in_status(tmp_path: Path, status: int) -> None:
    async with worlds.world(tmp_path) as made:
        made.configure("old")
        new = made.outlets.url("/new.xml")
        made.outlets.serve("/new.xml", worlds.rss("old", worlds.Item(id="1", title="A", text="B")))
        made.outlets.serve("/old.xml", Reply.redirect(new, status=status))

        async def remarks() -> list[str]:
            words = ("status", "--json", "--config", str(tmp_path))
            shown = await asyncio.to_thread(commands.run, words, tmp_path, {**os.environ, **made.environ})
            [feed] = json.loads(shown.stdout)["feeds"]
            return list(feed["remarks"])

        await made.once()
        assert await remarks() == [f"redirected for good to {new}, seen once"]
        assert made.heads("ops") == []
        for _ in range(6):
            await made.once()
        told = [str(message) for message in made.heads("ops") if "has moved for good" in str(message)]
        assert len(told) == 1
        assert "write that into feeds.yaml" in told[0]
        assert await remarks() == [f"moved for good to {new}; write that into feeds.yaml"]
        words = ("status", "--config", str(tmp_path))
        environ = {**os.environ, **made.environ, "COLUMNS": "200"}
        shown = await asyncio.to_thread(commands.run, words, tmp_path, environ)
        assert f"moved for good to {new}" in shown.stdout

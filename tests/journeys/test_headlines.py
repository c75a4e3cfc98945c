"""A story has one headline, which every door shows: the message's, with what its outlet corrected in it."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from mcp import Client

from bot import app, ports
from bot.answers import assistants
from bot.app import runtime
from bot.app.asking import Asking
from testbed import commands
from tests.journeys.world import Item, world
from tests.web.conftest import page_over

RULES = """\
rules:
  - name: Regulators
    all: {who: [regulator], what: [fine*]}
    notify: [desk, ops]
"""
FIRST = Item(
    id="1",
    title="Regulator fines Northwind Telecom 4 million dollars",
    text="The regulator fines Northwind Telecom 4 million dollars over its outage of March. The company will appeal.",
)
CORRECTED = replace(
    FIRST,
    title="Regulator fines Northwind Telecom 6 million dollars",
    text="The regulator fines Northwind Telecom 6 million dollars over its outage of March. The company will appeal.",
)


async def test_every_door_shows_a_corrected_headline_and_feeds_out_the_correction_once(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    async with world(folder) as made:
        made.configure("wire", rules=RULES)
        await made.once()
        made.publish("wire", FIRST)
        await made.once()
        made.publish("wire", CORRECTED)
        await made.once()
        (head,) = made.heads()
        assert CORRECTED.title in str(head["blocks"])
        (story,) = await made.stories()
        listed = commands.run(["stories", "--config", str(folder)], folder, {**os.environ, **made.environ})
        assert listed.stdout.splitlines()[0] == CORRECTED.title
    async with page_over(folder) as page:
        answer = json.loads((await page.get(f"/api/v1/stories/{story.id}")).content)
        assert answer["title"] == CORRECTED.title
        assert CORRECTED.title in (await page.get("/stories")).text
        (entry,) = json.loads((await page.get("/feeds/all.json")).content)["items"]
        assert entry["title"] == CORRECTED.title
        # Two channels were told of each.
        assert entry["content_html"].count("corrected its title") == 1
        assert entry["content_html"].count("corrected its text") == 1
        assert "6 million dollars over its outage" in entry["content_html"].partition("</p>")[0]
        home = await Asking(page.running).answer(
            ports.Asked(id="1", person=ports.Person(id="U0", member_of=frozenset({"desk"})), is_page=True),
            channels=("desk",),
        )
        assert [brief.title.text for brief in home.briefs] == [CORRECTED.title]
    environment = app.Environment(environ=made.environ, clock=made.clock)
    async with runtime.opened(app.load(folder, made.environ), environment) as running:
        server = assistants.server_of(Asking(running)._answers)
        async with Client(server) as client:
            told = await client.call_tool("story", {"id": story.id})
    assert f'"title": "{CORRECTED.title}"' in told.content[0].text.partition('"articles"')[0]  # type: ignore[union-attr]

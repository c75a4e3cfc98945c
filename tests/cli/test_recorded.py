"""When did we know, and whom did we notify: explain shows the decisions and the messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.journeys.world import BOT, Item, world
from tests.testbed.fakes import START

ITEM = Item(id="w1", title="BlackBerry quits Pakistan after PTA sought backdoor into BES", text="No.", at=START)


TWO_RULES = """\
rules:
  - {name: BlackBerry, any: [BlackBerry], notify: desk}
  - {name: Wombats, any: [wombat*], notify: desk}
"""


async def test_the_list_of_stories_is_short_and_explain_shows_the_story_the_rules_and_the_messages(
    tmp_path: Path,
) -> None:
    async with world(tmp_path) as running:
        running.configure("wire", bot=BOT, rules=TWO_RULES)
        await running.once()
        running.publish("wire", ITEM)
        await running.once()
        (story,) = await running.stories()
        short = (await running.call("stories")).stdout
        whole = (await running.call("stories", "--all")).stdout
        link = "https://wire.example/w1"
        explained = (await running.call("explain", "--url", link)).stdout.splitlines()
        document: Any = json.loads((await running.call("explain", "BlackBerry", "--url", link, "--json")).stdout)
        (message,) = running.heads()
        text = (await running.call("explain", "--text", "Penguins march")).stdout
    assert [line.strip() for line in short.splitlines()] == [
        ITEM.title,
        "wire · BlackBerry",
        f"{story.id[:8]} · 2015-12-02 09:10 UTC · desk: sent",
    ]
    assert "grouping: opened" in whole
    assert "desk: post, first report" in whole
    first, *_, last = (line for line in explained if line)
    assert first.startswith("story: BlackBerry quits Pakistan after PTA sought backdoor into BES (")
    assert any("message: post to desk, sent 2015-12-02 09:10 UTC" in line for line in explained)
    (sent,) = document[0]["story"]["messages"]
    assert (sent["state"], sent["receipt"]) == ("sent", message["ts"])
    assert "BlackBerry: matches" in explained
    assert last == "1 other rule without a match (name one to see why): Wombats"
    assert "BlackBerry: does not match" in text
    assert "Wombats: does not match" in text

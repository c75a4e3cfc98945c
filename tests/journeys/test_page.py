"""A page without a feed: added by its address, read by the selectors that were found, told of when it is rebuilt."""

from __future__ import annotations

import asyncio
from pathlib import Path

import yaml

from testbed.commands import wirewatch
from tests.journeys.world import world

ITEM = '<li class="entry"><h2><a href="/news/{n}">{title}</a></h2><span class="day">{n} December 2015</span></li>'
OLD = [f"The office is closed on Friday number {n}" for n in range(1, 5)]
NEWS = "BlackBerry quits Pakistan after PTA sought backdoor into BES"


def page(*titles: str, item: str = ITEM) -> bytes:
    items = "".join(item.format(n=n, title=title) for n, title in enumerate(titles, 1))
    return f"<html lang=en><head><title>Regulator</title></head><body><ul id=news>{items}</ul></body></html>".encode()


async def test_a_page_becomes_a_slack_message_and_a_rebuilt_page_is_told(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        made.configure()
        address = made.outlets.url("/news")
        made.outlets.serve("/news", page(*OLD))
        added = await asyncio.to_thread(wirewatch, "feeds", "add", address, "--config", str(tmp_path), folder=tmp_path)
        assert "li.entry" in added.stdout
        assert OLD[0] in added.stdout
        [feed] = yaml.safe_load((tmp_path / "feeds.yaml").read_text())["feeds"]
        assert (feed["kind"], feed["item"], feed["title"], feed["date"]) == ("page", "li.entry", "h2", "span.day")
        await made.once()
        made.outlets.serve("/news", page(NEWS, *OLD))
        await made.once()
        [post] = made.heads()
        assert NEWS in str(post)
        made.outlets.serve("/news", page(NEWS, *OLD, item=ITEM.replace("entry", "teaser")))
        for _ in range(6):
            await made.once(minutes=90)
        told = "".join(map(str, made.heads("ops")))
        assert "li.entry" in told
        assert "li.teaser" in told

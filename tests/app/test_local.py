"""One process that does all the work: feeds that hang keep no room of the others."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bot import app
from bot.app import runtime
from testbed.servers.feeds import FeedServer, Reply
from tests.journeys.world import rss

GOOD, HANGING = 60, 3
BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels: {{alerts: {{kind: console}}}}
operator: alerts
fetch: {{concurrency: 4, per_host: 16, timeout: 60 seconds, allow_private: [127.0.0.0/8]}}
"""
RULES = """\
rules:
  - {name: Recalls, all: {what: [recalls], of: [kettles]}, notify: alerts}
"""


async def test_feeds_that_hang_do_not_keep_the_others_from_being_polled(tmp_path: Path) -> None:
    folder = tmp_path / "config"
    (folder / "rules").mkdir(parents=True)
    (folder / "bot.yaml").write_text(BOT.format(folder=tmp_path))
    (folder / "rules" / "desk.yaml").write_text(RULES)
    async with FeedServer() as server:
        hanging = [f"/a-hanging/{number}" for number in range(HANGING)]
        good = [f"/good/{number}" for number in range(GOOD)]
        for path in hanging:
            server.serve(path, Reply(body=rss("late"), delay_seconds=600))
        for path in good:
            server.serve(path, rss("prompt"))
        # Those that hang are claimed first: of feeds that are due at one time, in the order of addresses.
        lines = [f'  - {{url: "{server.url(path)}", owner: "{path}"}}' for path in (*hanging, *good)]
        (folder / "feeds.yaml").write_text("feeds:\n" + "\n".join(lines) + "\n")
        environment = app.Environment(environ={})
        async with runtime.opened(app.load(folder, environment.environ), environment) as running:
            stop = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(running.run(stop))
                async with asyncio.timeout(300):
                    # Far more than one claim holds, and the hanging ones are in the first.
                    while not set(good) <= {request.path for request in server.requests}:  # noqa: ASYNC110
                        await asyncio.sleep(0.05)
                stop.set()
        assert all(len(server.seen(path)) == 1 for path in hanging)

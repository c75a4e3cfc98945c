"""A story in one channel by ``wirewatch once``, which is killed with SIGKILL at a step of the channel's server.

The server of the test calls ``kill`` when it meets the step: before it takes a message, or after it took one and before
it answers. Then the next run does what an operator's would do. The caller compares the messages at the end with
those of a journey in which nothing was killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.crash import launcher, storm
from tests.journeys.world import rss
from tests.testbed import configs
from tests.testbed.servers.feeds import FeedServer

_BOT = """\
database: sqlite:///{folder}/wirewatch.db
channels:
  desk: {channel}
stories: {{meaning: "off"}}  # The stories of these tests are made for a likeness of words.
fetch: {{readers: 0, allow_private: [127.0.0.0/8]}}
"""
_RULES = """\
rules:
  - {name: Recalls, all: {what: [recalls]}, severity: high, notify: desk}
  - {name: Confirmed recalls, all: {what: [recalls]}, min_outlets: 2, severity: high, notify: desk}
"""
_WORDS = storm.new_words(random.Random(1))
#: The reports of three outlets, one after the other: a report, its confirmation, a number that changed.
NAME, _REPORTS = storm.story(0, _WORDS)


@dataclass(slots=True)
class Journey:
    feeds: FeedServer
    log: Path
    #: Starts the bot.
    start: Callable[[], launcher.Run]
    run: launcher.Run | None = None
    #: Exit codes of the runs, minus the signal of those that were killed.
    codes: list[int] = field(default_factory=list)

    def kill(self) -> None:
        """By the server, while the bot waits for it."""
        assert self.run
        self.run.kill()

    def publish(self, outlets: int) -> None:
        """Publish the reports of so many outlets."""
        for number, outlet in enumerate(storm.OUTLETS):
            self.feeds.serve(f"/{outlet}", rss(outlet, *_REPORTS[number : number + 1] if number < outlets else ()))

    async def once(self) -> int:
        self.run = self.start()
        self.codes.append(await self.run.wait())
        assert self.codes[-1] in (0, -signal.SIGKILL), self.log.read_text()[-3000:]
        return self.codes[-1]

    async def run_to_its_end(self) -> None:
        """Publish the whole story, one outlet after the other; a run that was killed is followed by another."""
        for outlets in range(len(storm.OUTLETS) + 1):
            self.publish(outlets)
            while await self.once() != 0:
                assert len(self.codes) < 40, "it is killed for ever"


@contextlib.asynccontextmanager
async def journey(folder: Path, channel: Mapping[str, object], secrets: Mapping[str, str]) -> AsyncIterator[Journey]:
    """``channel``: its keys in bot.yaml; ``secrets``: the environment behind its ``env:NAME``."""
    bot = _BOT.format(folder=folder, channel=json.dumps(channel))
    async with FeedServer() as feeds:
        listed = [{"url": feeds.url(f"/{name}"), "name": name, "owner": name} for name in storm.OUTLETS]
        config = configs.write(folder / "config", bot=bot, feeds=listed, rules=_RULES)
        arguments = ["once", "--now", "--drain", "20 seconds", "--config", str(config)]
        log = folder / "run.log"
        yield Journey(feeds, log, lambda: launcher.start(arguments, {**os.environ, **secrets}, log))

"""Count the files of bot/ that an article and a button press run through, by tracing one real run.

    python -m bench.speed.trace             the counts
    python -m bench.speed.trace --list      also the files

Two feeds report one event; the run polls, decides and sends over SQLite to the console channel (readers: 0), and then
somebody presses a button. A file is *touched* if one of its functions runs, and in the *spine* if one of its functions
is on the stack at an effect: a fetch, rows of articles, of the queue, of stories or of the outbox, a message sent.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import inspect
import io
import sys
import tempfile
import threading
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from bot.app.runtime import App
from bot.model.actions import Useful
from bot.model.channels import Person, Press
from bot.model.stories import StoryId
from tests.journeys.world import Item, world

BOT = str(Path(__file__).parents[2] / "bot") + "/"
#: File and function of each effect.
EFFECTS = {
    ("fetch/client.py", "get"),
    ("storage/articles.py", "add"),
    ("storage/decision_queue.py", "add"),
    ("storage/stories.py", "save"),
    ("storage/outbox.py", "add"),
    ("storage/people.py", "add"),
    ("channels/console/__init__.py", "send"),
}
FIRST = Item(id="1", title="BlackBerry quits Pakistan over backdoor", text="The PTA had asked for access to BES.")
SECOND = Item(id="2", title="BlackBerry leaves Pakistan over backdoor", text="The PTA wanted access to BES servers.")


class Trace:
    """The files whose functions ran, and those that were on the stack at an effect."""

    def __init__(self) -> None:
        self.touched: set[str] = set()
        self.spine: set[str] = set()

    def clear(self) -> None:
        """Forget all files."""
        self.touched.clear()
        self.spine.clear()

    def note_call(self, frame: FrameType) -> None:
        """Note the call of a function."""
        code = frame.f_code
        # The bodies of modules and classes run when a module is imported, perhaps only now; they are not functions.
        if not code.co_filename.startswith(BOT) or not code.co_flags & inspect.CO_OPTIMIZED:
            return
        name = code.co_filename.removeprefix(BOT)
        self.touched.add(name)
        if (name, code.co_name) in EFFECTS:
            stack: FrameType | None = frame
            while stack is not None:
                if stack.f_code.co_filename.startswith(BOT):
                    self.spine.add(stack.f_code.co_filename.removeprefix(BOT))
                stack = stack.f_back


_TARGET: list[Trace | None] = [None]


def follow(trace: Trace | None) -> None:
    """Trace this thread and the threads that start from now on."""
    _TARGET[0] = trace

    def note(frame: FrameType, event: str, argument: Any) -> None:
        if _TARGET[0] is not None and event == "call":
            _TARGET[0].note_call(frame)

    threading.setprofile(note)
    sys.setprofile(note)


async def press(app: App, story: StoryId) -> None:
    [row, *_] = await app.store.read(lambda tx: tx.outbox.of_story(story))
    assert row.receipt is not None
    pressed = Press(
        id="p1", person=Person(id="U1"), action=Useful(), story=story, place=row.receipt.place, ref=row.receipt.ref
    )
    result = await app._listening.take(pressed, [row.channel])
    assert not result.refused, result


async def run() -> tuple[Trace, Trace]:
    """Return the traces of the articles and of the press."""
    with tempfile.TemporaryDirectory() as folder:
        async with world(Path(folder) / "config") as desk:
            bot = "database: sqlite:///{folder}/wirewatch.db\nchannels: {{desk: {{kind: console}}}}\n"
            bot += "fetch: {{readers: 0, allow_private: [127.0.0.0/8]}}\n"
            desk.configure("wire", "courier", bot=bot)
            await desk.once()
            desk.publish("wire", FIRST)
            desk.publish("courier", SECOND)
            desk.clock.advance(timedelta(minutes=5))
            articles, pressed = Trace(), Trace()
            # The database's threads start while the app opens.
            follow(articles)
            async with desk.opened() as app:
                articles.clear()
                await app.once(everything=True, drain=timedelta(seconds=60))
                [story, *_] = await app.store.read(lambda tx: list(tx.stories.open_since(FIRST.at)))
                _TARGET[0] = pressed
                await press(app, story.id)
                follow(None)
    return articles, pressed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="also list the files")
    options = parser.parse_args()
    with contextlib.redirect_stdout(io.StringIO()):
        articles, pressed = asyncio.run(run())
    for name, trace in (("an article", articles), ("a press", pressed)):
        print(f"{name}: spine of {len(trace.spine)} files, {len(trace.touched)} touched")
        if options.list:
            for file in sorted(trace.touched):
                print("  *" if file in trace.spine else "   ", file)


if __name__ == "__main__":
    main()

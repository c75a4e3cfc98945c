"""``kind: console``: messages on standard output, in colour on a terminal, plain elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TextIO

import pydantic

from bot import model
from bot.channels.kit import context
from bot.channels.kit.context import ChannelContext

if TYPE_CHECKING:
    from bot.channels.console.screen import Screen

KIND = "console"


class Options(pydantic.BaseModel):
    """Standard output: a terminal, a file or a pipe. It has no options."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class Channel:
    """Standard output. Printed messages cannot be edited: an edit prints the news of its story."""

    pace = timedelta()
    account = "console"
    abilities = model.Abilities(threads=True, edits=True, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        self.name = name
        self._context = context

    async def send(self, delivery: model.Delivery) -> model.Receipt:
        # Writing to a pipe that nobody reads blocks, so it runs in a thread.
        await context.run_in_thread(lambda: self._print(delivery), name=self.name)
        return model.Receipt(ref=delivery.id, place="console", sent_at=self._context.clock.now())

    async def find(self, delivery: model.Delivery, *, since: datetime) -> model.Receipt | None:
        raise model.OutcomeUnknown("a terminal cannot verify delivery")

    async def check(self) -> Sequence[model.CheckLine]:
        return [model.CheckLine(is_good=True, what="messages go to standard output")]

    async def close(self) -> None:
        """Standard output stays open."""

    def _print(self, delivery: model.Delivery) -> None:
        from bot.channels.console import screen

        out = sys.stdout
        try:
            console = self._console(out)
            with console.capture() as capture:
                screen.print_message(console, delivery.message, zone=self._context.zone)
            # rich pads lines with spaces.
            shown = "\n".join(line.rstrip() for line in capture.get().split("\n"))
            # A terminal with another character set shows question marks.
            encoding = out.encoding or "utf-8"
            # One write for each message, so that two channels do not mix.
            out.write(shown.encode(encoding, "replace").decode(encoding))
            out.flush()
        except (OSError, ValueError):
            raise model.ChannelClosed("standard output is closed") from None

    def _console(self, out: TextIO) -> Screen:
        from bot.channels.console.screen import Screen

        if out.isatty():
            return Screen(file=out, highlight=False, emoji=False, markup=False)
        return Screen(
            file=out, width=80, color_system=None, force_terminal=False, highlight=False, emoji=False, markup=False
        )

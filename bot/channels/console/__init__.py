"""``kind: console``: messages on standard output, in colour on a terminal, plain elsewhere."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.channels.kit.context import BaseChannel, ChannelContext, ChannelOptions, passed, run_in_thread
from bot.model.channels import Abilities, CheckLine, Delivery
from bot.model.errors import ChannelClosed

if TYPE_CHECKING:
    from bot.model.messages import Receipt

KIND = "console"


class Options(ChannelOptions):
    """Standard output: a terminal, a file or a pipe. It has no options."""


class Channel(BaseChannel):
    """Standard output. Printed messages cannot be edited, so an edit prints only what is new in its story."""

    abilities = Abilities(threads=True, edits=True, lookup=False)

    def __init__(self, name: str, options: Options, context: ChannelContext) -> None:
        super().__init__(name, account="console", pace=timedelta(), context=context)

    async def send(self, delivery: Delivery) -> Receipt:
        # Write in a thread, because writing to a pipe that nobody reads blocks.
        await run_in_thread(lambda: self._print(delivery), name=self.name)
        return self.receipt(delivery.id, place="console")

    async def check_setup(self) -> AsyncIterator[CheckLine]:
        yield passed("messages go to standard output")

    def _print(self, delivery: Delivery) -> None:
        from bot.channels.console import screen  # imports rich, which only a terminal needs

        out = sys.stdout
        try:
            is_terminal = out.isatty()
            console = screen.Screen(
                file=out,
                width=None if is_terminal else 80,
                color_system="auto" if is_terminal else None,
                force_terminal=None if is_terminal else False,
                highlight=False,
                emoji=False,
                markup=False,
            )
            with console.capture() as capture:
                screen.print_message(console, delivery.message, zone=self.context.zone)
            # rich pads lines with spaces.
            shown = "\n".join(line.rstrip() for line in capture.get().split("\n"))
            # Characters that the terminal's character set does not contain become question marks.
            encoding = out.encoding or "utf-8"
            # Write each message in one call, so that the messages of two channels do not mix.
            out.write(shown.encode(encoding, "replace").decode(encoding))
            out.flush()
        except (OSError, ValueError):
            raise ChannelClosed("standard output is closed") from None

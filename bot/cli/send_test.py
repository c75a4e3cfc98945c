"""wirewatch send-test: check a channel and send a test message to it."""

from __future__ import annotations

import asyncio
import os
import secrets
from pathlib import Path
from typing import Annotated

import typer

from bot import app
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, DONE, LEFT, UNUSABLE, ConfigDir
from bot.model.channels import Delivery
from bot.model.errors import SendError
from bot.model.messages import Notice
from bot.model.stories import send_id


def send_test(
    channel: Annotated[str, typer.Argument(help="A channel's name in bot.yaml.", metavar="CHANNEL")],
    folder: ConfigDir = DEFAULT_CONFIG,
    check_only: Annotated[bool, typer.Option("--check-only", help="Check only; post nothing.")] = False,
) -> None:
    """Check a channel, then post one test message to it.

    Checks the channel's credentials, its permissions and that it exists.

    Example: wirewatch send-test policy-desk
    """
    raise typer.Exit(asyncio.run(_send_test(folder, channel, check_only=check_only)))


async def _send_test(folder: Path, name: str, *, check_only: bool) -> int:
    environment = app.Environment(environ=os.environ)
    settings = app.load(folder, environment.environ)
    if name not in settings.bot.channels:
        terminal.fail(f'no channel "{name}" in bot.yaml; its channels are {", ".join(settings.bot.channels)}', UNUSABLE)
    channel = app.channel_of(settings, name, environment)
    try:
        lines = await channel.check()
        terminal.show_checks(lines)
        if not all(line.is_good for line in lines):
            return LEFT
        if check_only:
            return DONE
        message = Notice(lead="Wirewatch can post here. This is a test message.")
        receipt = await channel.send(Delivery(id=send_id("test", secrets.token_hex(8)), message=message))
    except SendError as error:
        terminal.say(f"wirewatch: {name} did not accept the message: {error}")
        return LEFT
    finally:
        await channel.close()
    if receipt.is_left_out:
        terminal.row("ok    nothing sent: the channel's template writes nothing for a notice", style="green")
    else:
        terminal.row(f"ok    sent{': ' + receipt.ref if receipt.ref else ''}", style="green")
    return DONE

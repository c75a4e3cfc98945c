"""wirewatch feedback: show how many stories of each rule readers found useful, and how many they found noise."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json, Since
from bot.queries.feedback import FEEDBACK


def feedback(
    folder: ConfigDir = DEFAULT_CONFIG,
    rule: Annotated[str | None, typer.Option(help="Only this rule: its name, or a part of it.", metavar="RULE")] = None,
    since: Since = "30d",
    json: Json = False,
) -> None:
    """Count the useful and the noisy stories of each rule.

    Example: wirewatch feedback --rule "Telecom regulator orders" --since 90d
    """
    rows = archive.ask(folder, FEEDBACK, {"rule": rule, "since": since}).feedback
    if json:
        terminal.answer(rows)
        return
    for row in rows:
        terminal.row(f"{row.rule}: precision {row.precision:.0%} ({row.useful} useful, {row.noise} noise)")
    if not rows:
        terminal.say("No feedback in this time. To collect feedback, set `buttons: true` on a slack channel.")

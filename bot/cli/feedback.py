"""wirewatch feedback: show each rule's precision by reader feedback, and the splits and merges of its stories."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json, Since
from bot.queries.feedback import FEEDBACK, RuleFeedbackDocument


def feedback(
    folder: ConfigDir = DEFAULT_CONFIG,
    rule: Annotated[str | None, typer.Option(help="Only this rule: its name, or a part of it.", metavar="RULE")] = None,
    since: Since = "30d",
    json: Json = False,
) -> None:
    """Show each rule's precision, splits and merges.

    The precision comes from the feedback buttons.

    Example: wirewatch feedback --rule "Telecom regulator orders" --since 90d
    """
    rows = archive.ask(folder, FEEDBACK, {"rule": rule, "since": since}).feedback
    if json:
        terminal.answer(rows)
        return
    for row in rows:
        _show(row)
    if not rows:
        terminal.say("No feedback in this time. To collect feedback, set `buttons: true` on a slack channel.")


def _show(row: RuleFeedbackDocument) -> None:
    terminal.row(row.rule, style="bold")
    if row.precision is not None:
        counts = f"{row.useful} useful, {row.noise} noise"
        terminal.row(f"  precision {row.precision:.0%}: {counts} (95 %: {row.low:.0%} to {row.high:.0%})")
    if not row.is_loaded:
        terminal.row("  no longer loaded")
    if row.rulings:
        terminal.row("  stories that people split or merged")
    for ruling in row.rulings:
        state = "" if ruling.done else " (waits for the bot)"
        if ruling.failed:
            state = " (failed because of a bug; ask for it again)"
        terminal.row(f"    {ruling.at:%Y-%m-%d %H:%M} UTC, {ruling.by}: {ruling.text}{state}")
    terminal.row("")

"""wirewatch feedback: show each rule's precision by reader feedback, and the splits and merges of its stories."""

from __future__ import annotations

import os
from typing import Annotated

import typer
from rich.text import Text

from bot import app
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json
from bot.queries import questions
from bot.queries.registry import read_parameters
from bot.queries.rules import FeedbackAnswer, FeedbackParameters, RuleFeedback


def feedback(
    folder: ConfigDir = DEFAULT_CONFIG,
    rule: Annotated[str | None, typer.Option(help="Only this rule: its name, or a part of it.", metavar="RULE")] = None,
    since: Annotated[str, typer.Option(help="How far to look back, such as 30d.", metavar="DURATION")] = "30d",
    json: Json = False,
) -> None:
    """Show each rule's precision, splits and merges.

    The precision comes from the feedback buttons.

    Example: wirewatch feedback --rule "Telecom regulator orders" --since 90d
    """
    parameters = read_parameters(FeedbackParameters, {"rule": rule, "since": since})
    rows = archive.ask(app.load(folder, os.environ), questions.FEEDBACK, parameters)
    if json:
        terminal.answer(FeedbackAnswer.of(rows).feedback)
        return
    for row in rows:
        _show(row)
    if not rows:
        terminal.say("No feedback in this time. To collect feedback, set `buttons: true` on a slack channel.")


def _show(row: RuleFeedback) -> None:
    out, precision = terminal.out(), row.precision
    out.print(Text(row.rule, style="bold"))
    if precision:
        low, high = precision.interval
        counts = f"{precision.useful} useful, {precision.noise} noise"
        line = f"  precision {precision.share:.0%}: {counts} (95 %: {low:.0%} to {high:.0%})"
        out.print(line, markup=False, highlight=False)
    if not row.is_loaded:
        out.print("  no longer loaded", markup=False)
    if row.rulings:
        out.print("  stories that people split or merged", markup=False)
    for ruling in row.rulings:
        pending = "" if ruling.done else " (waits for the bot)"
        terminal.row(f"    {ruling.at:%Y-%m-%d %H:%M} UTC, {ruling.by}: {ruling.text}{pending}")
    out.print()

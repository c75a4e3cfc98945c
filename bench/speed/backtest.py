"""Measure how many stored articles per second `wirewatch try` processes, from the database on disk to the messages.

    python -m bench.speed.backtest [COPIES]

The archive has three copies (COPIES) of the labelled stories of allsides, neus and gva, spread over 30 days in their
order, in a new SQLite file. The rules are one narrow rule, one wide rule, and thirty rules of a desk at once.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from rich.console import Console
from rich.table import Table

from bench.quality import storysets
from bot import rules, storage
from bot.model.rules import Line, Rule
from bot.model.stories import Article, ArticleId
from bot.queries import backtest
from tests.testbed.fakes import FakeClock
from tests.testbed.made_settings import make_settings

SETS = ("allsides", "neus", "gva")
END = datetime(2026, 11, 1, tzinfo=UTC)
SPAN = timedelta(days=30)

NARROW = Rule(
    name="Narrow",
    notify=("alerts",),
    all=(
        Line(label="who", terms=("NRA", "gun lobby", "National Rifle Association")),
        Line(label="what", terms=("lawsuit*", "sue*", "bankruptcy", "court")),
        Line(label="where", terms=("New York", "Texas")),
    ),
    none=(Line(label="sport", terms=("championship",)),),
)
WIDE = Rule(name="Wide", notify=("alerts",), query='(police OR sheriff*) AND (shot* OR shooting*) NOT "Fox News"')


def articles(copies: int) -> list[Article]:
    """Return copies of the articles of all sets, spread over the days."""
    rows = [row.article for name in SETS for row in storysets.load(name)] * copies
    step = SPAN / len(rows)
    return [
        replace(article, id=ArticleId(f"{number} {article.id}"), published=None, first_seen=END - SPAN + number * step)
        for number, article in enumerate(rows)
    ]


def desk(count: int) -> list[Rule]:
    """Rules of three lines on words of the narrow kind, each another."""
    subjects = "immigration vaccine* election* China Russia court* tax* climate budget border trade oil school* police"
    places = "Texas Georgia Florida California Washington Chicago Arizona Ohio"
    words, where = subjects.split(), places.split()
    return [
        Rule(
            name=f"Desk {number}",
            notify=("alerts",),
            all=(
                Line(label="subject", terms=(words[number % len(words)],)),
                Line(label="place", terms=(where[number % len(where)],)),
                Line(label="what", terms=("ruling", "ban*", "lawsuit*", "sanction*")),
            ),
        )
        for number in range(count)
    ]


async def measure(name: str, tried: list[Rule], store: storage.Store, table: Table) -> None:
    compiled = tuple(map(rules.compile_rule, tried))
    plan = backtest.BacktestPlan(tried=compiled, settings=make_settings(rules=[]), since=END - SPAN, until=END)
    began = time.perf_counter()
    report = await store.read(lambda tx: backtest.run_backtest(tx.articles.archive(since=plan.since), plan))
    seconds = time.perf_counter() - began
    hits = sum(len(rule.hits) for rule in report.rules)
    near = sum(line.count for rule in report.rules for line in rule.near)
    table.add_row(
        name, f"{report.articles:,}", f"{hits:,}", f"{near:,}", f"{len(report.messages):,}", f"{seconds:.1f}",
        f"{report.articles / seconds:,.0f}",
    )  # fmt: skip


async def main() -> None:
    table = Table("rules", "articles", "hits", "near misses", "messages", "seconds", "articles/s", title="Backtest")
    with tempfile.TemporaryDirectory() as place:
        store = storage.open_store(f"sqlite:///{place}/archive.db", clock=FakeClock(END))
        archive = articles(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
        await store.write(lambda tx: tx.articles.add(archive))
        await measure("one narrow", [NARROW], store, table)
        await measure("one wide", [WIDE], store, table)
        await measure("thirty", desk(30), store, table)
        await store.close()
    Console(width=110).print(table)


if __name__ == "__main__":
    asyncio.run(main())

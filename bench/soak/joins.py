"""Measure hundreds of thousands of joins: the data that grouping keeps depends on the window, not on all past articles.

The stream is made-up news: each event has its own rare words and one to four articles within hours, and new words keep
appearing, as in real news. Prints for each tenth of the stream the kept articles, open stories, indexed words and
memory. With --one-story, all articles are about one event; it prints the time of a join by the size of the story, and
the exponent.

    python -m bench.soak.joins [--articles 1000000] [--a-day 5000] [--window 2] [--one-story]
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import mean

from rich.console import Console
from rich.table import Table

from bot.model.archive import Arrival
from bot.model.stories import Article, ArticleId
from bot.stories import grouping
from bot.stories.index import Index

START = datetime(2026, 1, 1, tzinfo=UTC)
#: Common words, of which each headline has a few.
COMMON = tuple(f"common{number}" for number in range(3000))
#: Articles between two times of forgetting, as a pass of the bot does.
BATCH = 100
#: Articles of the one story at which the time is taken.
SIZES = (10, 30, 100, 300, 1000, 3000, 5000)


@dataclass(frozen=True, slots=True)
class Kept:
    """What grouping holds at one moment."""

    articles: int
    stories: int
    words: int


def stream(count: int, *, a_day: int, seed: int = 1) -> Iterator[Article]:
    """Articles in order of time."""
    draw = random.Random(seed)
    running: list[tuple[int, int]] = []
    event = 0
    for number in range(count):
        if not running or draw.random() < 0.4:
            event += 1
            running.append((event, draw.randint(1, 4)))
        at = draw.randrange(len(running))
        told, left = running[at]
        if left > 1:
            running[at] = (told, left - 1)
        else:
            running.pop(at)
        yield _article(number, told, draw, START + timedelta(days=number / a_day))


def _article(number: int, event: int, draw: random.Random, when: datetime) -> Article:
    own = [f"Event{event}x{part}" for part in range(5)]
    words = own + draw.sample(COMMON, 6)
    return Article(
        id=ArticleId(f"a{number}"),
        feed="bench",
        outlet=f"outlet{number % 40}",
        owner=f"outlet{number % 40}",
        link=f"https://outlet{number % 40}.example/{number}",
        title=" ".join(words),
        text=" ".join((*own, *draw.sample(COMMON, 10), f"fresh{number}")),
        published=when,
        first_seen=when,
        fingerprint=f"f{number}",
    )


def kept(index: Index) -> Kept:
    return Kept(len(index.joins), len(index.stories), sum(map(len, index._by_word.values())))


def join_all(count: int, *, a_day: int, window: timedelta, every: int) -> Iterator[Kept]:
    """What is kept after each ``every`` joins."""
    index = Index(window=window)
    for number, article in enumerate(stream(count, a_day=a_day), 1):
        if number % BATCH == 0:
            index.forget(article.first_seen - window)
        grouping.join(index, Arrival(article=article, matches=(), is_baseline=False))
        if number % every == 0:
            yield kept(index)


def in_one_story(count: int, *, seed: int = 1) -> list[tuple[int, float]]:
    """Pairs of a story's size and the milliseconds of processor time that the joins up to there took, each."""
    draw, index = random.Random(seed), Index(window=timedelta(days=14))
    own, found, start, before = [f"Event{part}" for part in range(12)], [], time.process_time(), 0
    sizes = [size for size in SIZES if size <= count]
    for number in range(1, count + 1):
        title, text = draw.sample(own, 8), [*draw.sample(own, 10), *draw.sample(COMMON, 60)]
        article = _article(number, 0, draw, START + timedelta(minutes=number))
        article = replace(article, title=" ".join(title), text=" ".join(text))
        grouping.join(index, Arrival(article=article, matches=(), is_baseline=False))
        if number in sizes:
            found.append((number, (time.process_time() - start) / (number - before) * 1000))
            start, before = time.process_time(), number
    return found


def exponent(found: Sequence[tuple[int, float]]) -> float:
    """Of the power of the size with which the time grows: the slope of both logarithms."""
    sizes, times = ([math.log(value) for value in column] for column in zip(*found, strict=True))
    middle = mean(sizes)
    return sum((size - middle) * each for size, each in zip(sizes, times, strict=True)) / sum(
        (size - middle) ** 2 for size in sizes
    )


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--articles", type=int, default=1_000_000)
    parser.add_argument("--a-day", type=int, default=5000)
    parser.add_argument("--window", type=float, default=2, help="days")
    parser.add_argument("--one-story", action="store_true", help="the time of a join by the story's size")
    options = parser.parse_args()
    if options.one_story:
        found = in_one_story(min(options.articles, max(SIZES)))
        told = ", ".join(f"{size}: {took:.2f} ms" for size, took in found)
        Console(width=110).print(f"{told}; grows with the size to the power of {exponent(found):.2f}")
        return
    every = max(1, options.articles // 10)
    table = Table("joins", "kept articles", "open stories", "indexed words", "resident", "joins/s")
    start = time.perf_counter()
    window = timedelta(days=options.window)
    for turn, now in enumerate(join_all(options.articles, a_day=options.a_day, window=window, every=every), 1):
        took, start = time.perf_counter() - start, time.perf_counter()
        figures = (turn * every, now.articles, now.stories, now.words)
        table.add_row(*(f"{figure:,}" for figure in figures), f"{_resident_mb():.0f} MB", f"{every / took:.0f}")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()

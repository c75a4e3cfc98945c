"""Measure how many queries per second are parsed: queries of five terms, as analysts write them.

    python -m bench.speed.parse

There are three kinds: all terms are known (a reload, the sets of a desk), terms as common as in news (about half of
them new), and all terms new. For comparison, one regular expression splits the queries into lexemes, and nothing is
done with them. One core; the median of five runs.
"""

from __future__ import annotations

import random
import re
import statistics
import time
from collections.abc import Callable, Sequence

from bench.speed.match import Language
from bot import rules

COUNT = 10_000
RUNS = 5
_SPLIT = re.compile(r'[()]|"[^"]*"|[^\s"()]+')


def main() -> None:
    language = Language(random.Random(1))
    again = [_query(language.term) for _ in range(1_000)]
    read_all(rules.parse_query, again)
    print(f"{'queries of five terms':<34}{'a second':>10}{'each':>10}{'split only':>12}{'ratio':>7}")
    _show("every term read before", [again * (COUNT // len(again))] * RUNS)
    _show("terms as often as in news", [[_query(language.term) for _ in range(COUNT)] for _ in range(RUNS)])
    numbers = iter(range(5 * RUNS * COUNT))
    new = [[_query(lambda: f"word{next(numbers)}") for _ in range(COUNT)] for _ in range(RUNS)]
    _show("no term seen twice", new)


def _query(term: Callable[[], str]) -> str:
    def one() -> str:
        text = term()
        return f'"{text}"' if " " in text else text

    return f"({one()} OR {one()}) AND ({one()} OR {one()}) NOT {one()}"


def read_all(read: Callable[[str], object], queries: Sequence[str]) -> float:
    """CPU seconds a query."""
    started = time.process_time()
    for query in queries:
        read(query)
    return (time.process_time() - started) / len(queries)


def _show(name: str, runs: Sequence[Sequence[str]]) -> None:
    seconds = statistics.median(read_all(rules.parse_query, queries) for queries in runs)
    split = statistics.median(read_all(_SPLIT.findall, queries) for queries in runs)
    print(f"{name:<34}{1 / seconds:>10,.0f}{seconds * 1e6:>7.1f} µs{split * 1e6:>9.1f} µs{seconds / split:>7.1f}")


if __name__ == "__main__":
    main()

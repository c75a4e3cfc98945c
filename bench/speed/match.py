"""Measure how many articles per second the rules read, compared with a plain loop of ``re`` and with a floor.

    python -m bench.speed.match                          sizes 100 to 10,000 in about a minute
    python -m bench.speed.match 100 1000 10000 100000    the table of docs/decisions/0010-rule-engine.md

It uses one core and asks only whether each rule matches (evidence is computed only for matches). Rules have five terms:
two groups of two and one exclusion. A second set has as many rules whose two groups are joined by NEAR/10. Words are as
common as in news (Zipf's law, 40,000 words; the most common thousand are three quarters of the text). Every fifth term
is a phrase, every tenth a prefix, and every tenth in capitals. The loop searches one compiled expression per group,
with all its words; with NEAR, one expression for both groups in either order. The floor is the least that CPython can
do: split the text and look up each word. The bench stops if the loop and the rules disagree on an article. The memory
of the rules is measured in a process that does nothing else.
"""

from __future__ import annotations

import argparse
import bisect
import gc
import itertools
import multiprocessing
import random
import re
import resource
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from bot import rules
from bot.model.feeds import Feed
from bot.model.rules import Line, Rule
from bot.model.stories import Article, ArticleId

NOW = datetime(2015, 12, 2, tzinfo=UTC)
FEED = Feed(url="https://news.example/feed.xml")
WORDS = 40_000
SHORT, LONG = 62, 610
NEAR = 10
SYLLABLES = [a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er", "or", "is")]


class Language:
    """Made-up words with the frequencies of real ones."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        seen: dict[str, None] = {}
        while len(seen) < WORDS:
            seen["".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 3, 3, 4))))] = None
        self.words = sorted(seen, key=lambda word: (len(word) > 4, rng.random()))
        self._heights = list(itertools.accumulate((rank + 2.7) ** -1.07 for rank in range(WORDS)))
        #: Names, always with a capital.
        self._names = set(rng.sample(self.words[200:], WORDS // 5))

    def word(self, *, above: int = 0) -> str:
        """A word as text has it, the ``above`` most common left out (analysts do not ask for "the")."""
        low = self._heights[above - 1] if above else 0
        return self.words[bisect.bisect_left(self._heights, self._rng.uniform(low, self._heights[-1]))]

    def text(self, size: int) -> str:
        pieces: list[str] = []
        for _ in range(size):
            word = self.word()
            if self._rng.random() < 0.02:
                word = word.upper()
            elif word in self._names or not pieces or pieces[-1].endswith("."):
                word = word.capitalize()
            pieces.append(word + self._rng.choices(("", ",", ".", "’s"), (87, 6, 5, 2))[0])
        return " ".join(pieces)

    def term(self) -> str:
        word, roll = self.word(above=300), self._rng.random()
        if roll < 0.2:
            return f"{word} {self.word(above=100)}"
        if roll < 0.3 and len(word) >= 4:
            return word[:-1] + "*"
        return word.upper() if roll < 0.4 and len(word) >= 2 else word


def make_rules(language: Language, count: int, *, with_near: bool = False) -> list[Rule]:
    def line(label: str, size: int) -> Line:
        return Line(label=label, terms=tuple(language.term() for _ in range(size)))

    def near(one: Line, other: Line) -> str:
        left, right = (
            " OR ".join(f'"{term}"' if " " in term else term for term in line.terms) for line in (one, other)
        )
        return f"({left}) NEAR/{NEAR} ({right})"

    results = []
    for number in range(count):
        groups = line("one", 2), line("other", 2)
        rule = Rule(name=f"rule {number}", notify=("alerts",), all=groups, none=(line("none", 1),))
        results.append(replace(rule, all=(), query=near(*groups)) if with_near else rule)
    return results


def make_articles(language: Language, size: int, count: int) -> list[Article]:
    return [
        Article(
            id=ArticleId(str(number)),
            feed=FEED.url,
            outlet="",
            owner="",
            link="",
            title=language.text(8).capitalize(),
            text=language.text(size - 8),
            first_seen=NOW,
            fingerprint="",
        )
        for number in range(count)
    ]


class Loop:
    """The loop that somebody writes first: for each rule, ``re`` for each group."""

    def __init__(self, listed: Sequence[Rule]) -> None:
        self._rules = [
            (
                rule.name,
                [self._near(rule.query)] if rule.query else [re.compile(self._group(line.terms)) for line in rule.all],
                [re.compile(self._group(line.terms)) for line in rule.none],
            )
            for rule in listed
        ]

    def _group(self, terms: Iterable[str]) -> str:
        return "|".join(map(self._term, terms))

    def _near(self, query: str) -> re.Pattern[str]:
        sides = query.split(f" NEAR/{NEAR} ")
        terms = [side.strip("()").replace('"', "").split(" OR ") for side in sides]
        one, other = (f"(?:{self._group(words)})" for words in terms)
        gap = r"(?:’s)?[^\w¶]+"
        between = rf"{gap}(?:\w+{gap}){{0,{NEAR}}}"
        return re.compile(f"{one}{between}{other}|{other}{between}{one}")

    @staticmethod
    def _term(term: str) -> str:
        if term.isupper():
            return rf"\b{term}\b"
        pattern = re.escape(term).replace(r"\*", r"\w*").replace(r"\ ", r"(?:’s)?[\s-]+")
        return rf"(?i:\b{pattern}\b)"

    def matching(self, article: Article) -> tuple[str, ...]:
        # A title and a text are two paragraphs: no phrase goes across.
        text = f"{article.title} ¶ {article.text}"
        return tuple(
            name
            for name, needed, excluded in self._rules
            if all(group.search(text) for group in needed) and not any(group.search(text) for group in excluded)
        )


def floor(words: Sequence[str]) -> Callable[[Article], object]:
    """The least that CPython can do: split, and one look-up a word."""
    numbers = {word: number for number, word in enumerate(words)}
    get = numbers.get
    return lambda article: list(map(get, f"{article.title} {article.text}".split()))


def seconds_each(work: Callable[[Article], object], articles: Sequence[Article], budget: float) -> float:
    """CPU time an article, over as many as the budget allows, each once."""
    started = time.process_time()
    for count, article in enumerate(articles, 1):
        work(article)
        if count % 8 == 0 or budget < 2:
            spent = time.process_time() - started
            if spent > budget:
                return spent / count
    return (time.process_time() - started) / len(articles)


def build(listed: Sequence[Rule]) -> tuple[rules.RuleSet, float, float, float]:
    """The set, seconds to read the rules, seconds to index them, MB of the index."""
    started = time.process_time()
    compiled = [rules.compile_rule(rule) for rule in listed]
    reading = time.process_time() - started
    started = time.process_time()
    rule_set = rules.RuleSet(compiled)
    indexing = time.process_time() - started
    del rule_set
    gc.collect()
    tracemalloc.start()
    rule_set = rules.RuleSet(compiled)
    gc.collect()
    size = tracemalloc.get_traced_memory()[0] / 1e6
    tracemalloc.stop()
    gc.freeze()
    return rule_set, reading, indexing, size


def measure(language: Language, listed: Sequence[Rule], warm: Sequence[Article], budget: float, *, what: str) -> None:
    rule_set, reading, indexing, size = build(listed)
    loop = Loop(listed)
    per_rule = 1e6 / len(listed)
    print(
        f"\n{len(listed):,} rules{what}: read {reading * per_rule:.0f} µs a rule, indexed {indexing * per_rule:.0f}, "
        f"index {size:.1f} MB ({size * 1e6 / len(listed):.0f} bytes a rule)"
    )
    for words in (SHORT, LONG):
        articles = make_articles(language, words, 3_000 if words == SHORT else 600)

        def engine(article: Article) -> tuple[str, ...]:
            return rule_set.matching(article, FEED, now=NOW)

        for article in warm:
            engine(article)
        slow = seconds_each(loop.matching, articles[: max(3, 20_000 // len(listed))], budget)
        hits = 0
        for article in articles[: max(2, 4_000 // len(listed))]:
            expected, names = loop.matching(article), engine(article)
            hits += len(names)
            if expected != names:
                sys.exit(f"not the same for {article.title!r}: {set(expected) ^ set(names)}")
        fast = min(seconds_each(engine, articles, budget) for _ in range(2))
        least = min(seconds_each(floor(language.words), articles, budget) for _ in range(2))
        print(
            f"  {words:>3} words: {1 / fast:>9,.0f} articles/s ({fast * 1e6:,.0f} µs), loop {1 / slow:,.2f}/s, "
            f"{slow / fast:,.0f} times the loop, {fast / least:.1f} times the floor ({least * 1e6:.1f} µs); "
            f"identical, {hits} hits compared"
        )


def growth(seed: int, count: int, with_near: bool, what: str) -> None:
    """What a process grows by, written, compiled and indexed, and at its peak, which has what is needed on the way."""
    language = Language(random.Random(seed))
    sizes = [resident_mb()]
    listed = make_rules(language, count, with_near=with_near)
    sizes.append(resident_mb())
    compiled = [rules.compile_rule(rule) for rule in listed]
    sizes.append(resident_mb())
    rule_set = rules.RuleSet(compiled)
    sizes.append(resident_mb())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    written, read, indexed = (after - before for before, after in itertools.pairwise(sizes))
    print(
        f"\n{len(rule_set.rules):,} rules{what}: the process grows by {sizes[-1] - sizes[0]:.0f} MB (written "
        f"{written:.0f}, compiled {read:.0f}, indexed {indexed:.0f}), {peak - sizes[0]:.0f} at its peak",
        flush=True,
    )


def resident_mb() -> float:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("sizes", nargs="*", type=int, default=[100, 1_000, 10_000], help="numbers of rules")
    options.add_argument("--budget", type=float, default=2.0, help="CPU seconds for each figure (2)")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    language = Language(random.Random(chosen.seed))
    warm = make_articles(language, SHORT, 2_000)
    for size in chosen.sizes:
        for with_near, what in ((False, ""), (True, " with NEAR")):
            arguments = chosen.seed, size, with_near, what
            alone = multiprocessing.get_context("spawn").Process(target=growth, args=arguments)
            alone.start()
            alone.join()
            measure(language, make_rules(language, size, with_near=with_near), warm, chosen.budget, what=what)
            gc.unfreeze()
            gc.collect()


if __name__ == "__main__":
    main()

"""Apply rules to the labelled story sets, and return what each rule collects.

On the desks, a rule collects short texts about a few events in quick succession. Under a rule for real news, most
articles are about different events, stories stay open for days, and long texts share many words by chance. A judge that
was fitted only on the desks takes articles with the same county, hospital and sheriff for one event.

``drawn`` rules have one word, drawn at random; they are for fitting. ``local`` rules are written as a user would write
them, for the set gva (shootings, which differ only in places and names); they are for measuring.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bench.quality import storysets
from bench.quality.storysets import Labelled
from bot import rules
from bot.model.archive import Arrival
from bot.model.feeds import Feed
from bot.model.rules import Line, Rule
from bot.stories import profile

#: An article, its event and its rule.
Row = tuple[Arrival, str, str]
FEED = Feed(url="https://bench.example/feed")
#: Set -> how many rules of one word, and how many of its articles each collects at least and at most.
DRAWN = {"gva": (24, 40, 700), "allsides": (12, 20, 200), "lede-feeds": (10, 20, 100), "basil": (6, 20, 100)}
#: A rule's word has so many letters at least.
LETTERS = 4
#: Name -> terms, a line each, of which all must match.
LOCAL = {
    "Child shot": (("child", "toddler", "boy", "girl", "teen*", "year-old"), ("accident*", "unintentional*")),
    "Officer shot": (("officer*", "deputy", "trooper"), ("shot", "shoots"), ("killed", "dies", "wounded")),
    "Murder suicide": (("murder-suicide", "murder suicide"),),
    "Home invasion": (("home invasion", "burglar*", "intruder"),),
    "Robbery": (("robber*",), ("shot", "shooting")),
    "Party": (("party", "club", "bar"), ("shot", "shooting")),
    "Charged": (("charged", "arrested"), ("murder",)),
}


def drawn(name: str, half: int | None = None, seed: int = 3) -> list[list[Row]]:
    """What each of the rules drawn for a set collects; ``half``: of one half of its stories only."""
    rows, (count, least, most) = _rows(name, half), DRAWN[name]
    most = min(most, len(rows) // 3)
    held = Counter(word for row in rows for word in profile.profile_of(row.article).weights)
    words = sorted(word for word, times in held.items() if least <= times <= most and _is_plain(word))
    random.Random(seed).shuffle(words)
    found: list[list[Row]] = []
    for word in words:
        collected = _collected(rows, f"{name}: {word}", ((f"{word}*",),))
        if least <= len(collected) <= most:
            found.append(collected)
        if len(found) == count:
            break
    return found


def local() -> list[list[Row]]:
    """What each rule on local news collects, each article at an hour of its day."""
    rows = []
    for row in _rows("gva", None):
        when = row.article.when + timedelta(days=storysets.draw(row.article.id) % 1000 / 1000)
        rows.append(replace(row, article=replace(row.article, published=when, first_seen=when)))
    rows.sort(key=lambda row: row.article.when)
    return [_collected(rows, name, lines) for name, lines in LOCAL.items()]


def _is_plain(word: str) -> bool:
    return word.isalpha() and len(word) >= LETTERS


def _rows(name: str, half: int | None) -> list[Labelled]:
    found = storysets.load(name, half=half)
    return storysets.spread(found) if name in storysets.ONE_TIME else found


def _collected(rows: Sequence[Labelled], name: str, lines: Sequence[Sequence[str]]) -> list[Row]:
    written = tuple(Line(label=f"line {at}", terms=tuple(terms)) for at, terms in enumerate(lines, 1))
    ruleset = rules.RuleSet([rules.compile_rule(Rule(name=name, notify=("bench",), all=written))])
    found = []
    for row in rows:
        matches = ruleset.match(row.article, FEED, now=row.article.first_seen)
        if matches:
            arrival = Arrival(article=row.article, matches=matches, is_baseline=False)
            found.append((arrival, row.story, name))
    return found

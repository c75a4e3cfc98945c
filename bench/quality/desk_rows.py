"""Turn the articles of the labelled desks that match their desk's rule into arrivals, in rounds."""

from __future__ import annotations

import dataclasses
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import zip_longest

import yaml
from msgspec.structs import replace

from bench.quality import desk_scores
from bench.quality.desk_scores import Desk, Item
from bot import rules
from bot.feeds import cleaning
from bot.model.archive import Arrival
from bot.model.feeds import Feed
from bot.model.rules import Line, Rule
from bot.model.stories import Article, ArticleId

PARTS = ("a", "b", "c")
WINDOW = timedelta(days=14)
#: After all times in the data; a round is a minute.
START = datetime(2026, 12, 1, tzinfo=UTC)
ROUND = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Row:
    """An item on its way."""

    item: Item
    arrival: Arrival

    @property
    def event(self) -> str:
        return f"{self.item.desk}/{self.item.event}"


def rows(desks: Iterable[Desk]) -> list[Row]:
    """The items that match their desk's rule, one of each desk a round."""
    read = [_rows(desk) for desk in desks]
    return [
        _seen(row, START + at * ROUND) for at, turn in enumerate(zip_longest(*read)) for row in turn if row is not None
    ]


def _seen(row: Row, at: datetime) -> Row:
    return dataclasses.replace(row, arrival=replace(row.arrival, article=replace(row.arrival.article, first_seen=at)))


def compiled(desk: Desk) -> rules.RuleSet:
    """The desk's rule alone. Raises RuleError where the bot would refuse it."""
    written = yaml.load(desk.rule, Loader=yaml.BaseLoader)
    rule = Rule(
        name=written["name"],
        notify=("bench",),
        all=tuple(Line(label=label, terms=tuple(terms)) for label, terms in written["all"].items()),
        none=(Line(label="none", terms=tuple(written["none"])),) if written.get("none") else (),
    )
    return rules.RuleSet([rules.compile_rule(rule)])


def _rows(desk: Desk) -> list[Row]:
    ruleset, feed = compiled(desk), Feed(url="https://bench.example/feed")
    found, memory = [], defaultdict[str, str](str)
    for item in desk.items:
        # As intake leaves it: what the source repeats is no text.
        memory[item.source] = cleaning.learn_boilerplate([item.text], memory[item.source])
        article = _article(item, cleaning.strip_boilerplate(item.text, memory[item.source]).text)
        matches = ruleset.match(article, feed, now=item.at)
        if item.event and matches:
            found.append(Row(item, Arrival(article=article, matches=matches, is_baseline=False)))
    return found


def _article(item: Item, text: str) -> Article:
    key = hashlib.sha256(item.link.encode()).hexdigest()
    return Article(
        id=ArticleId(key[:20]),
        feed=f"https://{desk_scores.slug(item.source)}.example/{item.desk}",
        outlet=item.source,
        owner=item.source,
        link=item.link,
        title=item.title,
        text=text,
        language=item.language,
        published=item.at,
        first_seen=item.at,
        fingerprint=key,
    )

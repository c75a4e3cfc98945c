"""Measure the replies in threads on labelled news: the share that are news, and the share of news that is reported.

The desks give the content of a right reply. Real feeds have a reader's flags (bench/quality/label_events.tsv; n, c and
d are news): a reply is right if its article is flagged as news. Both are measured in the stories that grouping makes,
with its mistakes. The replays have events only, so their replies were read: news_read.tsv has a reader's verdict for
each (news, old, or wrong: about another event). A reply without a verdict is printed.

    python -m bench.quality.news [--show]
"""

from __future__ import annotations

import argparse
import csv
import json
import lzma
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.quality import desk_rows, desk_scores, pools
from bot.model.archive import Arrival
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId, Fact
from bot.stories import facts, grouping
from bot.stories.index import Index
from tests.testbed import shared_data

DESKS = (*desk_rows.PARTS, *desk_scores.OWN_PARTS)
REPLAYS = ("R20", "R21")
READ = Path(__file__).with_name("news_read.tsv")


@dataclass(frozen=True, slots=True, kw_only=True)
class Labelled:
    """An article with its event and whether it is news there."""

    source: str
    #: The desk or the rule; "" for all rules together.
    group: str
    event: str
    arrival: Arrival
    #: None: only people's verdicts on the replies say it.
    is_news: bool | None
    #: The words of a right reply; empty: any reply about an article with news is right.
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """The reply in the thread of a story to an article that joined it; empty for most articles."""

    labelled: Labelled
    #: Ids of the story's articles before it.
    story: Sequence[Article]
    facts: tuple[Fact, ...]
    is_wrong_story: bool
    #: Whether the article is the first about an event that has no message: then the reply is all that readers get.
    is_first_report: bool

    @property
    def text(self) -> str:
        return " | ".join(
            f"[{fact.mark}] {fact.label}: {fact.before} → {fact.after} | {fact.sentence}" for fact in self.facts
        )

    def is_right(self, verdicts: dict[str, str]) -> bool:
        labelled = self.labelled
        if labelled.is_news is None:
            return verdicts.get(labelled.arrival.article.id) == "news"
        is_said = not labelled.says or any(desk_scores.says(say, self.text) for say in labelled.says)
        return self.is_first_report or (labelled.is_news and not self.is_wrong_story and is_said)


@dataclass(slots=True)
class _Story:
    articles: list[Article] = field(default_factory=list)
    events: Counter[str] = field(default_factory=Counter)


def of_desks(part: str) -> list[Labelled]:
    """Return the items of a part's desks that match their rule, in the order in which they come."""
    return [
        Labelled(
            source=f"desks {part}",
            group=row.item.desk,
            event=row.event,
            arrival=row.arrival,
            is_news=bool(row.item.news),
            says=tuple(say for fact in row.item.news for say in fact),
        )
        for row in desk_rows.rows(desk_scores.load(part))
    ]


def of_feeds(part: str) -> list[Labelled]:
    """Return what the rules of a part collected on real feeds, with a reader's flags."""
    return [
        Labelled(
            source=f"feeds {part}",
            group=rule,
            event=item.event,
            arrival=item.arrival,
            is_news=not set("ncd").isdisjoint(item.flags),
        )
        for rule, labelled in pools.labelled(part).items()
        for item in labelled
    ]


def of_replay(name: str) -> list[Labelled]:
    """Return the matched articles of a replay, in order of publication, with their labelled events."""
    folder = shared_data.ROOT / "replays"
    with lzma.open(folder / f"{name}.arts.json.xz") as file:
        rows = json.load(file)
    events = _events((folder / f"{name}.lab").read_text(encoding="utf-8"))
    labelled = [
        Labelled(
            source=name,
            group="",
            event=events.get(row["i"], f"single {row['i']}"),
            arrival=_arrival(name, row),
            is_news=None,
        )
        for row in rows
    ]
    return sorted(labelled, key=lambda item: (item.arrival.article.when, item.arrival.article.id))


def _events(text: str) -> dict[int, str]:
    events: dict[int, str] = {}
    for line in (line.split("#")[0].strip() for line in text.splitlines()):
        event, _, numbers = line.partition(":")
        for part in filter(None, numbers.replace(" ", "").split(",") if not line.startswith("JUNK") else ()):
            first, _, last = part.partition("-")
            events.update(dict.fromkeys(range(int(first), int(last or first) + 1), event.strip()))
    return events


def _arrival(name: str, row: dict[str, str]) -> Arrival:
    key, outlet, at = f"{name}-{int(row['i']):04d}", row["outlet"], datetime.fromisoformat(row["when"])
    article = Article(
        id=ArticleId(key),
        feed=outlet,
        outlet=outlet,
        owner=outlet,
        link=row.get("link") or f"https://{outlet}.example/{key}",
        title=row["title"],
        text=row["text"],
        first_seen=at,
        published=at,
        fingerprint=key,
    )
    matches = tuple(Match(rule=rule, evidence=()) for rule in row["rules"])
    return Arrival(article=article, matches=matches, is_baseline=bool(row["base"]))


def replies(labelled: Sequence[Labelled]) -> Iterator[Reply]:
    """Yield a reply for each article that joins a story without being a copy; most replies are empty."""
    of_group: defaultdict[str, Index] = defaultdict(lambda: Index(window=desk_rows.WINDOW))
    stories: defaultdict[str, _Story] = defaultdict(_Story)
    for item in labelled:
        article = item.arrival.article
        join = grouping.join(of_group[item.group], item.arrival)
        story = stories[join.story]
        for younger in join.merges:
            gone = stories.pop(younger)
            story.events += gone.events
            story.articles += gone.articles
        if story.articles and join.copy_of is None:
            is_wrong = story.events.most_common(1)[0][0] != item.event
            stated = facts.find_news(story.articles, article)
            is_first = is_wrong and not any(other.events[item.event] for other in stories.values())
            yield Reply(
                labelled=item,
                story=list(story.articles),
                facts=stated,
                is_wrong_story=is_wrong,
                is_first_report=is_first,
            )
        story.articles.append(article)
        story.events[item.event] += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print each reply with the headlines of its story")
    options = parser.parse_args()
    with READ.open(encoding="utf-8", newline="") as file:
        verdicts = dict(csv.reader(file, delimiter="\t"))
    out = Console(width=170)
    table = Table("", "joined", "replies", "news", "old", "of another event", "articles with news", title="Threads")
    for labelled in (*map(of_desks, DESKS), *map(of_feeds, pools.PARTS), *map(of_replay, REPLAYS)):
        joined = list(replies(labelled))
        stated = [reply for reply in joined if reply.facts]
        right = sum(reply.is_right(verdicts) for reply in stated)
        wrong = sum(reply.is_wrong_story and not reply.is_first_report for reply in stated)
        with_news = sum(reply.labelled.is_news or False for reply in joined)
        counts = (len(joined), len(stated), right, len(stated) - right - wrong, wrong, with_news)
        table.add_row(labelled[0].source, *map(str, counts))
        for reply in stated:
            article = reply.labelled.arrival.article
            if options.show or (reply.labelled.is_news is None and article.id not in verdicts):
                state = "wrong story" if reply.is_wrong_story else "right" if reply.is_right(verdicts) else "old"
                out.print(f"\n{article.id} {state} {reply.labelled.says}\n  {reply.text}", markup=False)
                for other in (reply.story[0], *reply.story[1:][-4:]):
                    out.print(f"      {other.when:%d %H:%M} {other.outlet}: {other.title}", markup=False)
    out.print(table)


if __name__ == "__main__":
    main()

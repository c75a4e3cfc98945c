"""Replay real feeds, fetch by fetch, through the real application, and compare with the obvious script.

A local HTTP server serves each series of the feed snapshots, and the application's clock is set to the time of each
fetch. The script reads each fetch with feedparser, takes the first fetch as the baseline, counts an entry as new if its
id is new, and matches new entries with the same rules. An article that the script finds and Wirewatch does not is
"missed"; an article in two threads of a channel is "doubled".

    python -m bench.quality.replay [--series bbc-2020 ...] [--fetches N] [--read 60] [--rules FILE]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import tarfile
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feedparser
import structlog
from rich.console import Console
from rich.table import Table

from bot import app, rules, storage
from bot.app import runtime
from bot.durations import Clock
from bot.feeds import cleaning, links
from bot.feeds.items import titles_alike
from bot.model.alerts import AlertAction, Decision
from bot.model.archive import IdentityQuery
from bot.model.channels import Abilities, CheckLine, Delivery
from bot.model.feeds import Feed
from bot.model.messages import MessageKind, Post, Receipt, Reply
from bot.model.stories import Article, ArticleId, Story
from tests.testbed import shared_data
from tests.testbed.fakes import FakeClock
from tests.testbed.servers.feeds import FeedServer

DATA = shared_data.ROOT
RULES = Path(__file__).with_name("replay_rules.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    series: str
    at: datetime
    body: bytes


class Recorder:
    """A channel that takes everything at once and remembers it."""

    account = "recorder"
    abilities = Abilities(threads=True, edits=True, lookup=True)
    pace = timedelta()

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.taken: list[Delivery] = []
        self._clock = clock

    async def send(self, delivery: Delivery) -> Receipt:
        self.taken.append(delivery)
        return Receipt(ref=str(len(self.taken)), place=self.name, sent_at=self._clock.now())

    async def find(self, delivery: Delivery, *, since: datetime) -> Receipt | None:
        return None

    async def check(self) -> Sequence[CheckLine]:
        return ()

    async def close(self) -> None:
        pass


@dataclass(slots=True)
class Expected:
    """The matches of one series, read directly."""

    fetches: int = 0
    new: int = 0
    #: Ids of new entries that match -> their links.
    links: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Result:
    expected: dict[str, Expected]
    #: Feed -> links of matched articles that came after the baseline.
    found: dict[str, set[str]]
    missed: dict[str, set[str]]
    doubled: set[str]
    messages: Counter[str]
    silences: Counter[str]
    stories: int
    matched: int
    copies: int
    #: Titles of a copy and of its original that are not alike.
    unlike: list[tuple[str, str]]
    taken: Sequence[Delivery]


def read_series(name: str, most: int | None) -> Iterator[Fetch]:
    with tarfile.open(DATA / "feed-snapshots" / f"{name}.tar.xz") as archive:
        members = sorted((m for m in archive.getmembers() if m.isfile()), key=lambda m: m.name)
        for member in members[:most]:
            file = archive.extractfile(member)
            assert file is not None
            epoch = int(Path(member.name).stem.split("_")[1])
            yield Fetch(series=name, at=datetime.fromtimestamp(epoch, UTC), body=file.read())


def all_series() -> list[str]:
    names = sorted(path.name.removesuffix(".tar.xz") for path in (DATA / "feed-snapshots").glob("*-2020.tar.xz"))
    if not names:
        raise SystemExit(f"real data absent: {DATA / 'feed-snapshots'} (set WIREWATCH_DATA)")
    return names


def directly(fetches: Sequence[Fetch], index: rules.RuleSet) -> dict[str, Expected]:
    """The obvious script's reading."""
    expected: dict[str, Expected] = defaultdict(Expected)
    seen: dict[str, set[str]] = {}
    for fetch in fetches:
        of_series = expected[fetch.series]
        of_series.fetches += 1
        entries = feedparser.parse(fetch.body).entries
        if not entries and fetch.series not in seen:
            continue
        known = seen.get(fetch.series)
        ids: dict[str, feedparser.FeedParserDict] = {}
        for entry in entries:
            ids.setdefault(str(entry.get("id") or entry.get("link") or entry.get("title")), entry)
        if known is None:
            seen[fetch.series] = set(ids)
            continue
        for key, entry in ids.items():
            if key in known:
                continue
            known.add(key)
            of_series.new += 1
            article = article_of(fetch, entry)
            if index.match(article, Feed(url=fetch.series), now=fetch.at):
                of_series.links[key] = article.link
    return expected


def article_of(fetch: Fetch, entry: feedparser.FeedParserDict) -> Article:
    content = max((part.get("value", "") for part in entry.get("content", [])), key=len, default="")
    body = max(entry.get("summary", ""), content, key=len)
    return Article(
        id=ArticleId(str(entry.get("id", ""))),
        feed=fetch.series,
        outlet=fetch.series,
        owner=fetch.series,
        link=links.canonical_link(str(entry.get("link", ""))),
        title=cleaning.clean(str(entry.get("title", "")), base=None).text,
        text=cleaning.clean(str(body), base=None).text,
        first_seen=fetch.at,
        fingerprint="",
    )


def write_config(folder: Path, feeds: Mapping[str, str], rule_file: Path = RULES) -> None:
    """``feeds``: name -> address."""
    (folder / "rules").mkdir()
    (folder / "bot.yaml").write_text(
        f"database: sqlite:///{folder}/replay.db\nchannels: {{alerts: {{kind: console}}}}\n"
        "posts_per_hour: 3600\nfetch: {allow_private: [127.0.0.0/8]}\n"
    )
    lines = [f'{{url: "{url}", name: {name}, owner: {name}}}' for name, url in feeds.items()]
    (folder / "feeds.yaml").write_text(f"feeds: [{', '.join(lines)}]\n")
    (folder / "rules" / "everyday.yaml").write_text(rule_file.read_text())


async def replay(series: Sequence[str], *, most: int | None, rule_file: Path = RULES) -> Result:
    """Replay the first ``most`` fetches of each series."""
    fetches = sorted((f for name in series for f in read_series(name, most)), key=lambda f: (f.at, f.series))
    clock = FakeClock(fetches[0].at)
    environment = app.Environment(environ={}, clock=clock)
    with tempfile.TemporaryDirectory() as place:
        async with FeedServer() as server:
            write_config(Path(place), {name: server.url(f"/{name}") for name in series}, rule_file)
            settings = app.load(Path(place), {})
            recorder = Recorder("alerts", clock)
            async with runtime.opened(settings, environment, replaced={"alerts": recorder}) as running:
                for fetch in fetches:
                    clock.set(max(fetch.at, clock.now()))
                    server.serve(f"/{fetch.series}", fetch.body)
                    await running.once(everything=True, drain=timedelta(seconds=60))
                stories = list(await running.store.read(lambda tx: tx.stories.since(None)))
                decisions = await running.store.read(
                    lambda tx: [decision for story in stories for decision in tx.stories.decisions(story.id)]
                )
                expected = directly(fetches, rules.RuleSet(settings.rules))
                named = {name: await _named(running.store, server.url(f"/{name}"), e) for name, e in expected.items()}
    return _compare(expected, named, stories, recorder.taken, decisions)


async def _named(store: storage.Store, feed: str, expected: Expected) -> dict[str, ArticleId]:
    """The articles that the store has under the feed's own ids: a link may change under one id."""
    question = IdentityQuery(feed=feed, keys=list(expected.links), links=list(expected.links.values()))
    [known] = await store.read(lambda tx: tx.articles.find_known_items([question]))
    by_link = {key: known.by_link[link][0].id for key, link in expected.links.items() if link in known.by_link}
    return {**by_link, **{key: stub.id for key, stub in known.by_key.items()}}


def _compare(
    expected: dict[str, Expected],
    named: dict[str, dict[str, ArticleId]],
    stories: Sequence[Story],
    taken: Sequence[Delivery],
    decisions: Sequence[Decision],
) -> Result:
    found: dict[str, set[str]] = defaultdict(set)
    everything: set[ArticleId] = set()
    for member in (member for story in stories for member in story.members):
        everything.add(member.article.id)
        if not member.is_baseline:
            found[member.article.outlet].add(member.article.link)
    members = {member.article.id: member for story in stories for member in story.members}
    copies = [
        (item.article, members[item.join.copy_of].article) for item in members.values() if item.join.copy_of in members
    ]
    # A story that a gathered message lists has a message of its own once it has news: that is no second thread.
    kinds = (MessageKind.POST, MessageKind.LISTING)
    posts, gathered = ([view for d in taken if d.message.kind is kind for view in d.message.stories] for kind in kinds)
    own = {view.id for view in posts}
    heads = [*posts, *(view for view in gathered if view.id not in own)]
    counts = Counter(link for view in heads for link in {line.link for line in view.lines})
    return Result(
        expected=expected,
        found=found,
        missed={
            name: {link for key, link in entry.links.items() if named[name].get(key) not in everything}
            for name, entry in expected.items()
        },
        doubled={link for link, count in counts.items() if count > 1},
        messages=Counter(d.message.kind.value for d in taken),
        silences=Counter(d.reason.value for d in decisions if d.action is AlertAction.SILENT),
        stories=len(stories),
        matched=sum(len(story.members) for story in stories),
        copies=len(copies),
        unlike=[(copy.title, of.title) for copy, of in copies if not titles_alike(copy.title, of.title)],
        taken=taken,
    )


def show(result: Result, console: Console) -> None:
    table = Table("series", "fetches", "new", "match (direct)", "match (Wirewatch)", "missed", title="Replay")
    for name, entry in sorted(result.expected.items()):
        counts = (entry.fetches, entry.new, len(entry.links), len(result.found[name]), len(result.missed[name]))
        table.add_row(name, *map(str, counts))
    console.print(table)
    missed = sum(len(links) for links in result.missed.values())
    console.print(
        f"missed {missed}, doubled {len(result.doubled)}; {result.stories} stories of {result.matched} articles; "
        f"{result.copies} copies, {len(result.unlike)} with unlike titles:"
    )
    for title, original in result.unlike:
        console.print(f"  {title!r} of {original!r}", markup=False)


def show_sample(result: Result, count: int, console: Console) -> None:
    """Replies, then messages, drawn at random but always the same, with their story: to be judged by eye."""
    draw = random.Random(60)
    of_kind = {kind: [d for d in result.taken if d.message.kind is kind] for kind in MessageKind}
    replies, posts = of_kind[MessageKind.REPLY], of_kind[MessageKind.POST]
    chosen = draw.sample(replies, min(len(replies), count * 3 // 4))
    chosen += draw.sample(posts, min(len(posts), count - len(chosen)))
    for number, delivery in enumerate(chosen, 1):
        message = delivery.message
        console.print(f"\n[{number}] {message.kind.value}: {message.reason and message.reason.value}", markup=False)
        for view in message.stories:
            console.print(f"    story: {view.title.text}", markup=False)
            lines = [f"{line.outlet}{' (probable)' if line.is_probable else ''}: {line.title}" for line in view.lines]
            lines += [f"> {sentence.text}" for sentence in view.summary]
            console.print("\n".join(f"      {line}" for line in lines), markup=False)
        if isinstance(message, Post) and message.related:
            console.print(f"    related: {message.related.title.text}", markup=False)
        for fact in message.facts if isinstance(message, Reply) else ():
            console.print(
                f"    {fact.kind} {fact.label}: {fact.before} -> {fact.after} | {fact.sentence}", markup=False
            )


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--series", nargs="*", default=None)
    parser.add_argument("--fetches", type=int, default=None, help="only the first N of each series")
    parser.add_argument("--read", type=int, default=0, help="show so many replies and messages, to be judged by eye")
    parser.add_argument("--rules", type=Path, default=RULES, help="a file of rules instead of the everyday ones")
    options = parser.parse_args()
    # Feeds answer 404 until their first fetch; that is no news here.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    series = options.series or all_series()
    console = Console(width=110)
    result = await replay(series, most=options.fetches, rule_file=options.rules)
    show(result, console)
    console.print("messages: " + ", ".join(f"{kind} {count}" for kind, count in result.messages.most_common()))
    console.print("silent: " + ", ".join(f"{reason} {count}" for reason, count in result.silences.most_common()))
    show_sample(result, options.read, console)


if __name__ == "__main__":
    asyncio.run(main())

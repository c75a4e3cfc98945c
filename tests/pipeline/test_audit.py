"""The audit from outside: rules, feeds, and local servers that answer as the news search engines do."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import app
from bot.app import runtime
from bot.app.runtime import App
from bot.config import audits
from bot.config.settings import Settings
from bot.fetch.client import HttpFetcher
from bot.model.audit import OutsideReport, count_coverage
from bot.model.feeds import FeedState
from tests.config import folders
from tests.testbed.commands import call
from tests.testbed.elsewhere import Elsewhere
from tests.testbed.fakes import START, FakeClock
from tests.testbed.servers.feeds import FeedServer, Reply
from tests.testbed.servers.indexes import Listed, render

BOT = (
    "channels: {desk: {kind: console}}\noperator: desk\n"
    "fetch: {readers: 0, allow_private: [127.0.0.0/8], timeout: 1 second}\nstories: {meaning: off}\n"
)
RULE = (
    "rules:\n  - {name: Backdoors, any: [backdoor], notify: desk, audit: true,"
    " must_match: [a backdoor], must_not_match: [x]}\n"
)
FEED = "https://gazette.example/rss"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
INDEXES = ("google-news", "bing-news", "gdelt")


@dataclass(kw_only=True)
class Desk:
    server: FeedServer
    clock: FakeClock
    running: App

    @property
    def searches(self) -> dict[str, str]:
        """The path of each index on the local server."""
        [compiled] = self.running.settings.rules
        addresses = {search.index: search.feed.url.partition("#")[0] for search in audits.list_searches(compiled)}
        return {index: f"/{address.partition('://')[2]}" for index, address in addresses.items()}

    def serve(self, *reports: Listed, of: Sequence[str] = INDEXES) -> None:
        """Let indexes list reports, and the others nothing."""
        for index, path in self.searches.items():
            self.server.serve(path, render(index, reports if index in of else ()))

    def answer(self, reply: Reply, *, of: Sequence[str] = INDEXES) -> None:
        for index in of:
            self.server.serve(self.searches[index], reply)

    def publish(self, *reports: Listed) -> None:
        """Let the outlet's feed list reports."""
        self.server.serve("/gazette.example/rss", render("gdelt", reports))

    async def live(self, duration: timedelta = 1.5 * DAY) -> None:
        """Let the bot run once, so much later. After a day and a half, each index has been asked again."""
        self.clock.advance(duration)
        await self.running.once(everything=True, drain=timedelta())

    async def missed(self) -> Sequence[OutsideReport]:
        """The reports about events that no feed has carried."""
        until = self.clock.now() + HOUR
        events = await self.running.store.read(lambda tx: tx.audits.missed(since=START, until=until))
        return [report for reports in events for report in reports]

    async def coverage(self) -> tuple[int, int, int, float | None]:
        """The number of events that were carried in time, late and not at all, and the hours of the late ones."""
        until = self.clock.now() + HOUR
        events = await self.running.store.read(lambda tx: tx.audits.events(since=START, until=until))
        coverage = count_coverage(events)
        return coverage.carried, coverage.late, coverage.only_elsewhere, coverage.hours_late

    async def states(self) -> dict[str, FeedState]:
        """The state of each index."""
        urls = {search.index: search.feed.url for search in self.running.settings.audit_searches}
        states = await self.running.store.read(lambda tx: tx.feeds.get_many(list(urls.values())))
        return {index: states[url] for index, url in urls.items()}

    def asked(self, index: str) -> int:
        return len(self.server.seen(self.searches[index]))

    def asked_hosts(self) -> Counter[str]:
        """How often each index was asked, whatever the search."""
        hosts = Counter(request.path.split("/")[1] for request in self.server.requests)
        del hosts["gazette.example"]
        return hosts


def load(folder: Path, *, rules: str, bot: str = BOT) -> Settings:
    """Write a configuration with one feed, and load it."""
    folders.make(folder, bot=f"database: sqlite:///{folder}/w.db\n{bot}", feeds=f"feeds:\n  - {FEED}\n", rules=rules)
    return app.load(folder, {})


@contextlib.asynccontextmanager
async def desk(folder: Path, *, rules: str = RULE, bot: str = BOT, serves: bool = True) -> AsyncIterator[Desk]:
    """Run a bot with one feed, whose first poll and first question to each index are done."""
    clock = FakeClock()
    settings = load(folder, rules=rules, bot=bot)
    assert not [problem for problem in settings.problems if problem.severity == "error"]
    async with FeedServer() as server:
        environment = app.Environment(
            environ={}, clock=clock, fetcher=Elsewhere(HttpFetcher(settings.bot.fetch, clock), server)
        )
        async with runtime.opened(settings, environment) as running:
            shown = Desk(server=server, clock=clock, running=running)
            shown.publish()
            if serves:
                shown.serve()
            await running.once(everything=True, drain=timedelta())
            yield shown


def listed(title: str, at: datetime, *, outlet: str = "Courier", text: str = "") -> Listed:
    name = outlet.lower()
    link = f"https://{name}.example/{title.lower().replace(' ', '-')}"
    return Listed(title=title, link=link, at=at, outlet=outlet, site=f"https://www.{name}.example", text=text)


PTA = "Regulator PTA asks BlackBerry for a backdoor into its servers"
UNION = "Union of nurses in Lahore finds a backdoor in its payroll software"


async def test_what_only_other_outlets_report_is_seen_only_elsewhere_and_never_posted(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now() + HOUR
        running_desk.publish(listed(PTA, at, outlet="Gazette"))
        await running_desk.live(1.5 * HOUR)
        # What was published before the first question does not count.
        old = listed("A backdoor of last week", at - 2 * HOUR)
        running_desk.serve(listed(PTA, at), listed(UNION, at), listed("A recipe for bread", at), old)
        await running_desk.live()
        assert await running_desk.coverage() == (1, 0, 1, None)
        missed = await running_desk.missed()
        # Google, Bing and GDELT list one page in three forms: one event. Bing and GDELT show the page's address.
        assert len(missed) == 2
        assert {report.article.title for report in missed} == {UNION}
        assert {report.article.owner for report in missed} == {"courier.example"}
        assert len({report.event for report in missed}) == 1
        assert {report.article.published for report in missed} == {at}
        messages = await running_desk.running.store.read(lambda tx: tx.outbox.counts())
        assert sum(messages.values()) == 1


async def test_what_a_feed_carries_a_day_later_is_late_by_as_much(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now() + HOUR
        running_desk.serve(listed(PTA, at))
        await running_desk.live()
        assert await running_desk.coverage() == (0, 0, 1, None)
        running_desk.publish(listed(PTA, at, outlet="Gazette"))
        await running_desk.live()
        assert await running_desk.coverage() == (0, 1, 0, 71.0)


async def test_a_report_of_the_last_hour_waits_for_the_next_question(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        running_desk.serve(listed(PTA, running_desk.clock.now() + 35.5 * HOUR))
        await running_desk.live(36 * HOUR)
        assert await running_desk.coverage() == (0, 0, 0, None)
        await running_desk.live()
        assert await running_desk.coverage() == (0, 0, 1, None)


async def test_each_index_is_asked_at_once_and_then_once_a_day_at_a_time_of_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        asked = {index: [running_desk.asked(index)] for index in INDEXES}
        for _ in range(14):
            await running_desk.live(6 * HOUR)
            for index in INDEXES:
                asked[index].append(running_desk.asked(index))
        # The first day ends between half a day and one and a half days after the first question.
        assert all(counts[0] == 1 and counts[-1] in (4, 5) for counts in asked.values())
        times = [[n for n in range(1, 15) if counts[n] > counts[n - 1]] for counts in asked.values()]
        assert all(later - earlier == 4 for hours in times for earlier, later in itertools.pairwise(hours))
        assert len({hours[0] for hours in times}) > 1


async def test_an_index_that_refuses_is_told_left_alone_as_long_as_it_asks_and_counts_for_nothing(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now() + HOUR
        running_desk.serve(listed(UNION, at), of=["gdelt"])
        running_desk.answer(Reply(status=429, headers={"Retry-After": str(3 * 86_400)}), of=["google-news"])
        running_desk.answer(Reply(status=403), of=["bing-news"])
        await running_desk.live()
        await running_desk.live()
        assert [running_desk.asked(index) for index in INDEXES] == [2, 3, 3]
        states = await running_desk.states()
        assert [(states[index].error or "")[:3] for index in INDEXES] == ["429", "403", ""]
        assert await running_desk.coverage() == (0, 0, 1, None)
        running_desk.serve()
        await running_desk.live(2 * DAY)
        assert all(state.error is None for state in (await running_desk.states()).values())


async def test_an_index_that_refuses_one_rule_is_not_asked_about_another_one_for_an_hour(tmp_path: Path) -> None:
    rules = RULE + RULE.removeprefix("rules:\n").replace("Backdoors", "Also backdoors").replace("backdoor", "back door")
    async with desk(tmp_path, rules=rules, serves=False) as running_desk:
        assert running_desk.asked_hosts() == {"news.google.com": 1, "www.bing.com": 1, "api.gdeltproject.org": 1}
        await running_desk.live(HOUR / 2)
        assert running_desk.asked_hosts() == {"news.google.com": 1, "www.bing.com": 1, "api.gdeltproject.org": 1}
        await running_desk.live(HOUR)
        assert running_desk.asked_hosts() == {"news.google.com": 2, "www.bing.com": 2, "api.gdeltproject.org": 2}


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(status=500), "500"),
        (Reply(delay_seconds=30), "no complete answer within"),
        (Reply(body=b"<html><body>Please prove that you are not a robot</body></html>"), "page"),
    ],
)
async def test_an_index_in_trouble_is_told_and_the_bot_goes_on(tmp_path: Path, reply: Reply, why: str) -> None:
    async with desk(tmp_path) as running_desk:
        running_desk.answer(reply, of=["gdelt"])
        await running_desk.live()
        states = await running_desk.states()
        assert why in (states["gdelt"].error or "")
        assert states["bing-news"].error is None
        assert running_desk.running.failures == []
        assert await running_desk.coverage() == (0, 0, 0, None)


async def test_a_flood_of_results_is_read_up_to_a_hundred(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now() + HOUR
        flood = [listed(f"{'Backdoor' if n >= 98 else 'Recipe'} number {n} of Place{n}ville", at) for n in range(400)]
        running_desk.serve(*flood, of=["bing-news"])
        await running_desk.live()
        assert len(await running_desk.missed()) == 2


async def test_hostile_results_are_stored_as_short_plain_text_and_harm_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now() + HOUR
        running_desk.serve(
            listed(
                "<script>alert(1)</script> backdoor \x1b]8;;https://evil.example\x07 \u202e in a server",
                at,
                outlet="<b>",
            ),
            Listed(title="backdoor " * 5_000, link="javascript:alert(1)", at=at, outlet="", site="not an address"),
            Listed(title="A backdoor", link="https://[::1", at=at, outlet="x" * 10_000),
            of=["bing-news", "google-news"],
        )
        await running_desk.live()
        articles = [report.article for report in await running_desk.missed()]
        assert articles
        assert all("\x1b" not in article.title and len(article.title) <= 300 for article in articles)
        assert all(article.link == "" or article.link.startswith("http") for article in articles)
        assert all(len(article.outlet) <= 100 and len(article.owner) <= 300 for article in articles)
        assert running_desk.running.failures == []


async def test_a_rule_with_new_terms_starts_over_and_one_that_is_no_longer_audited_is_not_asked_about(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as running_desk:
        running_desk.serve(listed(UNION, running_desk.clock.now() + HOUR))
        await running_desk.running.reload(
            load(tmp_path, rules=RULE.replace("any: [backdoor]", "any: [backdoor], none: [bread]"))
        )
        await running_desk.live()
        assert list(running_desk.asked_hosts().values()) == [2, 2, 2]
        assert await running_desk.coverage() == (0, 0, 0, None)
        await running_desk.running.reload(load(tmp_path, rules=RULE.replace("audit: true,", "")))
        await running_desk.live()
        assert list(running_desk.asked_hosts().values()) == [2, 2, 2]


async def test_the_brief_of_the_channel_lists_what_was_seen_only_elsewhere_and_the_command_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = BOT.replace("kind: console", "kind: console, brief: 08:00")
    async with desk(tmp_path, bot=bot) as running_desk:
        at = running_desk.clock.now() + 2 * HOUR
        running_desk.publish(listed(PTA, at, outlet="Gazette"))
        await running_desk.live(2 * HOUR)
        # GDELT shows only the outlet's domain.
        running_desk.serve(listed(PTA, at), listed(UNION, at), of=["google-news", "gdelt"])
        running_desk.answer(Reply(status=403), of=["bing-news"])
        for _ in range(5):
            await running_desk.live(DAY / 2)
    briefs = re.findall(r"^Brief since .*?\n\n", capsys.readouterr().out, re.MULTILINE | re.DOTALL)
    [brief] = [text for text in briefs if "Seen only elsewhere" in text]
    assert "  Seen only elsewhere: 1 of 2 stories; no answer from bing-news\n" in brief
    assert f"• {UNION} — Courier, 2 Dec 11:00 UTC · Backdoors" in brief
    printed = call("audit", "--since", "2015-12-01", "--config", str(tmp_path), folder=tmp_path).stdout
    assert re.search(r"2015-12 +Backdoors +1 +0 +1\n", printed)
    assert f"2015-12-02 11:00 UTC  {UNION}  (Courier)" in printed
    assert "Courier: 1 story that no feed carried; wirewatch feeds find courier.example" in printed
    assert "recall: not measured" in printed
    assert "bing-news did not answer the audit: 403 Forbidden" in printed

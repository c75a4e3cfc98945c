"""The audit from outside: rules, feeds, and local servers that answer as the news search engines do."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot import app
from bot.app import runtime
from bot.app.runtime import App
from bot.config import audits
from bot.fetch.client import HttpFetcher
from bot.model.audit import Coverage, IndexQuestion, OutsideEvent, OutsideReport
from tests.config import folders
from tests.testbed.commands import wirewatch
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
        return {each.place: f"/{each.feed.url.partition('://')[2]}" for each in audits.list_searches(compiled)}

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

    async def live(self, duration: timedelta) -> None:
        """Let the bot run, with a look every two hours."""
        for _ in range(-(-duration // (2 * HOUR))):
            self.clock.advance(2 * HOUR)
            await self.running.once(everything=True, drain=timedelta())

    async def reports(self) -> Sequence[OutsideReport]:
        """The reports that no feed has carried."""
        return await self.running.store.read(lambda tx: tx.audits.uncarried("Backdoors", since=START))

    async def events(self) -> Sequence[OutsideEvent]:
        until = self.clock.now() + HOUR
        return await self.running.store.read(lambda tx: tx.audits.events(since=START, until=until))

    async def questions(self) -> dict[str, IndexQuestion]:
        stored = await self.running.store.read(lambda tx: tx.audits.questions())
        return {question.place: question for question in stored}

    def asked(self, index: str) -> int:
        return len(self.server.seen(self.searches[index]))


@contextlib.asynccontextmanager
async def desk(folder: Path, *, rules: str = RULE, bot: str = BOT) -> AsyncIterator[Desk]:
    folders.make(folder, bot=f"database: sqlite:///{folder}/w.db\n{bot}", feeds=f"feeds:\n  - {FEED}\n", rules=rules)
    clock = FakeClock()
    settings = app.load(folder, {})
    assert not [problem for problem in settings.problems if problem.severity == "error"]
    async with FeedServer() as server:
        environment = app.Environment(
            environ={}, clock=clock, fetcher=Elsewhere(HttpFetcher(settings.bot.fetch, clock), server)
        )
        async with runtime.opened(settings, environment) as running:
            shown = Desk(server=server, clock=clock, running=running)
            shown.publish()
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
        at = running_desk.clock.now() + 2 * HOUR
        running_desk.publish(listed(PTA, at, outlet="Gazette"))
        running_desk.serve(listed(PTA, at), listed(UNION, at), listed("A recipe for bread", at))
        await running_desk.live(DAY + HOUR)
        assert sorted(event.coverage for event in await running_desk.events()) == [
            Coverage.CARRIED,
            Coverage.ONLY_ELSEWHERE,
        ]
        missed = await running_desk.reports()
        assert {report.title for report in missed} == {UNION}
        # Google, Bing and GDELT list one page in three forms: one event.
        assert {report.site for report in missed} == {"courier.example"}
        assert len({report.event for report in missed}) == 1
        assert {report.reported_at for report in missed} == {at}
        messages = await running_desk.running.store.read(lambda tx: tx.outbox.counts())
        assert sum(messages.values()) == 1


async def test_what_a_feed_carries_a_day_later_is_late_by_as_much(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now() + HOUR
        running_desk.serve(listed(PTA, at))
        await running_desk.live(DAY)
        [event] = await running_desk.events()
        assert event.coverage is Coverage.ONLY_ELSEWHERE
        running_desk.publish(listed(PTA, at, outlet="Gazette"))
        await running_desk.live(DAY)
        [event] = await running_desk.events()
        assert event.coverage is Coverage.LATE
        assert event.carried_at
        assert round((event.carried_at - event.reported_at) / HOUR) == 25


async def test_reports_from_before_the_rule_was_audited_do_not_count(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now()
        running_desk.serve(listed(PTA, at - HOUR), listed(UNION, at + HOUR))
        await running_desk.live(DAY + HOUR)
        assert {report.title for report in await running_desk.reports()} == {UNION}


async def test_each_index_is_asked_once_a_day_at_a_time_of_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        assert all(running_desk.asked(index) == 0 for index in INDEXES)
        await running_desk.live(3 * DAY)
        assert [running_desk.asked(index) for index in INDEXES] == [3, 3, 3]
        times = {
            question.asked_at.time() for question in (await running_desk.questions()).values() if question.asked_at
        }
        assert len(times) == 3


async def test_an_index_that_refuses_is_told_left_alone_as_long_as_it_asks_and_counts_for_nothing(
    tmp_path: Path,
) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now() + HOUR
        running_desk.serve(listed(UNION, at), of=["gdelt"])
        running_desk.answer(Reply(status=429, headers={"Retry-After": str(3 * 86_400)}), of=["google-news"])
        running_desk.answer(Reply(status=403), of=["bing-news"])
        await running_desk.live(3 * DAY)
        questions = await running_desk.questions()
        assert running_desk.asked("google-news") == 1
        assert questions["google-news"].error.startswith("429")
        assert questions["bing-news"].error.startswith("403")
        assert questions["gdelt"].error == ""
        [event] = await running_desk.events()
        assert event.coverage is Coverage.ONLY_ELSEWHERE
        running_desk.serve()
        await running_desk.live(4 * DAY)
        assert all(question.error == "" for question in (await running_desk.questions()).values())


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (Reply(status=500), "500"),
        (Reply(delay_seconds=30), "no complete answer within"),
        (Reply(hang_up=True), "closed the connection"),
        (Reply(body=b"<html><body>Please prove that you are not a robot</body></html>"), "page"),
        (Reply(body=b"Your query was too short."), "feed"),
        (Reply(body=render("bing-news", ())[:-30]), "cut off"),
    ],
)
async def test_an_index_in_trouble_is_told_and_the_bot_goes_on(tmp_path: Path, reply: Reply, why: str) -> None:
    async with desk(tmp_path) as running_desk:
        running_desk.answer(reply)
        await running_desk.live(DAY + HOUR)
        for question in (await running_desk.questions()).values():
            assert question.error
            assert why in question.error
            assert question.asked_at
        assert running_desk.running.failures == []
        assert list(await running_desk.events()) == []


async def test_a_flood_of_results_is_read_up_to_a_hundred(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        at = running_desk.clock.now() + HOUR
        flood = [listed(f"Backdoor number {n} found in the town of Place{n}ville", at) for n in range(10_000)]
        running_desk.serve(*flood, of=["bing-news"])
        await running_desk.live(DAY)
        assert len(await running_desk.reports()) == 100


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
        await running_desk.live(DAY)
        reports = await running_desk.reports()
        assert reports
        assert all("\x1b" not in report.title and len(report.title) <= 300 for report in reports)
        assert all(report.link == "" or report.link.startswith("http") for report in reports)
        assert all(len(report.outlet) <= 100 and re.fullmatch("[a-z0-9.-]*", report.site) for report in reports)
        assert running_desk.running.failures == []


async def test_a_rule_that_is_no_longer_audited_is_not_asked_about(tmp_path: Path) -> None:
    async with desk(tmp_path) as running_desk:
        folders.make(
            tmp_path,
            bot=f"database: sqlite:///{tmp_path}/w.db\n{BOT}",
            feeds=f"feeds:\n  - {FEED}\n",
            rules=RULE.replace("audit: true,", ""),
        )
        paths = running_desk.searches
        await running_desk.running.reload(app.load(tmp_path, {}))
        await running_desk.live(DAY + HOUR)
        assert [len(running_desk.server.seen(path)) for path in paths.values()] == [0, 0, 0]
        assert await running_desk.questions() == {}


async def test_the_brief_of_the_channel_lists_what_was_seen_only_elsewhere_and_the_command_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bot = BOT.replace("kind: console", "kind: console, brief: 08:00")
    async with desk(tmp_path, bot=bot) as running_desk:
        at = running_desk.clock.now() + 2 * HOUR
        running_desk.publish(listed(PTA, at, outlet="Gazette"))
        running_desk.serve(listed(PTA, at), listed(UNION, at), of=["google-news"])
        running_desk.answer(Reply(status=403), of=["bing-news"])
        await running_desk.live(2 * DAY)
    [brief, later_brief] = re.findall(r"^Brief since .*?\n\n", capsys.readouterr().out, re.MULTILINE | re.DOTALL)
    assert "  Seen only elsewhere: 1 of 2 stories; no answer from bing-news\n" in brief
    assert f"• {UNION} — Courier, 2 Dec 11:00 UTC · Backdoors" in brief
    assert "Seen only elsewhere" not in later_brief
    printed = wirewatch("audit", "--since", "2015-12-01", "--config", str(tmp_path), folder=tmp_path).stdout
    assert re.search(r"2015-12 +Backdoors +1 +0 +1\n", printed)
    assert f"2015-12-02 11:00  {UNION}  (Courier)" in printed
    assert "Courier: 1 story that no feed carried" in printed
    assert "recall: not measured" in printed
    assert "bing-news did not answer the audit: 403 Forbidden" in printed

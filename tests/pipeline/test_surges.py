"""Surges in a trial, and where their messages go."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

from bot import rules, storage
from bot.model.actions import Silence, SilenceId, SilenceKind
from bot.model.archive import Arrival
from bot.model.messages import MessageKind, Outgoing
from bot.model.rules import ONLY_SURGES, Severity, SurgeLimits
from bot.model.settings import QuietHours
from bot.pipeline.join import StoryUpdater
from bot.pipeline.turn import StoryCache, Turn
from bot.pipeline.volume import VolumeMonitor, count_members
from tests.pipeline.archives import FEED, article
from tests.pipeline.test_backtest_replay import tried
from tests.rules.making import rule
from tests.testbed.fakes import START
from tests.testbed.made_settings import make_settings

LOUD = rule(name="BlackBerry", any=["BlackBerry"], notify=("desk",), when=ONLY_SURGES)
PLACES = (
    "Lahore",
    "Quetta",
    "Multan",
    "Sukkur",
    "Gwadar",
    "Kasur",
    "Okara",
    "Jhang",
    "Swabi",
    "Hangu",
    "Loralai",
    "Kohat",
)
BURST = [
    article(f"{place} court hears BlackBerry case", f"A judge in {place}.", hours=40 + n / 10, outlet=f"{place} News")
    for n, place in enumerate(PLACES)
]
#: One article a day, so that the rule has a history.
BEFORE = [article(f"BlackBerry phone number {n} is sold", hours=n * 10) for n in range(4)]


def test_a_trial_says_when_and_why_the_rule_would_have_reported_a_surge() -> None:
    report = tried([*BEFORE, *BURST], LOUD, until=START + timedelta(days=4))
    (surge,) = report.surges
    assert surge.opened_at.date() == BURST[-1].first_seen.date()
    assert surge.closed_at is not None
    assert surge.peak.count == 12
    assert surge.causes.article_count >= 8
    kinds = [message.kind for message in report.messages]
    assert kinds.count(MessageKind.GATHERED) == 1
    assert MessageKind.POST not in kinds


def test_with_volume_a_rule_posts_its_stories_and_its_surges() -> None:
    both = rule(name="BlackBerry", any=["BlackBerry"], notify=("desk",), volume=SurgeLimits())
    report = tried([*BEFORE, *BURST], both, until=START + timedelta(days=4))
    assert len(report.surges) == 1
    assert MessageKind.POST in {message.kind for message in report.messages}


def surge_rows(*, silence: Silence | None = None, severity: Severity = Severity.NORMAL) -> list[Outgoing]:
    """Return the messages of the burst, in a bot with quiet hours that last the whole burst."""
    loud = rule(name="BlackBerry", any=["BlackBerry"], notify=("desk",), when=ONLY_SURGES, severity=severity)
    quiet = QuietHours(start=time(1), end=time(8), zone=ZoneInfo("UTC"))
    settings = make_settings(rules=[rules.compile_rule(loud)], feeds=[FEED], channels=["desk"], quiet_hours=quiet)
    cache, updater, monitor = StoryCache(), StoryUpdater(), VolumeMonitor()
    rows: list[Outgoing] = []
    with storage.open_in_memory() as tx:
        if silence is not None:
            tx.silences.add(silence)
        for one in [*BEFORE, *BURST]:
            turn = Turn(tx, settings, one.first_seen, cache)
            monitor.measure(turn)
            matches = settings.rule_set.match(one, FEED, now=one.first_seen)
            tx.articles.add([one])
            tx.articles.add_matches(one.id, matches)
            updater.update(turn, [Arrival(article=one, matches=matches, is_baseline=False)], ())
            count_members(turn)
            rows += turn.rows
            turn.write(tx)
    return rows


def test_below_severity_high_the_first_message_waits_for_the_end_of_quiet_hours() -> None:
    first = surge_rows()[0]
    assert (first.message.kind, first.due_at.hour) == (MessageKind.GATHERED, 8)
    assert surge_rows(severity=Severity.HIGH)[0].due_at < first.due_at


def test_a_silenced_rule_posts_no_surge() -> None:
    silence = Silence(
        id=SilenceId("s"),
        at=START,
        by="ali",
        kind=SilenceKind.RULE,
        name="BlackBerry",
        channels=(),
        reason="",
        until=None,
    )
    assert surge_rows(silence=silence) == []

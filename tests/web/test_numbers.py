"""Health and metrics, as a probe and as Prometheus ask for them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from bot import storage
from bot.aio import Failure
from bot.model.alerts import AlertAction, Decision, Reason
from bot.model.errors import StoreUnavailable
from bot.model.language_models import Completion, LanguageModelPolicy, Use
from bot.model.messages import Outgoing, SendState
from bot.model.quarantine import PieceKind
from bot.model.stories import StoryId
from bot.pipeline.reports import FeedReport, Observer
from bot.storage import keys
from tests.journeys.world import world
from tests.testbed import made
from tests.web.conftest import TOKEN, Page, listening, page_over
from tests.web.made import COVERAGE

ROOT = Path(__file__).parents[2]


async def numbers(page: Page) -> Mapping[tuple[str, tuple[str, ...]], float]:
    """Each sample by its name and the values of its labels."""
    answer = await page.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        (sample.name, tuple(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


async def families(page: Page) -> set[str]:
    answer = await page.get("/metrics")
    return {family.name for family in text_string_to_metric_families(answer.text)}


async def test_it_is_ready_while_ticks_are_recent(page: Page) -> None:
    assert (await page.get("/healthz")).json() == {"status": "ok", "reason": "ok"}
    page.clock.advance(timedelta(seconds=29))
    assert (await page.get("/healthz/ready")).status_code == 200
    page.clock.advance(timedelta(seconds=2))
    answer = await page.get("/healthz/ready")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the bot last looked for due feeds 31 s ago")
    assert (await page.get("/healthz/live")).status_code == 200


async def test_a_store_that_is_closed_is_not_ready_and_still_alive(page: Page) -> None:
    class Broken:
        async def read(self, work: object) -> object:
            raise StoreUnavailable("reading the database: the disk is full")

    page.running.store = Broken()  # type: ignore[assignment]  # it fails at each question
    ready = await page.get("/healthz")
    assert (ready.status_code, ready.json()["reason"]) == (503, "reading the database: the disk is full")
    assert (await page.get("/healthz/live")).status_code == 200
    assert (await page.get("/metrics")).status_code == 503
    output = await page.get("/feeds")
    assert output.status_code == 503
    assert "the disk is full" in output.text


async def test_what_stands_is_true_from_the_first_scrape_on(page: Page) -> None:
    metrics = await numbers(page)
    assert metrics["wirewatch_feeds", ("ok",)] == 4
    assert metrics["wirewatch_feeds", ("failing",)] == 1
    assert metrics["wirewatch_rules", ("on",)] == 2
    assert metrics["wirewatch_rules", ("off",)] == 1
    assert metrics["wirewatch_outbox_messages", ("desk", "sent")] == 6
    assert metrics["wirewatch_outbox_oldest_seconds", ("desk",)] == 0
    assert metrics["wirewatch_config_last_reload_successful", ()] == 0
    assert metrics["wirewatch_config_problems", ("error",)] == 1
    assert metrics["wirewatch_last_tick_timestamp_seconds", ()] == page.clock.now().timestamp()
    assert metrics["wirewatch_polls_total", ("failed",)] == 0


async def test_each_rule_has_one_state(page: Page) -> None:
    live = page.running.live
    live.settings = dataclasses.replace(live.settings, kept=(live.settings.rules[0].rule.name,))
    metrics = await numbers(page)
    states = [metrics["wirewatch_rules", (state,)] for state in ("on", "paused", "ended", "kept", "off")]
    assert states == [1, 0, 0, 1, 1]


async def test_polls_decisions_and_deliveries_are_counted_as_they_happen(page: Page) -> None:
    seen: list[FeedReport] = []

    class Listener(Observer):
        def on_feed(self, report: FeedReport) -> None:
            seen.append(report)

        def on_decided(self, decision: Decision) -> None: ...

        def on_outcome(self, row: Outgoing) -> None: ...

        def on_completion(self, completion: Completion) -> None: ...

    page.running.add_observer(Listener())
    page.clock.advance(timedelta(hours=1))
    await page.running.once(everything=True, drain=timedelta())
    metrics = await numbers(page)
    # The outlets' server has gone: each poll fails.
    assert metrics["wirewatch_polls_total", ("failed",)] == len(seen) == 5
    assert metrics["wirewatch_poll_lateness_seconds_count", ()] == 5
    # Each of the feeds was due when the bot started, or later.
    assert 4 * 3000 < metrics["wirewatch_poll_lateness_seconds_sum", ()] <= 5 * 3600
    decision = Decision(
        at=page.clock.now(),
        story=StoryId("s"),
        channel="desk",
        action=AlertAction.HOLD,
        reason=Reason.QUIET_HOURS,
    )
    page.site.metrics.on_decided(decision)
    for state in (SendState.SENT, SendState.PARKED, SendState.PENDING):
        page.site.metrics.on_outcome(replace(made.sending("one"), state=state))
    metrics = await numbers(page)
    assert metrics["wirewatch_decisions_total", ("hold", "quiet hours")] == 1
    assert [metrics["wirewatch_deliveries_total", ("desk", end)] for end in ("sent", "parked", "again")] == [
        1,
        1,
        1,
    ]


async def test_metrics_of_a_language_model_exist_only_if_one_is_configured(page: Page) -> None:
    assert "wirewatch_model_seconds" not in await families(page)
    live = page.running.live
    model = LanguageModelPolicy(url="http://127.0.0.1:1/v1", name="small", uses=frozenset({Use.SAME_EVENT}))
    live.settings = dataclasses.replace(live.settings, bot=dataclasses.replace(live.settings.bot, model=model))
    assert {"wirewatch_model_calls", "wirewatch_model_tokens", "wirewatch_model_seconds"} <= set(await families(page))


async def test_polls_after_a_day_off_are_not_late(filled: Path) -> None:
    async with page_over(filled, started=timedelta(days=1)) as page:
        page.clock.advance(timedelta(seconds=20))
        await page.running.once(everything=True, drain=timedelta())
        metrics = await numbers(page)
        assert (
            metrics["wirewatch_poll_lateness_seconds_sum", ()]
            <= 20 * metrics["wirewatch_poll_lateness_seconds_count", ()]
        )


async def test_it_is_not_ready_while_a_task_that_sends_keeps_failing(filled: Path) -> None:
    async with page_over(filled, listening(has_token=True)) as page:
        await page.tick()
        now = page.clock.now()

        def fail(name: str, count: int) -> None:
            page.running.task_failures[name] = Failure(
                name=name, since=now, count=count, error="LookupError", until=now + timedelta(seconds=20)
            )

        fail("keep", 5)
        fail("send", 1)
        assert (await page.get("/healthz")).status_code == 200
        fail("send", 2)
        public = await page.get("/healthz")
        reason = "a task that polls, decides or sends keeps failing"
        assert (public.status_code, public.json()) == (503, {"status": "not ready", "reason": reason})
        known = (await page.get("/healthz", headers={"authorization": f"Bearer {TOKEN}"})).json()
        assert [(entry["name"], entry["count"]) for entry in known["failing"]] == [("keep", 5), ("send", 2)]
        assert known["failing"][0]["since"] == now.isoformat()
        await page.running.report_trouble()
        process = page.running.heartbeat.process
        noted = await page.running.store.read(lambda tx: keys.failures(process).get(tx))
        assert noted is not None
        assert [failure.name for failure in noted] == ["keep", "send"]
        page.clock.advance(timedelta(seconds=21))
        assert (await page.get("/healthz")).status_code == 200


async def test_the_age_of_the_queue_is_that_of_what_may_be_sent(page: Page) -> None:
    row = replace(made.sending("old"), due_at=page.clock.now() - timedelta(minutes=7))
    parked = replace(made.sending("parked"), state=SendState.PARKED)
    later = replace(made.sending("later"), due_at=page.clock.now() + timedelta(hours=7))
    await page.running.store.write(lambda tx: tx.outbox.add([row, parked, later]))
    assert (await numbers(page))["wirewatch_outbox_oldest_seconds", ("desk",)] == 420


async def test_work_that_was_set_aside_is_counted_until_the_list_is_empty(page: Page) -> None:
    pieces = [made.set_aside("one"), made.set_aside("two"), made.set_aside("three", kind=PieceKind.ROW, stage="read")]
    await page.running.store.write(lambda tx: tx.quarantine.add(pieces))
    metrics = await numbers(page)
    assert metrics["wirewatch_quarantined", ("item", "intake")] == 2
    assert metrics["wirewatch_quarantined", ("row", "read")] == 1
    assert (await page.get("/healthz")).status_code == 200

    def drop(tx: storage.Transaction) -> None:
        for piece in tx.quarantine.all():
            tx.quarantine.remove(piece)

    await page.running.store.write(drop)
    assert not [name for name, _ in await numbers(page) if name == "wirewatch_quarantined"]


async def test_each_alert_and_panel_of_the_docs_asks_for_a_metric(page: Page) -> None:
    own = {name for name in await families(page) if name.startswith("wirewatch_")}
    for name in ("alerts.yaml", "dashboard.json"):
        mentions = set(re.findall(r"wirewatch_\w+", (ROOT / "docs" / "monitoring" / name).read_text(encoding="utf-8")))
        known = {f"{name}{end}" for name in own for end in ("", "_total", "_bucket", "_count", "_sum")}
        assert mentions - known == set()


# -- the log leads from a feed to the message


async def test_a_polls_id_leads_from_the_feed_to_the_decision_and_the_story_on_to_the_message(tmp_path: Path) -> None:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "courier")
        await setup.once()
        setup.publish("wire", COVERAGE["wire"])
        with capture_logs() as lines:
            await setup.once()
    polled = {line["feed"].rpartition("/")[2]: line for line in lines if line["event"] == "feed polled"}
    (decided,) = [line for line in lines if line["event"] == "decided"]
    (sent,) = [line for line in lines if line["event"] == "message sent"]
    assert decided["poll"] == polled["wire.xml"]["poll"] != polled["courier.xml"]["poll"]
    assert sent["story"] == decided["story"]
    assert sent["channel"] == decided["channel"] == "desk"

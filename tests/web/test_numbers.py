"""Health and metrics, as a probe and as Prometheus ask for them."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import yaml
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from bot import storage
from bot.aio import Failure
from bot.model.alerts import AlertAction, Reason
from bot.model.errors import StoreUnavailable
from bot.model.language_models import LanguageModelPolicy, Use
from bot.model.messages import SendState
from bot.model.quarantine import PieceKind
from bot.storage import keys
from tests.journeys.world import world
from tests.testbed import made
from tests.web.conftest import Page
from tests.web.made import COVERAGE

MONITORING = Path(__file__).parents[2] / "docs" / "monitoring"


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


async def test_it_is_ready_while_ticks_are_recent_and_the_database_answers_and_alive_in_any_case(page: Page) -> None:
    assert (await page.get("/healthz")).json() == {"status": "ok", "reason": "ok"}
    page.clock.advance(timedelta(seconds=29))
    assert (await page.get("/healthz/ready")).status_code == 200
    page.clock.advance(timedelta(seconds=2))
    answer = await page.get("/healthz/ready")
    assert (answer.status_code, answer.json()["reason"]) == (503, "the bot last looked for due feeds 31 s ago")

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


async def test_what_stands_is_true_from_the_first_scrape_on_and_each_alert_and_panel_asks_for_it(shared: Page) -> None:
    metrics = await numbers(shared)
    expected = {
        ("wirewatch_feeds", ("ok",)): 4,
        ("wirewatch_feeds", ("failing",)): 1,
        ("wirewatch_rules", ("on",)): 2,
        ("wirewatch_rules", ("off",)): 1,
        ("wirewatch_outbox_messages", ("desk", "sent")): 6,
        ("wirewatch_outbox_oldest_seconds", ("desk",)): 0,
        ("wirewatch_config_last_reload_successful", ()): 0,
        ("wirewatch_config_problems", ("error",)): 1,
        ("wirewatch_last_tick_timestamp_seconds", ()): shared.clock.now().timestamp(),
        ("wirewatch_polls_total", ("failed",)): 0,
    }
    assert {name: metrics[name] for name in expected} == expected
    known = {name for name, _ in metrics}
    known |= {f"{name}{end}" for name in await families(shared) for end in ("", "_total", "_bucket", "_count", "_sum")}
    for name in ("alerts.yaml", "dashboard.json"):
        assert set(re.findall(r"wirewatch_\w+", (MONITORING / name).read_text(encoding="utf-8"))) <= known
    (group,) = yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]:
        assert rule["alert"].startswith("Wirewatch")
        assert rule["expr"]
        assert set(rule["annotations"]) == {"summary", "what_to_do"}
        assert rule["labels"]["severity"] in ("page", "ticket")


async def test_polls_decisions_and_deliveries_are_counted_and_states_of_rules_and_a_model_when_one_is_configured(
    page: Page,
) -> None:
    page.clock.advance(timedelta(hours=1))
    await page.running.once(everything=True, drain=timedelta())
    page.site.metrics.on_decided(made.decision("s", AlertAction.HOLD, Reason.QUIET_HOURS))
    for state in (SendState.SENT, SendState.PARKED, SendState.PENDING):
        page.site.metrics.on_outcome(replace(made.sending("one"), state=state))
    metrics = await numbers(page)
    # The outlets' server has gone: each poll fails.
    assert metrics["wirewatch_polls_total", ("failed",)] == 5
    assert metrics["wirewatch_poll_lateness_seconds_count", ()] == 5
    # Each of the feeds was due when the bot started, or later.
    assert 4 * 3000 < metrics["wirewatch_poll_lateness_seconds_sum", ()] <= 5 * 3600
    assert metrics["wirewatch_decisions_total", ("hold", "quiet hours")] == 1
    deliveries = [metrics["wirewatch_deliveries_total", ("desk", end)] for end in ("sent", "parked", "again")]
    assert deliveries == [1, 1, 1]
    live = page.running.live
    names = {"wirewatch_model_calls", "wirewatch_model_tokens", "wirewatch_model_seconds"}
    assert not names & await families(page)
    model = LanguageModelPolicy(url="http://127.0.0.1:1/v1", name="small", uses=frozenset({Use.SAME_EVENT}))
    bot = dataclasses.replace(live.settings.bot, model=model)
    live.settings = dataclasses.replace(live.settings, bot=bot, kept=(live.settings.rules[0].rule.name,))
    metrics = await numbers(page)
    states = [metrics["wirewatch_rules", (state,)] for state in ("on", "paused", "ended", "kept", "off")]
    assert states == [1, 0, 0, 1, 1]
    assert names <= await families(page)


async def test_it_is_not_ready_while_a_task_that_sends_keeps_failing(page: Page) -> None:
    now = page.clock.now()

    def fail(name: str, count: int) -> None:
        until = now + timedelta(seconds=20)
        failure = Failure(name=name, since=now, count=count, error="LookupError", until=until)
        page.running.task_failures[name] = failure

    fail("keep", 5)
    fail("send", 1)
    assert (await page.get("/healthz")).status_code == 200
    fail("send", 2)
    # A proxy's header makes a stranger of the caller.
    public = await page.get("/healthz", headers={"via": "1.1 proxy"})
    reason = "a task that polls, decides or sends keeps failing"
    assert (public.status_code, public.json()) == (503, {"status": "not ready", "reason": reason})
    known = (await page.get("/healthz")).json()
    assert [(entry["name"], entry["count"]) for entry in known["failing"]] == [("keep", 5), ("send", 2)]
    assert known["failing"][0]["since"] == now.isoformat()
    await page.running.report_trouble()
    process = page.running.heartbeat.process
    noted = await page.running.store.read(lambda tx: keys.failures(process).get(tx))
    assert noted is not None
    assert [failure.name for failure in noted] == ["keep", "send"]
    page.clock.advance(timedelta(seconds=21))
    assert (await page.get("/healthz")).status_code == 200


async def test_the_age_of_what_may_be_sent_is_shown_and_what_was_set_aside_is_counted(page: Page) -> None:
    row = replace(made.sending("old"), due_at=page.clock.now() - timedelta(minutes=7))
    parked = replace(made.sending("parked"), state=SendState.PARKED)
    later = replace(made.sending("later"), due_at=page.clock.now() + timedelta(hours=7))
    pieces = [made.set_aside("one"), made.set_aside("two"), made.set_aside("three", kind=PieceKind.ROW, stage="read")]

    def write(tx: storage.Transaction) -> None:
        tx.outbox.add([row, parked, later])
        tx.quarantine.add(pieces)

    def drop(tx: storage.Transaction) -> None:
        for piece in tx.quarantine.all():
            tx.quarantine.remove(piece)

    await page.running.store.write(write)
    metrics = await numbers(page)
    assert metrics["wirewatch_outbox_oldest_seconds", ("desk",)] == 420
    assert metrics["wirewatch_quarantined", ("item", "intake")] == 2
    assert metrics["wirewatch_quarantined", ("row", "read")] == 1
    assert (await page.get("/healthz")).status_code == 200
    await page.running.store.write(drop)
    assert not [name for name, _ in await numbers(page) if name == "wirewatch_quarantined"]


# -- the log leads from a feed to the message


async def test_the_log_leads_from_a_poll_to_its_message_and_warns_once_of_a_failing_feed(
    tmp_path: Path,
) -> None:
    async with world(tmp_path / "config") as setup:
        setup.configure("wire", "courier")
        await setup.once()
        setup.publish("wire", COVERAGE["wire"])
        with capture_logs() as lines:
            await setup.once()
        setup.outlets.serve("/wire.xml", b"no feed at all")
        with capture_logs() as later:
            for _ in range(3):
                await setup.once()
    # A feed that keeps failing is a warning once.
    assert [line["log_level"] for line in later if line.get("error")] == ["warning", "info", "info"]
    polled = {line["feed"].rpartition("/")[2]: line for line in lines if line["event"] == "feed polled"}
    (decided,) = [line for line in lines if line["event"] == "decided"]
    (sent,) = [line for line in lines if line["event"] == "message sent"]
    assert decided["poll"] == polled["wire.xml"]["poll"] != polled["courier.xml"]["poll"]
    assert sent["story"] == decided["story"]
    assert sent["channel"] == decided["channel"] == "desk"

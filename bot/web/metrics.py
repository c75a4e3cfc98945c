"""Metrics for Prometheus. Events are counted when they happen; the current state is read at each scrape.

Names follow https://prometheus.io/docs/practices/naming/. Stages report events to an observer, so no stage depends on
this file. State (feeds, outbox, configuration) comes from the store, so it is correct immediately after a start.
"""

from __future__ import annotations

import json
from collections import Counter as Tally
from collections.abc import Sequence
from datetime import timedelta

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

import bot
from bot.model.alerts import Decision
from bot.model.audit import RECALL_PERIOD
from bot.model.feeds import FeedHealth
from bot.model.language_models import Completion
from bot.model.messages import Outgoing, SendState
from bot.pipeline.reports import FeedReport, Observer
from bot.queries.audit import AuditSummary, summarize_audit
from bot.queries.quarantine import count_pieces
from bot.queries.registry import QueryRunner
from bot.storage import keys

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
#: Upper limits of the buckets for poll delays, from a healthy second to an hour.
_LATENESS_SECONDS = (1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
_MODEL_SECONDS = (0.25, 0.5, 1, 2, 5, 10, 20, 60)
_OUTCOMES = {
    SendState.SENT: "sent",
    SendState.LEFT_OUT: "left out",
    SendState.PARKED: "parked",
    SendState.DROPPED: "dropped",
    SendState.UNKNOWN: "unknown",
}


class Metrics(Observer):
    """The registry of metrics, and the observer that updates it."""

    def __init__(self, queries: QueryRunner) -> None:
        self._queries = queries
        registry = self._registry = CollectorRegistry()
        # Omit the creation times of counters, because each equals process_start_time_seconds.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library gives it no types
        ProcessCollector(registry=registry)

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"wirewatch_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, buckets: Sequence[float]) -> Histogram:
            return Histogram(f"wirewatch_{name}", text, buckets=buckets, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"wirewatch_{name}", text, labels, registry=registry)

        self._polls = counter("polls", "Polls of feeds.", "outcome")
        for outcome in ("changed", "unchanged", "failed"):
            self._polls.labels(outcome)
        self._lateness = histogram(
            "poll_lateness_seconds",
            "Time from a feed's due time, or from the start of the bot, until its response was stored.",
            _LATENESS_SECONDS,
        )
        self._articles = counter("articles", "Articles not seen before.")
        self._matches = counter("matches", "New articles that matched a rule.")
        self._decisions = counter("decisions", "Decisions to post, hold or drop an alert.", "action", "reason")
        self._deliveries = counter("deliveries", "Attempts to send a message.", "channel", "outcome")
        # Registered when a language model is configured.
        self._calls = Counter(
            "wirewatch_model_calls", "Calls of the language model.", ("use", "outcome"), registry=None
        )
        self._tokens = Counter("wirewatch_model_tokens", "Tokens of prompts and answers.", ("part",), registry=None)
        self._latency = Histogram(
            "wirewatch_model_seconds",
            "Time until the language model answered or failed.",
            buckets=_MODEL_SECONDS,
            registry=None,
        )
        self._has_model = False
        gauge("build_info", "The running version.", "version").labels(bot.__version__).set(1)
        self._tick = gauge("last_tick_timestamp_seconds", "Time of the last tick.")
        self._feeds = gauge("feeds", "Configured feeds.", "health")
        self._rules = gauge("rules", "Rules by state: on, paused, ended, kept or off.", "state")
        self._outbox = gauge("outbox_messages", "Messages in the outbox.", "channel", "state")
        self._age = gauge("outbox_oldest_seconds", "Age of the oldest message that is ready to be sent.", "channel")
        self._waiting = gauge("desk_waiting_articles", "Matched articles that wait for a decision.")
        self._quarantined = gauge(
            "quarantined",
            "Work set aside after an unexpected error. A stage and kind without any has no sample.",
            "stage",
            "kind",
        )
        self._stories = gauge(
            "audit_stories",
            "Stories that outside indexes listed for audited rules in the last 30 days: carried, late, only elsewhere.",
            "coverage",
        )
        self._recall = gauge(
            "audit_recall_ratio",
            "Share of such stories that feeds carried; no sample for fewer than ten stories.",
            "days",
        )
        self._failing = gauge("audit_index_failing", "1 if an outside index did not answer its last question.", "index")
        self._loaded = gauge(
            "config_last_reload_timestamp_seconds", "Time of the last successful reload of the configuration."
        )
        self._good = gauge("config_last_reload_successful", "1 if the last load of the configuration had no error.")
        self._problems = gauge("config_problems", "Problems found by the last load of the configuration.", "severity")

    # -- events

    def on_feed(self, report: FeedReport) -> None:
        outcome = "failed" if report.error else "changed" if report.is_changed else "unchanged"
        self._polls.labels(outcome).inc()
        # Feeds that became due while the bot was off are not late.
        running = self._queries.watched.clock.now() - self._queries.started_at
        self._lateness.observe(min(report.lateness, running).total_seconds())
        self._articles.inc(report.new)
        self._matches.inc(report.matched)

    def on_decided(self, decision: Decision) -> None:
        self._decisions.labels(decision.action.value, decision.reason.value).inc()

    def on_outcome(self, row: Outgoing) -> None:
        self._deliveries.labels(row.channel, _OUTCOMES.get(row.state, "again")).inc()

    def on_completion(self, completion: Completion) -> None:
        answer = json.loads(completion.answer) if completion.answer is not None else None
        outcome = "failed" if answer is None else str(answer.get("verdict", "answered"))
        self._calls.labels(completion.use.value, outcome).inc()
        self._tokens.labels("prompt").inc(completion.tokens_in)
        self._tokens.labels("answer").inc(completion.tokens_out)
        self._latency.observe(completion.took.total_seconds())

    # -- current state

    def add_model_metrics(self) -> None:
        """Show the metrics of the language model from now on. A bot without a model does not show them."""
        if not self._has_model:
            self._has_model = True
            for metric in (self._calls, self._tokens, self._latency):
                self._registry.register(metric)

    async def page(self) -> bytes:
        """Return all metrics in the text format of Prometheus. Raises StoreUnavailable."""
        feeds, counts, waiting_since, waiting, set_aside, tick, audit = await self._queries.read(
            lambda archive: (
                archive.tx.feeds.counts(),
                archive.tx.outbox.counts(),
                archive.tx.outbox.waiting_since(),
                archive.tx.decision_queue.count(),
                count_pieces(archive.tx),
                keys.TICK.get(archive.tx),
                summarize_audit(archive),
            )
        )
        now, settings = self._queries.watched.clock.now(), self._queries.watched.settings
        if settings.bot.model is not None:
            self.add_model_metrics()
        if tick:
            self._tick.set(tick.timestamp())
        for health in FeedHealth:
            self._feeds.labels(health.value).set(feeds.get(health, 0))
        states = Tally(
            "kept"
            if rule.name in settings.kept
            else "ended"
            if rule.has_ended(now)
            else "paused"
            if rule.paused
            else "on"
            for rule in (compiled.rule for compiled in settings.rules)
        )
        for state in ("on", "paused", "ended", "kept"):
            self._rules.labels(state).set(states[state])
        self._rules.labels("off").set(len(settings.off))
        self._outbox.clear()
        for (channel, state), count in counts.items():
            self._outbox.labels(channel, state.value).set(count)
        self._waiting.set(waiting)
        self._quarantined.clear()
        for pieces in set_aside:
            self._quarantined.labels(pieces.stage, pieces.kind).set(pieces.count)
        self._show_audit(audit)
        self._age.clear()
        for channel in settings.bot.channels:
            oldest = max(timedelta(), now - waiting_since.get(channel, now))
            self._age.labels(channel).set(oldest.total_seconds())
        self._loaded.set(self._queries.watched.loaded_at.timestamp())
        problems = Tally(problem.severity for problem in settings.problems)
        self._good.set(not problems["error"])
        for severity in ("error", "warning"):
            self._problems.labels(severity).set(problems[severity])
        return generate_latest(self._registry)

    def _show_audit(self, audit: AuditSummary | None) -> None:
        for metric in (self._stories, self._recall, self._failing):
            metric.clear()
        if audit is None:
            return
        recall = audit.recall
        counts = {"carried": recall.carried, "late": recall.late, "only elsewhere": recall.only_elsewhere}
        for coverage, count in counts.items():
            self._stories.labels(coverage).set(count)
        if recall.recall is not None:
            self._recall.labels(str(RECALL_PERIOD.days)).set(recall.recall)
        for index in audit.failing:
            self._failing.labels(index).set(1)

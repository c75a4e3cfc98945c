"""The query about the whole installation: the bot's state, its feeds, its rules, and the messages that wait."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

import pydantic

from bot import storage
from bot.aio import Failure
from bot.durations import format_rough
from bot.model.channels import CheckLine
from bot.model.language_models import (
    RECENT_CALLS,
    LanguageModelPolicy,
    Outcome,
    describe_exam,
    switched_off,
)
from bot.queries.audit import AuditSummary, summarize_audit
from bot.queries.feeds import FeedDocument, describe_feed
from bot.queries.quarantine import PieceCount, count_pieces
from bot.queries.registry import Archive, Document, Parameters, Query, Time
from bot.queries.rules import RECENT, RuleLine, summarize_rule
from bot.queries.silences import SilenceDocument, read_silences
from bot.storage import keys


class BrokenRule(Document):
    """A rule with a mistake. If ``is_kept`` is true, the running bot still uses the last good version of the rule."""

    name: str
    is_kept: bool
    stories_7d: int


class OutboxCount(Document):
    """The number of a channel's messages in one state."""

    channel: str
    state: str
    count: int


class HeldCount(Document):
    """The number of stories that a channel holds back for one reason, and the time of the first release.

    ``until`` is null if the stories wait for another article.
    """

    channel: str
    reason: str
    count: int
    until: Time | None


class SilentButtons(Document):
    """A channel whose buttons are not connected."""

    channel: str
    why: str


class ModelUse(Document):
    """The calls of a day for one use of the language model. ``off`` says why the use is switched off, or is empty."""

    use: str
    calls: int
    refused: int
    failed: int
    #: Median duration of a call; null without calls.
    seconds: float | None
    off: str


class ModelDocument(Document):
    """The language model. ``warning`` says if it has not passed its exam.

    ``weight`` says how much its answers about pairs of reports count beside the words, from 0 to 1.5.
    """

    name: str
    warning: str
    weight: float
    uses: list[ModelUse]


#: Maximum unsent messages that are listed; ``outbox`` has their number.
MOST_UNSENT = 100


class UnsentDocument(Document):
    """A message that is not sent yet."""

    id: str
    channel: str
    kind: str = pydantic.Field(validation_alias=pydantic.AliasPath("message", "kind"))
    state: str
    attempts: int
    due_at: Time
    why: str | None = pydantic.Field(validation_alias="error")


class FailureDocument(Document):
    """A long-lived task or a stage of the running bot that fails. ``error`` is the type of the last error."""

    name: str
    since: Time
    count: int
    error: str


class GapDocument(Document):
    """The last time in which no feed was polled for some minutes, although the bot runs now."""

    since: Time
    until: Time


class StatusDocument(Document):
    """The state of one installation. ``is_running`` is false if the bot has ended or is stuck; ``bot`` says which."""

    bot: str
    is_running: bool
    last_tick: Time | None
    failing: list[FailureDocument]
    articles: int
    feeds: list[FeedDocument]
    rules: list[RuleLine]
    rules_with_mistakes: list[BrokenRule]
    outbox: list[OutboxCount]
    held: list[HeldCount]
    unconnected_buttons: list[SilentButtons]
    silences: list[SilenceDocument]
    #: Work that was set aside after an unexpected error; ``/quarantine`` lists it.
    quarantined: list[PieceCount]
    #: The oldest messages that are not sent yet.
    unsent: list[UnsentDocument]
    language_model: ModelDocument | None
    #: Why stories are grouped by words alone, without meaning; empty if they are not.
    words_alone: str
    #: Starts, ends and gaps of the last seven days.
    unwatched: GapDocument | None
    #: Null if no rule is audited.
    audit: AuditSummary | None


def show_status(archive: Archive, parameters: Parameters) -> StatusDocument:
    """Show whether the bot runs, and list feeds, rules, silences and waiting messages."""
    tx, now, settings = archive.tx, archive.now, archive.settings
    running = describe_bot(tx, owner=archive.watched.store.owner, now=now)
    kept = (keys.KEPT_RULES.get(tx) if running.is_good else None) or ()
    stories = tx.stories.count_by_rule(since=now - RECENT)
    buttons = [(channel, keys.buttons_trouble(channel).get(tx) or "") for channel in sorted(settings.bot.channels)]
    return StatusDocument(
        bot=running.what,
        is_running=running.is_good,
        last_tick=keys.TICK.get(tx),
        failing=[FailureDocument.of(failure) for failure in read_failures(tx, now=now)] if running.is_good else [],
        articles=tx.articles.count(),
        feeds=[describe_feed(state, settings, now) for state in tx.feeds.all()],
        rules=[summarize_rule(archive, entry.rule, stories.get(entry.rule.name, 0)) for entry in settings.rules],
        rules_with_mistakes=[
            BrokenRule(name=name, is_kept=name in kept, stories_7d=stories.get(name, 0)) for name in settings.off
        ],
        outbox=[
            OutboxCount(channel=channel, state=state, count=count)
            for (channel, state), count in sorted(tx.outbox.counts().items())
        ],
        held=count_held(tx),
        unconnected_buttons=[SilentButtons(channel=channel, why=why) for channel, why in buttons if why],
        silences=[SilenceDocument.of(entry) for entry in read_silences(tx, now=now)],
        quarantined=count_pieces(tx),
        unsent=[UnsentDocument.of(row) for row in tx.outbox.unsent(limit=MOST_UNSENT)],
        words_alone=keys.WORDS_ALONE.get(tx) or "",
        language_model=_describe_model(tx, settings.bot.model, now=now) if settings.bot.model else None,
        unwatched=_find_gap(tx, now=now) if running.is_good else None,
        audit=summarize_audit(archive),
    )


def _find_gap(tx: storage.Transaction, *, now: datetime) -> GapDocument | None:
    gap = keys.UNWATCHED.get(tx)
    return GapDocument(since=gap[0], until=gap[1]) if gap is not None and gap[1] >= now - RECENT else None


def read_failures(tx: storage.Transaction, *, now: datetime) -> list[Failure]:
    """Return the tasks and stages of the running processes that fail."""
    owner = keys.OWNER.get(tx)
    living = [worker for worker, life in keys.worker_lives(tx).items() if now - life.until <= keys.DEAD_AFTER]
    processes = [*living, *([owner[0]] if owner else [])]
    failures = [failure for process in processes for failure in keys.failures(process).get(tx) or ()]
    return [failure for failure in failures if failure.is_current(now)]


def count_held(tx: storage.Transaction) -> list[HeldCount]:
    """Count the stories that are held back, by channel and reason."""
    ends: defaultdict[tuple[str, str], list[datetime | None]] = defaultdict(list)
    for alert in tx.stories.held():
        ends[alert.channel, alert.reason.value].append(alert.held_until)
    return [
        HeldCount(channel=channel, reason=reason, count=len(times), until=min(filter(None, times), default=None))
        for (channel, reason), times in sorted(ends.items())
    ]


def _describe_model(tx: storage.Transaction, policy: LanguageModelPolicy, *, now: datetime) -> ModelDocument:
    # Import here, because only a configuration with a model needs it.
    from bot.llm import weight

    exam, day = keys.EXAM.get(tx), tx.completions.records(policy.name, since=now - timedelta(days=1))
    since = exam.at if exam is not None else now - timedelta(days=30)
    known_pairs = tx.completions.known_pairs(policy.name, since=since)
    weight_now = round(weight.fit_weight(exam.pairs, known_pairs), 2) if exam is not None else 0.0
    records = tx.completions.records(policy.name, since=since, most=RECENT_CALLS)
    off = switched_off(policy, exam, records, weight=weight_now)
    uses = []
    for use in sorted(policy.uses):
        record = day.get(use)
        outcomes = record.outcomes if record else {}
        uses.append(
            ModelUse(
                use=use.value,
                calls=record.calls if record else 0,
                refused=outcomes.get(Outcome.REFUSED, 0),
                failed=outcomes.get(Outcome.FAILED, 0),
                seconds=record.seconds if record else None,
                off=off.get(use, ""),
            )
        )
    return ModelDocument(name=policy.name, warning=describe_exam(policy, exam), weight=weight_now, uses=uses)


STATUS = Query("status", show_status, StatusDocument, path="/status", is_long=True)


def describe_bot(tx: storage.Transaction, *, owner: str, now: datetime) -> CheckLine:
    """Describe whether the bot runs. ``owner`` is the process that has locked the database, or "" if none has."""
    tick, workers = keys.TICK.get(tx), keys.worker_lives(tx)
    living = [worker for worker, life in workers.items() if now - life.until <= keys.DEAD_AFTER]
    owner = owner or ", ".join(living)
    last = f"; it last looked for due feeds {format_rough(now - tick)} ago" if tick is not None else ""
    if not owner:
        ended = keys.LAST_SEEN.get(tx)
        if ended is not None and (tick is None or ended > tick):
            last = f"; it last ran {format_rough(now - ended)} ago"
        what = f"not running{last or '; it has not run here yet'}"
        advice = "start `wirewatch run`; if `wirewatch once` runs from cron, this is normal"
        return CheckLine(is_good=False, what=what, help=advice)
    if "wirewatch run" not in owner:
        return CheckLine(is_good=True, what=f"{owner} is running")
    if tick is not None and now - tick > keys.TICK_MAX_AGE:
        what = f"{owner} is stuck{last}"
        return CheckLine(is_good=False, what=what, help="read the end of its log; a restart loses nothing")
    return CheckLine(is_good=True, what=f"running, {owner}{last}")

"""Everything that a decision about one story in one channel depends on: rules, policy, history, silences and times."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from bot.model.actions import Silence
from bot.model.alerts import Alert, AlertAction, Decision, Reason
from bot.model.rules import ONLY_BRIEF, Rule, Severity, Thread, highest_severity
from bot.model.settings import BriefSchedule, PostingPolicy, QuietHours
from bot.model.stories import Fact, Member, Story


def quiet_hours_end(quiet: QuietHours | None, now: datetime) -> datetime | None:
    """Return the end of the quiet hours that ``now`` is in, or None if it is not in quiet hours."""
    if quiet is None or quiet.start == quiet.end:
        return None
    local = now.astimezone(quiet.zone)
    clock = local.time().replace(tzinfo=None)
    if quiet.start < quiet.end:
        if not quiet.start <= clock < quiet.end:
            return None
        day = local.date()
    else:  # over midnight
        if quiet.end <= clock < quiet.start:
            return None
        day = local.date() + timedelta(days=1) if clock >= quiet.start else local.date()
    end = datetime.combine(day, quiet.end, tzinfo=quiet.zone)
    if end.astimezone(UTC) <= now:
        # The clock was set back over the end, which therefore comes a second time.
        end = end.replace(fold=1)
    return end.astimezone(UTC)


def next_brief_time(brief: BriefSchedule, after: datetime) -> datetime:
    """Return the first time strictly after ``after`` at which the brief is posted."""
    today = after.astimezone(brief.zone).date()
    # After the last time of today, the next one is at most a week away.
    days = [day for ahead in range(8) if (day := today + timedelta(days=ahead)).weekday() in brief.days]
    times = (datetime.combine(day, brief.at, tzinfo=brief.zone).astimezone(UTC) for day in days)
    return next(due for due in times if due > after)


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the decisions about one story in one channel depend on."""

    now: datetime
    channel: str
    #: The story, with the articles that joined in this batch.
    story: Story
    #: None if the story is new to the channel.
    alert: Alert | None
    #: Loaded rules that matched the story and notify the channel, in order of first match.
    rules: tuple[Rule, ...]
    #: Members that came in this batch, in order.
    arrivals: tuple[Member, ...] = ()
    #: New facts of the story, even if this channel has already posted them.
    facts: tuple[Fact, ...] = ()
    #: Whether a language model's translation has arrived that the message does not show yet.
    has_translation: bool = False
    #: Whether the outlet has changed the headline that the message shows.
    has_new_headline: bool = False
    #: Whether the story's headline denies, withdraws or reverses a report.
    is_denial: bool = False
    policy: PostingPolicy = msgspec.field(default_factory=PostingPolicy)
    #: Times of this channel's recent posts below severity high, oldest first.
    recent_posts: tuple[datetime, ...] = ()
    #: Times of this channel's recent posts of severity high, oldest first.
    recent_high_posts: tuple[datetime, ...] = ()
    #: Rule with ``posts_per_hour`` -> times of its recent posts in this channel, oldest first.
    rule_posts: Mapping[str, tuple[datetime, ...]] = msgspec.field(default_factory=dict)
    #: The silence that covers everything that could be posted now, or None.
    silence: Silence | None = None
    #: The silence of articles that ``arrivals`` and ``facts`` omit. None if ``silence`` is set.
    silence_of_some: Silence | None = None

    @property
    def severity(self) -> Severity:
        """The highest severity among the rules, or normal if there are no rules."""
        return highest_severity(self.rules)

    def is_ready(self, rule: Rule) -> bool:
        """Return whether enough independent owners carry the story for this rule."""
        return len(self.story.owners) >= rule.min_outlets

    @property
    def speaking(self) -> tuple[Rule, ...]:
        """The rules that may post about the story now."""
        return tuple(rule for rule in self.rules if self.is_ready(rule))

    @property
    def thread(self) -> Thread:
        """The widest choice of replies among the rules; a rule without a choice has the policy's."""
        threads = {rule.thread or self.policy.thread for rule in self.rules} or {self.policy.thread}
        return Thread.ALL if Thread.ALL in threads else Thread.NEWS

    def waits_for_brief(self, rule: Rule) -> bool:
        """Return whether the rule's stories are listed only in the channel's brief. Without a brief, none waits."""
        brief = self.policy.brief
        return brief is not None and (brief.only or rule.when == ONLY_BRIEF)

    def decision(
        self,
        action: AlertAction,
        reason: Reason,
        *,
        rules: tuple[Rule, ...] | None = None,
        detail: str = "",
        until: datetime | None = None,
        facts: tuple[Fact, ...] = (),
    ) -> Decision:
        """Return a decision about this story and channel, at ``now``. If ``rules`` is None, name all rules."""
        named = self.rules if rules is None else rules
        cause = self.arrivals[-1].article.id if self.arrivals else self.facts[0].article if self.facts else None
        return Decision(
            at=self.now,
            story=self.story.id,
            channel=self.channel,
            action=action,
            reason=reason,
            rules=tuple(rule.name for rule in named),
            article=cause,
            detail=detail,
            until=until,
            facts=facts,
        )

    @property
    def silenced(self) -> Decision | None:
        """The decision to post nothing because everything is silenced, or None if something is not."""
        return None if self.silence is None else self.silenced_by(self.silence)

    def silenced_by(self, silence: Silence) -> Decision:
        """Return the decision to post nothing because of ``silence``."""
        decision = self.decision(AlertAction.SILENT, Reason.SILENCED, detail=f"silenced: {silence.summary}")
        return replace(decision, silence=silence.id)

    def hold(self, reason: Reason, *, until: datetime | None, detail: str) -> Decision:
        """Return a decision to wait. If ``until`` is None, wait until another article joins."""
        return self.decision(AlertAction.HOLD, reason, detail=detail, until=until)

    def reply(
        self,
        reason: Reason,
        *,
        rules: tuple[Rule, ...] | None = None,
        detail: str = "",
        facts: tuple[Fact, ...] = (),
    ) -> Decision:
        """Return a reply. Below severity high, ``until`` is the end of quiet hours."""
        send_at = None if self.severity is Severity.HIGH else quiet_hours_end(self.policy.quiet, self.now)
        return self.decision(AlertAction.REPLY, reason, rules=rules, detail=detail, until=send_at, facts=facts)

"""Everything that a decision about one story in one channel depends on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import model
from bot.alerts.times import next_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything that the decisions about one story in one channel depend on."""

    now: datetime
    channel: str
    #: With the joins of this batch.
    story: model.Story
    #: None if the story is new to the channel.
    alert: model.Alert | None
    #: Loaded rules that matched the story and notify the channel, in order of first match.
    rules: tuple[model.Rule, ...]
    #: Members that came in this batch, in order.
    arrivals: tuple[model.Member, ...] = ()
    #: New facts of the story, including those that this channel has already posted.
    facts: tuple[model.Fact, ...] = ()
    edits: tuple[model.Edit, ...] = ()
    #: A language model's summary has arrived that the message does not have.
    has_summary: bool = False
    #: Dated deadlines of the story; empty unless a rule has reminders.
    deadlines: tuple[model.Deadline, ...] = ()
    policy: model.SpeakPolicy = field(default_factory=model.SpeakPolicy)
    #: Times of this channel's recent posts, oldest first. Posts of severity high are counted separately.
    recent_posts: tuple[datetime, ...] = ()
    recent_high_posts: tuple[datetime, ...] = ()
    #: Rule -> when it last opened a thread in this channel.
    rule_spoke_at: Mapping[str, datetime] = field(default_factory=dict)
    #: The silence that covers everything that could be posted now.
    silence: model.Silence | None = None
    #: Otherwise, the silenced rules, which are not in ``rules``.
    silenced_rules: tuple[tuple[model.Rule, model.Silence], ...] = ()
    #: Otherwise, a silence of some new or changed articles, which are left out of the fields above.
    silence_of_some: model.Silence | None = None

    @property
    def severity(self) -> model.Severity:
        """The highest severity among the rules; normal if there is no rule."""
        return max((rule.severity for rule in self.rules), key=lambda s: s.rank, default=model.Severity.NORMAL)

    def is_ready(self, rule: model.Rule) -> bool:
        """Return whether enough independent owners carry the story for this rule."""
        return len(self.story.owners) >= rule.min_outlets

    @property
    def speaking(self) -> tuple[model.Rule, ...]:
        """The rules that may post about the story now."""
        return tuple(rule for rule in self.rules if self.is_ready(rule))

    @property
    def thread(self) -> model.Thread:
        """What the story's thread gets in this channel: the highest level of the rules."""
        levels = (rule.thread or self.policy.thread for rule in self.rules)
        return max(levels, key=lambda thread: thread.rank, default=self.policy.thread)

    def digest_of(self, rule: model.Rule) -> model.Digest | None:
        """Return the digest of the rule, or else of the channel."""
        return rule.digest or self.policy.digest

    def next_digest(self, rules: Sequence[model.Rule]) -> datetime | None:
        """Return the time of the first digest of these rules, or None if one of them posts at once."""
        digests = [digest for rule in rules if (digest := self.digest_of(rule))]
        return min(next_digest(digest, self.now) for digest in digests) if len(digests) == len(rules) else None

    def decision(
        self,
        action: model.Action,
        reason: model.Reason,
        *,
        rules: tuple[model.Rule, ...] | None = None,
        detail: str = "",
        until: datetime | None = None,
        facts: tuple[model.Fact, ...] = (),
        edits: tuple[model.Edit, ...] = (),
    ) -> model.Decision:
        """Return a decision about this story and channel, at ``now``; ``rules`` None: all rules of the situation."""
        named = self.rules if rules is None else rules
        cause = self.arrivals[-1].article.id if self.arrivals else self.facts[0].article if self.facts else None
        return model.Decision(
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
            edits=edits,
        )

    @property
    def silenced(self) -> model.Decision | None:
        """The decision if everything is silenced, else None."""
        return None if self.silence is None else self.silenced_by(self.silence)

    def silenced_by(self, silence: model.Silence, rules: tuple[model.Rule, ...] | None = None) -> model.Decision:
        """Return the decision for what a silence holds back; ``rules`` None: all rules of the situation."""
        detail = f"silenced: {silence.summary}"
        decision = self.decision(model.Action.SILENT, model.Reason.SILENCED, rules=rules, detail=detail)
        return replace(decision, silence=silence.id)


#: The window of ``posts_per_hour``.
HOUR = timedelta(hours=1)

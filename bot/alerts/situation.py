"""Everything that a decision may look at, for one story in one channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from bot import model
from bot.alerts.times import next_digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """All that the decisions about one story in one channel may depend on."""

    now: datetime
    channel: str
    #: After the joins of this batch.
    story: model.Story
    #: None: the story is new to the channel.
    alert: model.Alert | None
    #: Loaded rules that matched the story and notify the channel, in order of first match.
    rules: tuple[model.Rule, ...]
    #: Members that came in this batch, in order.
    arrivals: tuple[model.Member, ...] = ()
    #: New in the story, not filtered by what this channel has said.
    facts: tuple[model.Fact, ...] = ()
    edits: tuple[model.Edit, ...] = ()
    #: A language model's summary has come, which the message lacks.
    has_summary: bool = False
    #: Dated deadlines of the story, looked for where a rule wants reminders.
    deadlines: tuple[model.Deadline, ...] = ()
    policy: model.SpeakPolicy = field(default_factory=model.SpeakPolicy)
    #: Times of this channel's posts of late, oldest first; and of those of severity high, which are counted apart.
    recent_posts: tuple[datetime, ...] = ()
    recent_high_posts: tuple[datetime, ...] = ()
    #: Rule -> when it last opened a thread in this channel.
    rule_spoke_at: Mapping[str, datetime] = field(default_factory=dict)
    #: Covers all that could be posted now; None: something is left.
    silence: model.Silence | None = None
    #: Where something is left: the rules that are not, which are no longer in ``rules``.
    silenced_rules: tuple[tuple[model.Rule, model.Silence], ...] = ()
    #: Where something is left: covers some of the articles that came or changed, which are no longer there.
    silence_of_some: model.Silence | None = None

    @property
    def severity(self) -> model.Severity:
        """The highest severity among the rules; normal where no rule is left."""
        return max((rule.severity for rule in self.rules), key=lambda s: s.rank, default=model.Severity.NORMAL)

    def is_ready(self, rule: model.Rule) -> bool:
        """Enough independent owners carry the story for this rule."""
        return len(self.story.owners) >= rule.min_outlets

    @property
    def speaking(self) -> tuple[model.Rule, ...]:
        """The rules that may speak for the story now."""
        return tuple(rule for rule in self.rules if self.is_ready(rule))

    @property
    def thread(self) -> model.Thread:
        """What the story's thread gets here: of several rules, the one that wants most decides."""
        wanted = (rule.thread or self.policy.thread for rule in self.rules)
        return max(wanted, key=lambda thread: thread.rank, default=self.policy.thread)

    def digest_of(self, rule: model.Rule) -> model.Digest | None:
        """When what the rule matches is gathered here: by its own word, else by the channel's."""
        return rule.digest or self.policy.digest

    def next_digest(self, rules: Sequence[model.Rule]) -> datetime | None:
        """When the first digest of these rules leaves; None: one of them posts at once."""
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
        """A decision about this story and channel, at ``now``; ``rules`` None: all rules of the situation."""
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
        """The decision of a situation of which everything is silenced; None: something is left."""
        return None if self.silence is None else self.silenced_by(self.silence)

    def silenced_by(self, silence: model.Silence, rules: tuple[model.Rule, ...] | None = None) -> model.Decision:
        """The decision of what a silence keeps back; ``rules`` None: all rules of the situation."""
        detail = f"silenced: {silence.summary}"
        decision = self.decision(model.Action.SILENT, model.Reason.SILENCED, rules=rules, detail=detail)
        return replace(decision, silence=silence.id)


#: The window over which ``posts_per_hour`` counts.
HOUR = timedelta(hours=1)

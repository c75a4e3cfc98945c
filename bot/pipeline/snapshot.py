"""The configuration as the pipeline reads it; replaced as a whole between passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo

from bot import model, rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The feeds, rules and channels in force."""

    #: Address -> feed.
    feeds: Mapping[str, model.Feed]
    rules: rules.RuleSet
    fetch: model.FetchPolicy = field(default_factory=model.FetchPolicy)
    #: Channel -> when it may be posted to.
    policies: Mapping[str, model.PostingPolicy] = field(default_factory=dict)
    #: For rules without ``notify``.
    routes: tuple[model.Route, ...] = ()
    #: Severity -> names that its stories mention, for rules without ``mention``.
    mention: Mapping[model.Severity, tuple[str, ...]] = field(default_factory=dict)
    #: Channel -> name -> the service's id of a person or group that it can mention.
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Names of all channels, and of those with ``may_act``.
    channels: frozenset[str] = frozenset()
    restricted: frozenset[str] = frozenset()
    #: Channels whose messages have buttons.
    with_buttons: frozenset[str] = frozenset()
    #: None: no escalation.
    escalate: model.Escalate | None = None
    #: The channel for notices of the bot; None: only the log.
    operator: str | None = None
    window: timedelta = timedelta(days=14)
    #: The base address of the web page, for links to stories; empty: no links.
    public_url: str = ""
    #: The time zone of times in replies to people.
    zone: tzinfo = UTC
    #: None: no language model.
    language_model: model.LanguageModelPolicy | None = None
    #: Groups across languages; None: switched off.
    encoder: model.Encoder | None = None

    def longest_cooldown(self) -> timedelta:
        """Return the longest cooldown of any rule, or zero."""
        cooldowns = (rule.cooldown for rule in self.rules.rules.values() if rule.cooldown)
        return max(cooldowns, default=timedelta())

"""The configuration of the pipeline. A changed configuration replaces the whole snapshot between passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo

from bot import model, rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The current feeds, rules and channels."""

    #: Address -> feed.
    feeds: Mapping[str, model.Feed]
    rules: rules.RuleSet
    fetch: model.FetchPolicy = field(default_factory=model.FetchPolicy)
    #: Channel -> limits and times of its posts.
    policies: Mapping[str, model.PostingPolicy] = field(default_factory=dict)
    #: Routes for rules without ``notify``.
    routes: tuple[model.Route, ...] = ()
    #: Severity -> names to mention, for rules without ``mention``.
    mention: Mapping[model.Severity, tuple[str, ...]] = field(default_factory=dict)
    #: Channel -> name of a person or group -> id in the service, for mentions.
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Names of all channels, in the order of bot.yaml.
    channels: tuple[str, ...] = ()
    #: Names of the channels with ``may_act``.
    restricted: frozenset[str] = frozenset()
    #: Channels whose messages have buttons.
    with_buttons: frozenset[str] = frozenset()
    #: None if escalation is off.
    escalate: model.Escalate | None = None
    #: The channel for the bot's notices, or None if notices are not posted.
    operator: str | None = None
    #: Whether to send a message again if it is unknown whether it arrived.
    on_unknown: model.OnUnknown = model.OnUnknown.SEND_AGAIN
    window: timedelta = timedelta(days=14)
    #: The base address of the web page, for links to stories, or "" for no links.
    public_url: str = ""
    #: The time zone of times in replies to people.
    zone: tzinfo = UTC
    #: None if there is no language model.
    language_model: model.LanguageModelPolicy | None = None
    #: Encoder for grouping across languages, or None if this is off.
    encoder: model.Encoder | None = None

    def policy(self, channel: str) -> model.PostingPolicy:
        """Return the limits and times of a channel's posts."""
        return self.policies.get(channel, model.PostingPolicy())

    def longest_cooldown(self) -> timedelta:
        """Return the longest cooldown of any rule, or zero."""
        cooldowns = (rule.cooldown for rule in self.rules.rules.values() if rule.cooldown)
        return max(cooldowns, default=timedelta())

"""The configuration of the pipeline. A changed configuration replaces the whole snapshot between passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo

from bot import rules
from bot.model.feeds import Feed
from bot.model.language_models import Encoder, LanguageModelPolicy
from bot.model.rules import Severity
from bot.model.settings import Escalate, FetchPolicy, OnUnknown, PostingPolicy, Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The current feeds, rules and channels."""

    #: Address -> feed.
    feeds: Mapping[str, Feed]
    rules: rules.RuleSet
    fetch: FetchPolicy = field(default_factory=FetchPolicy)
    #: Channel -> limits and times of its posts.
    policies: Mapping[str, PostingPolicy] = field(default_factory=dict)
    #: Routes for rules without ``notify``.
    routes: tuple[Route, ...] = ()
    #: Severity -> names to mention, for rules without ``mention``.
    mention: Mapping[Severity, tuple[str, ...]] = field(default_factory=dict)
    #: Channel -> name of a person or group -> id in the service, for mentions.
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Names of all channels, in the order of bot.yaml.
    channels: tuple[str, ...] = ()
    #: Names of the channels with ``may_act``.
    restricted: frozenset[str] = frozenset()
    #: Channels whose messages have buttons.
    with_buttons: frozenset[str] = frozenset()
    #: None if escalation is off.
    escalate: Escalate | None = None
    #: The channel for the bot's notices, or None if notices are not posted.
    operator: str | None = None
    #: Whether to send a message again if it is unknown whether it arrived.
    on_unknown: OnUnknown = OnUnknown.SEND_AGAIN
    window: timedelta = timedelta(days=14)
    #: The base address of the web page, for links to stories, or "" for no links.
    public_url: str = ""
    #: The time zone of times in replies to people.
    zone: tzinfo = UTC
    #: None if there is no language model.
    language_model: LanguageModelPolicy | None = None
    #: Encoder for grouping across languages, or None if this is off.
    encoder: Encoder | None = None

    def policy(self, channel: str) -> PostingPolicy:
        """Return the limits and times of a channel's posts."""
        return self.policies.get(channel, PostingPolicy())

    def longest_cooldown(self) -> timedelta:
        """Return the longest cooldown of any rule, or zero."""
        cooldowns = (rule.cooldown for rule in self.rules.rules.values() if rule.cooldown)
        return max(cooldowns, default=timedelta())

"""The configuration as the pipeline reads it: one reference, swapped whole between passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, timedelta, tzinfo

from bot import model, ports, rules


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The feeds, rules and channels in force."""

    #: Address -> feed.
    feeds: Mapping[str, model.Feed]
    rules: rules.RuleSet
    fetch: model.FetchPolicy = field(default_factory=model.FetchPolicy)
    #: Channel -> when it may be posted to.
    policies: Mapping[str, model.SpeakPolicy] = field(default_factory=dict)
    #: Of rules that name no channel.
    routes: tuple[model.Route, ...] = ()
    #: Whom stories of a severity mention, where the rule does not say.
    mention: Mapping[model.Severity, tuple[str, ...]] = field(default_factory=dict)
    #: Channel -> whom it can mention: name -> the service's own id.
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: Names of all channels; those of them that say who may act.
    channels: frozenset[str] = frozenset()
    restricted: frozenset[str] = frozenset()
    #: Channels whose messages have buttons.
    with_buttons: frozenset[str] = frozenset()
    #: None: nobody is called.
    escalate: model.Escalate | None = None
    #: The channel on which the bot posts about itself; None: its log only.
    operator: str | None = None
    window: timedelta = timedelta(days=14)
    #: Where the web page is, for links to its stories; empty: nowhere.
    public_url: str = ""
    #: Of times in what people are answered.
    zone: tzinfo = UTC
    #: None: no language model is asked.
    language_model: model.LanguageModelPolicy | None = None
    #: Finds the story of an article in another language; None: switched off.
    encoder: ports.Encoder | None = None

    def longest_cooldown(self) -> timedelta:
        """The longest cooldown of any rule; zero where none has one."""
        cooldowns = (rule.cooldown for rule in self.rules.rules.values() if rule.cooldown)
        return max(cooldowns, default=timedelta())

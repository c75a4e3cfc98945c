"""The settings of a running bot: the contents of the three kinds of file, and their problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from bot import rules
from bot.config.bot_keys import BotSettings
from bot.model.feeds import Feed
from bot.model.language_models import Encoder
from bot.model.settings import PostingPolicy, Problem
from bot.rules.ruleset import RuleSet


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedRule:
    compiled: rules.CompiledRule
    line: int
    column: int
    #: Warnings of lint.
    warnings: tuple[rules.RuleProblem, ...] = ()
    #: Whether this is the last good version of a rule whose current text was refused.
    is_kept: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """The metadata of a file, which reveals a change without a look at the contents."""

    modified_ns: int
    changed_ns: int
    size: int
    inode: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """One file as last read. A reload skips the file if it is unchanged."""

    path: str
    stamp: Stamp
    #: SHA-256 of the file's bytes; empty for the kept version of a file that is missing or unreadable.
    digest: str
    problems: tuple[Problem, ...] = ()
    #: The rules of a rule file.
    rules: tuple[LoadedRule, ...] = ()
    #: Names of refused rules without a good version.
    off: tuple[str, ...] = ()
    #: The kind and name of everything that the rules of this file need from other files, such as a channel.
    needs: frozenset[tuple[str, str]] = frozenset()
    #: The needs that no other file meets.
    missing: frozenset[tuple[str, str]] = frozenset()
    #: Whether a value depends on the time zone of bot.yaml.
    uses_zone: bool = False
    #: The feeds of feeds.yaml.
    feeds: tuple[Feed, ...] = ()
    #: For feeds.yaml: the names, addresses and tags by which rules select feeds, or None if unknown.
    names: frozenset[str] | None = None


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The whole configuration, with all its problems.

    A reload makes a new value, so derived properties are computed once for each load.
    """

    bot: BotSettings
    feeds: tuple[Feed, ...]
    rules: tuple[rules.CompiledRule, ...]
    #: All problems, sorted by file and position.
    problems: tuple[Problem, ...]
    #: Hash of the contents of all files.
    version: str
    #: Names of rules that run in their last good version, because their current version was refused.
    kept: tuple[str, ...] = ()
    #: Names of refused rules that have no good version, and are therefore off.
    off: tuple[str, ...] = ()
    #: The files as read, by path, for the next reload.
    files: Mapping[str, FileState] = field(default_factory=dict, repr=False)

    @cached_property
    def feeds_by_address(self) -> Mapping[str, Feed]:
        return {feed.url: feed for feed in self.feeds}

    @cached_property
    def rule_set(self) -> RuleSet:
        """All rules, indexed for matching."""
        return RuleSet(self.rules)

    @cached_property
    def encoder(self) -> Encoder | None:
        """The encoder for grouping across languages, or None if this is off."""
        # Import here, because it imports structlog, which `check` and `convert` do not need.
        from bot.text import encoders

        return encoders.of(self.bot.stories.languages)

    @cached_property
    def restricted_channels(self) -> frozenset[str]:
        """Names of the channels with ``may_act``."""
        return frozenset(name for name, channel in self.bot.channels.items() if channel.features.may_act)

    @cached_property
    def channels_with_buttons(self) -> frozenset[str]:
        return frozenset(name for name, channel in self.bot.channels.items() if channel.features.has_buttons)

    def people(self, channel: str) -> Mapping[str, str]:
        """Return the people and groups whom messages in the channel can mention: name -> id in the service."""
        named = self.bot.channels.get(channel)
        return named.features.people if named else {}

    def policy(self, channel: str) -> PostingPolicy:
        """Return the limits and times of a channel's posts."""
        named = self.bot.channels.get(channel)
        if named is None:  # A channel that is no longer configured, whose messages may still be waiting.
            return PostingPolicy()
        brief = named.options.brief
        return PostingPolicy(
            quiet=self.bot.quiet_hours,
            posts_per_hour=self.bot.posts_per_hour,
            can_edit=bool(named.features.can_edit),
            gather=self.bot.gather,
            brief=replace(brief, zone=brief.zone or self.bot.timezone) if brief else None,
            shows_pictures=named.features.shows_pictures,
            translate=named.options.translate,
            thread=named.options.thread,
            shows_all_stories=named.features.shows_all_stories,
        )

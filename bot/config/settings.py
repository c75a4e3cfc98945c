"""The settings of a running bot: the contents of the three kinds of file, and their problems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot import rules
from bot.config.bot_keys import BotSettings
from bot.model.feeds import Feed
from bot.model.settings import Problem


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration, with all its problems."""

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

    @property
    def feeds_by_address(self) -> Mapping[str, Feed]:
        return {feed.url: feed for feed in self.feeds}

"""What people do to stories, wherever they do it: each kind of action is one value of the union ``Action``.

a button, a command, the CLI, the API ──▶ Action ──▶ pipeline.actions.apply
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.model.ids import ArticleId, StoryId
from bot.model.silences import SilenceKind

#: Duration of a silence made by a button; a silence of a story has no end.
BUTTON_SILENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Useful:
    """The story was worth its message, under every rule that the message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The story was not worth its message."""

    #: The key of the rule (model.rule_key); empty: every rule that the message names.
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The person takes responsibility for the story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The person gives up the responsibility for the story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSilence:
    """Post nothing about a subject until an end."""

    kind: SilenceKind
    #: The subject as people write it: a rule, an outlet, a name, the id of a story. Empty if ``key`` identifies it.
    name: str = ""
    #: Set by buttons: the key of a rule or an entity, or the id of an article of the outlet.
    key: str = ""
    #: A time or a duration from now; None: no end, which only a silence of a story may have.
    end: datetime | timedelta | None = None
    reason: str = ""
    #: Set by buttons: only in the channel of the message.
    is_here: bool = False
    #: The channels that it covers; empty: every channel in which the person may act.
    channels: tuple[str, ...] = ()
    #: End the silence if it is already in force. For buttons that cannot show the state.
    is_toggle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSilence:
    """End a silence before its time."""

    #: Its id; empty if a button identifies its subject.
    id: str = ""
    #: Set by buttons: the key of the silenced rule; empty: the story.
    key: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """These articles of the story are about a different event."""

    articles: tuple[ArticleId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Merge:
    """The story and another one are the same event."""

    other: StoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowWhy:
    """Show why the story was posted and what was decided about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowMenu:
    """Show the further actions, in a service that does not have them in the message."""


Action: TypeAlias = Useful | Noise | Claim | Release | MakeSilence | EndSilence | Split | Merge | ShowWhy | ShowMenu

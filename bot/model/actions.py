"""What people do to stories, wherever they do it: each kind of action is one value of the union ``Action``.

a button, a command, the CLI, the API ──▶ Action ──▶ pipeline.actions.apply
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from bot.model.ids import ArticleId, StoryId
from bot.model.silences import SilenceKind

#: How long a silence made by a button lasts; one of a story has no end.
BUTTON_SILENCE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Useful:
    """The story was worth its message, under every rule that the message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """The story was not worth its message."""

    #: The key of the rule that is meant (model.rule_key); empty: every rule that the message names.
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The person takes care of the story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Nobody takes care of the story any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeSilence:
    """Post nothing about a subject until an end."""

    kind: SilenceKind
    #: The subject as people write it: a rule, an outlet, a name, the id of a story. Empty where ``key`` says it.
    name: str = ""
    #: Of a button: the key of a rule or an entity, or the id of an article, whose outlet is meant.
    key: str = ""
    #: A time, or how long from now; None: no end, which only a silence of a story may have.
    end: datetime | timedelta | None = None
    reason: str = ""
    #: Of a button: only in the channel of its message.
    is_here: bool = False
    #: Where it holds; empty: in every channel in which the person may act.
    channels: tuple[str, ...] = ()
    #: One that is in force already is ended: the message cannot show that it is.
    is_toggle: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndSilence:
    """End a silence before its time."""

    #: Its id; empty where a button names its subject.
    id: str = ""
    #: Of a button: the key of the rule whose silence is meant; empty: the story's.
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

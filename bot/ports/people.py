"""What is kept of what people said and decided about stories, and of what they want nothing posted about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot import model


class Judgements(Protocol):
    """What people said of stories, in the order in which they said it."""

    def add(self, judgements: Sequence[model.Judgement]) -> Sequence[model.Judgement]:
        """Gives those that are new: an id that exists is left as it is."""

    def of_story(self, story: model.StoryId, channel: str) -> Sequence[model.Judgement]:
        """The judgements of one story in one channel."""

    def since(self, when: datetime | None) -> Sequence[model.Judgement]:
        """The judgements at ``when`` or later; None: all."""


class Rulings(Protocol):
    """What people decided about stories, in the order in which they did."""

    def add(self, ruling: model.Ruling) -> bool:
        """False: one of this id is known."""

    def waiting(self) -> Sequence[model.Ruling]:
        """Those that are to be carried out."""

    def done(self, ids: Sequence[str], *, at: datetime) -> None:
        """They were carried out at ``at``."""

    def since(self, when: datetime | None) -> Sequence[model.Ruling]:
        """The rulings at ``when`` or later; None: all."""


class Silences(Protocol):
    """Silences, in the order in which they were made."""

    def add(self, silence: model.Silence) -> bool:
        """False: one of this id is known."""

    def save_end(self, silence: model.Silence) -> None:
        """Somebody ended it before its time; one that was ended already is left as it is."""

    def active(self, now: datetime) -> Sequence[model.Silence]:
        """Those that neither their time nor anybody has ended."""

    def all(self) -> Sequence[model.Silence]:
        """Those that have ended too."""

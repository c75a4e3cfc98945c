"""The query about silences: list silences, and the stories that each held back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Self

import msgspec

from bot import storage
from bot.durations import format_count
from bot.model.actions import Silence, SilenceId
from bot.model.stories import StoryId
from bot.queries.registry import Archive, Document, Parameters, Query, Time, fields_of


class ListedSilence(msgspec.Struct, frozen=True, kw_only=True):
    """A silence and the stories that it has held back."""

    silence: Silence
    is_active: bool
    #: The stories with at least one message that the silence held back, in the order of the decisions.
    stories: tuple[StoryId, ...]

    @property
    def line(self) -> str:
        """A description of the silence for people, in one line."""
        silence = self.silence
        ends = f"until {silence.until:%Y-%m-%d %H:%M} UTC" if silence.until else "until somebody ends it"
        kept = format_count(len(self.stories), "story")
        summary = f"{silence.subject} {silence.place}, {ends}, by {silence.by}: {silence.reason}"
        return f"{silence.id}  {summary} ({kept} held back)"


def with_stories(tx: storage.Transaction, silences: Sequence[Silence], *, now: datetime) -> list[ListedSilence]:
    """Return silences with the stories that each has held back."""
    stories: dict[SilenceId | None, dict[StoryId, None]] = {silence.id: {} for silence in silences}
    if silences:
        for decision in tx.stories.silenced(since=min(silence.at for silence in silences)):
            stories.setdefault(decision.silence, {})[decision.story] = None
    return [
        ListedSilence(silence=silence, is_active=silence.is_active(now), stories=tuple(stories[silence.id]))
        for silence in silences
    ]


def read_silences(tx: storage.Transaction, *, now: datetime) -> Sequence[ListedSilence]:
    """Return the active silences, newest first."""
    return with_stories(tx, tx.silences.active(now)[::-1], now=now)


class SilenceDocument(Document):
    """A silence, and the ids of the stories that it held back."""

    id: str
    kind: str
    name: str
    channels: list[str]
    by: str
    reason: str
    at: Time
    until: Time | None
    ended_at: Time | None
    ended_by: str | None
    is_active: bool
    stories: list[str]

    @classmethod
    def of(cls, value: ListedSilence) -> Self:
        stored = fields_of(value.silence, cls)
        own = {"ended_by": value.silence.ended_by or None, "is_active": value.is_active, "stories": value.stories}
        return cls.model_validate({**stored, **own})


class SilencesPage(Document):
    """Silences, newest first."""

    silences: list[SilenceDocument]

    @classmethod
    def of(cls, value: Sequence[ListedSilence]) -> Self:
        return cls(silences=[SilenceDocument.of(entry) for entry in value])


def list_silences(archive: Archive, parameters: Parameters) -> Sequence[ListedSilence]:
    """List the silences in force, and the stories that each held back."""
    return read_silences(archive.tx, now=archive.now)


SILENCES = Query("silences", list_silences, SilencesPage, path="/silences")

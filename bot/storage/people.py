"""Decisions of people: judgements of stories, splits and merges, silences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_, select, update

from bot.model.actions import Judgement, Ruling, Silence
from bot.model.stories import StoryId
from bot.storage.columns import EPOCH, Repository, Rows
from bot.storage.schema import judgements, rulings, silences

_JUDGEMENT = Rows(Judgement, judgements)
_RULING = Rows(Ruling, rulings)
_SILENCE = Rows(Silence, silences)
_JUDGEMENTS = select(judgements).order_by(judgements.c.n)
_RULINGS = select(rulings).order_by(rulings.c.n)
_SILENCES = select(silences).order_by(silences.c.n)


class Judgements(Repository):
    """Judgements of people about stories, in the order in which they were made."""

    def add(self, new: Sequence[Judgement]) -> Sequence[Judgement]:
        """Add judgements whose ids do not exist yet, and return the added judgements."""
        return [judgement for judgement in new if self._insert(judgements, _JUDGEMENT.dump(judgement))]

    def of_story(self, story: StoryId, channel: str | None) -> Sequence[Judgement]:
        """Return the judgements of one story in one channel, or in all channels."""
        of_story = _JUDGEMENTS.where(judgements.c.story == story)
        return self._values(_JUDGEMENT, of_story.where(judgements.c.channel == channel) if channel else of_story)

    def since(self, when: datetime | None) -> Sequence[Judgement]:
        """Return the judgements at ``when`` or later, or all judgements if ``when`` is None."""
        return self._values(_JUDGEMENT, _JUDGEMENTS.where(judgements.c.at >= (when or EPOCH)))


#: Each turn of deciding uses this statement, so it is built once.
_WAITING = _RULINGS.where(rulings.c.done_at.is_(None), rulings.c.failed_at.is_(None))


class Rulings(Repository):
    """Rulings of people about stories, in the order in which they were made."""

    def add(self, ruling: Ruling) -> bool:
        """Add a ruling. Return False if its id already exists."""
        return self._insert(rulings, _RULING.dump(ruling))

    def waiting(self) -> Sequence[Ruling]:
        """Return the rulings that wait for a turn: not carried out, not failed."""
        return self._values(_RULING, _WAITING)

    def since(self, when: datetime | None) -> Sequence[Ruling]:
        """Return the rulings at ``when`` or later, or all rulings if ``when`` is None."""
        return self._values(_RULING, _RULINGS.where(rulings.c.at >= (when or EPOCH)))

    def done(self, ids: Sequence[str], *, at: datetime) -> None:
        """Mark rulings as carried out."""
        if ids:
            self._connection.execute(update(rulings).where(rulings.c.id.in_(ids)).values(done_at=at))

    def fail(self, id_: str, *, at: datetime) -> None:
        """Mark a ruling as one that could not be carried out."""
        self._connection.execute(update(rulings).where(rulings.c.id == id_).values(failed_at=at))


class Silences(Repository):
    """Silences, in the order in which they were made."""

    def add(self, silence: Silence) -> bool:
        """Add a silence. Return False if its id already exists."""
        return self._insert(silences, _SILENCE.dump(silence))

    def save_end(self, silence: Silence) -> None:
        """Record that somebody ended a silence, unless it was ended earlier."""
        is_open = (silences.c.id == silence.id, silences.c.ended_at.is_(None))
        ended = {"ended_at": silence.ended_at, "ended_by": silence.ended_by}
        self._connection.execute(update(silences).where(*is_open).values(ended))

    def active(self, now: datetime) -> Sequence[Silence]:
        """Return the silences that are active at ``now``."""
        has_time_left = or_(silences.c.until.is_(None), silences.c.until > now)
        return self._values(_SILENCE, _SILENCES.where(silences.c.ended_at.is_(None), has_time_left))

    def all(self) -> Sequence[Silence]:
        """Return all silences, including ended ones."""
        return self._values(_SILENCE, _SILENCES)

"""Questions about silences: list, create and end silences."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal, Self

import pydantic

from bot import config, model
from bot.model.actions import EndSilence, MakeSilence
from bot.pipeline import actions, silences
from bot.pipeline.silences import ListedSilence
from bot.queries.registry import (
    DURATION,
    Archive,
    Document,
    Id,
    Parameters,
    Refused,
    Time,
    Why,
    fields_of,
    unknown_rule,
    unusable,
)


class SilenceDocument(Document):
    """A silence, and the ids of the stories that it kept back."""

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
        stored = fields_of(value.silence, SilenceDocument)
        return cls.model_validate(
            {
                **stored,
                "ended_by": value.silence.ended_by or None,
                "is_active": value.is_active,
                "stories": list(value.stories),
            }
        )


class SilencesAnswer(Document):
    """Silences, newest first."""

    silences: list[SilenceDocument]

    @classmethod
    def of(cls, value: Sequence[ListedSilence]) -> Self:
        return cls(silences=[SilenceDocument.of(entry) for entry in value])


class SilencesParameters(Parameters):
    """A selection of silences."""

    ended: Annotated[
        Literal["yes", "no"], pydantic.Field(description="Whether to include silences that have ended.")
    ] = "no"


def list_silences(archive: Archive, parameters: SilencesParameters) -> Sequence[ListedSilence]:
    """List the silences in force, and the stories that each kept back."""
    return silences.list_silences(archive.tx, now=archive.now, with_ended=parameters.ended == "yes")


class SilenceParameters(Parameters):
    """A silence to create: its subject, its channels, its end and its reason."""

    kind: Literal["story", "rule", "outlet", "entity", "everything"]
    name: Annotated[
        str,
        pydantic.Field(
            max_length=300,
            description="The rule's, outlet's or entity's name, or the story's id. Omit it for everything.",
        ),
    ] = ""
    lasts: Annotated[
        str | None,
        pydantic.Field(
            alias="for",
            min_length=1,
            max_length=40,
            examples=["2 hours", "3d"],
            json_schema_extra={"pattern": f"^{DURATION}$"},
            description="How long it lasts. Give this or `until`; a silence of a story needs neither.",
        ),
    ] = None
    until: Annotated[
        str | None,
        pydantic.Field(
            min_length=1,
            max_length=40,
            examples=["2026-12-31", "2026-12-31 18:00"],
            description="The last day, or the time at which it ends, in the time zone of bot.yaml.",
        ),
    ] = None
    reason: Annotated[str, pydantic.Field(min_length=1, max_length=300)]
    channels: Annotated[
        tuple[Annotated[str, pydantic.Field(min_length=1, max_length=300)], ...],
        pydantic.Field(max_length=100, description="Only in these channels. An empty list means all channels."),
    ] = ()


def make_silence(archive: Archive, parameters: SilenceParameters) -> ListedSilence:
    """Create a silence: until it ends, post nothing about a story, rule, outlet, entity or everything."""
    if parameters.lasts and parameters.until:
        raise unusable("until", 'give only one of "for" and "until"')
    loaded = [entry.rule.name.casefold() for entry in archive.settings.rules]
    if parameters.kind == "rule" and not any(parameters.name.casefold() in name for name in loaded):
        raise unknown_rule(parameters.name, archive.settings)
    end: datetime | timedelta | None = None
    try:
        if parameters.lasts:
            end = model.parse_duration(parameters.lasts)
        elif parameters.until:
            end = config.end_of_date(config.parse_until(parameters.until), archive.settings.bot.timezone)
    except (ValueError, OverflowError) as error:
        if parameters.lasts:
            raise unusable("for", str(error)) from None
        raise unusable("until", f"{error}; write 2026-12-31 or 2026-12-31 18:00") from None
    return _apply(
        archive,
        MakeSilence(
            kind=model.SilenceKind(parameters.kind),
            name=parameters.name,
            end=end,
            reason=parameters.reason,
            channels=parameters.channels,
        ),
    )


class EndSilenceParameters(Parameters):
    """The silence to end."""

    id: Annotated[Id, pydantic.Field(description="The silence's id.")]


def end_silence(archive: Archive, parameters: EndSilenceParameters) -> ListedSilence:
    """End a silence before its time."""
    if parameters.id not in {stored.id for stored in archive.tx.silences.all()}:
        raise Refused(
            Why.NOT_FOUND, f"no silence {parameters.id}; `wirewatch silence list` and GET /silences list all silences"
        )
    return _apply(archive, EndSilence(id=parameters.id))


def _apply(archive: Archive, action: MakeSilence | EndSilence) -> ListedSilence:
    created = actions.apply_action(archive.action_context(), action).created
    listed = silences.list_silences(archive.tx, now=archive.now, with_ended=True)
    return next(entry for entry in listed if created is not None and entry.silence.id == created.id)

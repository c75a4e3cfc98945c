"""People of a channel: whom it can mention, who may act in it, and as whom others see them."""

from __future__ import annotations

import re
from typing import TypeAlias

import pydantic

from bot.channels.kit import phrases

#: The option ``people`` (names with ids) or ``may_act`` (ids).
Listed: TypeAlias = dict[str, str] | tuple[str, ...]

#: Accepts a single id as a list of one.
as_list = pydantic.BeforeValidator(lambda written: (written,) if isinstance(written, str) else written)


def ids(form: re.Pattern[str], advice: str) -> pydantic.AfterValidator:
    """Return a validator that checks the form of each id. ``advice`` says what to write instead."""

    def check(people: Listed) -> Listed:
        for person in people.values() if isinstance(people, dict) else people:
            if not form.fullmatch(person):
                raise ValueError(f'"{person[:40]}" is not an id of this service: {advice}')
        return people

    return pydantic.AfterValidator(check)


def shown(name: object, *, service: str) -> str:
    """Return a person's name, clean and short, to show on any service; without a name "somebody on …", never an id."""
    return (phrases.name(name) if isinstance(name, str) else "") or f"somebody on {service}"

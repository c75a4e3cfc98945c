"""``people``, whom a channel can mention, and ``may_act``, who may act in it; each kind says what its ids look like."""

from __future__ import annotations

import re

import pydantic


def ids(form: re.Pattern[str], advice: str) -> pydantic.AfterValidator:
    """Checks that each id has the form. ``advice``: what to write instead."""

    def check(people: dict[str, str]) -> dict[str, str]:
        for name, person in people.items():
            if not form.fullmatch(person):
                raise ValueError(f'"{name}" has no id of this service: {advice}')
        return people

    return pydantic.AfterValidator(check)


#: One id is a list of it.
as_list = pydantic.BeforeValidator(lambda written: (written,) if isinstance(written, str) else written)


def listed(form: re.Pattern[str], advice: str) -> pydantic.AfterValidator:
    """Checks that each of those who may act has the form. ``advice``: what to write instead."""

    def check(people: tuple[str, ...]) -> tuple[str, ...]:
        for person in people:
            if not form.fullmatch(person):
                raise ValueError(f'"{person[:40]}" is no id of this service: {advice}')
        return people

    return pydantic.AfterValidator(check)

"""``people``: whom a channel can mention, by names of the configuration; each kind says what its ids look like."""

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

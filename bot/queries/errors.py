"""Why a question gets no answer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot import rules
from bot.rules import errors, search


class Why(StrEnum):
    """What kind of refusal it is."""

    #: There is no such thing.
    NOT_FOUND = "not found"
    #: A parameter that there is not, or a value that is not of its type.
    MALFORMED = "malformed"
    #: What was asked cannot be understood, or not be done.
    UNUSABLE = "cannot be answered"
    #: The answer would take too long.
    TOO_LONG = "takes too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing wrong in a question, with its place."""

    #: The parameter or key that has it.
    where: str
    message: str
    help: str | None = None
    #: From this character of it (the first is 0) up to that one.
    start: int | None = None
    end: int | None = None


class Refused(Exception):
    """A question that gets no answer; its text is for people."""

    def __init__(self, why: Why, text: str, *mistakes: Mistake) -> None:
        super().__init__(text)
        self.why = why
        self.mistakes = mistakes


def unusable(where: str, text: str) -> Refused:
    """One parameter cannot be used."""
    return Refused(Why.UNUSABLE, text, Mistake(where=where, message=text))


def unknown_rule(name: str, loaded: Iterable[str]) -> Refused:
    """No rule of this name is loaded."""
    text, advice = f'no loaded rule is named "{name}"', errors.help_with_unknown_name(name, loaded)
    return Refused(Why.NOT_FOUND, f"{text}; {advice}", Mistake(where="rule", message=text, help=advice))


def of_query(where: str, written: str, error: rules.QueryError) -> Refused:
    """A query that cannot be parsed, with the place of the mistake."""
    mistake = Mistake(where=where, message=error.message, help=error.help, start=error.start, end=error.end)
    return Refused(Why.UNUSABLE, search.render_mistake(written, error), mistake)

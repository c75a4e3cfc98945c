"""Refusals of questions, with the mistakes that cause them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from bot import rules
from bot.rules import errors, search


class Why(StrEnum):
    """The kind of a refusal."""

    #: The requested thing does not exist.
    NOT_FOUND = "not found"
    #: A parameter is unknown, or its value has the wrong type.
    MALFORMED = "malformed"
    #: The question is well formed, but it cannot be understood or carried out.
    UNUSABLE = "cannot be answered"
    #: The answer would take too long.
    TOO_LONG = "takes too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake in a question, with its place."""

    #: The parameter or key that contains the mistake.
    where: str
    message: str
    help: str | None = None
    #: The characters of the value from ``start`` (the first is 0) up to ``end``.
    start: int | None = None
    end: int | None = None


class Refused(Exception):
    """A question was refused; the text is for people."""

    def __init__(self, why: Why, text: str, *mistakes: Mistake) -> None:
        super().__init__(text)
        self.why = why
        self.mistakes = mistakes


def unusable(where: str, text: str) -> Refused:
    """Return the refusal of a parameter that cannot be used."""
    return Refused(Why.UNUSABLE, text, Mistake(where=where, message=text))


def unknown_rule(name: str, loaded: Iterable[str]) -> Refused:
    """Return the refusal of a rule name that is not loaded."""
    text, advice = f'no loaded rule is named "{name}"', errors.help_with_unknown_name(name, loaded)
    return Refused(Why.NOT_FOUND, f"{text}; {advice}", Mistake(where="rule", message=text, help=advice))


def of_query(where: str, written: str, error: rules.QueryError) -> Refused:
    """Return the refusal of a query that cannot be parsed, with the place of the mistake."""
    mistake = Mistake(where=where, message=error.message, help=error.help, start=error.start, end=error.end)
    return Refused(Why.UNUSABLE, search.render_mistake(written, error), mistake)

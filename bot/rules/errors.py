"""Errors in queries, list items and rules with their exact position, and suggestions for unknown names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec

from bot import keys
from bot.model.errors import WirewatchError


class QueryError(WirewatchError):
    """One mistake in a query or list item, with character offsets into its text as written."""

    def __init__(self, message: str, start: int, end: int, code: str, help: str | None = None) -> None:  # noqa: A002
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        #: Stable identifier for programs, such as “mixed-operators”.
        self.code = code
        #: The remedy; None if the message is enough.
        self.help = help

    def moved(self, by: int) -> QueryError:
        """Return the error with its offsets moved by this number of characters."""
        return QueryError(self.message, self.start + by, self.end + by, self.code, self.help)

    def at(self, start: int, end: int) -> QueryError:
        """Return the error with other offsets."""
        return QueryError(self.message, start, end, self.code, self.help)


class RuleProblem(msgspec.Struct, frozen=True, kw_only=True):
    """One mistake in one scalar of a rule."""

    #: Path to the scalar in the rule: ("all", "regulator", 1), ("query",), ("must_match", 0), ("name",).
    place: tuple[str | int, ...]
    #: Offsets inside that scalar.
    start: int = 0
    end: int = 0
    code: str
    message: str
    help: str | None = None


class RuleError(WirewatchError):
    """A rule cannot be used. The error contains all problems of the rule."""

    def __init__(self, problems: Sequence[RuleProblem]) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = tuple(problems)


def find_names(part: str, names: Collection[str]) -> list[str]:
    """Return the name that equals ``part``; else names that equal it apart from case; else names that contain it."""
    if part in names:
        return [part]
    folded = part.casefold()
    equal = [name for name in names if name.casefold() == folded]
    return equal or [name for name in names if folded in name.casefold()]


def help_with_unknown_name(name: str, loaded: Iterable[str], *, refused: Collection[str] = ()) -> str:
    """Suggest a loaded rule, outlet or channel with a similar name, or the command that lists the loaded ones.

    ``refused`` are the names of rules that are off because of a mistake.
    """
    if matching := find_names(name, refused):
        return f'the rule "{matching[0]}" is off because of a mistake, which `wirewatch check` shows'
    return keys.did_you_mean(name, loaded, otherwise="`wirewatch status` shows what is loaded")

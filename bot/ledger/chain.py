"""The chain of seals: a day of rows under one hash, days that were deleted, and what the whole still proves.

    day 1 ◀── day 2 ◀── day 3 ◀── today, unsealed
    rows gone           a row: "let go: day 1, its seal"

Knows no database. A day without its rows holds only if a row of the chain says that it was deleted, and names its
seal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from bot import model
from bot.ledger import rows

#: What the first day's seal is chained to.
FIRST = "0" * 64
#: Of a row about days that were deleted; inside any other row its quotation marks would be escaped.
_MARK = f'"kind":"{model.FactKind.LET_GO.value}"'
_UNNAMED = "its rows are missing and no row of the ledger records their deletion"
_OTHER = "the seals of the deleted days are not those that were recorded when they were deleted"


def seal(day: date, texts: Iterable[str], *, previous: str) -> model.DaySeal:
    """SHA-256 over the seal before, the day, and each row's text, a line each."""
    whole = hashlib.sha256(f"{previous}\n{day.isoformat()}\n".encode())
    count = 0
    for count, text in enumerate(texts, start=1):  # noqa: B007 - the count of the last one
        whole.update(text.encode("utf-8", "surrogatepass") + b"\n")
    return model.DaySeal(day=day, row_count=count, seal=whole.hexdigest())


def digest(gone: Sequence[model.DaySeal]) -> str:
    """SHA-256 over days without rows, oldest first, a line each: day, number of rows, seal."""
    lines = "".join(f"{each.day.isoformat()} {each.row_count} {each.seal}\n" for each in gone)
    return hashlib.sha256(lines.encode()).hexdigest()


def let_go(
    gone: Sequence[model.DaySeal], newly: Sequence[model.DaySeal], *, at: datetime, is_witnessed: bool = True
) -> model.LedgerRow:
    """The row that seals the going of ``newly``, after ``gone``, both oldest first."""
    whole = [*gone, *newly]
    return rows.let_go(newly, count=len(whole), digest=digest(whole), at=at, is_witnessed=is_witnessed)


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenSeal:
    """The first day whose rows are not those that were sealed."""

    day: date
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gone:
    """What one row says of days that were deleted."""

    at: datetime
    #: The last of them; all before it went too.
    through: date
    count: int
    digest: str
    #: Day and seal of those that this row is about.
    days: tuple[str, ...]
    #: False: the row was written when they had gone already.
    is_witnessed: bool
    #: The day that it was sealed with; None: not yet.
    sealed_with: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What a ledger proves."""

    #: None: it holds.
    broken: BrokenSeal | None
    #: The first day of which rows are kept; None: no day is sealed.
    since: date | None
    #: Rows about days that were deleted, oldest first.
    gone: tuple[Gone, ...]
    #: Of the seals that were asked for, those of no day.
    missing: tuple[str, ...]


def verify(
    seals: Sequence[model.DaySeal],
    texts_of: Callable[[date], Iterable[str]],
    *,
    days: Iterable[date],
    unsealed: Iterable[str] = (),
    expected: Iterable[str] = (),
) -> Proof:
    """Whether each kept day's rows give its seal, and each day without rows was deleted as a row says.

    ``days``: every day that a row says it was sealed in. ``unsealed``: texts of today's rows. ``expected``: seals that
    were kept elsewhere. ``texts_of`` may raise ValueError for a row that cannot be read.
    """
    by_day = sorted(seals, key=lambda each: each.day)
    known = {each.day: each for each in by_day}
    told: list[Gone] = []
    found = [_of_day(each, before, texts_of, told) for before, each in zip([None, *by_day], by_day, strict=False)]
    found += [BrokenSeal(day=day, why="its rows are there and its seal is gone") for day in days if day not in known]
    try:
        for _ in _listening(unsealed, told, sealed_with=None):
            pass
    except ValueError:
        found.append(BrokenSeal(day=by_day[-1].day if by_day else date.min, why="a row after it cannot be read"))
    found += _of_gone(by_day, told)
    taken = {each.seal for each in by_day}
    return Proof(
        broken=min((each for each in found if each is not None), key=lambda each: each.day, default=None),
        since=next((each.day for each in by_day if each.is_kept), None),
        gone=tuple(told),
        missing=tuple(each for each in expected if each not in taken),
    )


def _of_day(
    sealed: model.DaySeal,
    before: model.DaySeal | None,
    texts_of: Callable[[date], Iterable[str]],
    told: list[Gone],
) -> BrokenSeal | None:
    if not sealed.is_kept:
        if before is not None and before.is_kept:
            return BrokenSeal(day=sealed.day, why="its rows were deleted before those of an older day")
        return None
    try:
        texts = _listening(texts_of(sealed.day), told, sealed_with=sealed.day)
        again = seal(sealed.day, texts, previous=before.seal if before else FIRST)
    except ValueError:
        return BrokenSeal(day=sealed.day, why="a row cannot be read")
    if again.row_count != sealed.row_count:
        return BrokenSeal(
            day=sealed.day, why=f"{model.counted(sealed.row_count, 'row')} sealed, {again.row_count:,} found"
        )
    if again.seal != sealed.seal:
        return BrokenSeal(day=sealed.day, why="a row or the seal of the day before was changed after it was sealed")
    return None


def _listening(texts: Iterable[str], told: list[Gone], *, sealed_with: date | None) -> Iterator[str]:
    """The same texts; what they say of days that were deleted is noted. Raises ValueError."""
    for text in texts:
        if _MARK in text:
            told.append(_gone(rows.parse_row(text), sealed_with))
        yield text


def _gone(row: model.LedgerRow, sealed_with: date | None) -> Gone:
    fields = dict(row.fields)
    days = fields.get("days")
    if not isinstance(days, tuple) or not all(isinstance(each, str) for each in days):
        raise ValueError("a row about deleted days that names none")
    for each in days:
        date.fromisoformat(each.partition(" ")[0])
    return Gone(
        at=row.at,
        through=date.fromisoformat(str(fields.get("through"))),
        count=int(str(fields.get("count"))),
        digest=str(fields.get("digest")),
        days=days,
        is_witnessed=fields.get("witnessed") != "no",
        sealed_with=sealed_with,
    )


def _of_gone(by_day: Sequence[model.DaySeal], told: Sequence[Gone]) -> Iterator[BrokenSeal]:
    """What the rows about days that were deleted do not agree with."""
    through = max((each.through for each in told), default=None)
    without = [each.day for each in by_day if not each.is_kept and (through is None or each.day > through)]
    if without:
        yield BrokenSeal(day=without[0], why=_UNNAMED)
    seals = {each.day.isoformat(): each.seal for each in by_day}
    for each in told:
        whole = [sealed for sealed in by_day if sealed.day <= each.through]
        if len(whole) == each.count and digest(whole) == each.digest:
            continue
        wrong = [day for day, _, taken in (named.partition(" ") for named in each.days) if seals.get(day) != taken]
        yield BrokenSeal(day=date.fromisoformat(wrong[0]) if wrong else _first(whole, each), why=_OTHER)


def _first(whole: Sequence[model.DaySeal], told: Gone) -> date:
    return whole[0].day if whole else told.through

"""Rows as text, seals over days, and what tampering does to them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import ledger, model
from testbed.fakes import START
from testbed.made import article, brief, match, sending

DAY = timedelta(days=1)
TODAY = START.date()


def chain(*days: tuple[date, list[str]]) -> list[model.DaySeal]:
    seals: list[model.DaySeal] = []
    for day, texts in days:
        seals.append(ledger.seal(day, texts, previous=seals[-1].seal if seals else ledger.FIRST))
    return seals


def three_days() -> tuple[dict[date, list[str]], list[model.DaySeal]]:
    rows = {TODAY + n * DAY: [f"row {n}-{m}" for m in range(3)] for n in range(3)}
    return rows, chain(*rows.items())


def test_the_seal_is_what_the_docs_say_so_that_anyone_can_check_it() -> None:
    by_hand = hashlib.sha256(("0" * 64 + "\n2015-12-02\none\ntwo\n").encode()).hexdigest()
    assert ledger.seal(TODAY, ["one", "two"], previous=ledger.FIRST).seal == by_hand


def test_an_untouched_ledger_holds() -> None:
    rows, seals = three_days()
    assert ledger.verify(seals, rows.__getitem__, days=rows).broken is None
    assert ledger.verify([], rows.__getitem__, days=[]).broken is None


Tamper = Callable[[dict[date, list[str]], list[model.DaySeal]], object]


@pytest.mark.parametrize(
    ("tamper", "says"),
    [
        (lambda rows, seals: rows[TODAY + DAY].pop(), "3 rows sealed, 2 found"),
        (lambda rows, seals: rows[TODAY + DAY].append("more"), "3 rows sealed, 4 found"),
        (lambda rows, seals: rows[TODAY + DAY].__setitem__(1, "other"), "was changed after it was sealed"),
        (lambda rows, seals: rows[TODAY + DAY].reverse(), "was changed after it was sealed"),
        (lambda rows, seals: seals.__setitem__(1, replace(seals[1], seal="f" * 64)), "was changed"),
        (lambda rows, seals: seals.__setitem__(1, replace(seals[1], is_kept=False)), "before those of an older day"),
        (lambda rows, seals: seals.pop(1), "its rows are there and its seal is gone"),
    ],
)
def test_whatever_is_changed_the_day_is_named(tamper: Tamper, says: str) -> None:
    rows, seals = three_days()
    tamper(rows, seals)
    broken = ledger.verify(seals, rows.__getitem__, days=rows).broken
    assert broken is not None
    assert broken.day == TODAY + DAY
    assert says in broken.why


def test_a_day_that_vanished_with_its_seal_breaks_the_day_after() -> None:
    rows, seals = three_days()
    del rows[TODAY + DAY], seals[1]
    broken = ledger.verify(seals, rows.__getitem__, days=rows).broken
    assert broken is not None
    assert broken.day == TODAY + 2 * DAY


def without(
    count: int, *, is_sealed: bool = True, is_witnessed: bool = True
) -> tuple[dict[date, list[str]], list[model.DaySeal], list[str]]:
    """A chain of which ``count`` days were let go, each by a row of its own; and the rows that are not sealed yet."""
    rows, seals = three_days()
    named: list[str] = []
    for number in range(count):
        told = ledger.let_go(seals[:number], seals[number : number + 1], at=START, is_witnessed=is_witnessed)
        named.append(ledger.text_of(told))
    last = TODAY + 3 * DAY
    if is_sealed:
        rows[last] = named
        seals.append(ledger.seal(last, named, previous=seals[-1].seal))
    for number in range(count):
        del rows[TODAY + number * DAY]
        seals[number] = replace(seals[number], is_kept=False)
    return rows, seals, [] if is_sealed else named


@pytest.mark.parametrize("is_sealed", [True, False])
def test_days_that_were_let_go_hold_by_the_row_that_names_them(*, is_sealed: bool) -> None:
    rows, seals, unsealed = without(2, is_sealed=is_sealed)
    proof = ledger.verify(seals, rows.__getitem__, days=rows, unsealed=unsealed)
    assert proof.broken is None
    assert proof.since == TODAY + 2 * DAY
    assert [each.through - TODAY for each in proof.gone] == [0 * DAY, DAY]
    assert {each.sealed_with for each in proof.gone} == ({TODAY + 3 * DAY} if is_sealed else {None})


@pytest.mark.parametrize(
    ("tamper", "of", "says"),
    [
        (lambda rows, seals: seals.__setitem__(2, replace(seals[2], is_kept=False)), 2, "no row of the ledger records"),
        (lambda rows, seals: seals.__setitem__(0, replace(seals[0], seal="0" * 64)), 0, "are not those"),
        (lambda rows, seals: seals.__setitem__(1, replace(seals[1], row_count=9)), 0, "are not those"),
        (lambda rows, seals: seals.pop(0), 0, "are not those"),
        (lambda rows, seals: seals.__setitem__(1, replace(seals[1], is_kept=True)), 1, "3 rows sealed, 0 found"),
    ],
)
def test_a_day_that_is_deleted_and_marked_as_let_go_is_found(tamper: Tamper, of: int, says: str) -> None:
    rows, seals, _ = without(2)
    tamper(rows, seals)
    broken = ledger.verify(seals, lambda day: rows.get(day, []), days=rows).broken
    assert broken is not None
    assert says in broken.why
    assert broken.day == TODAY + of * DAY


@pytest.mark.parametrize("days", ["[1]", '["x y"]', "null", "[" * 100_000])
def test_a_row_about_deleted_days_that_nobody_wrote_so_is_damage_and_stops_no_check(days: str) -> None:
    rows, seals = three_days()
    forged = (
        f'{{"at":"{START.isoformat()}","kind":"let_go","through":"2015-12-01","count":1,"digest":"","days":{days}}}'
    )
    assert f'"kind":"{model.FactKind.LET_GO.value}"' in forged
    broken = ledger.verify(seals, rows.__getitem__, days=rows, unsealed=[forged]).broken
    assert broken is not None
    assert "cannot be read" in broken.why


def test_days_that_went_before_rows_said_so_are_told_as_such() -> None:
    rows, seals, unsealed = without(2, is_sealed=False, is_witnessed=False)
    proof = ledger.verify(seals, rows.__getitem__, days=rows, unsealed=unsealed)
    assert proof.broken is None
    assert not any(each.is_witnessed for each in proof.gone)


def test_a_tail_that_was_cut_shows_by_a_seal_that_was_kept_elsewhere_and_by_nothing_else() -> None:
    rows, seals = three_days()
    kept = seals[-1].seal
    assert ledger.verify(seals, rows.__getitem__, days=rows, expected=[kept, seals[0].seal]).missing == ()
    del rows[TODAY + 2 * DAY], seals[2]
    assert ledger.verify(seals, rows.__getitem__, days=rows).broken is None
    assert ledger.verify(seals, rows.__getitem__, days=rows, expected=[kept]).missing == (kept,)


def test_a_ledger_that_was_written_anew_shows_by_a_seal_that_was_kept_elsewhere() -> None:
    rows, seals = three_days()
    kept = seals[-1].seal
    rows[TODAY] = ["another past"]
    forged = chain(*rows.items())
    assert ledger.verify(forged, rows.__getitem__, days=rows).broken is None
    assert ledger.verify(forged, rows.__getitem__, days=rows, expected=[kept]).missing == (kept,)


# -- facts


@given(st.text(), st.text())
def test_any_text_of_the_outside_world_is_one_line_of_ascii_and_read_back(link: str, rule: str) -> None:
    row = ledger.matched(replace(article("one"), link=link), replace(match(rule, "PTA"), rule=rule), at=START)
    text = ledger.text_of(row)
    assert text.isascii()
    assert "\n" not in text
    assert ledger.parse_row(text) == row


def test_halves_of_surrogate_pairs_do_not_stop_the_ledger() -> None:
    row = ledger.matched(replace(article("one"), link="https://x.example/\ud83d"), match("r", "PTA"), at=START)
    assert dict(row.fields)["link"] == "https://x.example/?"


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"at":"x","kind":"sent"}', '{"at":3,"kind":"sent"}'])
def test_what_is_no_row_is_said_to_be_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ledger.parse_row(text)


STATE = model.FeedState(url="https://dawn.example/feed", due_at=START, baseline_at=START)


@pytest.mark.parametrize(
    ("before", "after", "new", "is_told"),
    [
        (STATE, STATE, 0, False),
        (STATE, STATE, 1, True),
        (replace(STATE, baseline_at=None), STATE, 0, True),
        (STATE, replace(STATE, error="503"), 0, True),
        (replace(STATE, error="503"), replace(STATE, error="503"), 0, False),
        (replace(STATE, error="503"), STATE, 0, True),
    ],
)
def test_a_poll_is_told_when_it_brought_something_or_ended_otherwise_than_the_last(
    before: model.FeedState, after: model.FeedState, new: int, is_told: bool
) -> None:
    assert (ledger.fetched(before, after, status=200, new_count=new, at=START) is not None) is is_told


RECEIPT = model.Receipt(ref="1449.1", place="C1", sent_at=START)


@pytest.mark.parametrize(
    ("kind", "state", "told"),
    [
        (model.MessageKind.POST, model.SendState.SENT, model.FactKind.SENT),
        (model.MessageKind.REPLY, model.SendState.SENT, model.FactKind.SENT),
        (model.MessageKind.EDIT, model.SendState.SENT, model.FactKind.EDITED),
        (model.MessageKind.POST, model.SendState.PARKED, model.FactKind.PARKED),
        (model.MessageKind.POST, model.SendState.DROPPED, model.FactKind.DROPPED),
        (model.MessageKind.POST, model.SendState.PENDING, None),
        (model.MessageKind.POST, model.SendState.UNKNOWN, None),
    ],
)
def test_each_end_of_a_try_to_send_is_a_fact(
    kind: model.MessageKind, state: model.SendState, told: model.FactKind | None
) -> None:
    before = sending("s1", kind=kind)
    row = ledger.outcome(before, replace(before, state=state, error="why"), at=START)
    assert (row.kind if row else None) is told


def test_a_sent_row_says_whom_what_and_the_receipt() -> None:
    before = sending("s1", kind=model.MessageKind.GATHERED, briefs=(brief("B"), brief("A")))
    row = ledger.outcome(before, replace(before, state=model.SendState.SENT, receipt=RECEIPT), at=START)
    assert row is not None
    assert dict(row.fields) == {
        "send": "s1",
        "channel": "desk",
        "message": "gathered",
        "stories": ("A", "B"),
        "receipt": "1449.1",
        "place": "C1",
        "reason": "",
    }


def test_a_closed_channel_that_is_tried_again_parks_its_messages_once() -> None:
    row = sending("s1")
    parked = replace(row, state=model.SendState.PARKED, error="is_archived")
    assert ledger.outcome(row, parked, at=START) is not None
    assert ledger.outcome(replace(row, error="is_archived"), parked, at=START) is None
    assert ledger.outcome(replace(row, error="not_in_channel"), parked, at=START) is not None

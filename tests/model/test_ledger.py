"""The content of a row of the ledger, and the row as text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import ledger
from bot.model.feeds import FeedState
from bot.model.ledger import FactKind
from bot.model.messages import MessageKind, Receipt, SendState
from tests.testbed.fakes import START
from tests.testbed.made import article, brief, match, sending


@given(st.text(), st.text())
def test_any_text_of_the_outside_world_is_one_line_of_ascii_and_read_back(link: str, rule: str) -> None:
    row = ledger.match_row(replace(article("one"), link=link), replace(match(rule, "PTA"), rule=rule), at=START)
    text = ledger.format_row(row)
    assert text.isascii()
    assert "\n" not in text
    assert ledger.parse_row(text) == row


STATE = FeedState(url="https://dawn.example/feed", due_at=START, baseline_at=START)


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
    before: FeedState, after: FeedState, new: int, is_told: bool
) -> None:
    assert (ledger.poll_row(before, after, status=200, new_count=new, at=START) is not None) is is_told


RECEIPT = Receipt(ref="1449.1", place="C1", sent_at=START)


@pytest.mark.parametrize(
    ("kind", "state", "expected"),
    [
        (MessageKind.POST, SendState.SENT, FactKind.SENT),
        (MessageKind.REPLY, SendState.SENT, FactKind.SENT),
        (MessageKind.EDIT, SendState.SENT, FactKind.EDITED),
        (MessageKind.POST, SendState.PARKED, FactKind.PARKED),
        (MessageKind.POST, SendState.DROPPED, FactKind.DROPPED),
        (MessageKind.POST, SendState.PENDING, None),
        (MessageKind.POST, SendState.UNKNOWN, None),
    ],
)
def test_each_end_of_a_try_to_send_is_a_fact(kind: MessageKind, state: SendState, expected: FactKind | None) -> None:
    before = sending("s1", kind=kind)
    row = ledger.send_row(before, replace(before, state=state, error="why"), at=START)
    assert (row.kind if row else None) is expected


def test_a_sent_row_says_whom_what_and_the_receipt() -> None:
    before = sending("s1", kind=MessageKind.GATHERED, briefs=(brief("B"), brief("A")))
    row = ledger.send_row(before, replace(before, state=SendState.SENT, receipt=RECEIPT), at=START)
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
    parked = replace(row, state=SendState.PARKED, error="is_archived")
    assert ledger.send_row(row, parked, at=START) is not None
    assert ledger.send_row(replace(row, error="is_archived"), parked, at=START) is None
    assert ledger.send_row(replace(row, error="not_in_channel"), parked, at=START) is not None

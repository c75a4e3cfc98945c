"""The decision queue, on every store."""

from __future__ import annotations

from bot import storage
from bot.model.archive import Arrival, Revision
from bot.testing.messages import CORRECTION
from tests.testbed.made import article, match


def test_a_queued_entry_is_returned_unchanged_and_stays_until_it_is_removed(tx: storage.Transaction) -> None:
    arrivals = [
        Arrival(article=article(name), matches=(match("BES"),), is_baseline=name == "a", poll=name) for name in "abc"
    ]
    revision = Revision(article=article("d"), matches=(), corrections=CORRECTION.facts, poll="d")
    queue = tx.decision_queue
    queue.add([*arrivals, revision])
    assert queue.count() == 4
    first = queue.get(queue.numbers(limit=2))
    assert list(first.values()) == arrivals[:2]
    assert queue.get(queue.numbers(limit=2)) == first
    queue.remove(list(first))
    rest = queue.get(queue.numbers(limit=10))
    assert list(rest.values()) == [arrivals[2], revision]
    queue.remove(list(rest))
    assert queue.get(queue.numbers(limit=10)) == {}


def test_a_turn_that_another_process_or_a_button_press_has_overtaken_is_not_written(tx: storage.Transaction) -> None:
    queue = tx.decision_queue
    at_first = queue.holder()
    mine = queue.take_over("a", expected=at_first)
    assert mine is not None
    assert mine.who == "a"
    assert queue.take_over("b", expected=at_first) is None
    assert queue.holder() == mine
    repeated = queue.take_over("a", expected=mine)
    assert repeated is not None
    assert repeated.change > mine.change
    queue.note_change()
    assert queue.take_over("a", expected=repeated) is None
    now = queue.holder()
    assert (now.who, now != repeated) == ("a", True)

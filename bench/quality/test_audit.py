"""The bench of the audit, on the first days."""

from __future__ import annotations

import pytest

from bench.quality import audit, replay
from tests.testbed import shared_data
from tests.testbed.fakes import START
from tests.testbed.servers.indexes import Listed


def test_a_search_finds_reports_with_a_word_of_each_group() -> None:
    listed = Listed(title="Regulator fines two banks", link="", at=START, text="The order is final.")
    assert audit.finds('(PTA OR regulator) "the order" bank', listed)
    assert not audit.finds("regulator (insurer OR broker)", listed)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_the_audit_of_five_days_agrees_with_the_truth() -> None:
    shared_data.path("feed-snapshots")
    series = replay.all_series()
    shown = [name for number, name in enumerate(series, 1) if number % 3]
    steps, published = audit.read_steps(series, days=5)
    audited = await audit.run(steps, shown, published, audit=True, meaning="off")
    truth = await audit.run(steps, series, (), audit=False, meaning="off")
    verdicts = audit.judge(audited, truth, frozenset(shown), until=max(steps) - audit.SETTLING)
    missed = [each for each in verdicts if each.story and each.carried_at is None]
    assert len(missed) >= 10
    assert sum(each.is_carried for each in missed) <= 0.05 * len(missed)

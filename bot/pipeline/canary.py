"""A rule that is expected to match and does not: its silence is told to the operator, once each time.

A rule says ``expect: every 2 days``; the time of its last match is a note of the store. Decides nothing about stories.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot import model, ports
from bot.pipeline import wording
from bot.pipeline.snapshot import Snapshot


def saw(tx: ports.Transaction, snapshot: Snapshot, arrivals: Sequence[model.Arrival], *, now: datetime) -> None:
    """Remember that expected rules have matched."""
    matched = {match.rule for arrival in arrivals for match in arrival.matches}
    for rule in _expected(snapshot):
        if rule.name in matched:
            tx.notes.put(_key(rule), now.isoformat())


def tell(tx: ports.Transaction, snapshot: Snapshot, *, now: datetime) -> None:
    """Say which rules have been silent for longer than expected; one never seen before counts from now."""
    if snapshot.operator is None:
        return
    for rule in _expected(snapshot):
        last = tx.notes.get(_key(rule))
        if last is None:
            tx.notes.put(_key(rule), now.isoformat())
        elif rule.expect is not None and now - datetime.fromisoformat(last) > rule.expect:
            lead = f"A rule is silent: nothing has matched for more than {model.show_duration(rule.expect)}."
            # The occasion is named by the last match, so each silence is told once.
            notice = wording.notice(snapshot.operator, lead, [rule.name], now=now, once=f"silent {rule.name} {last}")
            tx.outbox.add([notice])


def _expected(snapshot: Snapshot) -> list[model.Rule]:
    return [rule for rule in snapshot.rules.rules.values() if rule.expect is not None and not rule.paused]


def _key(rule: model.Rule) -> str:
    return f"rule matched: {rule.name}"

"""A rule that is expected to match and does not: its silence is reported to the operator, once each time.

A rule says ``expect: every 2 days``; the time of its last match is a note of the store. Decides nothing about stories.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot import model, ports
from bot.alerts import notices
from bot.pipeline.snapshot import Snapshot
from bot.ports import keys


class SilenceMonitor:
    """Remembers until when each expected rule has time, so that most ticks ask the store nothing."""

    def __init__(self) -> None:
        self._patient_until: dict[tuple[str, timedelta], datetime] = {}

    def forget(self) -> None:
        """A transaction failed: what was told in it was not."""
        self._patient_until.clear()

    def is_due(self, snapshot: Snapshot, *, now: datetime) -> bool:
        """``tell`` may have something to say."""
        if snapshot.operator is None:
            return False
        return any(now > self._patient_until.get(each, now - each[1]) for each in _expected(snapshot))

    def tell(self, tx: ports.Transaction, snapshot: Snapshot, *, now: datetime) -> None:
        """Say which rules have been silent for longer than expected; one never seen before counts from now."""
        if snapshot.operator is None:
            return
        for name, expect in _expected(snapshot):
            if now <= self._patient_until.get((name, expect), now - expect):
                continue
            last = keys.rule_matched(name).get(tx)
            since = last or now
            if last is None:
                keys.rule_matched(name).put(tx, now)
            if now - since > expect:
                notice = notices.rule_is_silent(name, expect, last_match=last)
                tx.outbox.add([notices.row(notice, channel=snapshot.operator, now=now)])
                since = now
            self._patient_until[name, expect] = since + expect


def note_matches(
    tx: ports.Transaction,
    snapshot: Snapshot,
    found: Iterable[model.Arrival | model.Revision],
    *,
    now: datetime,
) -> None:
    """Remember that expected rules have matched."""
    matched = {match.rule for one in found for match in one.matches}
    for name, _ in _expected(snapshot):
        if name in matched:
            keys.rule_matched(name).put(tx, now)


def _expected(snapshot: Snapshot) -> list[tuple[str, timedelta]]:
    found = snapshot.rules.rules.values()
    return [(rule.name, rule.expect) for rule in found if rule.expect is not None and not rule.paused]

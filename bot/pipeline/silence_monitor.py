"""Report rules that have not matched for longer than their ``expect`` (``expect: every 2 days``) to the operator."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from bot import model, ports
from bot.alerts import notices
from bot.pipeline.snapshot import Snapshot
from bot.ports import keys


class SilenceMonitor:
    """Remembers when each expected match is overdue, so that most ticks need no query."""

    def __init__(self) -> None:
        self._overdue_at: dict[tuple[str, timedelta], datetime] = {}

    def forget(self) -> None:
        """Forget everything, since a transaction failed and its notices were not written."""
        self._overdue_at.clear()

    def is_due(self, snapshot: Snapshot, *, now: datetime) -> bool:
        """Return whether ``tell`` may have something to report."""
        if snapshot.operator is None:
            return False
        return any(now > self._overdue_at.get((name, expect), now - expect) for name, expect in _expected(snapshot))

    def tell(self, tx: ports.Transaction, snapshot: Snapshot, *, now: datetime) -> None:
        """Write notices for the rules whose matches are overdue; a new rule counts from now."""
        if snapshot.operator is None:
            return
        for name, expect in _expected(snapshot):
            if now <= self._overdue_at.get((name, expect), now - expect):
                continue
            last = keys.rule_matched(name).get(tx)
            since = last or now
            if last is None:
                keys.rule_matched(name).put(tx, now)
            if now - since > expect:
                notice = notices.rule_is_silent(name, expect, last_match=last)
                tx.outbox.add([notices.row(notice, channel=snapshot.operator, now=now)])
                since = now
            self._overdue_at[name, expect] = since + expect


def note_matches(
    tx: ports.Transaction,
    snapshot: Snapshot,
    queued: Iterable[model.Arrival | model.Revision],
    *,
    now: datetime,
) -> None:
    """Store the time of the last match of rules with ``expect``."""
    matched = {match.rule for item in queued for match in item.matches}
    for name, _ in _expected(snapshot):
        if name in matched:
            keys.rule_matched(name).put(tx, now)


def _expected(snapshot: Snapshot) -> list[tuple[str, timedelta]]:
    rules = snapshot.rules.rules.values()
    return [(rule.name, rule.expect) for rule in rules if rule.expect is not None and not rule.paused]

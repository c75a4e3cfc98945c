"""Feeds that rename or re-date what they gave before: many changes at once are the feed's doing, not news."""

from __future__ import annotations

from collections.abc import Sequence

from bot import ports
from bot.articles.groups import Group

#: Guid churn: at least so many items, and this share of all (DESIGN section 5).
_CHURN_ITEMS = 3
_CHURN_SHARE = 0.8


def churned(groups: Sequence[Group], known: ports.Known, *, total: int) -> dict[str, ports.Stub]:
    """Item key → article, where so many ids changed over known titles that it was the feed's doing."""
    if not known.by_title:
        return {}
    twinned = {group.best.key: stub for group in groups if (stub := _same_but_id(group, known)) is not None}
    if len(twinned) < _CHURN_ITEMS or len(twinned) < _CHURN_SHARE * total:
        return {}
    return twinned


def _same_but_id(group: Group, known: ports.Known) -> ports.Stub | None:
    if group.is_known_by_id(known):
        return None
    item = group.best
    stubs = sorted(known.by_title.get(item.folded_title, ()), key=lambda stub: stub.id)
    by_text = [stub for stub in stubs if stub.has_text and stub.fingerprint == item.fingerprint]
    by_date = [stub for stub in stubs if stub.published is not None and stub.published == item.published]
    return next(iter((*by_text, *by_date)), None)


def are_restamped(groups: Sequence[Group], *, total: int) -> bool:
    """More than half of what is known has another date: the feed dates its items again at each build.

    ``total`` counts also the items that were not read, since their bytes, and so their dates, are as they were.
    """
    dated = [group for group in groups if group.stub is not None and group.stub.published and group.best.published]
    return 2 * sum(is_redated(group) for group in dated) > len(dated) + max(0, total - len(groups))


def is_redated(group: Group) -> bool:
    """Whether a stored article with a date comes back with other dates only."""
    dates = {item.published for item in group.members}
    return (
        group.stub is not None
        and group.stub.published is not None
        and None not in dates
        and (group.stub.published not in dates)
    )

"""What the operator is told of: once an occasion, with what is known and what to do."""

from __future__ import annotations

from datetime import timedelta

from bot import model
from bot.alerts import notices
from testbed.fakes import START


def test_one_occasion_is_one_message_and_another_is_another() -> None:
    def said(last_match: int) -> model.Outgoing:
        last = START - timedelta(days=last_match)
        notice = notices.rule_is_silent("PTA", timedelta(days=2), last_match=last)
        return notices.row(notice, channel="ops", now=START)

    assert said(3) == said(3)
    assert said(3).id != said(4).id


def test_a_notice_says_what_happened_then_where_then_what_to_do() -> None:
    notice = model.Notice(what="It broke.", where=("here", "there"), remedy="Mend it.", occasion=("x",))
    message = notices.row(notice, channel="ops", now=START).message
    assert (message.kind, message.lead, message.lines) == (
        model.MessageKind.NOTICE,
        "It broke.",
        ("here", "there", "Mend it."),
    )

"""What a verdict says, in words: to the one who pressed, and in the decision."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from bot import model
from bot.model import Verdict


def time(when: datetime, zone: tzinfo) -> str:
    """A time with its zone."""
    return f"{when.astimezone(zone):%Y-%m-%d %H:%M %Z}"


def what(verdict: Verdict, rules: Sequence[str], now: datetime, zone: tzinfo) -> str:
    """What holds now, in the middle of a sentence."""
    named = ", ".join(f'"{rule}"' for rule in rules)
    match verdict:
        case Verdict.USEFUL | Verdict.NOISE:
            return f"{verdict.value} for {named}"
        case Verdict.SNOOZED:
            return f"{named} is snoozed until {time(now + model.SNOOZE, zone)}"
        case Verdict.WOKEN:
            return f"{named} is awake again"
        case Verdict.OTHER_EVENT:
            return "an article tells another event"
        case Verdict.SILENCED:
            return "it is silenced for a day"
        case Verdict.UNCLAIMED:
            return "the story is released: nobody takes care of it"
        case Verdict.MUTED | Verdict.UNMUTED | Verdict.CLAIMED:
            return f"the story is {verdict.value}"


def answer(verdict: Verdict, rules: Sequence[str], now: datetime, zone: tzinfo) -> str:
    """For the person, in whole sentences."""
    said = what(verdict, rules, now, zone)
    told = f"{said[0].upper()}{said[1:]}."
    match verdict:
        case Verdict.MUTED:
            return f"{told} It says nothing more in this channel."
        case Verdict.SNOOZED:
            return f"{told} What it finds in this channel is kept and gathered then."
        case _:
            return told

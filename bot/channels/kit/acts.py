"""What a channel does about a refusal: a word for each act, for its table, and the port's error for it.

A channel's table says for each of its service's codes which act follows and what the operator should do;
docs/channels.md shows the same words.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import assert_never

from bot import ports


class Act(StrEnum):
    """How Wirewatch reacts to a service's error, in the words of docs/channels.md."""

    WAIT = "wait and send again"
    #: Other messages may still be sent.
    WAIT_ALONE = "wait with this message alone, then send it again"
    LOOK = "check whether it arrived, then send again"
    SIMPLIFY = "send once more as plain text"
    TOP_LEVEL = "post outside of the thread"
    LEAVE = "leave the message as it is"
    PARK_CHANNEL = "keep this channel's messages, notify the operator"
    PARK_WORKSPACE = "keep the messages of every channel with this token, notify the operator"


def error_of(act: Act, text: str, *, advice: str = "", after: timedelta | None = None) -> ports.SendError:
    """Return the error for an act.

    ``advice`` says what the operator should do. ``after`` is the wait that the service asks for, None if it names none.
    """
    text = f"{text}; {advice}" if advice else text
    match act:
        case Act.WAIT:
            return ports.Wait(text, after=after)
        case Act.WAIT_ALONE:
            return ports.Wait(text, after=after, whole_channel=False)
        case Act.LOOK:
            return ports.Unknown(text)
        case Act.SIMPLIFY:
            return ports.TooMuch(text)
        case Act.TOP_LEVEL:
            return ports.ThreadGone(text)
        case Act.LEAVE:
            return ports.NotEditable(text)
        case Act.PARK_CHANNEL:
            return ports.Parked(text)
        case Act.PARK_WORKSPACE:
            return ports.Parked(text, whole_workspace=True)
        case _:
            assert_never(act)

"""What a mail server's answer means (docs/channels.md has the same table for people).

Codes of RFC 5321, section 4.2.3, and of RFC 3463 (x.y.z, more exact, where a server gives them). What a code means
depends on the command that it answers: 550 behind RCPT is about one recipient, behind the text about its content.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from bot import ports
from bot.channels.kit import acts, phrases
from bot.channels.kit.acts import Act


class Stage(StrEnum):
    """The step of a conversation that an answer belongs to."""

    CONNECT = "the connection"
    LOGIN = "the login"
    SENDER = "the sender"
    RECIPIENT = "a recipient"
    TEXT = "the message"


#: The reaction to an answer about one recipient, for docs/channels.md.
LEAVE_OUT = "send to the other recipients, name this one in the log"


@dataclass(frozen=True, slots=True)
class Rule:
    """The reaction to an answer."""

    #: None means ``LEAVE_OUT``.
    act: Act | None
    #: Advice to the operator.
    advice: str = ""


_LOGIN = "correct username and password; many providers want an app password here"
_NEEDS_LOGIN = "the server requires a login: add username and password"
_MAY_NOT_SEND = "let this login send as that address, or set sender to its own address"
_GONE = "correct or remove the address under to"

#: Stage -> the start of a code -> the reaction; the longest start counts (docs/channels.md has the same table).
TABLE: Mapping[Stage, Mapping[str, Rule]] = {
    Stage.CONNECT: {
        "4": Rule(Act.WAIT),
        "5": Rule(Act.PARK_CHANNEL, "the server accepts no mail from this machine: ask its admin, or name another"),
    },
    Stage.LOGIN: {
        "4": Rule(Act.WAIT),
        "432": Rule(Act.PARK_WORKSPACE, _LOGIN),
        "5": Rule(Act.PARK_WORKSPACE, _LOGIN),
        "538": Rule(Act.PARK_WORKSPACE, "the server accepts a login only over TLS: set security to starttls or tls"),
    },
    Stage.SENDER: {
        "4": Rule(Act.WAIT),
        "5": Rule(Act.PARK_CHANNEL, _MAY_NOT_SEND),
        "530": Rule(Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "552": Rule(Act.SIMPLIFY),
        "5.3.4": Rule(Act.SIMPLIFY),
    },
    Stage.RECIPIENT: {
        "4": Rule(Act.WAIT),
        "5": Rule(None, _GONE),
        "530": Rule(Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "5.7.1": Rule(None, "the server does not relay to this address: log in, or name the server of its domain"),
    },
    Stage.TEXT: {
        "4": Rule(Act.WAIT_ALONE),
        "5": Rule(Act.SIMPLIFY),
        "530": Rule(Act.PARK_WORKSPACE, _NEEDS_LOGIN),
        "5.7.0": Rule(Act.PARK_CHANNEL, _MAY_NOT_SEND),
        "5.7.8": Rule(Act.PARK_WORKSPACE, _LOGIN),
        # Gmail and others: the sender's domain does not authorize this server (SPF, DKIM).
        "5.7.26": Rule(Act.PARK_CHANNEL, "the sender's domain must allow this server: set up SPF and DKIM for it"),
    },
}
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


def rule_for(stage: Stage, code: int, text: str) -> Rule:
    """Return the rule for an answer that is not a success."""
    enhanced = _ENHANCED.match(text)
    codes = [str(code), *([enhanced[0]] if enhanced else [])]
    starts = [start for start in TABLE[stage] if start in codes or (len(start) == 1 and start in [c[0] for c in codes])]
    # Any answer except 4xx and 5xx is not SMTP.
    return TABLE[stage][max(starts, key=len)] if starts else Rule(Act.WAIT)


def error_of(stage: Stage, code: int, text: str) -> ports.SendError:
    """Return the error for an answer, with the server's own text, which is written for people."""
    rule = rule_for(stage, code, text)
    server_text = phrases.cut(phrases.clean(text), 200)
    message = f"the mail server answered {code} to {stage}" + (f" ({server_text})" if server_text else "")
    return acts.error_of(rule.act or Act.PARK_CHANNEL, message, advice=rule.advice)

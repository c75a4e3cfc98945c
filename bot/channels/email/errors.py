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
    """What the server answered to."""

    CONNECT = "the connection"
    LOGIN = "the login"
    SENDER = "the sender"
    RECIPIENT = "a recipient"
    TEXT = "the message"


#: Not about the mail, but about one of its recipients.
LEAVE_OUT = "send to the other recipients, name this one in the log"


@dataclass(frozen=True, slots=True)
class Rule:
    """What follows an answer."""

    #: None: ``LEAVE_OUT``.
    act: Act | None
    #: What the operator should do.
    advice: str = ""


_LOGIN = "correct username and password; many providers want an app password here"
_NEEDS_LOGIN = "the server wants a login: add username and password"
_MAY_NOT_SEND = "let this login send as that address, or set sender to its own address"
_GONE = "correct or remove the address under to"

#: Stage -> the start of a code -> what is done. The longest start that fits counts.
TABLE: Mapping[Stage, Mapping[str, Rule]] = {
    Stage.CONNECT: {
        "4": Rule(Act.WAIT),
        "5": Rule(Act.PARK_CHANNEL, "the server takes no mail from this machine: ask its admin, or name another"),
    },
    Stage.LOGIN: {
        "4": Rule(Act.WAIT),
        "432": Rule(Act.PARK_WORKSPACE, _LOGIN),
        "5": Rule(Act.PARK_WORKSPACE, _LOGIN),
        "538": Rule(Act.PARK_WORKSPACE, "the server takes a login only over TLS: set security to starttls or tls"),
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
        # Gmail and others: the sender's domain does not vouch for this server (SPF, DKIM).
        "5.7.26": Rule(Act.PARK_CHANNEL, "the sender's domain must allow this server: set up SPF and DKIM for it"),
    },
}
_ENHANCED = re.compile(r"[245]\.\d{1,3}\.\d{1,3}\b")


def rule_for(stage: Stage, code: int, text: str) -> Rule:
    """Of an answer that is no success."""
    found = _ENHANCED.match(text)
    keys = [str(code), *([found[0]] if found else [])]
    fitting = [start for start in TABLE[stage] for key in keys if key == start or (len(start) == 1 and key[0] == start)]
    # An answer that is neither 4xx nor 5xx is no SMTP.
    return TABLE[stage][max(fitting, key=len)] if fitting else Rule(Act.WAIT)


def error_of(stage: Stage, code: int, text: str) -> ports.SendError:
    """The port's error, where nobody else is left to send to; with the server's own words, made for people."""
    rule = rule_for(stage, code, text)
    told = phrases.cut(phrases.clean(text), 200)
    said = f"the mail server answered {code} to {stage}" + (f" ({told})" if told else "")
    words = f"{said}; {rule.advice}" if rule.advice else said
    return acts.error_of(rule.act or Act.PARK_CHANNEL, words)

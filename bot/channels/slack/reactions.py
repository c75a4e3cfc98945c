"""A reaction as a press: 👀 under a message claims its story, taken away it releases it.

What comes from Slack is untrusted: only its form is checked here. Which story the message tells, the store knows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot import model, ports
from bot.channels.slack import buttons

#: Slack's name of 👀.
NAME = "eyes"
#: Events that the app must subscribe to, and what they mean (docs.slack.dev/reference/events/reaction_added).
EVENTS: Mapping[str, model.Verdict] = {
    "reaction_added": model.Verdict.CLAIMED,
    "reaction_removed": model.Verdict.UNCLAIMED,
}
#: Without it Slack sends neither.
SCOPE = "reactions:read"


def is_one(payload: Mapping[str, Any]) -> bool:
    """Whether the payload tells of a reaction, whichever it is."""
    event = payload.get("event")
    return isinstance(event, dict) and event.get("type") in EVENTS


def parse(payload: Mapping[str, Any], *, envelope: str) -> ports.Press | None:
    """The press that a reaction is; None: another reaction, not of a message, or not whole."""
    match payload:
        case {
            "event": {
                "type": str(what),
                "reaction": str(name),
                "user": str(by),
                "item": {"type": "message", "channel": str(place), "ts": str(ref)},
            }
        } if name == NAME and buttons.are_ids(by, place, ref):
            story = model.StoryId("")
            return ports.Press(id=envelope, by=by, verdict=EVENTS[what], story=story, rule="", place=place, ref=ref)
        case _:
            return None

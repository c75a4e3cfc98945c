"""The ids of things: each is derived from what it names, so writing twice gives one row."""

from __future__ import annotations

import hashlib
from typing import NewType

#: 20 hex digits of SHA-256 over the article's identity: the same article has the same id on every machine.
ArticleId = NewType("ArticleId", str)
#: Derived from the article that opened the story.
StoryId = NewType("StoryId", str)
#: Derived from (story, channel, kind, cause): writing a message twice gives one row.
SendId = NewType("SendId", str)
#: Derived from the channel's id of the button press, and the rule that it judges.
JudgementId = NewType("JudgementId", str)


def send_id(*parts: str) -> SendId:
    """Return the id of a message to send, derived from everything that distinguishes it."""
    return SendId(hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24])

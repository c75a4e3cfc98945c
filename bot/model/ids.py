"""The ids of things: each is derived from what it names, so writing twice gives one row."""

from __future__ import annotations

import hashlib
from typing import NewType

#: 20 hex digits of SHA-256 over the article's identity: the same article has the same id on every machine.
ArticleId = NewType("ArticleId", str)
#: Derived from the article that opened the story.
StoryId = NewType("StoryId", str)
#: Derived from (story, channel, kind, cause): writing an intent twice gives one row.
SendId = NewType("SendId", str)
#: Derived from what the channel calls a press of a button, and the rule that it judges: a repetition is known.
JudgementId = NewType("JudgementId", str)


def send_id(*parts: str) -> SendId:
    """The id of an intent, from all that makes it this intent and no other."""
    return SendId(hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:24])

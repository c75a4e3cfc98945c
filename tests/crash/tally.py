"""What a storm found, and the table that it prints."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    kills: int = 0
    #: Of these, the ones that left a claimed message behind.
    kills_while_sending: int = 0
    #: Of these, the ones whose message Slack had taken: sent, and not written down.
    kills_before_recording: int = 0
    stories: int = 0
    #: Posts and replies that stand in Slack, and edits that it took.
    messages: int = 0
    edits: int = 0
    sent_in_the_storm: int = 0
    look_ups: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    #: Titles without a message.
    lost: list[str] = field(default_factory=list)
    #: Send ids or stories that stand twice.
    doubled: list[str] = field(default_factory=list)
    #: Threads whose messages are not in the order of the outbox.
    disordered: list[str] = field(default_factory=list)

    def table(self) -> str:
        rows = (
            ("kills", self.kills),
            ("  while a message was on its way", self.kills_while_sending),
            ("  after Slack took it, before it was recorded", self.kills_before_recording),
            ("stories", self.stories),
            ("messages and replies", self.messages),
            ("  sent between two kills", self.sent_in_the_storm),
            ("edits", self.edits),
            ("look-ups", self.look_ups),
            ("faults of Slack", self.faults.total()),
            *((f"  {name}", count) for name, count in sorted(self.faults.items())),
            ("lost", len(self.lost)),
            ("doubled", len(self.doubled)),
            ("out of order", len(self.disordered)),
        )
        return "\n".join(f"{name:<46}{count:>6}" for name, count in rows)

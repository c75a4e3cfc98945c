"""What the archive answers to programs, the same by every way in: `--json`, the API, the tools for assistants.

    asked ─▶ Answers ─▶ building ─▶ documents
    (what may be asked)   (reads the store)   (the shapes, of which OpenAPI is made)

Knows no HTTP and no protocol. Reads the store; only a ruling of people is written.
"""

from typing import TYPE_CHECKING

from bot.model import deferred

if TYPE_CHECKING:
    from bot.answers.answering import Answers
    from bot.answers.refusals import Refused, Why
    from bot.answers.watched import Shared, Watched

__all__ = ["Answers", "Refused", "Shared", "Watched", "Why"]

# Costs start-up: commands that print for people need none of the documents.
__getattr__ = deferred.names(
    __name__,
    {
        "answering": "Answers",
        "refusals": "Refused Why",
        "watched": "Shared Watched",
    },
)

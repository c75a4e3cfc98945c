"""One feed's pass through the stages, over ports only. Knows no library, no database and no channel."""

from typing import TYPE_CHECKING

from bot.model import deferred

if TYPE_CHECKING:
    from bot.pipeline.actions import apply, press, story_target
    from bot.pipeline.deciding import BATCH, Deciding, DecisionBatch
    from bot.pipeline.passes import EndsAt, Pipeline
    from bot.pipeline.poll import Documents
    from bot.pipeline.reports import FeedReport, PassReport
    from bot.pipeline.rights import Turn, turn_of_operator
    from bot.pipeline.snapshot import Snapshot

__all__ = [
    "BATCH",
    "Deciding",
    "DecisionBatch",
    "Documents",
    "EndsAt",
    "FeedReport",
    "PassReport",
    "Pipeline",
    "Snapshot",
    "Turn",
    "apply",
    "press",
    "story_target",
    "turn_of_operator",
]

# Costs start-up: commands that look at the archive need one or two of its modules.
__getattr__ = deferred.names(
    __name__,
    {
        "deciding": "BATCH Deciding DecisionBatch",
        "actions": "apply press story_target",
        "passes": "EndsAt Pipeline",
        "poll": "Documents",
        "reports": "FeedReport PassReport",
        "rights": "Turn turn_of_operator",
        "snapshot": "Snapshot",
    },
)

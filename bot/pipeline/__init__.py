"""One feed's pass through the stages, over ports only. Knows no library, no database and no channel."""

from typing import TYPE_CHECKING

from bot.model import deferred

if TYPE_CHECKING:
    from bot.pipeline.deciding import BATCH, Deciding, DecisionBatch
    from bot.pipeline.feedback import Judged, claim, judge
    from bot.pipeline.passes import EndsAt, Pipeline
    from bot.pipeline.poll import Documents
    from bot.pipeline.reports import FeedReport, PassReport
    from bot.pipeline.snapshot import Snapshot

__all__ = [
    "BATCH",
    "Deciding",
    "DecisionBatch",
    "Documents",
    "EndsAt",
    "FeedReport",
    "Judged",
    "PassReport",
    "Pipeline",
    "Snapshot",
    "claim",
    "judge",
]

# Costs start-up: commands that look at the archive need one or two of its modules.
__getattr__ = deferred.names(
    __name__,
    {
        "deciding": "BATCH Deciding DecisionBatch",
        "feedback": "Judged claim judge",
        "passes": "EndsAt Pipeline",
        "poll": "Documents",
        "reports": "FeedReport PassReport",
        "snapshot": "Snapshot",
    },
)

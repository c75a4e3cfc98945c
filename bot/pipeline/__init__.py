"""One feed's pass through the stages, over ports only. Knows no library, no database and no channel."""

from bot.pipeline.passes import FeedReport, PassReport, Pipeline
from bot.pipeline.snapshot import Snapshot
from bot.pipeline.wording import notice

__all__ = ["FeedReport", "PassReport", "Pipeline", "Snapshot", "notice"]

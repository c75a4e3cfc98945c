"""Rules over the stored archive: what they would have found, missed by little, and said.

The same rules, grouping and alerts as the live path, over a draft in memory. Writes nothing, sends nothing, reads no
clock.
"""

from bot.pipeline.backtest.report import Comparison, MatchedArticle, NearMiss, Post, Report, RuleReport
from bot.pipeline.backtest.trial import Plan, run

__all__ = ["Comparison", "MatchedArticle", "NearMiss", "Plan", "Post", "Report", "RuleReport", "run"]

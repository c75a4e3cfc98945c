"""Try rules on the stored archive."""

from bot.pipeline.backtest.report import Comparison, MatchedArticle, NearMiss, Post, Report, RuleReport
from bot.pipeline.backtest.trial import Plan, run

__all__ = ["Comparison", "MatchedArticle", "NearMiss", "Plan", "Post", "Report", "RuleReport", "run"]

"""A story in short: a headline, whole sentences, why it matched and who carries it.

    story → the article of its headline → sentences → fit ones → two or three → StoryBrief

Extractive: every word shown is in an article, and each sentence names it. Decides nothing about posting.
"""

from bot.language.sentences import SentenceSpan
from bot.language.sentences import split as sentences
from bot.summaries.briefs import Coverage, brief, coverage, headline, headline_of
from bot.summaries.picking import pick

__all__ = ["Coverage", "SentenceSpan", "brief", "coverage", "headline", "headline_of", "pick", "sentences"]

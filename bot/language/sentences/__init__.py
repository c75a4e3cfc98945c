"""Sentences of a text: where they are, and whether one is whole and the article's own.

The one home of sentencex. Sees text only: no article, no rule, no story.
"""

from bot.language.sentences.boilerplate import dateline_length, is_boilerplate
from bot.language.sentences.own_words import own_words, without_footer
from bot.language.sentences.quality import LONGEST, Fault, fault, is_balanced, is_cut_title, is_dangling, is_question
from bot.language.sentences.splitting import UNSPACED, SentenceSpan, split

__all__ = [
    "LONGEST",
    "UNSPACED",
    "Fault",
    "SentenceSpan",
    "dateline_length",
    "fault",
    "is_balanced",
    "is_boilerplate",
    "is_cut_title",
    "is_dangling",
    "is_question",
    "own_words",
    "split",
    "without_footer",
]

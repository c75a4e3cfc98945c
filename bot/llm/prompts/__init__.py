"""What a language model is asked, and what is believed of its answers: one file for each use.

    article, story → prompt (our words | data) → the model → text → read: form, words that stand in the data → answer

Pure. Text of articles is data in every prompt: values of one JSON document, of a bounded size, apart from our words.
"""

from bot.llm.prompts.reading import FORMS, read
from bot.llm.prompts.wording import speaks_to_a_model

__all__ = ["FORMS", "read", "speaks_to_a_model"]

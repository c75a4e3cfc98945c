"""Does an article that is not certainly of a story tell the same event as one of the nearest?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import pydantic

from bot import model
from bot.llm.prompts.wording import Answer, document, prompt, reports, stands_in

VERSION = 2
#: Sentences of a report that are shown.
_SENTENCES = 2
_INSTRUCTIONS = """\
You sort news articles into stories for a press office. A story is one event and what follows from it: a decision, the \
reactions to it, its later dates and figures. Two events are two stories, however alike their words: a second fine, \
ruling, attack, launch or accident is another event, even of the same company or in the same place. Background about \
earlier events does not make an article tell them, and a round-up of several events tells none of them.

Is the event that `article` reports the event of one of the numbered `stories`, of which you see first and last reports?
- verdict "same": it is; `story` is the number of that story.
- verdict "other": it reports another event than each of them; `story` is 0.
- verdict "cannot_tell": the texts do not say enough to decide; `story` is 0.
- `words`: the shortest passage of the article's headline or text that decides, copied letter by letter."""


class Verdict(StrEnum):
    """Whether two texts tell one event."""

    SAME = "same"
    OTHER = "other"
    CANNOT_TELL = "cannot_tell"


class SameEvent(Answer):
    """The answer."""

    verdict: Verdict = pydantic.Field(strict=False)
    #: The number of the story that it is the same event as, from 1; 0: none.
    story: int
    #: The words of the article that decide.
    words: str

    def problem(self, data: Mapping[str, Any]) -> str | None:
        """The words must be the article's, and the story one of those that were shown."""
        if self.verdict is Verdict.CANNOT_TELL:
            return None
        if self.verdict is Verdict.SAME and not 1 <= self.story <= len(data["stories"]):
            return f"there is no story {self.story}"
        if not stands_in(self.words, [data["article"]["headline"], data["article"]["text"]]):
            return "the words that decide are not in the article"
        return None


def ask(article: model.Article, stories: Sequence[model.Story]) -> model.Prompt:
    """``stories``: the nearest first; an answer counts them from 1."""
    data = {
        "article": document(article),
        "stories": [
            {"number": number, "reports": reports(story.members, _SENTENCES)}
            for number, story in enumerate(stories, start=1)
        ],
    }
    beside = " ".join(story.id for story in stories)
    return prompt(model.Use.SAME_EVENT, VERSION, _INSTRUCTIONS, data, SameEvent, article=article.id, beside=beside)

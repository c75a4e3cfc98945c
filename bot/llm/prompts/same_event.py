"""Does an article that is not certainly of a story tell the same event as one of the nearest?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import pydantic

from bot import model
from bot.llm.prompts.wording import REPORTS, Answer, document, prompt, reports, stands_in

VERSION = 4
#: Maximum sentences of each report, and reports of all stories together.
_SENTENCES = 2
_REPORTS = 18
_INSTRUCTIONS = """\
You sort news articles into stories for a press office. A story is one event and what follows from it: a decision, the \
reactions to it, its later dates and figures, an appeal against it, its reversal, the successor of somebody who left. \
Two events are two stories, however alike their words: a second fine, ruling, recall, attack, launch or accident is \
another event, even of the same company or in the same place. Background about earlier events does not make an article \
tell them, and a round-up of several events tells none of them. An explainer, a timeline or a service piece about one \
event belongs to it; so does a comment on it, whoever speaks.

Is the event that `article` reports the event of one of the numbered `stories`? You see first and last reports of \
each, which may be in other languages than the article. A story may hold a report of another event by mistake: compare \
with the event that most of its reports tell. Where a date in a text disagrees with `published`, trust the text for \
when something happens, and `published` for when it was reported.
- verdict "same": it is; `stories` has the number of that story, and of each further one that is the same event too.
- verdict "other": it reports another event than each of them; `stories` is empty.
- verdict "cannot_tell": the texts do not say enough to decide; `stories` is empty.
- `words`: the shortest passage of the article's headline or text that decides, copied letter by letter; of a \
round-up, its headline."""


class Verdict(StrEnum):
    """Whether an article and a story are about the same event."""

    SAME = "same"
    OTHER = "other"
    CANNOT_TELL = "cannot_tell"


class SameEvent(Answer):
    """An answer about the event of an article."""

    verdict: Verdict = pydantic.Field(strict=False)
    #: The numbers of the stories about the same event, from 1.
    stories: tuple[int, ...] = pydantic.Field(strict=False)
    #: The deciding words of the article.
    words: str

    def problem(self, data: Mapping[str, Any]) -> str | None:
        """Check that the words are quoted from the article and the stories were offered."""
        if self.verdict is Verdict.CANNOT_TELL:
            return None
        unknown = set(self.stories) - {story["number"] for story in data["stories"]}
        if self.verdict is Verdict.SAME and (unknown or not self.stories):
            return f"there is no story {min(unknown)}" if unknown else "it names no story"
        if not stands_in(self.words, [data["article"]["headline"], data["article"]["text"]]):
            return "the deciding words are not in the article"
        return None

    def named(self, offered: Sequence[str]) -> tuple[model.StoryId, ...]:
        """Return the ids of the stories about the same event, from the ids ``offered``; empty for another event."""
        is_same = self.verdict is Verdict.SAME
        return tuple(model.StoryId(offered[number - 1]) for number in self.stories) if is_same else ()


def ask(article: model.Article, stories: Sequence[model.Story]) -> model.Prompt:
    """Ask whether an article is about the event of one of the stories, the nearest first."""
    most = min(REPORTS, _REPORTS // len(stories))
    data = {
        "article": document(article),
        "stories": [
            {"number": number, "reports": reports(story.members, _SENTENCES, most=most)[0]}
            for number, story in enumerate(stories, start=1)
        ],
    }
    beside = " ".join(story.id for story in stories)
    return prompt(model.Use.SAME_EVENT, VERSION, _INSTRUCTIONS, data, SameEvent, article=article.id, beside=beside)

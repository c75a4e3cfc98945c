"""What of an article is new in its story, and may be told?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pydantic

from bot import model
from bot.llm.prompts.wording import SENTENCE, Answer, document, prompt, reports, stands_in
from bot.model import visible

VERSION = 4
#: Maximum reports of the story, sentences of each report, and characters of all these sentences.
_REPORTS = 12
_SENTENCES = 12
_ROOM = 9_000
_INSTRUCTIONS = """\
You choose what a news desk tells its readers as new in a story. `story` is what was reported so far, oldest first, \
`article` is a new article of it, and `updates` are numbered sentences of that article. A long story is not shown \
whole: `reports_left_out` and `sentences_left_out` count what you do not see. An update is posted as its sentence; one \
with `before` has the line "`before` → `after`" over it.

Choose the updates that tell a development which the readers of the story must know and which `story` does not have: a \
decision, a next step, an outcome, a new cause or actor, a figure or a date that has changed or that was not known \
before, a denial, or a correction of what was reported. With `before`: both values must be of the same thing, and the \
article says or shows that the one has replaced the other; of a sentence that is offered with and without it choose \
one. Of updates that say the same choose the shortest that is complete. A date in a text counts from `published`.

Do not choose what was reported already in other words, what only adds detail (also to a figure that is known) or \
colour to the development that was reported last, a comment by somebody who decides nothing in it, background, recaps, \
opinions, guesses, advertisements, or what is part of another event. Most \
articles repeat what others have reported: then choose nothing.

Answer with the chosen updates, at most three, the most important first; `updates` is empty where nothing is new. \
`number` is that of the update, `words` the shortest passage of its sentence that tells what is new, copied letter by \
letter."""


class Chosen(Answer):
    """An update that the model chooses as new."""

    #: Counted from 1.
    number: int
    #: The deciding words of the update's sentence.
    words: str


class Facts(Answer):
    """An answer: the updates that are new."""

    updates: tuple[Chosen, ...] = pydantic.Field(strict=False)

    def problem(self, data: Mapping[str, Any]) -> str | None:
        """Check that each update was offered and quotes its sentence."""
        offered = {update["number"]: update["sentence"] for update in data["updates"]}
        for update in self.updates:
            if update.number not in offered:
                return f"there is no update {update.number}"
            if not stands_in(update.words, [offered[update.number]]):
                return "the words that decide are not in the update's sentence"
        return None

    @property
    def chosen(self) -> frozenset[int]:
        """The numbers of the new updates."""
        return frozenset(update.number for update in self.updates)


def ask(article: model.Article, story: model.Story, offered: Sequence[model.Fact]) -> model.Prompt:
    """Ask which of the ``offered`` facts of an article are new in its story, with or without the article in it."""
    members = [member for member in story.members if member.article.id != article.id]
    story_reports, omitted = reports(members, _SENTENCES, most=_REPORTS, room=_ROOM)
    data = {
        "story": story_reports,
        **({"reports_left_out": omitted} if omitted else {}),
        "article": document(article),
        "updates": [_shown(number, fact) for number, fact in enumerate(offered, start=1)],
    }
    return prompt(model.Use.FACTS, VERSION, _INSTRUCTIONS, data, Facts, article=article.id, beside=story.id)


def _shown(number: int, fact: model.Fact) -> dict[str, object]:
    change = {"what": fact.label, "before": fact.before, "after": fact.after} if fact.before else {}
    texts = {**change, "sentence": fact.sentence}
    return {"number": number, **{name: visible.line(text, SENTENCE) for name, text in texts.items() if text}}

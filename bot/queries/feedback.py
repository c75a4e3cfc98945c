"""The question about feedback: each rule's precision, and the splits and merges of its stories."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pydantic

from bot import storage
from bot.alerts import feedback
from bot.model.actions import RulingKind
from bot.queries.registry import (
    Archive,
    Document,
    Name,
    Omittable,
    Parameters,
    Question,
    Time,
    When,
    parse_time,
    unknown_rule,
)
from bot.rules import errors
from bot.stories import summaries


class FeedbackParameters(Parameters):
    """The rules whose feedback is shown, and how far to look back."""

    rule: Omittable[Name] = pydantic.Field(default=None, description="A rule's name or a part of it; without it, all.")
    since: When = pydantic.Field(default="30d", description="Only feedback since this day or within this time.")


class RulingText(Document):
    """A split or merge of a rule's story, in words. ``done`` is false until the bot has split or merged the story.

    ``failed`` is true if the bot could not do it because of a bug.
    """

    at: Time
    by: str
    kind: str
    text: str
    done: bool
    failed: bool


class RuleFeedbackDocument(Document):
    """The feedback on one rule that has a judged, split or merged story.

    ``precision`` and its 95 % interval (``low`` to ``high``) are from 0 to 1, or null if no story was judged.
    ``is_loaded`` is false if the rule is no longer in the configuration.
    """

    rule: str
    is_loaded: bool
    useful: int
    noise: int
    precision: float | None
    low: float | None
    high: float | None
    rulings: list[RulingText]


class FeedbackAnswer(Document):
    """The feedback on rules, lowest precision first. Rules without a judged story come last."""

    feedback: list[RuleFeedbackDocument]


def list_feedback(archive: Archive, parameters: FeedbackParameters) -> FeedbackAnswer:
    """List each rule's precision according to reader feedback, and the stories that people split or merged."""
    since = parse_time("since", parameters.since, archive.now)
    assert since is not None
    return FeedbackAnswer(feedback=read_feedback(archive, since, parameters.rule))


FEEDBACK = Question("feedback", list_feedback, FeedbackAnswer, path="/feedback")


def read_feedback(archive: Archive, since: datetime, name: str | None = None) -> list[RuleFeedbackDocument]:
    """Return the feedback on the rule ``name``, or else on rules whose names contain it, lowest precision first.

    Without a name, return the feedback on all rules. Rules without a judged story come last. Raises Refused.
    """
    loaded = {entry.rule.name for entry in archive.settings.rules}
    judgements = archive.tx.judgements.since(since)
    precisions = feedback.precision_by_rule(judgements)
    rulings = _ruling_texts_by_rule(archive.tx, since)
    names = {*loaded, *rulings, *(judgement.rule for judgement in judgements if judgement.rule)}
    if name is not None:
        names = set(errors.find_names(name, names))
        if not names:
            raise unknown_rule(name, archive.settings)
    rows = []
    for rule in names.intersection({*precisions, *rulings}):
        precision = precisions.get(rule)
        low, high = precision.interval if precision else (None, None)
        rows.append(
            RuleFeedbackDocument(
                rule=rule,
                is_loaded=rule in loaded,
                useful=precision.useful if precision else 0,
                noise=precision.noise if precision else 0,
                precision=precision.share if precision else None,
                low=low,
                high=high,
                rulings=rulings.get(rule, []),
            )
        )
    return sorted(rows, key=lambda row: (2.0 if row.precision is None else row.precision, row.rule))


def _ruling_texts_by_rule(tx: storage.Transaction, since: datetime) -> Mapping[str, list[RulingText]]:
    """Return the rulings since ``since`` by rule of their stories, oldest first. Omit rulings about deleted stories."""
    rulings = tx.rulings.since(since)
    stories = tx.stories.get([story for ruling in rulings for story in (ruling.story, ruling.other) if story])
    articles = tx.articles.get([article for ruling in rulings for article in ruling.articles])
    texts: dict[str, list[RulingText]] = {}
    for ruling in rulings:
        story, other = stories.get(ruling.story), stories.get(ruling.other) if ruling.other else None
        if story is None:
            continue
        headline = summaries.story_headline(story)
        if ruling.kind is RulingKind.MERGE:
            text = f'one event: "{headline}" and "{summaries.story_headline(other) if other else ruling.other}"'
        else:
            titles = [f'"{articles[article].title}"' for article in ruling.articles if article in articles]
            text = f'separate from "{headline}": {", ".join(titles) or "articles that are no longer stored"}'
        ruling_text = RulingText(
            at=ruling.at,
            by=ruling.by,
            kind=ruling.kind,
            text=text,
            done=ruling.done_at is not None,
            failed=ruling.failed_at is not None,
        )
        for rule in dict.fromkeys((*story.rules, *(other.rules if other else ()))):
            texts.setdefault(rule, []).append(ruling_text)
    return texts

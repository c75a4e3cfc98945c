"""Questions about rules: list rules, show a rule or its feedback, try a pasted rule, draft a rule."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Annotated, Self

import pydantic

from bot import config, model, rules, storage
from bot.alerts import feedback, routing
from bot.queries import trials
from bot.queries.registry import (
    Archive,
    Document,
    Id,
    Name,
    Omittable,
    PagedParameters,
    Parameters,
    ProblemDocument,
    Time,
    When,
    Whole,
    find_rule,
    parse_time,
    unknown_rule,
)
from bot.stories import summaries

#: Period over which a rule's stories are counted.
RECENT = timedelta(days=7)


class RulesParameters(PagedParameters):
    """A page of the rules."""


class RuleLine(Document):
    """A summary of a loaded rule."""

    name: str
    notify: list[str]
    severity: str
    paused: bool
    stories_7d: int


class RulesPage(Document):
    """Rules, in the order of the rule files; ``after`` starts the next page and is null on the last page."""

    rules: list[RuleLine]
    after: str | None


def summarize_rule(rule: model.Rule, stories: int, routes: Sequence[model.Route]) -> RuleLine:
    """Summarize a rule with every channel that it may notify. ``stories`` is the number of stories in seven days."""
    return RuleLine(
        name=rule.name,
        notify=list(routing.possible_channels(routes, rule)),
        severity=rule.severity.value,
        paused=rule.paused,
        stories_7d=stories,
    )


def list_rules(archive: Archive, parameters: RulesParameters) -> RulesPage:
    """List the loaded rules with their channels, severity and number of stories in seven days."""
    loaded, skip = archive.settings.rules, parameters.number_after or 0
    stories = archive.tx.stories.count_by_rule(since=archive.now - RECENT)
    shown = loaded[skip : skip + parameters.limit]
    routes = archive.settings.bot.routes
    return RulesPage(
        rules=[summarize_rule(entry.rule, stories.get(entry.rule.name, 0), routes) for entry in shown],
        after=str(skip + len(shown)) if shown and skip + len(shown) < len(loaded) else None,
    )


class RuleParameters(Parameters):
    """The rule to show."""

    name: Annotated[Id, pydantic.Field(description="The rule's name.")]


class PrecisionDocument(Document):
    """Reader feedback on a rule's stories in the last 90 days; ``share`` is between 0 and 1."""

    useful: int
    noise: int
    share: float


class RuleDocument(RuleLine):
    """A loaded rule: its meaning, its matches by day and its precision."""

    in_english: str
    note: str | None
    yaml: str | None
    matches_by_day: dict[str, int]
    precision: PrecisionDocument | None


def show_rule(archive: Archive, parameters: RuleParameters) -> RuleDocument:
    """Show one loaded rule: its meaning in English, its YAML, its matches by day and its precision."""
    rule, name = find_rule(parameters.name, archive.settings).rule, parameters.name
    stories = archive.tx.stories.count_by_rule(since=archive.now - RECENT)
    judgements = archive.tx.judgements.since(archive.now - feedback.JUDGED_WITHIN)
    precision = feedback.precision_by_rule(judgements).get(name)
    source = config.find_rule_source(archive.settings, name)
    by_day = archive.day_counts.rules.get(name, {})
    return RuleDocument(
        **summarize_rule(rule, stories.get(name, 0), archive.settings.bot.routes).model_dump(),
        in_english=rules.describe_rule(rule),
        note=rule.note,
        yaml=source.item.yaml if source else None,
        matches_by_day={day.isoformat(): count for day, count in sorted(by_day.items())},
        precision=PrecisionDocument.of(precision) if precision else None,
    )


# -- feedback


class FeedbackParameters(Parameters):
    """The rules whose feedback is shown, and how far to look back."""

    rule: Annotated[Omittable[Name], pydantic.Field(description="A rule's name or a part of it; without it, all.")] = (
        None
    )
    since: Annotated[When, pydantic.Field(description="Since this day or within this time.")] = "30d"


class RulingText(Document):
    """A split or merge of a rule's story, in words. ``done`` is false until the bot has carried it out."""

    at: Time
    by: str
    kind: str
    text: str
    done: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleFeedback:
    """The feedback on one rule that has a judged, split or merged story."""

    rule: str
    #: False if the rule is no longer in the configuration.
    is_loaded: bool
    #: None if no story of the rule was judged.
    precision: feedback.Precision | None
    rulings: tuple[RulingText, ...]


class RuleFeedbackDocument(Document):
    """The feedback on one rule. ``precision`` and its 95 % interval are from 0 to 1, or null if no story was judged."""

    rule: str
    is_loaded: bool
    useful: int
    noise: int
    precision: float | None
    low: float | None
    high: float | None
    rulings: list[RulingText]

    @classmethod
    def of(cls, value: RuleFeedback) -> Self:
        precision = value.precision
        low, high = precision.interval if precision else (None, None)
        return cls(
            rule=value.rule,
            is_loaded=value.is_loaded,
            useful=precision.useful if precision else 0,
            noise=precision.noise if precision else 0,
            precision=precision.share if precision else None,
            low=low,
            high=high,
            rulings=list(value.rulings),
        )


class FeedbackAnswer(Document):
    """The feedback on rules, lowest precision first. Rules without a judged story come last."""

    feedback: list[RuleFeedbackDocument]

    @classmethod
    def of(cls, value: Sequence[RuleFeedback]) -> Self:
        return cls(feedback=[RuleFeedbackDocument.of(entry) for entry in value])


def list_feedback(archive: Archive, parameters: FeedbackParameters) -> Sequence[RuleFeedback]:
    """List each rule's precision according to reader feedback, and the stories that people split or merged."""
    since = parse_time("since", parameters.since, archive.now)
    assert since is not None
    return read_feedback(archive, since, parameters.rule)


def read_feedback(archive: Archive, since: datetime, name: str | None = None) -> Sequence[RuleFeedback]:
    """Return the feedback on the rule ``name``, or else on rules whose names contain it, lowest precision first.

    Without a name, return the feedback on all rules. Rules without a judged story come last. Raises Refused.
    """
    loaded = {entry.rule.name for entry in archive.settings.rules}
    judgements = archive.tx.judgements.since(since)
    precisions = feedback.precision_by_rule(judgements)
    rulings = _ruling_texts_by_rule(archive.tx, since)
    names = {*loaded, *rulings, *(judgement.rule for judgement in judgements if judgement.rule)}
    if name is not None:
        similar = {candidate for candidate in names if name.casefold() in candidate.casefold()}
        names = {name} if name in names else similar
        if not names:
            raise unknown_rule(name, archive.settings)
    rows = [
        RuleFeedback(rule=rule, is_loaded=rule in loaded, precision=precisions.get(rule), rulings=rulings.get(rule, ()))
        for rule in names.intersection({*precisions, *rulings})
    ]
    return sorted(rows, key=lambda row: (row.precision.share if row.precision else 2.0, row.rule))


def _ruling_texts_by_rule(tx: storage.Transaction, since: datetime) -> Mapping[str, tuple[RulingText, ...]]:
    """Return the rulings since ``since`` by rule, oldest first, without rulings about deleted stories."""
    rulings = tx.rulings.since(since)
    stories = tx.stories.get([story for ruling in rulings for story in (ruling.story, ruling.other) if story])
    articles = tx.articles.get([article for ruling in rulings for article in ruling.articles])
    texts: dict[str, list[RulingText]] = {}
    for ruling in rulings:
        story, other = stories.get(ruling.story), stories.get(ruling.other) if ruling.other else None
        if story is None:
            continue
        headline = summaries.story_headline(story)
        if ruling.kind is model.RulingKind.MERGE:
            text = f'one event: "{headline}" and "{summaries.story_headline(other) if other else ruling.other}"'
        else:
            titles = [f'"{articles[article].title}"' for article in ruling.articles if article in articles]
            text = f'separate from "{headline}": {", ".join(titles) or "articles that are no longer stored"}'
        done = ruling.done_at is not None
        ruling_text = RulingText(at=ruling.at, by=ruling.by, kind=ruling.kind, text=text, done=done)
        for rule in dict.fromkeys((*story.rules, *(other.rules if other else ()))):
            texts.setdefault(rule, []).append(ruling_text)
    return {rule: tuple(rule_texts) for rule, rule_texts in texts.items()}


# -- try


class TryParameters(Parameters):
    """The rules to try, and the number of days to look back."""

    rule: Annotated[
        str,
        pydantic.Field(
            min_length=1,
            max_length=trials.MOST_CHARACTERS,
            description="A rule in YAML, a list of rules, a whole rule file, or only a query.",
            examples=["name: Any backdoor\nquery: backdoor*\nnotify: alerts\n"],
        ),
    ]
    days: Annotated[int, pydantic.Field(ge=1, le=trials.MOST_DAYS), Whole] = trials.DAYS


class HitDocument(Document):
    """An article of a backtest, and why the rule matched it or not."""

    id: Annotated[str, pydantic.Field(validation_alias="article")]
    title: str
    outlet: str
    link: str
    first_seen: Time
    why: str


class NearDocument(Document):
    """Near misses: articles that fail only one condition, which is the same for all. ``examples`` are the latest."""

    what: str
    count: int
    examples: list[HitDocument]


class ComparisonDocument(Document):
    """A rule compared with another version of it."""

    with_: Annotated[str, pydantic.Field(validation_alias="with_what", serialization_alias="with")]
    both: int
    starts: list[HitDocument]
    stops: list[HitDocument]


class RuleTrial(Document):
    """The backtest result of one rule."""

    rule: str
    matches: Annotated[list[HitDocument], pydantic.Field(validation_alias="hits")]
    by_day: dict[date, int]
    near: list[NearDocument]
    compared: Annotated[ComparisonDocument | None, pydantic.Field(validation_alias="comparison")]


class PostDocument(Document):
    """A message that the rules would have created."""

    at: Time
    channel: str
    kind: str
    reason: str
    headlines: list[str]
    rules: list[str]


class TrialDocument(Document):
    """The result of a backtest, as ``wirewatch try --json`` prints it."""

    articles: int
    since: Time
    until: Time
    rules: list[RuleTrial]
    stories: int
    held: int
    matched: int
    replayed: int
    told_until: Time | None
    messages: list[PostDocument]


class TryAnswer(Document):
    """A trial of pasted rules. If ``trial`` is null, ``remark`` or ``problems`` explains why.

    ``patch`` adds the rules to the configuration; apply it with ``git apply`` in the configuration folder.
    """

    problems: list[ProblemDocument]
    remark: str
    trial: Annotated[TrialDocument | None, pydantic.Field(validation_alias="report")]
    patch: str


def try_rule(archive: Archive, parameters: TryParameters) -> trials.PlaygroundResult:
    """Try a rule on the stored articles. Shows its matches, messages and near misses; saves nothing."""
    return trials.try_pasted(archive, parameters.rule, parameters.days)


# -- draft

_Wordings = Annotated[list[Annotated[str, pydantic.Field(max_length=2_000)]], pydantic.Field(max_length=1_000)]


class DraftParameters(Parameters):
    """The parts of the rule to draft."""

    name: Name
    notify: Annotated[_Wordings, pydantic.Field(description="Names of channels.")]
    query: Annotated[
        str | None, pydantic.Field(max_length=trials.MOST_CHARACTERS, description="A query, instead of `all`.")
    ] = None
    all: Annotated[
        dict[Name, _Wordings] | None,
        pydantic.Field(description="Wordings by label; an article must contain one wording of each label."),
    ] = None
    none: Annotated[_Wordings | None, pydantic.Field(description="Wordings that exclude an article.")] = None
    must_match: Annotated[_Wordings | None, pydantic.Field(description="Headlines that it must match.")] = None
    must_not_match: Annotated[_Wordings | None, pydantic.Field(description="Headlines that it must not match.")] = None


class DraftAnswer(Document):
    """A drafted rule. ``check`` is the output of `wirewatch check` for it."""

    yaml: str
    problems: list[ProblemDocument]
    check: str


def draft_rule(archive: Archive, parameters: DraftParameters) -> DraftAnswer:
    """Write a rule as YAML and check it. Saves nothing; a person must add the rule to a file."""
    parts = [f"name: {_quoted(parameters.name)}"]
    if parameters.query is not None:
        parts.append("\n".join(["query: |", *(f"  {line}" for line in parameters.query.strip().splitlines())]))
    if parameters.all:
        lines = (f"  {_quoted(label)}: {_list(terms)}" for label, terms in parameters.all.items())
        parts.append("\n".join(["all:", *lines]))
    lists = {
        "none": parameters.none,
        "notify": parameters.notify,
        "must_match": parameters.must_match,
        "must_not_match": parameters.must_not_match,
    }
    parts += [f"{key}: {_list(terms)}" for key, terms in lists.items() if terms]
    first, *continuation = "\n".join(parts).split("\n")
    written = "\n".join([f"- {first}", *(f"  {line}" for line in continuation)]) + "\n"
    if len(written) > trials.MOST_CHARACTERS:
        text = f"the rule has {len(written):,} characters; a draft may have at most {trials.MOST_CHARACTERS:,}"
        problem = model.Problem(severity="error", file=trials.PASTED_FILE, code="too-long", message=text)
        problems: tuple[model.Problem, ...] = (problem,)
    else:
        _, problems = trials.parse_pasted(written, archive.settings, rules.Steps(trials.MOST_STEPS_OF_EXAMPLES))
    documents = [ProblemDocument.of(problem) for problem in problems]
    return DraftAnswer(yaml=written, problems=documents, check=config.render_problems(problems))


def _list(terms: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, terms))}]"


def _quoted(text: str) -> str:
    """Quote the text as JSON, because YAML accepts every JSON string."""
    return json.dumps(text, ensure_ascii=False)

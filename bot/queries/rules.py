"""Questions about rules: list them, show one, try a pasted one, draft one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Annotated, Self

import pydantic

from bot import config, model, rules
from bot.alerts import feedback, routing
from bot.queries import trials
from bot.queries.registry import (
    Archive,
    Document,
    Id,
    Name,
    PagedParameters,
    Parameters,
    ProblemDocument,
    Time,
    Whole,
    find_rule,
)

_WEEK = timedelta(days=7)


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
    """Rules in the order of their files; ``after`` starts the next page and is null on the last page."""

    rules: list[RuleLine]
    after: str | None


def summarize_rule(rule: model.Rule, stories: int, routes: Sequence[model.Route]) -> RuleLine:
    """Summarize a rule with every channel that it may notify; ``stories`` counts the last seven days."""
    return RuleLine(
        name=rule.name,
        notify=list(routing.possible_channels(routes, rule)),
        severity=rule.severity.value,
        paused=rule.paused,
        stories_7d=stories,
    )


def list_rules(archive: Archive, parameters: RulesParameters) -> RulesPage:
    """Return a page of the loaded rules, in the order of their files."""
    loaded, skip = archive.settings.rules, parameters.number_after or 0
    stories = archive.tx.stories.count_by_rule(since=archive.now - _WEEK)
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
    """Return one loaded rule."""
    rule, name = find_rule(parameters.name, archive.settings).rule, parameters.name
    stories = archive.tx.stories.count_by_rule(since=archive.now - _WEEK)
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


# -- try


class TryParameters(Parameters):
    """The rules to try, and over how many days."""

    rule: Annotated[
        str,
        pydantic.Field(
            min_length=1,
            max_length=trials.MOST_CHARACTERS,
            description="A rule in YAML, a list of rules, a whole rule file, or a bare query.",
            examples=["name: Any backdoor\nquery: backdoor*\nnotify: alerts\n"],
        ),
    ]
    days: Annotated[int, pydantic.Field(ge=1, le=trials.MOST_DAYS), Whole] = trials.DAYS


class HitDocument(Document):
    """An article of a backtest, and why the rule matched it or did not."""

    id: Annotated[str, pydantic.Field(validation_alias="article")]
    title: str
    outlet: str
    link: str
    first_seen: Time
    why: str


class NearDocument(Document):
    """Near misses: articles that fail by the same single condition; ``examples`` are the latest few."""

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
    """The result of one rule over the archive."""

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
    """A trial of pasted rules; if there was none, ``trial`` is null and ``remark`` or ``problems`` explains why.

    ``patch`` adds the rules to the configuration; apply it with ``git apply`` in the configuration folder.
    """

    problems: list[ProblemDocument]
    remark: str
    trial: Annotated[TrialDocument | None, pydantic.Field(validation_alias="report")]
    patch: str


def try_rule(archive: Archive, parameters: TryParameters) -> trials.PlaygroundResult:
    """Return what pasted rules would have matched and posted. Saves nothing."""
    return trials.try_pasted(archive, parameters.rule, parameters.days)


# -- draft

_Wordings = Annotated[list[Annotated[str, pydantic.Field(max_length=2_000)]], pydantic.Field(max_length=1_000)]


class DraftParameters(Parameters):
    """The parts of a rule that somebody describes."""

    name: Name
    notify: Annotated[_Wordings, pydantic.Field(description="Names of channels.")]
    query: Annotated[
        str | None, pydantic.Field(max_length=trials.MOST_CHARACTERS, description="A query; without `all`.")
    ] = None
    all: Annotated[
        dict[Name, _Wordings] | None,
        pydantic.Field(description="Label -> wordings; an article must mention one wording of each label."),
    ] = None
    none: Annotated[_Wordings | None, pydantic.Field(description="Wordings that exclude an article.")] = None
    must_match: Annotated[_Wordings | None, pydantic.Field(description="Headlines that it must match.")] = None
    must_not_match: Annotated[_Wordings | None, pydantic.Field(description="Headlines that it must not match.")] = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A rule as an item of a rule file's list, and its problems."""

    yaml: str
    problems: tuple[model.Problem, ...]


class DraftAnswer(Document):
    """A drafted rule; ``check`` is what `wirewatch check` prints about it."""

    yaml: str
    problems: list[ProblemDocument]
    check: str

    @classmethod
    def of(cls, value: Draft) -> Self:
        check = config.render_problems(value.problems)
        return cls(yaml=value.yaml, problems=[ProblemDocument.of(problem) for problem in value.problems], check=check)


def draft_rule(archive: Archive, parameters: DraftParameters) -> Draft:
    """Return the YAML of a rule and its problems. Saves nothing."""
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
        text = f"the rule has {len(written):,} characters; a draft may have {trials.MOST_CHARACTERS:,}"
        problem = model.Problem(severity="error", file=trials.PASTED_FILE, code="too-long", message=text)
        return Draft(yaml=written, problems=(problem,))
    _, problems = trials.parse_pasted(written, archive.settings, rules.Steps(trials.MOST_STEPS_OF_EXAMPLES))
    return Draft(yaml=written, problems=problems)


def _list(terms: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, terms))}]"


def _quoted(text: str) -> str:
    """Put the text in double quotes, where YAML accepts every escape of JSON."""
    return json.dumps(text, ensure_ascii=False)

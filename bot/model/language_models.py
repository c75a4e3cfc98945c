"""Language models: prompts, answers and their cost; and encoders, which turn texts into vectors of meaning."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Annotated, ClassVar, Protocol

import msgspec

from bot import keys
from bot.durations import format_duration
from bot.keys import Key, Parse
from bot.model.access import Secret
from bot.model.stories import ArticleId


class Use(StrEnum):
    """A task for a language model."""

    #: Judge whether an article and the first report of a story report the same event.
    SAME_EVENT = "same_event"
    #: Choose the sentence of an article that is new in its story.
    FACTS = "facts"
    #: Decide whether an article is about the subject that its rule describes in plain words.
    RELEVANCE = "relevance"
    #: Translate headline and summary into the language that a channel wants in addition to the original.
    TRANSLATE = "translate"


#: Use -> version of its prompt. Increment it when the instructions or the schema change, so that no old answer is
#: reused and the model is examined again.
PROMPT_VERSIONS: Mapping[Use, int] = {
    Use.SAME_EVENT: 8,
    Use.FACTS: 8,
    Use.RELEVANCE: 2,
    Use.TRANSLATE: 1,
}


class Prompt(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One prompt: our instructions, an input that may contain text of articles, and the schema of the answer."""

    use: Use
    #: Incremented when the instructions or the schema change, so that no old answer is reused.
    version: int
    #: Only our own words, never text of articles.
    instructions: str
    #: The input: a JSON document, or two reports and the question. Only this field may contain text of articles.
    data: str
    #: JSON Schema of the answer, as a JSON document. It is empty for a question whose answer is yes or no.
    schema: str = ""
    #: The article that the prompt is about.
    article: ArticleId
    #: The other subject of the prompt: the ids of stories, or the name of a rule or a language.
    beside: str = ""
    #: The right answer about a pair of reports that the words know, or None for any other prompt.
    known: bool | None = None

    @cached_property
    def key(self) -> str:
        """A digest of everything that the answer depends on, except the model."""
        parts = (self.use, str(self.version), self.instructions, self.data, self.schema)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


class Outcome(StrEnum):
    """How a call ended."""

    #: A usable answer.
    ANSWERED = "answered"
    #: An answer that cannot be used.
    REFUSED = "refused"
    #: No answer: a timeout, or an API that cannot be used.
    FAILED = "failed"


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one call, and its cost."""

    key: str
    use: Use
    version: int
    article: ArticleId
    beside: str
    at: datetime
    #: The model's name in the configuration.
    model: str
    outcome: Outcome
    #: JSON that fits the prompt's schema, or None if there was no answer. For a pair: {"yes": PROBABILITY}.
    answer: str | None
    #: The right answer about a pair of reports that the words know, or None for any other prompt.
    known: bool | None = None
    #: The reason for a missing answer.
    error: str = ""
    tokens_in: int = 0
    tokens_out: int = 0
    took: timedelta = timedelta()


class Spending(msgspec.Struct, frozen=True, kw_only=True):
    """The total cost of the calls of a period."""

    calls: int = 0
    tokens: int = 0


#: A model passes the exam for a use other than ``same_event`` if at least this share of its answers is right.
PASS_FROM = 0.85
#: While the bot runs, a use is switched off if more than MOST_REFUSED of its last RECENT_CALLS answers cannot be used.
#: This is the share that the exam allows.
RECENT_CALLS, MOST_REFUSED = 20, 3
#: An answer about a pair with a smaller weight cannot change a decision, so the question is not asked.
LEAST_WEIGHT = 0.1
#: A model's probability is kept this far from 0 and 1.
_EDGE = 0.01


class UseRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of a period for one use."""

    outcomes: Mapping[Outcome, int]
    #: Median duration of a call.
    seconds: float

    @property
    def calls(self) -> int:
        """The number of calls."""
        return sum(self.outcomes.values())

    def describe_fault(self) -> str:
        """Return why the use must be switched off, with the figures, or "" if the model can be trusted."""
        refused = self.outcomes.get(Outcome.REFUSED, 0)
        answers = self.calls - self.outcomes.get(Outcome.FAILED, 0)
        return f"of its last {answers} answers, {refused} could not be used" if refused > MOST_REFUSED else ""


_MAX_WAIT = timedelta(minutes=2)


def _parse_url(value: object) -> str:
    written = keys.parse_text(value)
    if written.startswith("file:"):
        if not written.removeprefix("file:").strip():
            raise keys.InvalidValue("address", "after file: comes the path of a file", "write file:answers.jsonl")
        return written
    parts = keys.split_address(written)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or any(map(str.isspace, written)):
        message = f'"{keys.shorten(written)}" is not the address of a model\'s API'
        raise keys.InvalidValue("address", message, "write the whole address: http://127.0.0.1:11434/v1")
    if "@" in parts[2]:
        raise keys.InvalidValue("secret", "a password in an address would be shown in logs and messages", "remove it")
    checked = written.rstrip("/")
    for end in ("/chat/completions", "/completions", "/responses"):
        if checked.endswith(end):
            raise keys.InvalidValue(
                "address", f"the address of a model's API ends before {end}", f"write {checked.removesuffix(end)}"
            )
    return checked


def _check_wait(value: timedelta) -> timedelta:
    if value > _MAX_WAIT:
        limit = format_duration(_MAX_WAIT)
        raise keys.InvalidValue("duration", f"an article waits at most {limit} for a model", f"write {limit} or less")
    return value


def _require_use(uses: frozenset[Use]) -> frozenset[Use]:
    if not uses:
        raise keys.InvalidValue("no-value", "an empty list", "write at least one use: [same_event]")
    return uses


@dataclass(frozen=True, slots=True, kw_only=True)
class LanguageModelPolicy:
    """An optional language model for decisions that the bot cannot make alone."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    url: Annotated[
        str,
        Parse(_parse_url, type="string", pattern="^(https?://|file:)"),
        Key(
            "The base address of an API that is compatible with OpenAI's: https://api.openai.com/v1, or a local one "
            "such as http://127.0.0.1:11434/v1. Or file:PATH, to use a file of prompts and answers instead of an API.",
            example="http://127.0.0.1:11434/v1",
        ),
    ]
    name: Annotated[keys.Text, Key("The model, as the API names it.", example="qwen2.5:3b")]
    key: Annotated[Secret | None, Key("The API's key: env:NAME or file:/path.")] = None
    uses: Annotated[
        frozenset[Use],
        Parse(keys.as_list, "before"),
        Parse(_require_use, "after"),
        Key("The tasks of the model.", example="[same_event, facts]"),
    ]
    calls_per_day: Annotated[int, Key("Maximum number of calls on one day (UTC).", ge=1)] = 500
    tokens_per_day: Annotated[int, Key("Maximum number of tokens on one day (UTC), of prompts and answers.", ge=1)] = (
        1_000_000
    )
    timeout: Annotated[keys.Duration, Key("Timeout of one call.")] = timedelta(seconds=20)
    wait: Annotated[
        keys.Duration,
        Parse(_check_wait, "after"),
        Key("How long a decision waits for the model, at most 2 minutes; then it is made without the model."),
    ] = timedelta(seconds=20)
    at_once: Annotated[int, Key("Maximum number of calls under way at the same time.", ge=1, le=64)] = 4


class PairAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A model's answer about a pair of reports for which the right answer is known."""

    #: The logit of the bot's own probability.
    words: float
    #: The logit of the model's answer.
    answer: float
    is_same: bool


def answer_logit(yes: float) -> float:
    """Return the logit of a model's probability of yes, which is kept at a distance from 0 and 1."""
    yes = min(max(yes, _EDGE), 1 - _EDGE)
    return math.log(yes / (1 - yes))


class ExamMark(msgspec.Struct, frozen=True, kw_only=True):
    """How a model answered the exam's questions for one use."""

    asked: int
    right: int
    #: Number of questions that got no usable answer.
    refused: int
    #: Median time of an answer.
    seconds: float

    def describe(self) -> str:
        """Return the result for people."""
        return f"{self.right} of {self.asked} right"


class ExamResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of the last exam of a model."""

    at: datetime
    url: str
    model: str
    #: What the server says that it serves under the model's name, or "" if it does not say.
    served: str
    #: The versions of the prompts.
    versions: Mapping[Use, int]
    marks: Mapping[Use, ExamMark]
    #: The answers about pairs, and the weight that they earned.
    pairs: tuple[PairAnswer, ...] = ()
    weight: float = 0.0

    def is_passed(self, use: Use) -> bool:
        """Return whether the model is fit for a use that was examined."""
        mark = self.marks[use]
        return self.weight >= LEAST_WEIGHT if use is Use.SAME_EVENT else mark.right >= PASS_FROM * mark.asked

    def describe(self, use: Use) -> str:
        """Return the result for one use, for people."""
        weight = f", weight {self.weight:.2f}" if use is Use.SAME_EVENT else ""
        return f"{use}: {self.marks[use].describe()}{weight}"


def find_exam(policy: LanguageModelPolicy, exam: ExamResult | None) -> ExamResult | None:
    """Return the exam if it is about the model of bot.yaml with the prompts of this version and all of its uses."""
    if exam is None or (exam.url, exam.model, exam.versions) != (policy.url, policy.name, PROMPT_VERSIONS):
        return None
    return exam if policy.uses <= exam.marks.keys() else None


def describe_exam(policy: LanguageModelPolicy, exam: ExamResult | None) -> str:
    """Return a warning if the model has not passed the exam for each of its uses, or "" if it has.

    An answer file needs no exam.
    """
    if policy.url.startswith("file:"):
        return ""
    exam = find_exam(policy, exam)
    if exam is None:
        return (
            f"the model {policy.name} has not been examined, so it is not asked; the bot examines it when it starts, "
            "or run `wirewatch model test`"
        )
    failed = [exam.describe(use) for use in sorted(policy.uses) if not exam.is_passed(use)]
    if not failed:
        return ""
    return (
        f"the model {policy.name} has failed its exam and is not asked: unfit for {'; '.join(failed)}; "
        "remove these uses, or choose a larger model"
    )


def switched_off(
    policy: LanguageModelPolicy, exam: ExamResult | None, records: Mapping[Use, UseRecord], *, weight: float
) -> Mapping[Use, str]:
    """Return the uses for which the model is not asked, with the reason.

    ``records`` are the latest calls since the last exam. ``weight`` is that of its answers about pairs now.
    """
    exam = find_exam(policy, exam)
    reasons = {use: record.describe_fault() for use, record in records.items() if use in policy.uses}
    if exam is not None:
        if Use.SAME_EVENT in policy.uses and weight < LEAST_WEIGHT:
            reasons[Use.SAME_EVENT] = "it answered too many pairs wrongly whose answer is known"
        failed = [use for use in policy.uses if not exam.is_passed(use)]
        reasons |= {use: f"it failed its exam: {exam.describe(use)}" for use in failed}
    return {use: reason for use, reason in reasons.items() if reason}


class ModelAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A raw answer, and its cost."""

    #: JSON that has not been checked against the schema.
    text: str
    tokens_in: int = 0
    tokens_out: int = 0


class LanguageModel(Protocol):
    """A language model that can answer several prompts at the same time."""

    async def ask(self, prompt: Prompt) -> ModelAnswer:
        """Return the model's answer. Raises ModelError."""

    async def find_served(self) -> str:
        """Return what the server says that it serves under the model's name, or "" if it does not say."""

    async def close(self) -> None:
        """Close the connections."""

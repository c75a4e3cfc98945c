"""The shapes of answers: JSON documents, of which the OpenAPI document is made too.

Every text in them that an article, a feed or its server wrote is text of strangers, as it was written.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

import pydantic

from bot.model import visible

Time = Annotated[
    datetime,
    pydantic.PlainSerializer(datetime.isoformat, return_type=str),
    pydantic.WithJsonSchema({"type": "string", "format": "date-time"}),
]


class Document(pydantic.BaseModel):
    """One JSON object; every key is always there. ``model_validate`` takes a value that has them as attributes."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class EvidenceDocument(Document):
    """One place in an article on which a rule fired; offsets in characters into the field."""

    rule: str
    label: str
    term: str
    field: str
    text: str
    start: int
    end: int


class JoinDocument(Document):
    """Why an article is in its story."""

    reason: str
    detail: str


class ArticleHead(Document):
    """What names an article."""

    id: str
    title: str
    link: str
    outlet: str
    published: Time | None
    first_seen: Time


class StoryArticle(ArticleHead):
    """An article of a story."""

    joined: JoinDocument
    matches: list[EvidenceDocument]


class DecisionDocument(Document):
    """What was decided for one channel; ``silence`` is the id of the one that kept it back."""

    at: Time
    channel: str
    action: str
    reason: str
    detail: str
    silence: str | None


class MessageDocument(Document):
    """One message of a story; ``receipt`` is the channel's own id of it, ``link`` its address where there is one."""

    channel: str
    kind: str
    state: str
    sent_at: Time | None
    receipt: str | None
    link: str | None


class CoverageDocument(Document):
    """One headline of a story, as its messages list it.

    ``article`` is the first with this headline, ``more`` the number of other outlets with nearly the same. If
    ``is_probable``, the article joined the story with less than full certainty.
    """

    outlet: str
    title: str
    link: str
    at: Time
    article: str
    more: int
    is_probable: bool


class StoryDocument(Document):
    """One story: all coverage of one event.

    ``byline`` names the outlets with the story's own headline, ``coverage`` the other headlines, the newest first;
    ``copies`` are not in it.
    """

    id: str
    title: str
    first_seen: Time
    last_seen: Time
    rules: list[str]
    byline: CoverageDocument | None
    coverage: list[CoverageDocument]
    copies: int
    article_count: int
    articles: list[StoryArticle]
    decisions: list[DecisionDocument]
    messages: list[MessageDocument]


class StoriesPage(Document):
    """Stories, the last to change first; ``after`` begins the next page, null: there is none."""

    stories: list[StoryDocument]
    after: str | None


class FoundArticle(ArticleHead):
    """An article with the sentences in which the searched words are; marks: [start, end) of a word, in characters."""

    excerpts: list[str]
    title_marks: list[tuple[int, int]]
    excerpt_marks: list[list[tuple[int, int]]]


class FoundPage(Document):
    """Articles, the last to come first; ``after`` begins the next page, null: there is none.

    ``looked_back_to``: where the search stopped, for want of time, before the page was full.
    """

    articles: list[FoundArticle]
    after: str | None
    looked_back_to: Time | None


class ArticleDocument(ArticleHead):
    """One article with its text."""

    author: str | None
    language: str | None
    text: str
    is_full_text: bool
    version: int
    story: str | None
    matches: list[EvidenceDocument]


class RuleLine(Document):
    """A loaded rule in short."""

    name: str
    notify: list[str]
    severity: str
    paused: bool
    stories_7d: int


class PrecisionDocument(Document):
    """What readers said of a rule's stories in 90 days; ``share`` is 0 to 1."""

    useful: int
    noise: int
    share: float


class RuleDocument(RuleLine):
    """A loaded rule: what it means, how often it matched by day, and how often it was right."""

    in_english: str
    note: str | None
    yaml: str | None
    matches_by_day: dict[str, int]
    precision: PrecisionDocument | None


class RulesPage(Document):
    """Rules in the order of their files; ``after`` begins the next page, null: there is none."""

    rules: list[RuleLine]
    after: str | None


class FeedDocument(Document):
    """A feed and its health; ``outlet`` is what its articles have, ``title`` what the feed calls itself."""

    url: Annotated[str, pydantic.AfterValidator(visible.masked)]
    outlet: str
    title: str | None
    health: str
    error: Annotated[str, pydantic.AfterValidator(visible.masked)] | None
    polled_at: Time | None
    ok_at: Time | None
    new_at: Time | None
    due_at: Time
    remarks: list[str]


class FeedsPage(Document):
    """Feeds by their addresses; ``after`` begins the next page, null: there is none."""

    feeds: list[FeedDocument]
    after: str | None


class CompletionDocument(Document):
    """One question to a language model."""

    at: Time
    use: str
    model: str
    prompt_version: int
    answer: str | None
    error: str | None
    tokens: int
    seconds: float


class StoryPlace(Document):
    """The story that an explained article is in."""

    id: str
    title: str
    joined: JoinDocument
    decisions: list[DecisionDocument]
    asked: list[CompletionDocument]


class ExplainDocument(Document):
    """Whether one rule matches, and why, or what is missing."""

    rule: str
    matched: bool
    text: str
    story: StoryPlace | None


class ExplainAnswer(Document):
    """Each rule that was asked for."""

    explained: list[ExplainDocument]


class ProblemDocument(Document):
    """What ``wirewatch check`` says of one place; lines and columns count from 1, 0: of the whole."""

    severity: str
    file: str
    line: int
    column: int
    rule: str | None
    code: str
    message: str
    help: str | None


class HitDocument(Document):
    """An article of a backtest, and on what the rule fired, or why it did not."""

    id: Annotated[str, pydantic.Field(validation_alias="article")]
    title: str
    outlet: str
    link: str
    first_seen: Time
    why: str


class NearDocument(Document):
    """Articles that one thing keeps from matching; the last few of them."""

    what: str
    count: int
    examples: list[HitDocument]


class ComparisonDocument(Document):
    """A rule beside another version of it."""

    with_: Annotated[str, pydantic.Field(validation_alias="with_what", serialization_alias="with")]
    both: int
    starts: list[HitDocument]
    stops: list[HitDocument]


class RuleTrial(Document):
    """One rule over the archive."""

    rule: str
    matches: Annotated[list[HitDocument], pydantic.Field(validation_alias="hits")]
    by_day: dict[date, int]
    near: list[NearDocument]
    compared: Annotated[ComparisonDocument | None, pydantic.Field(validation_alias="comparison")]


class PostDocument(Document):
    """A message that would have been made."""

    at: Time
    channel: str
    kind: str
    reason: str
    headlines: list[str]
    rules: list[str]


class TrialDocument(Document):
    """A backtest, as ``wirewatch try --json`` prints it."""

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
    """A trial of pasted rules; ``trial`` is null where there was none, and ``remark`` or ``problems`` say why.

    ``patch`` puts the rules into the files of the configuration, by ``git apply`` in their folder.
    """

    problems: list[ProblemDocument]
    remark: str
    trial: TrialDocument | None
    patch: str


class SilenceDocument(Document):
    """A silence, and the ids of the stories of which it kept something back."""

    id: str
    kind: str
    name: str
    channels: list[str]
    by: str
    reason: str
    at: Time
    until: Time | None
    ended_at: Time | None
    ended_by: str | None
    is_active: bool
    stories: list[str]


class SilencesAnswer(Document):
    """Silences, the newest first."""

    silences: list[SilenceDocument]


class RulingDocument(Document):
    """A ruling of people: the bot carries it out within seconds."""

    id: str
    kind: str
    story: str
    told: str

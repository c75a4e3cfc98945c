"""The JSON documents of answers; the OpenAPI document is derived from them.

Text from an article, a feed or its server is untrusted; it is passed on as it was written.
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
    """One JSON object; every key is always present. ``model_validate`` also reads the keys from attributes."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid", from_attributes=True)


class EvidenceDocument(Document):
    """One place in an article where a rule matched; offsets count characters of the field."""

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
    """The fields that identify an article."""

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
    """A decision about one channel; ``silence`` is the id of the silence that kept the story back, if any."""

    at: Time
    channel: str
    action: str
    reason: str
    detail: str
    silence: str | None


class MessageDocument(Document):
    """One message of a story; ``receipt`` is its id in the channel and ``link`` its address, if it has one."""

    channel: str
    kind: str
    state: str
    sent_at: Time | None
    receipt: str | None
    link: str | None


class CoverageDocument(Document):
    """One headline of a story, as its messages list it.

    ``article`` is the first article with this headline, ``more`` the number of other outlets with nearly the same
    headline. If ``is_probable``, the article joined the story with less than full certainty.
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

    ``byline`` names the outlets with the story's own headline, ``coverage`` the other headlines, newest first;
    ``copies`` counts the articles that it omits as copies.
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
    """Stories, most recently changed first; ``after`` starts the next page and is null on the last page."""

    stories: list[StoryDocument]
    after: str | None


class FoundArticle(ArticleHead):
    """An article with the sentences that contain the searched words; each mark is [start, end) in characters."""

    excerpts: list[str]
    title_marks: list[tuple[int, int]]
    excerpt_marks: list[list[tuple[int, int]]]


class FoundPage(Document):
    """Articles, newest first; ``after`` starts the next page and is null on the last page.

    ``looked_back_to`` is the time that the search reached if it ran out of time before the page was full.
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
    """A summary of a loaded rule."""

    name: str
    notify: list[str]
    severity: str
    paused: bool
    stories_7d: int


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


class RulesPage(Document):
    """Rules in the order of their files; ``after`` starts the next page and is null on the last page."""

    rules: list[RuleLine]
    after: str | None


class FeedDocument(Document):
    """A feed and its health; ``outlet`` is the outlet of its articles, ``title`` the feed's own title."""

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
    """Feeds in the order of their addresses; ``after`` starts the next page and is null on the last page."""

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
    """Whether one rule matches, and why it does or what is missing."""

    rule: str
    matched: bool
    text: str
    story: StoryPlace | None


class ExplainAnswer(Document):
    """The explanation of each requested rule."""

    explained: list[ExplainDocument]


class ProblemDocument(Document):
    """One problem that ``wirewatch check`` reports; lines and columns count from 1, and 0 means the whole file."""

    severity: str
    file: str
    line: int
    column: int
    rule: str | None
    code: str
    message: str
    help: str | None


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
    trial: TrialDocument | None
    patch: str


class SilenceDocument(Document):
    """A silence, and the ids of the stories that it kept back."""

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
    """Silences, newest first."""

    silences: list[SilenceDocument]


class RulingDocument(Document):
    """A ruling made by people; the bot carries it out within seconds."""

    id: str
    kind: str
    story: str
    told: str

"""Queries about articles: list, search, show an article, and explain why rules match an article."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Self

import pydantic

from bot import rules, storage
from bot.feeds import links
from bot.model.alerts import AlertAction
from bot.model.language_models import Completion
from bot.model.messages import Span
from bot.model.rules import Example
from bot.model.stories import Article, ArticleId
from bot.queries.registry import (
    Archive,
    Document,
    Id,
    Name,
    Omittable,
    PagedParameters,
    Parameters,
    Query,
    RefusalKind,
    Refused,
    Time,
    When,
    fields_of,
    parse_time,
    refuse_query_errors,
    unknown_rule,
    unusable,
)
from bot.queries.stories import (
    ArticleHead,
    DecisionDocument,
    EvidenceDocument,
    JoinDocument,
    MessageDocument,
    OriginDocument,
    evidence,
    read_story,
)
from bot.queries.surges import SurgeDocument
from bot.rules import search
from bot.stories import summaries, volume

#: Maximum rules in one explanation.
MOST_EXPLAINED = 50
#: Maximum steps for all rules of one explanation. 500,000 steps take a second on one core.
MOST_STEPS = 2_000_000

# -- list and search


class ArticlesParameters(PagedParameters):
    """A selection of articles."""

    outlet: Omittable[Name] = pydantic.Field(
        default=None, description="Only articles of outlets whose names contain these words."
    )
    rule: Omittable[Name] = pydantic.Field(default=None, description="Only articles that this rule matched.")
    since: Omittable[When] = pydantic.Field(
        default=None, description="Only articles first seen since this day or within this time."
    )
    until: Omittable[When] = pydantic.Field(
        default=None, description="Only articles first seen before this day or longer ago than this time."
    )


class SearchParameters(ArticlesParameters):
    """A selection of articles by their words."""

    q: str = pydantic.Field(
        min_length=1,
        max_length=search.MAX_CHARACTERS,
        description='Words or a query with AND, OR, NOT, NEAR/5, "a phrase", prefix*, title:, lead: and source: (the '
        "name of an outlet). At most 100 terms and 5 regular expressions.",
        examples=["blackberry backdoor"],
    )


class FoundArticle(ArticleHead):
    """An article with the sentences that contain the searched words. Marks are ranges of characters: [start, end)."""

    excerpts: list[str]
    title_marks: list[tuple[int, int]]
    excerpt_marks: list[list[tuple[int, int]]]

    @classmethod
    def of(cls, value: search.SearchHit) -> Self:
        article, matches = value.article, value.matches
        pieces = summaries.make_excerpts(article, matches, most=2)
        return cls(
            **fields_of(article, ArticleHead),
            excerpts=["".join(span.text for span in piece) for piece in pieces],
            title_marks=list(summaries.find_places(matches, field="title", text=article.title)),
            excerpt_marks=[list(_marks(piece)) for piece in pieces],
        )


def _marks(piece: Iterable[Span]) -> Iterable[tuple[int, int]]:
    at = 0
    for span in piece:
        if span.is_marked:
            yield at, at + len(span.text)
        at += len(span.text)


class FoundPage(Document):
    """Articles, newest first; ``after`` starts the next page and is null on the last page.

    If the search reached a limit before the page was full, ``looked_back_to`` is the time at which the last searched
    article was first seen.
    """

    articles: list[FoundArticle]
    after: str | None
    looked_back_to: Time | None

    @classmethod
    def of(cls, value: search.SearchPage) -> Self:
        return cls(
            articles=[FoundArticle.of(hit) for hit in value.hits],
            after=str(value.after) if value.after is not None else None,
            looked_back_to=value.looked_back_to,
        )


def list_articles(archive: Archive, parameters: ArticlesParameters) -> search.SearchPage:
    """List the stored articles, newest first."""
    return find_articles(archive, parameters, "")


ARTICLES = Query("articles", list_articles, FoundPage, path="/articles", is_long=True)


def search_articles(archive: Archive, parameters: SearchParameters) -> search.SearchPage:
    """Search the stored articles by their words, newest first."""
    return find_articles(archive, parameters, parameters.q)


SEARCH = Query("search", search_articles, FoundPage, path="/search", is_tool=True, is_long=True)


def find_articles(archive: Archive, parameters: ArticlesParameters, words: str) -> search.SearchPage:
    """Return a page of the articles that match the parameters and the words. Empty ``words`` match all articles."""
    with refuse_query_errors("q", words):
        condition = search.parse_search(words) if words else None
    query = search.SearchQuery(
        condition=condition,
        outlet=parameters.outlet,
        rule=parameters.rule,
        since=parse_time("since", parameters.since, archive.now),
        until=parse_time("until", parameters.until, archive.now),
        before=parameters.number_after,
        most=parameters.limit,
    )
    # The words are already parsed, so the only possible error is an outlet name without a letter.
    with refuse_query_errors("outlet", parameters.outlet or ""):
        page = search.search_page(archive.tx.search.candidates, query)
    if not page.hits:
        archive.refuse_unknown(parameters.rule)
    return page


# -- show


class ArticleParameters(Parameters):
    """The article to show."""

    id: Id = pydantic.Field(description="The article's id.")


class ArticleDocument(ArticleHead):
    """One article with its text."""

    author: str | None
    language: str | None
    text: str
    is_full_text: bool
    version: int
    is_official: bool
    origins: list[OriginDocument]
    story: str | None
    matches: list[EvidenceDocument]


def show_article(archive: Archive, parameters: ArticleParameters) -> ArticleDocument:
    """Show one article with its text."""
    article_id = ArticleId(parameters.id)
    article = archive.tx.articles.get([article_id]).get(article_id)
    if article is None:
        raise Refused(RefusalKind.NOT_FOUND, f"no article {article_id} is in the archive")
    return ArticleDocument(
        **fields_of(article, ArticleDocument),
        story=archive.tx.stories.home_of(article_id),
        matches=evidence(archive.tx.articles.matches(article_id)),
    )


ARTICLE = Query("article", show_article, ArticleDocument, path="/articles/{id}")


# -- explain


class ExplainParameters(Parameters):
    """The rules to explain, and either the address of a stored article or a text that is treated as a headline."""

    rule: Omittable[Name] = pydantic.Field(default=None, description="A rule's name or a part of it; without it, all.")
    url: Omittable[Annotated[str, pydantic.Field(min_length=1, max_length=4_000)]] = pydantic.Field(
        default=None, description="The address of a stored article."
    )
    text: Omittable[Annotated[str, pydantic.Field(min_length=1, max_length=5_000)]] = pydantic.Field(
        default=None, description="A text to treat as a headline, instead of `url`."
    )


class CompletionDocument(Document):
    """One call of a language model."""

    at: Time
    use: str
    model: str
    prompt_version: int
    answer: str | None
    error: str | None
    tokens: int
    seconds: float

    @classmethod
    def of(cls, value: Completion) -> Self:
        return cls(
            **{**fields_of(value, cls), "error": value.error or None},
            prompt_version=value.version,
            tokens=value.tokens_in + value.tokens_out,
            seconds=value.took.total_seconds(),
        )


class StoryPlace(Document):
    """The story of an article: why the article is in it, whose reports it repeats, and what was decided about it.

    ``messages`` are those about the story. ``surges`` are those in which the article counted.
    """

    id: str
    title: str
    article_count: int
    joined: JoinDocument
    is_official: bool
    origins: list[OriginDocument]
    decisions: list[DecisionDocument]
    asked: list[CompletionDocument]
    messages: list[MessageDocument]
    surges: list[SurgeDocument]


class ExplainDocument(Document):
    """Whether one rule matches, and why it matches or what is missing.

    ``story`` is null if the article is not in the archive or matches no rule.
    """

    rule: str
    matched: bool
    text: str
    story: StoryPlace | None


class ExplanationsDocument(Document):
    """The explanation of each requested rule.

    Rules are not matched against the sentences in ``left_out``, because the feed repeats them.
    """

    explained: list[ExplainDocument]
    left_out: list[str]


def explain(archive: Archive, parameters: ExplainParameters) -> ExplanationsDocument:
    """Explain why rules match an article or a headline, or what is missing."""
    if (parameters.url is None) is (parameters.text is None):
        raise unusable("text", "either url or text is needed")
    chosen = archive.settings.find_rules(parameters.rule or "")
    if parameters.rule is not None and not chosen:
        raise unknown_rule(parameters.rule, archive.settings)
    if len(chosen) > MOST_EXPLAINED:
        raise unusable("rule", f"{len(chosen):,} rules are selected; at most {MOST_EXPLAINED} can be explained at once")
    article, place = rules.make_article(Example(title=parameters.text or "")), None
    if parameters.url is not None:
        article, place = find_article(archive, parameters.url)
    feed, steps = archive.settings.feeds_by_address.get(article.feed), rules.Steps(MOST_STEPS)
    try:
        explanations = [rules.explain_rule(entry, article, feed, now=archive.now, steps=steps) for entry in chosen]
    except rules.TooManySteps as error:
        raise Refused(
            RefusalKind.TOO_LONG, f"explaining this takes {error}: shorten the text, or choose one rule"
        ) from None
    return ExplanationsDocument(
        explained=[
            ExplainDocument(rule=entry.rule, matched=entry.matched, text=entry.text(), story=place)
            for entry in explanations
        ],
        left_out=list(article.left_out),
    )


EXPLAIN = Query("explain", explain, ExplanationsDocument, path="/explain", is_tool=True, is_long=True)


def find_article(archive: Archive, url: str) -> tuple[Article, StoryPlace | None]:
    """Return the article with this address, and its place in a story if it is in one. Raises Refused."""
    link = links.canonical_link(url)
    article = archive.tx.articles.find(link)
    if article is None:
        raise Refused(
            RefusalKind.NOT_FOUND,
            f"no article with the link {link or url} is in the archive: no feed has listed it yet",
        )
    return article, find_story_place(archive.tx, article.id)


def find_story_place(tx: storage.Transaction, article: ArticleId) -> StoryPlace | None:
    """Return the place of an article in its story. Return None if it is in no story, because no rule matches it."""
    story = tx.stories.of_article(article)
    member = next((member for member in story.members if member.article.id == article), None) if story else None
    if story is None or member is None:
        return None
    joined_at = member.article.first_seen
    decisions = [
        decision
        for decision in tx.stories.decisions(story.id)
        # Posts of the whole story, such as the end of a hold, include the article.
        if decision.article == article or (decision.action is AlertAction.POST and decision.at >= joined_at)
    ]
    return StoryPlace(
        id=story.id,
        title=summaries.story_headline(story),
        article_count=len(story.members),
        joined=JoinDocument.of(member.join),
        is_official=member.article.is_official,
        origins=[OriginDocument.of(origin) for origin in member.article.origins],
        decisions=[DecisionDocument.of(decision) for decision in decisions],
        asked=[CompletionDocument.of(completion) for completion in tx.completions.about(article)],
        messages=[MessageDocument.of(row) for row in read_story(tx, story).messages],
        surges=[
            SurgeDocument.of(surge)
            for surge in tx.volume.surges_around(member.article.when)
            if volume.is_counted(story.members, member, surge.rule)
        ],
    )

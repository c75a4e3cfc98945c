"""The registry: one entry for each question about the archive.

The docstring of an entry's function is the help of the question. The type of its ``parameters`` argument describes the
question's parameters.
"""

from __future__ import annotations

from typing import Any

from bot.queries import articles, feeds, rules, silences, status, stories, trials
from bot.queries.registry import Question

STORIES = Question("stories", stories.list_stories, stories.StoriesPage, path="/stories", is_tool=True)
STORY = Question("story", stories.show_story, stories.StoryDocument, path="/stories/{id}", is_tool=True)
SPLIT = Question(
    "split",
    stories.split_story,
    stories.RulingDocument,
    method="POST",
    path="/stories/{id}/split",
    status=202,
    cost=10,
    is_action=True,
)
MERGE = Question(
    "merge",
    stories.merge_stories,
    stories.RulingDocument,
    method="POST",
    path="/stories/{id}/merge",
    status=202,
    cost=10,
    is_action=True,
)
CLAIM = Question("claim", stories.claim_story, stories.ActionDocument, is_action=True)
SILENCES = Question("silences", silences.list_silences, silences.SilencesAnswer, path="/silences")
SILENCE = Question(
    "silence",
    silences.make_silence,
    silences.SilenceDocument,
    method="POST",
    path="/silences",
    status=201,
    cost=10,
    is_action=True,
)
END_SILENCE = Question(
    "end_silence",
    silences.end_silence,
    silences.SilenceDocument,
    method="DELETE",
    path="/silences/{id}",
    cost=10,
    is_action=True,
)
ARTICLES = Question("articles", articles.list_articles, articles.FoundPage, path="/articles", is_long=True)
ARTICLE = Question("article", articles.show_article, articles.ArticleDocument, path="/articles/{id}")
SEARCH = Question(
    "search", articles.search_articles, articles.FoundPage, path="/search", cost=2, is_tool=True, is_long=True
)
EXPLAIN = Question(
    "explain", articles.explain, articles.ExplainAnswer, path="/explain", cost=2, is_tool=True, is_long=True
)
RULES = Question("rules", rules.list_rules, rules.RulesPage, path="/rules")
RULE = Question("rule", rules.show_rule, rules.RuleDocument, path="/rules/{name}")
FEEDBACK = Question("feedback", rules.list_feedback, rules.FeedbackAnswer, path="/feedback", cost=2)
TRY_RULE = Question(
    "try_rule",
    rules.try_rule,
    rules.TryAnswer,
    method="POST",
    path="/try",
    cost=10,
    is_tool=True,
    busy=trials.BUSY,
)
FEEDS_HEALTH = Question("feeds_health", feeds.list_feeds, feeds.FeedsPage, path="/feeds", is_tool=True)
STATUS = Question("status", status.show_status, status.StatusDocument, path="/status", cost=10, is_long=True)
DRAFT_RULE = Question("draft_rule", rules.draft_rule, rules.DraftAnswer, is_tool=True, is_untrusted=False, is_long=True)

#: All questions, in the order of the API's document and of the list of tools.
QUESTIONS: tuple[Question[Any, Any], ...] = (
    STORIES,
    STORY,
    SPLIT,
    MERGE,
    CLAIM,
    SILENCES,
    SILENCE,
    END_SILENCE,
    ARTICLES,
    ARTICLE,
    SEARCH,
    EXPLAIN,
    RULES,
    RULE,
    FEEDBACK,
    TRY_RULE,
    FEEDS_HEALTH,
    STATUS,
    DRAFT_RULE,
)

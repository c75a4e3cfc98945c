"""Every question that can be asked of the archive, once. A new question is a function and an entry here."""

from __future__ import annotations

from typing import Any

from bot.queries import articles, feeds, rules, silences, stories, trials
from bot.queries.registry import Question

STORIES = Question(
    name="stories",
    help="List stories, the last to change first: articles, matched words, decisions, messages.",
    run=stories.list_stories,
    parameters=stories.StoriesParameters,
    document=stories.StoriesPage,
    path="/stories",
    is_tool=True,
)
STORY = Question(
    name="story",
    help="Show one story with its articles, up to 1,000; for a merged story, the story that it became.",
    run=stories.show_story,
    parameters=stories.StoryParameters,
    document=stories.StoryDocument,
    path="/stories/{id}",
    is_tool=True,
)
SPLIT = Question(
    name="split",
    help="Take articles out of a story: they are about another event.",
    run=stories.split_story,
    parameters=stories.SplitParameters,
    document=stories.RulingDocument,
    method="POST",
    path="/stories/{id}/split",
    status=202,
    cost=10,
    is_action=True,
)
MERGE = Question(
    name="merge",
    help="Make two stories one: they are about the same event.",
    run=stories.merge_stories,
    parameters=stories.MergeParameters,
    document=stories.RulingDocument,
    method="POST",
    path="/stories/{id}/merge",
    status=202,
    cost=10,
    is_action=True,
)
CLAIM = Question(
    name="claim",
    help="Show in a story's messages that somebody takes care of it.",
    run=stories.claim_story,
    parameters=stories.ClaimParameters,
    document=stories.ActionDocument,
    is_action=True,
)
SILENCES = Question(
    name="silences",
    help="List the silences in force, and what each kept back.",
    run=silences.list_silences,
    parameters=silences.SilencesParameters,
    document=silences.SilencesAnswer,
    path="/silences",
)
SILENCE = Question(
    name="silence",
    help="Post nothing about a story, a rule, an outlet, an entity or everything until an end.",
    run=silences.make_silence,
    parameters=silences.SilenceParameters,
    document=silences.SilenceDocument,
    method="POST",
    path="/silences",
    status=201,
    cost=10,
    is_action=True,
)
END_SILENCE = Question(
    name="end_silence",
    help="End a silence before its time.",
    run=silences.end_silence,
    parameters=silences.EndSilenceParameters,
    document=silences.SilenceDocument,
    method="DELETE",
    path="/silences/{id}",
    cost=10,
    is_action=True,
)
ARTICLES = Question(
    name="articles",
    help="List the stored articles, newest first.",
    run=articles.list_articles,
    parameters=articles.ArticlesParameters,
    document=articles.FoundPage,
    path="/articles",
    is_long=True,
)
ARTICLE = Question(
    name="article",
    help="Show one article with its text.",
    run=articles.show_article,
    parameters=articles.ArticleParameters,
    document=articles.ArticleDocument,
    path="/articles/{id}",
)
SEARCH = Question(
    name="search",
    help="Search the stored articles by their words, newest first.",
    run=articles.search_articles,
    parameters=articles.SearchParameters,
    document=articles.FoundPage,
    path="/search",
    cost=2,
    is_tool=True,
    is_long=True,
)
EXPLAIN = Question(
    name="explain",
    help="Explain why rules match an article or a headline, or what is missing.",
    run=articles.explain,
    parameters=articles.ExplainParameters,
    document=articles.ExplainAnswer,
    path="/explain",
    cost=2,
    is_tool=True,
    is_long=True,
)
RULES = Question(
    name="rules",
    help="List the loaded rules: name, channels, severity, stories of seven days.",
    run=rules.list_rules,
    parameters=rules.RulesParameters,
    document=rules.RulesPage,
    path="/rules",
)
RULE = Question(
    name="rule",
    help="Show one loaded rule: what it means in English, its YAML, its matches by day, its precision.",
    run=rules.show_rule,
    parameters=rules.RuleParameters,
    document=rules.RuleDocument,
    path="/rules/{name}",
)
TRY_RULE = Question(
    name="try_rule",
    help="Try a rule on the stored articles: what it would match and post, and its near misses. Nothing is saved.",
    run=rules.try_rule,
    parameters=rules.TryParameters,
    document=rules.TryAnswer,
    method="POST",
    path="/try",
    cost=10,
    is_tool=True,
    busy=trials.BUSY,
)
FEEDS_HEALTH = Question(
    name="feeds_health",
    help="List feeds with their health, errors and last articles.",
    run=feeds.list_feeds,
    parameters=feeds.FeedsParameters,
    document=feeds.FeedsPage,
    path="/feeds",
    is_tool=True,
)
DRAFT_RULE = Question(
    name="draft_rule",
    help="Write a rule as YAML and check it as `wirewatch check` does. Nothing is saved: a person adds it to a file.",
    run=rules.draft_rule,
    parameters=rules.DraftParameters,
    document=rules.DraftAnswer,
    is_tool=True,
    is_untrusted=False,
    is_long=True,
)

#: In the order of the API's document and of the tools.
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
    TRY_RULE,
    FEEDS_HEALTH,
    DRAFT_RULE,
)

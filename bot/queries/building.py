"""Build the documents of answers from stored data and the configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from bot import model, storage
from bot.alerts import routing
from bot.alerts.feedback import Precision
from bot.feeds import health, outlets
from bot.pipeline import backtest, silences
from bot.queries import documents
from bot.rules import search
from bot.stories import summaries
from bot.stories.summaries import make_excerpts


def story(row: StoryRow, *, most: int | None = None) -> documents.StoryDocument:
    """Build a story's document with its first ``most`` articles and its last ``most`` decisions; None means all."""
    stored = row.story
    decisions = row.decisions if most is None else row.decisions[-most:]
    coverage = summaries.list_coverage(stored, most=most) if stored.members else None
    return documents.StoryDocument(
        id=stored.id,
        title=summaries.story_headline(stored),
        first_seen=stored.first_seen,
        last_seen=stored.last_seen,
        rules=list(stored.rules),
        byline=documents.CoverageDocument.model_validate(coverage.byline) if coverage else None,
        coverage=[documents.CoverageDocument.model_validate(line) for line in (coverage.lines if coverage else ())],
        copies=coverage.copy_count if coverage else 0,
        article_count=len(stored.members),
        articles=[
            documents.StoryArticle.model_validate(
                {**_head(member.article), "joined": member.join, "matches": evidence(member.matches)}
            )
            for member in stored.members[:most]
        ],
        decisions=[documents.DecisionDocument.model_validate(decision) for decision in decisions],
        messages=[_message(message) for message in row.messages],
    )


def _head(article: model.Article) -> dict[str, object]:
    return {key: getattr(article, key) for key in documents.ArticleHead.model_fields}


def completion(row: model.Completion) -> documents.CompletionDocument:
    """Build the document of one question to a language model: its answer and its cost."""
    return documents.CompletionDocument(
        at=row.at,
        use=row.use.value,
        model=row.model,
        prompt_version=row.version,
        answer=row.answer,
        error=row.error or None,
        tokens=row.tokens_in + row.tokens_out,
        seconds=row.took.total_seconds(),
    )


def evidence(matches: Iterable[model.Match]) -> list[documents.EvidenceDocument]:
    """List every place where a rule matched."""
    return [
        documents.EvidenceDocument(
            rule=match.rule,
            label=place.label,
            term=place.term,
            field=place.field,
            text=place.text,
            start=place.start,
            end=place.end,
        )
        for match in matches
        for place in match.evidence
    ]


def _message(row: model.Outgoing) -> documents.MessageDocument:
    return documents.MessageDocument(
        channel=row.channel,
        kind=row.message.kind.value,
        state=row.state.value,
        sent_at=row.receipt.sent_at if row.receipt else None,
        receipt=row.receipt.ref if row.receipt else None,
        link=(row.receipt.link or None) if row.receipt else None,
    )


def found_page(page: search.SearchPage) -> documents.FoundPage:
    """Build the document of a page of search results."""
    return documents.FoundPage(
        articles=[
            documents.FoundArticle.model_validate(
                {
                    **_head(hit.article),
                    "excerpts": ["".join(span.text for span in piece) for piece in pieces],
                    "title_marks": summaries.find_places(hit.matches, field="title", text=hit.article.title),
                    "excerpt_marks": [list(_marks(piece)) for piece in pieces],
                }
            )
            for hit in page.hits
            for pieces in [make_excerpts(hit.article, hit.matches, most=2)]
        ],
        after=str(page.after) if page.after is not None else None,
        looked_back_to=page.looked_back_to,
    )


def _marks(piece: Iterable[model.Span]) -> Iterable[tuple[int, int]]:
    at = 0
    for span in piece:
        if span.is_marked:
            yield at, at + len(span.text)
        at += len(span.text)


def article(
    stored: model.Article, matches: Sequence[model.Match], home: model.StoryId | None
) -> documents.ArticleDocument:
    """Build the document of one article with its text."""
    text_fields = {key: getattr(stored, key) for key in ("author", "language", "text", "is_full_text", "version")}
    return documents.ArticleDocument.model_validate(
        {**_head(stored), **text_fields, "story": home, "matches": evidence(matches)}
    )


def rule_line(rule: model.Rule, stories: int, routes: Sequence[model.Route]) -> documents.RuleLine:
    """Summarize a rule with every channel that it may notify; ``stories`` counts the last seven days."""
    return documents.RuleLine(
        name=rule.name,
        notify=list(routing.possible_channels(routes, rule)),
        severity=rule.severity.value,
        paused=rule.paused,
        stories_7d=stories,
    )


def rule(
    line: documents.RuleLine,
    *,
    in_english: str,
    note: str | None,
    yaml: str | None,
    by_day: Mapping[date, int],
    judged: Precision | None,
) -> documents.RuleDocument:
    """Build the full document of a rule."""
    return documents.RuleDocument.model_validate(
        {
            **line.model_dump(),
            "in_english": in_english,
            "note": note,
            "yaml": yaml,
            "matches_by_day": {day.isoformat(): count for day, count in sorted(by_day.items())},
            "precision": judged,
        }
    )


def feed(state: model.FeedState, feeds: Mapping[str, model.Feed]) -> documents.FeedDocument:
    """Build the document of a feed and its health; ``feeds`` maps each address in feeds.yaml to its feed."""
    return documents.FeedDocument(
        url=state.url,
        outlet=outlets.feed_name(state, feeds),
        title=state.title,
        health=state.health_told,
        error=state.error,
        polled_at=state.polled_at,
        ok_at=state.ok_at,
        new_at=state.new_at,
        due_at=state.due_at,
        remarks=list(health.poll_remarks(state)),
    )


def silence(listed: silences.ListedSilence) -> documents.SilenceDocument:
    """Build the document of a silence and the stories that it kept back."""
    stored = listed.silence
    return documents.SilenceDocument(
        id=stored.id,
        kind=stored.kind.value,
        name=stored.name,
        channels=list(stored.channels),
        by=stored.by,
        reason=stored.reason,
        at=stored.at,
        until=stored.until,
        ended_at=stored.ended_at,
        ended_by=stored.ended_by or None,
        is_active=listed.is_active,
        stories=list(listed.stories),
    )


def problems(entries: Sequence[model.Problem]) -> list[documents.ProblemDocument]:
    """Build the documents of problems that ``wirewatch check`` reports."""
    return [documents.ProblemDocument.model_validate(entry) for entry in entries]


def trial(report: backtest.BacktestReport) -> documents.TrialDocument:
    """Build the document of a backtest's report."""
    return documents.TrialDocument.model_validate(report)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryRow:
    """One story with its decisions and messages."""

    story: model.Story
    decisions: tuple[model.Decision, ...]
    messages: tuple[model.Outgoing, ...]


def read_stories(tx: storage.Transaction, story: model.Story) -> StoryRow:
    """Read the decisions and messages of a story."""
    return StoryRow(story=story, decisions=tuple(tx.stories.decisions(story.id)), messages=_messages(tx, story.id))


def describe_decision(decided: model.Decision) -> str:
    """Describe a decision about one channel in one line."""
    detail = f" ({decided.detail})" if decided.detail else ""
    return f"{decided.channel}: {decided.action.value}, {decided.reason.value}{detail}"


def _messages(tx: storage.Transaction, story: model.StoryId) -> tuple[model.Outgoing, ...]:
    """Return the story's own messages, preceded by the gathered message that includes it."""
    own = tuple(tx.outbox.of_story(story))
    heads = [alert.head for alert in tx.stories.alerts([story]) if alert.head and alert.is_gathered]
    own_ids = {row.id for row in own}
    gathered = tuple(row for row in tx.outbox.get(heads).values() if row.id not in own_ids)
    return (*gathered, *own)

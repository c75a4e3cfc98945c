"""What the store and the configuration hold → the documents of answers."""

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
    """A story with its first ``most`` articles, and as many of its last decisions; None: all."""
    told = row.story
    decisions = row.decisions if most is None else row.decisions[-most:]
    listed = summaries.list_coverage(told, most=most) if told.members else None
    return documents.StoryDocument(
        id=told.id,
        title=summaries.story_headline(told),
        first_seen=told.first_seen,
        last_seen=told.last_seen,
        rules=list(told.rules),
        byline=documents.CoverageDocument.model_validate(listed.byline) if listed else None,
        coverage=[documents.CoverageDocument.model_validate(line) for line in (listed.lines if listed else ())],
        copies=listed.copy_count if listed else 0,
        article_count=len(told.members),
        articles=[
            documents.StoryArticle.model_validate(
                {**_head(member.article), "joined": member.join, "matches": evidence(member.matches)}
            )
            for member in told.members[:most]
        ],
        decisions=[documents.DecisionDocument.model_validate(each) for each in decisions],
        messages=[_message(each) for each in row.messages],
    )


def _head(article: model.Article) -> dict[str, object]:
    return {key: getattr(article, key) for key in documents.ArticleHead.model_fields}


def completion(each: model.Completion) -> documents.CompletionDocument:
    """What a language model was asked, what it answered and what that cost."""
    return documents.CompletionDocument(
        at=each.at,
        use=each.use.value,
        model=each.model,
        prompt_version=each.version,
        answer=each.answer,
        error=each.error or None,
        tokens=each.tokens_in + each.tokens_out,
        seconds=each.took.total_seconds(),
    )


def evidence(matches: Iterable[model.Match]) -> list[documents.EvidenceDocument]:
    """Each place on which a rule fired."""
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
    """A page of what a search found."""
    return documents.FoundPage(
        articles=[
            documents.FoundArticle.model_validate(
                {
                    **_head(one.article),
                    "excerpts": ["".join(span.text for span in piece) for piece in pieces],
                    "title_marks": summaries.find_places(one.matches, field="title", text=one.article.title),
                    "excerpt_marks": [list(_marks(piece)) for piece in pieces],
                }
            )
            for one in page.found
            for pieces in [make_excerpts(one.article, one.matches, most=2)]
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
    found: model.Article, matches: Sequence[model.Match], home: model.StoryId | None
) -> documents.ArticleDocument:
    """One article with its text."""
    own = {key: getattr(found, key) for key in ("author", "language", "text", "is_full_text", "version")}
    return documents.ArticleDocument.model_validate(
        {**_head(found), **own, "story": home, "matches": evidence(matches)}
    )


def rule_line(rule: model.Rule, stories: int, routes: Sequence[model.Route]) -> documents.RuleLine:
    """A rule in short, with every channel that it may notify; ``stories`` are those of seven days."""
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
    """A rule with what is known of it."""
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
    """A feed and its health; ``feeds``: those of feeds.yaml by their addresses."""
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
    """A silence and what it kept back."""
    one = listed.silence
    return documents.SilenceDocument(
        id=one.id,
        kind=one.kind.value,
        name=one.name,
        channels=list(one.channels),
        by=one.by,
        reason=one.reason,
        at=one.at,
        until=one.until,
        ended_at=one.ended_at,
        ended_by=one.ended_by or None,
        is_active=listed.is_active,
        stories=list(listed.stories),
    )


def problems(found: Sequence[model.Problem]) -> list[documents.ProblemDocument]:
    """What ``wirewatch check`` says."""
    return [documents.ProblemDocument.model_validate(each) for each in found]


def trial(report: backtest.BacktestReport) -> documents.TrialDocument:
    """A backtest's report."""
    return documents.TrialDocument.model_validate(report)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryRow:
    """One story with all that was decided and said."""

    story: model.Story
    decisions: tuple[model.Decision, ...]
    messages: tuple[model.Outgoing, ...]


def read_stories(tx: storage.Transaction, story: model.Story) -> StoryRow:
    """The story with its decisions and messages."""
    return StoryRow(story=story, decisions=tuple(tx.stories.decisions(story.id)), messages=_messages(tx, story.id))


def describe_decision(decided: model.Decision) -> str:
    """What was decided for one channel, in a line."""
    detail = f" ({decided.detail})" if decided.detail else ""
    return f"{decided.channel}: {decided.action.value}, {decided.reason.value}{detail}"


def _messages(tx: storage.Transaction, story: model.StoryId) -> tuple[model.Outgoing, ...]:
    """Its own messages, and the gathered one that it is in."""
    own = tuple(tx.outbox.of_story(story))
    heads = [alert.head for alert in tx.stories.alerts([story]) if alert.head and alert.is_gathered]
    known = {row.id for row in own}
    gathered = tuple(row for row in tx.outbox.get(heads).values() if row.id not in known)
    return (*gathered, *own)

"""Answer the questions of programs from the store and the configuration."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from bot import config, model, rules, storage
from bot.alerts import feedback
from bot.feeds import links
from bot.model.actions import EndSilence, MakeSilence, Merge, Split
from bot.pipeline import actions, silences
from bot.pipeline.silences import operator_context
from bot.queries import building, documents, explaining, parameters, rulings, trials
from bot.queries.errors import Refused, Why, of_query, unknown_rule, unusable
from bot.queries.watched import DayCounts, Watched
from bot.rules import search
from bot.rules.search import SearchPage


def draft_rule(draft: parameters.DraftQuestion) -> str:
    """Write the rule as an item of a rule file's list."""
    parts = [f"name: {_quoted(draft.name)}"]
    if draft.query is not None:
        parts.append("\n".join(["query: |", *(f"  {line}" for line in draft.query.strip().splitlines())]))
    if draft.all:
        lines = (f"  {_quoted(label)}: {_list(terms)}" for label, terms in draft.all.items())
        parts.append("\n".join(["all:", *lines]))
    for key, terms in (
        ("none", draft.none),
        ("notify", draft.notify),
        ("must_match", draft.must_match),
        ("must_not_match", draft.must_not_match),
    ):
        if terms:
            parts.append(f"{key}: {_list(terms)}")
    first, *continuation = "\n".join(parts).split("\n")
    return "\n".join([f"- {first}", *(f"  {line}" for line in continuation)]) + "\n"


def check_draft(draft: parameters.DraftQuestion, settings: config.Settings) -> tuple[str, tuple[model.Problem, ...]]:
    """Return the draft's YAML and its problems. CPU-bound: do not call it on the event loop."""
    written = draft_rule(draft)
    if len(written) > trials.MOST_CHARACTERS:
        text = f"the rule has {len(written):,} characters; a draft may have {trials.MOST_CHARACTERS:,}"
        return written, (model.Problem(severity="error", file=trials.PASTED_FILE, code="too-long", message=text),)
    _, problems = trials.parse_pasted(written, settings, rules.Steps(trials.MOST_STEPS_OF_EXAMPLES))
    return written, problems


def _list(terms: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, terms))}]"


def _quoted(text: str) -> str:
    """Put the text in double quotes, where YAML accepts every escape of JSON."""
    return json.dumps(text, ensure_ascii=False)


T = TypeVar("T")

#: Maximum articles of each story on a page, and of a single story.
MOST_OF_A_STORY, MOST_OF_ONE_STORY = 20, 1_000
#: Maximum rules explained at once, and steps for all of them; 500,000 steps take a second on one core.
MOST_EXPLAINED, MOST_STEPS = 50, 2_000_000
_WEEK = timedelta(days=7)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Answers:
    """Answers questions. Every method may raise Refused or StoreUnavailable."""

    def __init__(self, watched: Watched, counts: DayCounts, trying: trials.Playground) -> None:
        self._watched = watched
        self._counts = counts
        self._playground = trying

    async def stories(self, question: parameters.StoriesQuestion) -> documents.StoriesPage:
        """Return a page of stories, most recently changed first."""
        since = _parse_time("since", question.since, self._now()) or _EPOCH
        cursor = _story_cursor(question.after) if question.after else None

        def find_page(tx: storage.Transaction) -> documents.StoriesPage:
            # One extra story shows whether there is another page.
            newest = tx.stories.newest(since=since, rule=question.rule, skip=0, most=question.limit + 1, after=cursor)
            shown = newest[: question.limit]
            return documents.StoriesPage(
                stories=[building.story(building.read_stories(tx, story), most=MOST_OF_A_STORY) for story in shown],
                after=_cursor_after(shown[-1]) if len(newest) > len(shown) else None,
            )

        page = await self._read(find_page)
        if not page.stories:
            self.refuse_unknown(question.rule)
        return page

    async def story(self, story: str) -> documents.StoryDocument:
        """Return one story; for a merged story, the story that it became."""
        return await self._read(
            lambda tx: building.story(building.read_stories(tx, rulings.find_story(tx, story)), most=MOST_OF_ONE_STORY)
        )

    async def articles(self, question: parameters.ArticlesQuestion) -> documents.FoundPage:
        """Return a page of articles, newest first."""
        return await self.find(question, "", shown=building.found_page)

    async def search(self, question: parameters.SearchQuestion) -> documents.FoundPage:
        """Return a page of articles that match the words, newest first."""
        return await self.find(question, question.q, shown=building.found_page)

    async def find(self, question: parameters.ArticlesQuestion, words: str, *, shown: Callable[[SearchPage], T]) -> T:
        """Return what ``shown`` builds from a page of matching articles; without words, all articles match."""
        now = self._now()
        with _refuse_query_errors("q", words):
            parsed = search.parse_search(words) if words else None
        wish = search.SearchQuery(
            condition=parsed,
            outlet=question.outlet,
            rule=question.rule,
            since=_parse_time("since", question.since, now),
            until=_parse_time("until", question.until, now),
            before=_number_cursor(question.after),
            most=question.limit,
        )
        # The words are parsed: the only error left is an outlet name without a letter.
        with _refuse_query_errors("outlet", question.outlet or ""):
            page, is_empty = await self._read_long(
                lambda tx: _present(search.search_page(tx.search.candidates, wish), shown)
            )
        if is_empty:
            self.refuse_unknown(question.rule)
        return page

    async def article(self, article: str) -> documents.ArticleDocument:
        """Return one article of the archive with its text."""
        article_id = model.ArticleId(article)

        def find_article(tx: storage.Transaction) -> documents.ArticleDocument:
            stored = tx.articles.get([article_id]).get(article_id)
            if stored is None:
                raise Refused(Why.NOT_FOUND, f"no article {article} is in the archive")
            return building.article(stored, tx.articles.matches(article_id), tx.stories.home_of(article_id))

        return await self._read(find_article)

    async def rules(self, question: parameters.RulesQuestion) -> documents.RulesPage:
        """Return a page of the loaded rules, in the order of their files."""
        loaded, skip = self._watched.settings.rules, _number_cursor(question.after) or 0
        hits = await self._read(lambda tx: tx.stories.count_by_rule(since=self._now() - _WEEK))
        shown = loaded[skip : skip + question.limit]
        return documents.RulesPage(
            rules=[
                building.rule_line(entry.rule, hits.get(entry.rule.name, 0), self._watched.settings.bot.routes)
                for entry in shown
            ],
            after=str(skip + len(shown)) if shown and skip + len(shown) < len(loaded) else None,
        )

    async def rule(self, name: str) -> documents.RuleDocument:
        """Return one loaded rule."""
        settings, now = self._watched.settings, self._now()
        entry = next((loaded for loaded in settings.rules if loaded.rule.name == name), None)
        if entry is None:
            raise self._unknown_rule(name)
        counts = await self._counts.read()
        hits, judged = await self._read(
            lambda tx: (tx.stories.count_by_rule(since=now - _WEEK), tx.judgements.since(now - feedback.JUDGED_WITHIN))
        )
        source = await asyncio.to_thread(config.find_rule_source, settings, name)
        return building.rule(
            building.rule_line(entry.rule, hits.get(name, 0), settings.bot.routes),
            in_english=rules.describe_rule(entry.rule),
            note=entry.rule.note,
            yaml=source.item.yaml if source else None,
            by_day=counts.rules.get(name, {}),
            judged=feedback.precision_by_rule(judged).get(name),
        )

    async def feeds(self, question: parameters.FeedsQuestion) -> documents.FeedsPage:
        """Return a page of the configured feeds."""
        skip = _number_cursor(question.after) or 0
        healths = [question.health] if question.health else list(model.FeedHealth)
        states = await self._read(lambda tx: tx.feeds.page(health=healths, skip=skip, most=question.limit + 1))
        shown, configured = states[: question.limit], self._watched.settings.feeds_by_address
        return documents.FeedsPage(
            feeds=[building.feed(state, configured) for state in shown],
            after=str(skip + len(shown)) if len(states) > len(shown) else None,
        )

    async def explain(self, question: parameters.ExplainQuestion) -> documents.ExplainAnswer:
        """Explain why rules match an article, or what is missing."""
        if (question.url is None) is (question.text is None):
            raise unusable("text", "either url or text is needed")
        settings = self._watched.settings
        name = (question.rule or "").casefold()
        chosen = [entry for entry in settings.rules if name in entry.rule.name.casefold()]
        if question.rule is not None and not chosen:
            raise self._unknown_rule(question.rule)
        if len(chosen) > MOST_EXPLAINED:
            raise unusable(
                "rule", f"{len(chosen):,} rules are meant, and {MOST_EXPLAINED} are explained at once: name one"
            )
        link = links.canonical_link(question.url) if question.url is not None else None

        def explain(tx: storage.Transaction) -> documents.ExplainAnswer:
            article, place = explaining.typed(question.text or "", self._now()), None
            if link is not None:
                stored = tx.articles.find(link)
                if stored is None:
                    raise Refused(Why.NOT_FOUND, f"no article with the link {link} is in the archive")
                article, place = stored, explaining.place_of(tx, stored.id)
            explanations = explaining.explained(settings, article, chosen, most_steps=MOST_STEPS)
            return documents.ExplainAnswer(
                explained=[explaining.document(explanation, place) for explanation in explanations]
            )

        try:
            return await self._read_long(explain)
        except rules.TooManySteps as error:
            raise Refused(Why.TOO_LONG, f"explaining this takes {error}: shorten the text, or name one rule") from None

    async def try_rule(self, question: parameters.TryQuestion) -> documents.TryAnswer:
        """Return what pasted rules would have matched and posted. Saves nothing."""
        result = await self._playground.try_out(question.rule, question.days)
        return documents.TryAnswer(
            problems=building.problems(result.problems),
            remark=result.remark,
            trial=building.trial(result.report) if result.report else None,
            patch=result.patch,
        )

    async def draft(self, draft: parameters.DraftQuestion) -> tuple[str, tuple[model.Problem, ...]]:
        """Return the YAML of a rule and its problems. Saves nothing."""
        settings = self._watched.settings
        return await self._read_long(lambda tx: check_draft(draft, settings))

    async def split(self, story: str, question: parameters.SplitQuestion, *, by: str) -> documents.RulingDocument:
        """Move articles of the story into a separate story."""
        return await self._apply_ruling(story, lambda tx: rulings.split_of(tx, story, question.articles), by=by)

    async def merge(self, story: str, question: parameters.MergeQuestion, *, by: str) -> documents.RulingDocument:
        """Merge two stories into one."""
        return await self._apply_ruling(story, lambda tx: rulings.merge_of(tx, story, question.other), by=by)

    async def silences(self, question: parameters.SilencesQuestion) -> documents.SilencesAnswer:
        """Return the active silences; if requested, also the ended ones."""
        with_ended = question.ended == "yes"
        listed = await self._read(lambda tx: silences.list_silences(tx, now=self._now(), with_ended=with_ended))
        return documents.SilencesAnswer(silences=[building.silence(entry) for entry in listed])

    async def silence(self, question: parameters.SilenceQuestion, *, by: str) -> documents.SilenceDocument:
        """Post nothing about a subject until the silence ends."""
        end: datetime | timedelta | None = None
        if question.lasts and question.until:
            raise unusable("until", "give either for or until")
        loaded = [entry.rule.name.casefold() for entry in self._watched.settings.rules]
        if question.kind == "rule" and not any(question.name.casefold() in name for name in loaded):
            self.refuse_unknown(question.name)
        try:
            if question.lasts:
                end = model.parse_duration(question.lasts)
            elif question.until:
                end = config.end_of_date(config.parse_until(question.until), self._watched.settings.bot.timezone)
        except (ValueError, OverflowError) as error:
            raise unusable("for" if question.lasts else "until", str(error)) from None
        action = MakeSilence(
            kind=model.SilenceKind(question.kind),
            name=question.name,
            end=end,
            reason=question.reason,
            channels=tuple(question.channels),
        )
        return await self._apply_silence(action, by=by)

    async def end_silence(self, silence: str, *, by: str) -> documents.SilenceDocument:
        """End a silence before its time."""
        all_silences = await self._read(lambda tx: tx.silences.all())
        if silence not in {stored.id for stored in all_silences}:
            raise Refused(Why.NOT_FOUND, f"there is no silence {silence}; GET /silences lists them")
        return await self._apply_silence(EndSilence(id=silence), by=by)

    async def _apply_silence(self, action: MakeSilence | EndSilence, *, by: str) -> documents.SilenceDocument:
        snapshot, now = self._watched.snapshot, self._now()

        def work(tx: storage.Transaction) -> silences.ListedSilence:
            created = actions.apply_action(operator_context(tx, snapshot, by=by, now=now), action).created
            listed = silences.list_silences(tx, now=now, with_ended=True)
            return next(entry for entry in listed if created is not None and entry.silence.id == created.id)

        try:
            return building.silence(await self._watched.store.write(work))
        except model.CannotAct as error:
            raise Refused(Why.UNUSABLE, str(error)) from None

    async def _apply_ruling(
        self, story: str, action_of: Callable[[storage.Transaction], Split | Merge], *, by: str
    ) -> documents.RulingDocument:
        snapshot, now = self._watched.snapshot, self._now()

        def work(tx: storage.Transaction) -> model.Ruling:
            # Build the action first: it refuses a story that does not exist.
            action, context = action_of(tx), operator_context(tx, snapshot, by=by, now=now)
            target = actions.story_target(context, model.StoryId(story))
            ruling = actions.apply_action(context, action, target).created
            assert isinstance(ruling, model.Ruling)
            return ruling

        ruling = await self._watched.store.write(work)
        description = rulings.describe_result(ruling)
        return documents.RulingDocument(id=ruling.id, kind=ruling.kind.value, story=ruling.story, told=description)

    def refuse_unknown(self, rule: str | None) -> None:
        """Refuse a rule that is not loaded, for a question that has no results. Raises Refused."""
        if rule is not None and rule not in {entry.rule.name for entry in self._watched.settings.rules}:
            raise self._unknown_rule(rule)

    def _unknown_rule(self, name: str) -> Refused:
        return unknown_rule(name, [entry.rule.name for entry in self._watched.settings.rules])

    async def _read(self, work: Callable[[storage.Transaction], T]) -> T:
        return await self._watched.store.read(work)

    async def _read_long(self, work: Callable[[storage.Transaction], T]) -> T:
        try:
            return await self._watched.store.read_long(work)
        except model.SearchTooLong as error:
            raise Refused(Why.TOO_LONG, str(error)) from None

    def _now(self) -> datetime:
        return self._watched.clock.now()


def _present(page: SearchPage, shown: Callable[[SearchPage], T]) -> tuple[T, bool]:
    return shown(page), not page.hits


@contextmanager
def _refuse_query_errors(where: str, written: str) -> Iterator[None]:
    try:
        yield
    except rules.QueryError as error:
        raise of_query(where, written, error) from None


def _parse_time(where: str, written: str | None, now: datetime) -> datetime | None:
    try:
        return search.parse_moment(written, now) if written else None
    except ValueError as error:
        raise unusable(where, str(error)) from None


def _cursor_after(story: model.Story) -> str:
    """Return the cursor after the story: its last_seen in microseconds, and its id."""
    return f"{(story.last_seen - _EPOCH) // timedelta(microseconds=1)}-{story.id}"


def _story_cursor(cursor: str) -> tuple[datetime, model.StoryId]:
    number, dash, story = cursor.partition("-")
    if not dash or not (number.isascii() and number.isdigit() and len(number) < 17):
        raise _invalid_cursor()
    return _EPOCH + timedelta(microseconds=int(number)), model.StoryId(story)


def _number_cursor(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    if not (cursor.isascii() and cursor.isdigit() and len(cursor) < 19):
        raise _invalid_cursor()
    return int(cursor)


def _invalid_cursor() -> Refused:
    return unusable("after", "this is not a valid cursor: use `after` of the previous page")

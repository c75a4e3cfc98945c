"""Process the results of polls: identify and match items; write articles, matches, feed states and queued work.

load_context  what the store and the earlier polls of the batch know     a read transaction
   │
ingest        one poll + what is known ─▸ the rows to write              pure
   │
store_polls   write the rows, some hundred articles at a time            short transactions

The feeds' states are written last. If the process ends before then, the feeds are polled again, and the articles that
are already stored are recognised.
"""

from __future__ import annotations

import hashlib
import random
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

import msgspec
from msgspec.structs import replace

from bot import notices, storage
from bot.config.settings import Settings
from bot.feeds import cleaning, health, identity, polling
from bot.feeds.identity import Identification, Identified, Novelty
from bot.feeds.items import Item
from bot.model.archive import Arrival, IdentityQuery, KnownItems, Revision, Sighting
from bot.model.feeds import Entry, FeedState
from bot.model.fetching import PageText
from bot.model.messages import Notice
from bot.model.quarantine import PieceKind
from bot.model.rules import Match
from bot.model.stories import Article, ArticleId, SendId
from bot.pipeline import quarantine
from bot.pipeline.keep import note_rule_matches
from bot.pipeline.poll import Poll
from bot.storage import keys
from bot.storage.columns import JsonColumn
from bot.stories import facts
from bot.stories.attribution import find_origins

#: The stored form of an item that was set aside: the entry as the source parsed it.
ENTRY: JsonColumn[Entry] = JsonColumn(Entry)
#: The stages at which mails, items and entries are set aside.
PARSING, CLEANING = "parse", "clean"
#: Items that do not count for the daily limit: old ones are stored without text, reworded ones only if they match.
_FREE = (Novelty.OLD, Novelty.REWORDED)
_FIRST_SEEN = (Novelty.NEW, Novelty.OLD)
_REVISED = (Novelty.EDITED, Novelty.TAKEN_OVER)


class PollContext(msgspec.Struct, frozen=True, kw_only=True):
    """The data of the store, and of earlier polls of the same batch, about the items of one poll."""

    identification: Identification = msgspec.field(default_factory=lambda: Identification(items=()))
    #: The current versions of the articles that the poll may revise.
    articles: Mapping[ArticleId, Article] = msgspec.field(default_factory=dict)
    #: Article with the same link as a REWORDED item -> names of the rules that matched it.
    matched_rules: Mapping[ArticleId, Collection[str]] = msgspec.field(default_factory=dict)


class ArticleChange(msgspec.Struct, frozen=True, kw_only=True):
    """An article to write, with the rows that belong to it."""

    article: Article
    #: OLD articles are stored without text; NEW ones are added; EDITED ones replace their stored version.
    novelty: Novelty
    #: The ids that the feed gives to the article.
    sightings: tuple[Sighting, ...] = ()
    #: The work for the decision queue, or None if there is nothing to decide.
    queued: Arrival | Revision | None = None

    @property
    def matches(self) -> tuple[Match, ...]:
        """The rules that the article matches."""
        return self.queued.matches if self.queued else ()


class IngestedPoll(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that one poll changes in the store."""

    polled: Poll
    state: FeedState
    #: Articles to write, in the document's order.
    changes: tuple[ArticleChange, ...] = ()
    #: Ids that the feed gives to articles that do not change.
    sightings: tuple[Sighting, ...] = ()
    health: tuple[health.HealthEvent, ...] = ()
    #: The items on which ingesting raised an unexpected error. All other fields omit them.
    faults: tuple[tuple[Item, Exception], ...] = ()

    @property
    def new_count(self) -> int:
        """The number of new articles, without those older than the backfill window."""
        return sum(change.novelty is Novelty.NEW for change in self.changes)

    @property
    def arrivals(self) -> tuple[Arrival, ...]:
        """The new articles that match a rule."""
        return tuple(change.queued for change in self.changes if isinstance(change.queued, Arrival))

    @property
    def revisions(self) -> tuple[Revision, ...]:
        """The stored articles whose title or text changed."""
        return tuple(change.queued for change in self.changes if isinstance(change.queued, Revision))


def load_context(
    tx: storage.Transaction, identification: Identification, earlier: Sequence[IngestedPoll]
) -> PollContext:
    """Look up the articles that these items may revise, and the rules that matched articles with the same link.

    ``earlier`` are the polls of the same batch that are not stored yet.
    """
    revised = [item.stub.id for item in identification.items if item.novelty in _REVISED and item.stub]
    same_link = {id_ for item in identification.items if item.novelty is Novelty.REWORDED for id_ in item.same_link}
    if not revised and not same_link:
        return PollContext(identification=identification)
    articles = dict(tx.articles.get(revised))
    rules = {id_: {match.rule for match in tx.articles.matches(id_)} for id_ in same_link}
    for change in _changes(earlier):
        if change.article.id in revised and change.novelty is not Novelty.OLD:
            articles[change.article.id] = change.article
        if change.article.id in same_link:
            rules[change.article.id] |= {match.rule for match in change.matches}
    return PollContext(identification=identification, articles=articles, matched_rules=rules)


def _changes(polls: Iterable[IngestedPoll]) -> list[ArticleChange]:
    return [change for poll in polls for change in poll.changes]


def ingest(polled: Poll, context: PollContext, settings: Settings, *, now: datetime, jitter: float) -> IngestedPoll:
    """Return what a poll changes: articles with their matches, and the feed's state. Pure.

    ``jitter``, from 0 to 1, spreads the times of the next polls.
    """
    finished = polling.FinishedPoll(polled.state, polled.feed, settings.bot.fetch, now, jitter)
    changes: Sequence[ArticleChange] = ()
    sightings: Sequence[Sighting] = ()
    if polled.reading is not None and polled.answer is not None:
        items, cost, postponed = limit_to_day(
            context.identification.items,
            polled.state,
            pages=polled.pages,
            most=settings.bot.fetch.max_items_per_day,
            now=now,
        )
        items = [_with_page(item, polled.pages) for item in items]
        # Learn the sentences that the feed repeats from items not seen before, and strip them from all items.
        first_seen = [item.article.text for item in items if item.novelty in _FIRST_SEEN and item.article]
        boilerplate = cleaning.learn_boilerplate(first_seen, polled.state.boilerplate)
        items = [_without_boilerplate(item, boilerplate) for item in items]
        changes, sightings = _changes_of(items, polled, context, settings, boilerplate=boilerplate, now=now)
        # Articles older than the backfill window, and known ones in other words, do not affect the polling interval.
        new = [item.article for item in items if item.novelty is Novelty.NEW and item.article]
        state = finished.after_reading(
            replace(polled.reading, entries=tuple(item.entry for item in polled.items)),
            polled.answer,
            digest=polled.body_hash,
            new_count=len(new),
            arrivals=tuple(article.when for article in new),
            names_known=polled.names_known,
        )
        state = _with_remarks(replace(state, boilerplate=boilerplate), polled, context.identification)
        state = polling.count_stored(
            state,
            cost=cost,
            postponed=postponed,
            most=settings.bot.fetch.max_items_per_day,
            # With the etag from before this poll, a mailbox's next poll returns this poll's mails but no older ones.
            etag=polled.state.validators.etag if polled.reading.is_increment else None,
        )
    else:
        state = polled.state_without_document(finished)
    events = health.find_health_events(state, polled.feed, now)
    return IngestedPoll(
        polled=polled,
        state=health.mark_reported(state, events) if events else state,
        changes=tuple(changes),
        sightings=tuple(sightings),
        health=events,
    )


def limit_to_day(
    items: Sequence[Identified], state: FeedState, *, pages: Mapping[str, PageText], most: int, now: datetime
) -> tuple[Sequence[Identified], int, int]:
    """Return the items to store today, their use of the daily limit, and the number of items that must wait.

    ``pages`` maps links to main texts.
    """
    storing = [item for item in items if item.article and item.novelty not in _FREE]
    lengths = [
        len(page.text if (page := pages.get(item.article.link)) else item.article.text)
        for item in storing
        if item.article
    ]
    fits, cost = polling.count_fitting(state, lengths, most=most, now=now)
    postponed = {item.sighting.article: item.novelty for item in storing[fits:]}
    kept = []
    for item in items:
        novelty = postponed.get(item.sighting.article)
        if novelty is None:
            kept.append(item)
        elif novelty is Novelty.EDITED:
            # Postpone the edit, but note that the feed still lists the article, so that it is not deleted.
            kept.append(replace(item, novelty=Novelty.SEEN, article=None))
    return kept, cost, len(postponed)


def _changes_of(
    items: Sequence[Identified],
    polled: Poll,
    context: PollContext,
    settings: Settings,
    *,
    boilerplate: str,
    now: datetime,
) -> tuple[Sequence[ArticleChange], Sequence[Sighting]]:
    """Return the articles to write, and the ids that the feed gives to all other articles."""
    sightings: defaultdict[ArticleId, list[Sighting]] = defaultdict(list)
    for item in items:
        sightings[item.sighting.article].append(item.sighting)
    changes = []
    for item in items:
        change: ArticleChange | None = None
        if item.article is None:
            continue
        if item.novelty is Novelty.OLD:
            change = ArticleChange(article=item.article, novelty=Novelty.OLD)
        elif item.novelty is Novelty.NEW:
            matches = settings.rule_set.match(item.article, polled.feed, now=now)
            change = _added(item.article, matches, polled, settings)
        elif item.novelty is Novelty.REWORDED:
            matches = settings.rule_set.match(item.article, polled.feed, now=now)
            known_rules = {rule for id_ in item.same_link for rule in context.matched_rules.get(id_, ())}
            # Only matches that no other feed's wording has produced count.
            if matches := tuple(match for match in matches if match.rule not in known_rules):
                change = _added(item.article, matches, polled, settings)
        else:
            change = _revised(item, item.article, polled, context, settings, boilerplate=boilerplate, now=now)
        if change is not None:
            article_id = change.article.id
            own = [replace(sighting, article=article_id) for sighting in sightings.pop(item.sighting.article, ())]
            changes.append(replace(change, sightings=tuple(own)))
    return changes, [sighting for group in sightings.values() for sighting in group]


def _added(article: Article, matches: tuple[Match, ...], polled: Poll, settings: Settings) -> ArticleChange:
    if matches:
        article = replace(article, origins=find_origins(article, settings.outlet_names))
    arrival = Arrival(article=article, matches=matches, is_baseline=polled.is_baseline, poll=polled.id)
    return ArticleChange(article=article, novelty=Novelty.NEW, queued=arrival if matches else None)


def _revised(
    item: Identified,
    article: Article,
    polled: Poll,
    context: PollContext,
    settings: Settings,
    *,
    boilerplate: str,
    now: datetime,
) -> ArticleChange | None:
    """Return the next version of a stored article, or None if nothing that is stored would change."""
    if article.id not in context.articles:
        return None
    # Strip the previous version too; otherwise the edit would seem to remove a newly learnt footer.
    previous = _stripped(context.articles[article.id], boilerplate)
    if previous.is_full_text and not article.is_full_text:
        # Keep the page's text. The page was not fetched again, so the new text is only the feed's teaser.
        picture = article.picture or previous.picture
        article = replace(article, text=previous.text, links=previous.links, is_full_text=True, picture=picture)
    is_taken_over = item.novelty is Novelty.TAKEN_OVER
    published = article.published or previous.published
    has_other_words = (previous.title, previous.text) != (article.title, article.text)
    if not has_other_words and not is_taken_over and previous.published == published:
        return None
    source = article if is_taken_over else previous
    article = replace(
        article,
        feed=source.feed,
        outlet=source.outlet,
        owner=source.owner,
        first_seen=previous.first_seen,
        published=published,
        is_official=source.is_official,
        origins=previous.origins,
        version=previous.version + 1,
    )
    if not has_other_words and not is_taken_over:
        # Only the date has changed: store it, but do not match or post again.
        return ArticleChange(article=article, novelty=Novelty.EDITED)
    matches = settings.rule_set.match(article, polled.feed, now=now)
    if matches or previous.origins:
        article = replace(article, origins=find_origins(article, settings.outlet_names))
    revision = Revision(
        article=article,
        matches=matches,
        # Two outlets word the same news differently; that is not a correction.
        corrections=() if is_taken_over else facts.corrections(previous, article),
        poll=polled.id,
        is_renamed=previous.title != article.title,
    )
    return ArticleChange(article=article, novelty=Novelty.EDITED, queued=revision)


def _with_remarks(state: FeedState, polled: Poll, identification: Identification) -> FeedState:
    elsewhere = state.links_elsewhere if identification.links_elsewhere is None else identification.links_elsewhere
    remarks = [*state.remarks, *identification.remarks]
    if elsewhere and polled.feed.aggregator is None and polled.feed.owner is None:
        remarks.append("it links to other sites; if it is an aggregator, set aggregator: true in feeds.yaml")
    return replace(state, moved_to=polled.found_at or state.moved_to, remarks=tuple(remarks), links_elsewhere=elsewhere)


def _with_page(item: Identified, pages: Mapping[str, PageText]) -> Identified:
    """Return the item with the main text of its page, or unchanged if the page was not fetched.

    The page's picture counts only if the feed names none.
    """
    page = pages.get(item.article.link) if item.article else None
    if page is None or item.article is None or item.novelty is Novelty.OLD:
        return item
    picture = item.article.picture or page.picture
    return replace(item, article=replace(item.article, text=page.text, is_full_text=True, picture=picture))


def _without_boilerplate(item: Identified, boilerplate: str) -> Identified:
    if item.article is None or item.novelty is Novelty.OLD:
        return item
    article = _stripped(item.article, boilerplate)
    return item if article is item.article else replace(item, article=article)


def _stripped(article: Article, boilerplate: str) -> Article:
    stripped = cleaning.strip_boilerplate(article.text, boilerplate)
    return replace(article, text=stripped.text, left_out=stripped.left_out) if stripped.left_out else article


def _ingest_sound_items(polled: Poll, ingest_items: Callable[[Poll], IngestedPoll]) -> IngestedPoll:
    """Ingest a poll without the items at fault. Raise the error if no single item is at fault."""

    def attempt(polled: Poll) -> IngestedPoll | Exception:
        try:
            return ingest_items(polled)
        except storage.DATABASE_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - any bug; it is logged when the item is set aside
            return error

    ingested = attempt(polled)
    if isinstance(ingested, IngestedPoll):
        return ingested
    # The poll itself may be at fault: then this raises too.
    ingest_items(replace(polled, cleaned=()))
    attempts = [(item, attempt(replace(polled, cleaned=(item,)))) for item in polled.items]
    faults = [(item, error) for item, error in attempts if isinstance(error, Exception)]
    if not faults:
        raise ingested
    keys = {item.key for item, _ in faults}
    sound = tuple(item for item in polled.items if item.key not in keys)
    return replace(ingest_items(replace(polled, cleaned=sound)), faults=tuple(faults))


def set_aside_faults(tx: storage.Transaction, poll: IngestedPoll, *, now: datetime) -> None:
    """Set aside the items of a poll on which our code raised an unexpected error."""
    url, reading, kind = poll.polled.feed.url, poll.polled.reading, PieceKind.ITEM
    faults = reading.faulty_items if reading else ()
    aside = tx.quarantine.errors(kind) if faults else {}
    for fault in faults:
        stage, body, key = PARSING, "", fault.hash
        if entry := fault.entry:
            stage, body = CLEANING, ENTRY.dump(entry)
            key = entry.guid or entry.link or hashlib.sha256(body.encode()).hexdigest()
        # The feed lists the item at later polls too.
        if (piece := f"{url} {key}") not in aside:
            quarantine.set_aside(tx, kind, piece, fault.error, stage=stage, now=now, body=body)
    for item, error in poll.faults:
        piece, body = _piece_id(url, item), ENTRY.dump(item.entry)
        quarantine.set_aside(tx, kind, piece, error, stage="intake", now=now, body=body)


def _piece_id(url: str, item: Item) -> str:
    return f"{url} {item.key}"


def ingest_polls(
    tx: storage.Transaction, polls: Sequence[Poll], settings: Settings, *, now: datetime
) -> Sequence[IngestedPoll]:
    """Ingest polls one after another, with what the store and the polls before each one know. Write nothing."""
    polls = [polled.prepared for polled in polls]
    if aside := tx.quarantine.errors(PieceKind.ITEM):
        polls = [
            replace(
                polled,
                cleaned=tuple(item for item in polled.items if _piece_id(polled.feed.url, item) not in aside),
            )
            for polled in polls
        ]
    questions = [polled.question for polled in polls if polled.reading is not None]
    answers = iter(zip(questions, tx.articles.find_known_items(questions), strict=True))
    batch = identity.BatchArticles()
    ingested: list[IngestedPoll] = []
    for polled in polls:
        question, stored = next(answers) if polled.reading is not None else (None, None)

        def ingest_items(
            polled: Poll, question: IdentityQuery | None = question, stored: KnownItems | None = stored
        ) -> IngestedPoll:
            context = PollContext()
            if polled.reading is not None and question is not None and stored is not None:
                identification = polled.identify(polled.reading, batch.beside(stored, question), settings, now=now)
                context = load_context(tx, identification, ingested)
            return ingest(polled, context, settings, now=now, jitter=random.random())  # noqa: S311 - not a secret

        poll = _ingest_sound_items(polled, ingest_items)
        for change in poll.changes:
            batch.add(change.article, change.novelty)
        ingested.append(poll)
    return ingested


#: How long a notice about feeds waits for further problems.
HEALTH_WAIT = timedelta(minutes=1)
#: Maximum articles in one transaction, which takes about 50 ms. During this time nothing else can write to SQLite.
MOST = 250
#: Writing an article without text takes a quarter of the time of one with text, which is indexed for search.
_OLD_WEIGHT = 0.25


async def store_polls(
    store: storage.Store, polls: Sequence[Poll], settings: Settings, *, token: str, now: datetime
) -> Sequence[IngestedPoll]:
    """Write polls. Return the polls of feeds that were still leased by ``token``. Raises StoreError.

    Calls must not overlap, because data that is computed in a read must still be true when it is written.
    """
    compute = partial(ingest_polls, polls=polls, settings=settings, now=now)
    ingested = await store.read(compute)
    *pieces, last_piece = _cut(_changes(ingested))
    computed = [(ingested, last_piece)]
    stored: list[Article] = []
    for piece in pieces:
        if not await store.write(partial(_store_piece, piece=piece, stored=stored, now=now)):
            computed.clear()
            break
        stored += [change.article for change in piece]

    def work(tx: storage.Transaction) -> Sequence[IngestedPoll]:
        # If the transaction is repeated after a conflict, compute again, because another worker may have stored
        # the same articles.
        if computed:
            ingested, changes = computed.pop()
        else:
            ingested = compute(tx)
            changes = _changes(ingested)
        if tx.articles.are_rivalled(_first_seen(changes), beside=stored):
            # Another worker has stored some of the articles since the batch was computed, so identify them again.
            ingested = compute(tx)
            changes = _changes(ingested)
        store_changes(tx, changes, now=now)
        tx.articles.see([sighting for poll in ingested for sighting in poll.sightings], at=now)
        return _finish(tx, ingested, settings, token=token, now=now)

    return await store.write(work)


def _cut(changes: Sequence[ArticleChange]) -> Sequence[Sequence[ArticleChange]]:
    """Return pieces of about ``MOST`` articles with text, at least one piece."""
    pieces: list[list[ArticleChange]] = [[]]
    weight = 0.0
    for change in changes:
        weight += _OLD_WEIGHT if change.novelty is Novelty.OLD else 1
        if weight > MOST:
            pieces.append([])
            weight = _OLD_WEIGHT if change.novelty is Novelty.OLD else 1
        pieces[-1].append(change)
    return pieces


def _first_seen(changes: Sequence[ArticleChange]) -> Sequence[Article]:
    return [change.article for change in changes if change.novelty in _FIRST_SEEN]


def _store_piece(
    tx: storage.Transaction, *, piece: Sequence[ArticleChange], stored: Sequence[Article], now: datetime
) -> bool:
    """Write a piece. If another worker has stored any of its articles, return False and write nothing."""
    if tx.articles.are_rivalled(_first_seen(piece), beside=stored):
        return False
    store_changes(tx, piece, now=now)
    return True


def store_changes(tx: storage.Transaction, changes: Sequence[ArticleChange], *, now: datetime) -> None:
    """Write articles with the rows that belong to them, and queue their matches for decisions."""
    store_articles(tx, changes, now=now)
    tx.decision_queue.add([change.queued for change in changes if change.queued])


def store_articles(tx: storage.Transaction, changes: Sequence[ArticleChange], *, now: datetime) -> None:
    """Write articles, the ids that feeds give them, and their matches."""
    tx.articles.add([change.article for change in changes if change.novelty is Novelty.OLD], has_text=False)
    tx.articles.add([change.article for change in changes if change.novelty is Novelty.NEW])
    tx.articles.see([sighting for change in changes for sighting in change.sightings], at=now)
    for change in changes:
        if change.novelty is Novelty.EDITED:
            tx.articles.revise(change.article)
        if change.matches:
            tx.articles.add_matches(change.article.id, change.matches)


def _finish(
    tx: storage.Transaction, ingested: Sequence[IngestedPoll], settings: Settings, *, token: str, now: datetime
) -> Sequence[IngestedPoll]:
    """Write the feeds' states and their consequences. Return the polls of feeds that are still leased by ``token``."""
    lost = set(tx.feeds.save([poll.state for poll in ingested], token=token))
    kept = [poll for poll in ingested if poll.state.url not in lost]
    _limit_hosts(tx, kept)
    _report_health(tx, kept, settings, now)
    for poll in kept:
        set_aside_faults(tx, poll, now=now)
    matched = [change.queued for change in _changes(ingested) if change.queued]
    note_rule_matches(tx, settings, matched, now=now)
    return kept


def _limit_hosts(tx: storage.Transaction, ingested: Sequence[IngestedPoll]) -> None:
    """Pause all feeds of a host if three of its addresses responded with Retry-After within ten minutes."""
    limited = [poll.state for poll in ingested if poll.state.retry_after and poll.state.limited_at]
    if not limited:
        return
    states = tx.feeds.limited()
    for host in {polling.request_host(state) for state in limited}:
        recent = [
            (state.url, state.limited_at, state.retry_after)
            for state in states
            if polling.request_host(state) == host and state.limited_at and state.retry_after
        ]
        until = polling.host_limit(recent)
        if until:
            tx.feeds.limit_host(host, until)


def _report_health(
    tx: storage.Transaction, ingested: Sequence[IngestedPoll], settings: Settings, now: datetime
) -> None:
    """Report new and resolved problems. A notice waits for a minute, so that it has all problems of that time."""
    channel = settings.bot.operator
    if channel is None:
        return
    for is_well in (False, True):
        lines = [event.text for poll in ingested for event in poll.health if event.is_well is is_well]
        if not lines:
            continue
        last = tx.outbox.get([SendId(keys.health_notice(is_well).get(tx) or "")])
        for row in last.values():
            if row.channel == channel and row.due_at > now and isinstance(row.message, Notice):
                details = [*row.message.details, *lines]
                if tx.outbox.rewrite(row.id, notices.feed_health(details, is_well=is_well, since=row.created_at)):
                    lines = []
        if lines:
            notice = notices.feed_health(lines, is_well=is_well, since=now)
            row = notices.notice_row(notice, channel=channel, now=now)
            tx.outbox.add([replace(row, due_at=now + HEALTH_WAIT)])
            keys.health_notice(is_well).put(tx, row.id)

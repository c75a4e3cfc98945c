"""Two posted stories turn out to be one: the older message stays, the younger links to it once and is silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from bot import rules, storage
from bot.model.actions import MakeSilence, SilenceKind
from bot.model.alerts import AlertAction, AlertState, Decision, Reason
from bot.model.archive import Arrival
from bot.model.feeds import Feed
from bot.model.messages import MessageKind, Outgoing
from bot.model.rules import Line, Match, Rule
from bot.model.stories import Article, SendId, Story
from bot.pipeline import join, silences
from bot.pipeline.actions import carry_out
from bot.pipeline.rights import operator_context
from bot.pipeline.turn import Turn
from tests.stories import examples
from tests.testbed.fakes import START
from tests.testbed.made import alert
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import lead_of

DAY = timedelta(days=1)
RULE = rules.compile_rule(Rule(name="exit", notify=("desk",), all=(Line(label="product", terms=("BlackBerry",)),)))
SETTINGS = make_settings(rules=[RULE], window=timedelta(days=200))
FIRST, SECOND, BRIDGE = (
    examples.article(examples.EXIT.title, examples.EXIT.text, outlet=outlet, at=examples.START + at * DAY / 24)
    for at, outlet in enumerate(("Gazette", "Tribune", "Mirror"))
)
OLDER, YOUNGER = examples.story(FIRST), examples.story(SECOND)
AGAIN = examples.article(examples.AFFECTED.title, examples.AFFECTED.text, outlet="Echo", at=examples.START + DAY)


def matches(article: Article) -> tuple[Match, ...]:
    return SETTINGS.rule_set.match(article, Feed(url=article.feed), now=START)


def post(tx: storage.Transaction, story: Story, *, state: AlertState = AlertState.POSTED) -> None:
    """Post a story in the channel under its own head."""
    for member in story.members:
        tx.articles.add([member.article])
        tx.articles.add_matches(member.article.id, matches(member.article))
    tx.stories.save(story)
    is_posted = state is AlertState.POSTED
    waiting = alert(story.id, rules=("exit",), state=state, reason=Reason.MIN_OUTLETS)
    head = SendId(f"head of {story.id}")
    stands = alert(story.id, rules=("exit",), head=head, posted_at=story.first_seen)
    tx.stories.save_alert(stands if is_posted else waiting)


async def arrive(
    store: storage.Store, news: join.StoryUpdater, article: Article
) -> tuple[Sequence[Decision], Sequence[Outgoing]]:
    """Return the decisions and the rows of the outbox."""

    def work(tx: storage.Transaction) -> tuple[Sequence[Decision], Sequence[Outgoing]]:
        tx.articles.add([article])
        tx.articles.add_matches(article.id, matches(article))
        arrival = Arrival(article=article, matches=matches(article), is_baseline=False)
        turn = Turn(tx, SETTINGS, article.first_seen)
        made = news.update(turn, [arrival])
        turn.changes.write(tx)
        return made, tx.outbox.unsent()

    return await store.write(work)


async def test_the_older_message_lives_on_and_the_younger_points_to_it_once(store: storage.Store) -> None:
    for story in (OLDER, YOUNGER):
        await store.write(lambda tx, story=story: post(tx, story))  # type: ignore[misc]
    news = join.StoryUpdater()
    made, rows = await arrive(store, news, BRIDGE)

    merged = [each for each in made if each.reason is Reason.MERGED]
    assert [(each.story, each.action) for each in merged] == [(YOUNGER.id, AlertAction.EDIT)]
    (pointer,) = [row for row in rows if row.thread == f"head of {YOUNGER.id}"]
    assert lead_of(pointer.message) == "Merged into an earlier story:"
    assert all(row.thread == f"head of {OLDER.id}" for row in rows if row is not pointer)
    (head,) = [row for row in rows if row.message.kind is MessageKind.EDIT and row is not pointer]
    (brief,) = head.message.stories
    assert brief.byline is not None
    assert (brief.byline.outlet, brief.byline.more, brief.copy_count) == ("Gazette", 1, 1), "all have one headline"

    again, _ = await arrive(store, news, AGAIN)
    assert {each.story for each in again} == {OLDER.id}
    alerts = await store.read(lambda tx: tx.stories.alerts([OLDER.id, YOUNGER.id]))
    assert {alert.story: alert.state for alert in alerts} == {
        OLDER.id: AlertState.POSTED,
        YOUNGER.id: AlertState.MERGED,
    }


async def test_where_only_the_younger_was_posted_its_message_is_taken_over(store: storage.Store) -> None:
    await store.write(lambda tx: post(tx, OLDER, state=AlertState.HELD))
    await store.write(lambda tx: post(tx, YOUNGER))
    _, rows = await arrive(store, join.StoryUpdater(), BRIDGE)

    assert rows
    assert {row.thread for row in rows} == {f"head of {YOUNGER.id}"}
    assert all(row.message.reason is not Reason.MERGED for row in rows)
    (alert,) = await store.read(lambda tx: tx.stories.alerts([OLDER.id]))
    assert (alert.state, alert.head) == (AlertState.POSTED, f"head of {YOUNGER.id}")
    assert alert.posted_for == YOUNGER.id


async def test_a_silenced_story_stays_silent_when_an_older_one_takes_its_message_over(store: storage.Store) -> None:
    await store.write(lambda tx: post(tx, OLDER, state=AlertState.HELD))
    await store.write(lambda tx: post(tx, YOUNGER))
    action = MakeSilence(kind=SilenceKind.STORY, name=YOUNGER.id, reason="enough of it")

    def make(turn: Turn) -> None:
        silences.make_silence(operator_context(turn, by="ann"), action)

    await carry_out(store, SETTINGS, make, now=BRIDGE.first_seen)
    decisions, _ = await arrive(store, join.StoryUpdater(), BRIDGE)
    assert [(each.story, each.reason) for each in decisions] == [(OLDER.id, Reason.SILENCED)]

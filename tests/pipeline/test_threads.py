"""Threads: ``group: rule`` makes one of all that a rule matches, and two posted stories may turn out to be one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import rules, storage
from bot.channels.kit import rendering
from bot.config.settings import Settings
from bot.model.actions import Ruling, RulingKind, SilenceKind
from bot.model.alerts import AlertAction, AlertState, Decision, Reason
from bot.model.archive import Arrival
from bot.model.feeds import Feed
from bot.model.messages import MessageKind, Outgoing
from bot.model.rules import Group, Line, Rule
from bot.model.settings import QuietHours
from bot.model.stories import Article, SendId, Story
from bot.pipeline.dispatch import Dispatcher
from bot.pipeline.join import StoryUpdater
from bot.pipeline.turn import Turn
from tests.pipeline.newsroom import DAWN, WIRE, Item, Newsroom
from tests.stories import examples
from tests.stories.examples import START, article
from tests.testbed import made
from tests.testbed.made_settings import make_settings
from tests.testbed.shown import facts_of, lead_of, story_post

#: The headline and the text of a report.
Report = tuple[str, str]
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def rule(**keys: object) -> Rule:
    line = Line(label="product", terms=("BlackBerry",))
    values: dict[str, object] = {"name": "affair", "notify": ("desk",), "all": (line,), "group": Group.RULE, **keys}
    return Rule(**values)  # type: ignore[arg-type]  # a test names the keys


@dataclass(slots=True)
class Desk:
    """A bot over a database in memory."""

    tx: storage.Transaction
    settings: Settings = field(default_factory=lambda: make_settings(rules=[rules.compile_rule(rule())]))
    now: datetime = START
    updater: StoryUpdater = field(default_factory=StoryUpdater)
    #: Whether the bot restarts before each turn.
    restarts: bool = False

    def use(self, *new_rules: Rule, **bot_keys: object) -> None:
        self.settings = make_settings(rules=map(rules.compile_rule, new_rules), **bot_keys)  # type: ignore[arg-type]
        self.updater = StoryUpdater()

    def arrive(
        self, *reports: Report, outlet: str = "Gazette", after: timedelta = HOUR, is_baseline: bool = False
    ) -> list[Outgoing]:
        """Return the rows of the outbox that reports of an outlet cause, without edits."""
        self.now += after
        articles = [article(title, text, outlet=outlet, at=self.now) for title, text in reports]
        return self._turn([self._arrival(value, is_baseline=is_baseline) for value in articles])

    def _arrival(self, value: Article, *, is_baseline: bool = False) -> Arrival:
        matches = self.settings.rule_set.match(value, Feed(url=value.feed), now=self.now)
        self.tx.articles.add([value])
        self.tx.articles.add_matches(value.id, matches)
        return Arrival(article=value, matches=matches, is_baseline=is_baseline)

    def _turn(self, arrivals: list[Arrival], *rulings: Ruling) -> list[Outgoing]:
        if self.restarts:
            self.updater = StoryUpdater()
        turn = Turn(self.tx, self.settings, max([self.now, *(each.article.first_seen for each in arrivals)]))
        for ruling in rulings:
            self.updater.carry_out(turn, ruling)
        self.updater.update(turn, arrivals)
        turn.changes.write(self.tx)
        for ruling in rulings:
            self.tx.rulings.done([ruling.id], at=turn.now)
        return [row for row in turn.rows if row.message.kind is not MessageKind.EDIT]

    def release(self) -> list[Outgoing]:
        """Release what is held and due now."""
        turn = Turn(self.tx, self.settings, self.now + timedelta(minutes=10))
        Dispatcher(turn).release(turn.due_alerts())
        turn.changes.write(self.tx)
        return [row for row in turn.rows if row.message.kind is not MessageKind.EDIT]

    def rule(self, kind: RulingKind, story: Story, **fields: object) -> list[Outgoing]:
        """Carry out a split or a merge."""
        ruling = Ruling(id="r1", at=self.now, by="ann", kind=kind, story=story.id, **fields)  # type: ignore[arg-type]
        self.tx.rulings.add(ruling)
        return self._turn([], ruling)

    def post(self, story: Story, **changes: object) -> None:
        """Store a story of a rule, posted in its channel under its own head unless ``changes`` say otherwise."""
        for member in story.members:
            self._arrival(member.article)
        self.tx.stories.save(story)
        fields = {"head": SendId(f"head of {story.id}"), "posted_at": story.first_seen, **changes}
        self.tx.stories.save_alert(made.alert(story.id, rules=tuple(self.settings.rule_set.rules), **fields))

    @property
    def stories(self) -> list[Story]:
        return [story for story in self.tx.stories.since(None) if story.merged_into is None]

    @property
    def head(self) -> Outgoing:
        """The newest version of the first message."""
        first, *later = self.tx.outbox.unsent()
        return [first, *(row for row in later if row.thread == first.id and row.message.kind is MessageKind.EDIT)][-1]


EXIT: Report = (
    "BlackBerry to leave Pakistan over backdoor demand",
    "BlackBerry ends its business in Pakistan because the PTA demanded a backdoor into its BES servers.",
)
EXIT_TOO: Report = (
    "BlackBerry leaves Pakistan after PTA demand for a backdoor",
    "BlackBerry ends its business in Pakistan after the PTA demanded a backdoor into the BES servers of the company.",
)
FINE: Report = ("Shop in Multan fined for BlackBerry sales", "A judge fined the owner of a market stall 9,000 rupees.")
FINE_TOO: Report = (
    "Multan shop is fined for sales of BlackBerry phones",
    "A judge in Multan fined the owner of a market stall 9,000 rupees for his sales.",
)

LOSS: Report = ("BlackBerry posts quarterly loss", "Revenue of the Waterloo firm fell to 490 million dollars.")
CHIEF: Report = ("New security chief at BlackBerry", "She led the cryptography team of a bank in Zurich before.")


def shown(rows: list[Outgoing]) -> list[tuple[str, str]]:
    """Return the kind of each message, and the headlines that are new in it."""
    return [
        (row.message.kind.value, " | ".join(fact.after for fact in facts_of(row.message) if fact.is_event))
        if row.message.kind is MessageKind.REPLY
        else (row.message.kind.value, " | ".join(brief.title.text for brief in row.message.stories))
        for row in rows
    ]


def others(row: Outgoing) -> list[str]:
    """Return the headlines of other events that a message lists."""
    return [line.title for brief in row.message.stories for line in brief.other_reports]


@pytest.fixture(params=[False, True], ids=["runs on", "restarts"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with storage.open_in_memory() as tx:
        yield Desk(tx, restarts=request.param)


def test_the_message_counts_the_outlets_of_its_own_event_and_lists_every_other_headline(desk: Desk) -> None:
    desk.arrive(EXIT)
    desk.arrive(FINE, outlet="Tribune")
    desk.arrive(FINE_TOO, outlet="Mirror")
    desk.arrive(LOSS, outlet="Echo")
    (brief,) = desk.head.message.stories
    assert (brief.title.text, brief.owner_count, brief.coverage) == (EXIT[0], 1, ())
    assert others(desk.head) == [LOSS[0], FINE[0], FINE_TOO[0]]
    latest = story_post(desk.head.message).latest
    assert latest is not None
    assert latest.after == LOSS[0]


def test_several_events_of_one_turn_are_a_message_and_a_reply_that_names_each(desk: Desk) -> None:
    post, reply = desk.arrive(EXIT, FINE, LOSS)
    assert post.message.kind is MessageKind.POST
    headlines = {post.message.stories[0].title.text, *(fact.after for fact in facts_of(reply.message))}
    assert headlines == {EXIT[0], FINE[0], LOSS[0]}
    assert reply.thread == post.id


@pytest.mark.parametrize(
    ("quiet", "pause", "kind"),
    [
        (3 * DAY, 3 * DAY, "reply"),
        (3 * DAY, 3 * DAY + HOUR, "post"),
        # A story of another rule is open for five days.
        (30 * DAY, 20 * DAY, "reply"),
        (30 * DAY, 40 * DAY, "post"),
    ],
)
def test_coverage_that_pauses_longer_than_quiet_begins_a_new_message(
    desk: Desk, quiet: timedelta, pause: timedelta, kind: str
) -> None:
    desk.use(rule(quiet=quiet), window=5 * DAY)
    desk.arrive(EXIT)
    assert shown(desk.arrive(FINE, after=pause)) == [(kind, FINE[0])]


def test_a_rule_that_gets_the_key_later_keeps_its_stories_and_begins_a_thread_with_the_next_event(desk: Desk) -> None:
    desk.use(rule(group=Group.NORMAL))
    desk.arrive(EXIT)
    desk.use(rule())
    assert desk.arrive(EXIT_TOO, outlet="Tribune") == []
    assert shown(desk.arrive(FINE)) == [("post", FINE[0])]
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]
    assert [len(story.members) for story in desk.stories] == [2, 2]


def test_an_event_waits_for_its_own_outlets(desk: Desk) -> None:
    desk.use(rule(min_outlets=2))
    assert desk.arrive(EXIT) == []
    assert desk.arrive(FINE, outlet="Tribune") == [], "two events of one outlet each"
    assert shown(desk.arrive(FINE_TOO, outlet="Mirror")) == [("post", FINE[0])]
    assert others(desk.head) == []
    assert shown(desk.arrive(EXIT_TOO, outlet="Echo")) == [("reply", EXIT[0])]


def test_what_came_in_quiet_hours_is_listed_in_one_message(desk: Desk) -> None:
    quiet = QuietHours(start=time(8), end=time(20), zone=ZoneInfo("UTC"))
    desk.use(rule(), channels=["desk"], quiet_hours=quiet)
    assert [desk.arrive(EXIT), desk.arrive(FINE)] == [[], []]
    desk.now += 12 * HOUR
    (message,) = desk.release()
    assert (message.message.stories[0].title.text, others(message)) == (EXIT[0], [FINE[0]])
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]


def test_replies_do_not_count_as_posts_of_the_hour(desk: Desk) -> None:
    desk.use(rule(posts_per_hour=1))
    rows = [*desk.arrive(EXIT), *desk.arrive(FINE, after=HOUR / 6), *desk.arrive(LOSS, after=HOUR / 6)]
    assert shown(rows) == [("post", EXIT[0]), ("reply", FINE[0]), ("reply", LOSS[0])]


def test_an_article_of_another_rule_joins_an_event_of_the_thread_and_opens_none(desk: Desk) -> None:
    fines = rule(name="fines", all=(Line(label="fine", terms=("fined",)),), group=Group.NORMAL)
    desk.use(fines, rule())
    desk.arrive(EXIT)
    desk.arrive(FINE)
    title, text = FINE_TOO
    assert desk.arrive((title.replace("BlackBerry ", ""), text), outlet="Mirror") == []
    (other,) = desk.arrive(("Bank in Lisbon fined", "The central bank ordered a penalty."), outlet="Echo")
    assert other.message.kind is MessageKind.POST
    assert [len(story.members) for story in desk.stories] == [3, 1]


def test_the_channel_of_another_rule_gets_only_the_events_that_this_rule_matches(desk: Desk) -> None:
    fines = rule(name="fines", all=(Line(label="fine", terms=("fined",)),), group=Group.NORMAL, notify=("courts",))
    desk.use(rule(), fines)
    desk.arrive(EXIT)
    rows = [*desk.arrive(FINE), *desk.arrive(LOSS)]
    (message,) = [row for row in rows if row.channel == "courts"]
    assert (message.message.stories[0].title.text, others(message)) == (FINE[0], [])
    assert shown([row for row in rows if row.channel == "desk"]) == [("reply", FINE[0]), ("reply", LOSS[0])]


def test_an_article_of_two_such_rules_goes_to_the_thread_of_the_first_one(desk: Desk) -> None:
    courts = rule(name="courts", all=(Line(label="judge", terms=("judge",)),))
    desk.use(courts, rule())
    desk.arrive(EXIT)
    assert [kind for kind, _ in shown(desk.arrive(FINE))] == ["post"]
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]
    assert [(story.thread, len(story.members)) for story in desk.stories] == [("affair", 2), ("courts", 1)]


def test_events_during_a_silence_of_the_rule_are_not_told_afterwards(desk: Desk) -> None:
    desk.arrive(EXIT)
    desk.tx.silences.add(made.silence(SilenceKind.RULE, "affair", at=desk.now, until=desk.now + 3 * HOUR))
    assert desk.arrive(FINE) == []
    assert shown(desk.arrive(LOSS, after=5 * HOUR)) == [("reply", LOSS[0])]
    assert FINE[0] in others(desk.head)


def test_articles_that_people_split_off_stay_outside_and_attract_their_event(desk: Desk) -> None:
    desk.arrive(EXIT)
    desk.arrive(FINE)
    (thread,) = desk.stories
    rows = desk.rule(RulingKind.SPLIT, thread, articles=(thread.members[1].article.id,))
    assert ("post", FINE[0]) in shown(rows)
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]
    by_thread = {story.thread: [member.article.title for member in story.members] for story in desk.stories}
    assert by_thread == {"affair": [EXIT[0], LOSS[0]], None: [FINE[0], FINE_TOO[0]]}


def test_two_threads_that_people_make_one_go_on_as_one(desk: Desk) -> None:
    desk.use(rule(quiet=DAY))
    desk.arrive(EXIT)
    desk.arrive(FINE)
    desk.arrive(LOSS, after=2 * DAY)
    older, younger = desk.stories
    desk.rule(RulingKind.MERGE, younger, other=older.id)
    (thread,) = desk.stories
    assert [len(members) for members in thread.events.values()] == [2, 1], "the younger message is the older event"
    assert shown(desk.arrive(CHIEF)) == [("reply", CHIEF[0])]
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []


def test_a_value_that_was_told_as_another_event_is_not_told_again_in_the_first_one(desk: Desk) -> None:
    exit_by = "BlackBerry will leave Pakistan on the deadline, 30 November, the PTA said."
    desk.arrive((EXIT[0], f"{EXIT[1]} {exit_by}"))
    moved = "The PTA moved the deadline for BlackBerry to leave Pakistan from 30 November to 30 December."
    month = (
        "Minister grants the phone maker one more month",
        "BlackBerry gets time until 30 December, he told parliament.",
    )
    assert shown(desk.arrive(month, outlet="Tribune")) == [("reply", month[0])]
    assert desk.arrive((f"{EXIT_TOO[0]}, deadline moved", f"{EXIT_TOO[1]} {moved}"), outlet="Mirror") == []
    assert [len(members) for members in desk.stories[0].events.values()] == [2, 1]


def test_a_gathered_first_look_lists_the_headline_of_every_event_of_a_thread(desk: Desk) -> None:
    banks = rule(name="banks", all=(Line(label="bank", terms=("bank",)),), group=Group.NORMAL)
    desk.use(rule(), banks, channels=["desk"])
    desk.arrive(EXIT, FINE, LOSS, ("Bank in Lisbon closes", "The bank closes its doors."), is_baseline=True)
    (message,) = desk.release()
    assert message.message.kind is MessageKind.LISTING
    text = rendering.plain_message(message.message)
    assert all(title in text for title in (EXIT[0], FINE[0], LOSS[0], "Bank in Lisbon closes"))
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []
    post, reply = desk.arrive(CHIEF)
    assert (post.message.kind, shown([reply])) == (MessageKind.POST, [("reply", CHIEF[0])])


def test_a_gathered_story_that_became_part_of_another_keeps_its_headline(desk: Desk) -> None:
    desk.use(rule(group=Group.NORMAL), channels=["desk"])
    desk.arrive(EXIT, FINE, is_baseline=True)
    desk.release()
    older, younger = desk.stories
    desk.rule(RulingKind.MERGE, younger, other=older.id)
    assert desk.head.message.kind is MessageKind.EDIT
    shown = [(brief.id, brief.title.text) for brief in desk.head.message.stories]
    assert sorted(shown) == sorted([(older.id, EXIT[0]), (younger.id, FINE[0])])


# -- two posted stories turn out to be one: the older message stays, the younger links to it once and is silent


SAME = (examples.EXIT.title, examples.EXIT.text)
OLDER, YOUNGER = (
    examples.story(examples.article(*SAME, outlet=outlet, at=examples.START + at * HOUR))
    for at, outlet in enumerate(("Gazette", "Tribune"))
)
HELD = {"state": AlertState.HELD, "reason": Reason.MIN_OUTLETS, "head": None, "posted_at": None}


def post_both(desk: Desk, **older: object) -> None:
    """Post both stories, unless ``older`` says otherwise of the older one."""
    desk.now = examples.START + HOUR
    desk.use(rule(name="exit", group=Group.NORMAL), window=200 * DAY)
    desk.post(OLDER, **older)
    desk.post(YOUNGER)


def bridge(desk: Desk) -> list[Outgoing]:
    """Return the rows of the outbox after an article that is surely about both stories."""
    desk.arrive(SAME, outlet="Mirror")
    return list(desk.tx.outbox.unsent())


def decisions(desk: Desk) -> list[Decision]:
    return [decision for story in (OLDER, YOUNGER) for decision in desk.tx.stories.decisions(story.id)]


def test_the_older_message_lives_on_and_the_younger_points_to_it_once(desk: Desk) -> None:
    post_both(desk)
    rows = bridge(desk)
    [merged] = [decision for decision in decisions(desk) if decision.reason is Reason.MERGED]
    assert (merged.story, merged.action) == (YOUNGER.id, AlertAction.EDIT)
    [pointer] = [row for row in rows if row.thread == f"head of {YOUNGER.id}"]
    assert lead_of(pointer.message) == "Merged into an earlier story:"
    assert all(row.thread == f"head of {OLDER.id}" for row in rows if row is not pointer)
    [head] = [row for row in rows if row.message.kind is MessageKind.EDIT and row is not pointer]
    [brief] = head.message.stories
    assert brief.byline is not None
    assert (brief.byline.outlet, brief.byline.more, brief.copy_count) == ("Gazette", 1, 1), "all have one headline"

    desk.arrive((examples.AFFECTED.title, examples.AFFECTED.text), outlet="Echo", after=DAY)
    assert [decision for decision in decisions(desk) if decision.story == YOUNGER.id] == [merged]
    alerts = {alert.story: alert.state for alert in desk.tx.stories.alerts([OLDER.id, YOUNGER.id])}
    assert alerts == {OLDER.id: AlertState.POSTED, YOUNGER.id: AlertState.MERGED}


def test_where_only_the_younger_was_posted_its_message_is_taken_over(desk: Desk) -> None:
    post_both(desk, **HELD)
    rows = bridge(desk)
    assert {row.thread for row in rows} == {f"head of {YOUNGER.id}"}
    assert all(row.message.reason is not Reason.MERGED for row in rows)
    [alert] = desk.tx.stories.alerts([OLDER.id])
    assert (alert.state, alert.head) == (AlertState.POSTED, f"head of {YOUNGER.id}")
    assert alert.posted_for == YOUNGER.id


def test_a_silenced_story_stays_silent_when_an_older_one_takes_its_message_over(desk: Desk) -> None:
    post_both(desk, **HELD)
    desk.tx.silences.add(made.silence(SilenceKind.STORY, YOUNGER.id, until=None))
    assert bridge(desk) == []
    assert [(decision.story, decision.reason) for decision in decisions(desk)] == [(OLDER.id, Reason.SILENCED)]


# -- an outlet that reuses its page for the next event


@pytest.mark.parametrize("restarts", [False, True], ids=["runs on", "restarts"])
async def test_reports_of_the_next_event_do_not_join_the_page_that_announces_it_now(
    store: storage.Store, restarts: bool
) -> None:
    announced = "BlackBerry engineer arrested over theft of phones in Brixley"
    room = Newsroom(store, [DAWN, WIRE])
    for title in ("Storm closes the ferry of BlackBerry staff across Lake Aldmoor", announced):
        await room.poll(DAWN, Item(id="1", title=title, text="Waves of four metres, the harbour master said."))
        room.now += timedelta(hours=6)
    if restarts:
        room.updater = StoryUpdater()
    await room.poll(WIRE, Item(id="2", title=announced, text="Police searched a barn and found 300 boxes."))
    titles = [[member.article.title for member in story.members] for story in await room.stories()]
    assert titles == [[announced], [announced]]

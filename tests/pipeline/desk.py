"""Articles that are decided over a database in memory, turn by turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot import rules, storage
from bot.config.settings import Settings
from bot.model.actions import Ruling, RulingKind
from bot.model.archive import Arrival
from bot.model.feeds import Feed
from bot.model.messages import MessageKind, Outgoing
from bot.model.rules import Group, Line, Rule
from bot.model.stories import Article, SendId, Story
from bot.pipeline.dispatch import Dispatcher
from bot.pipeline.join import StoryUpdater
from bot.pipeline.turn import Turn
from tests.stories.examples import START, article
from tests.testbed import made
from tests.testbed.made_settings import make_settings

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

"""Silences that people make and end, and what each covers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import chain

from bot import alerts, articles, model, ports, rules
from bot.alerts import notices
from bot.model import SilenceKind, visible
from bot.model.actions import MakeSilence
from bot.pipeline import rights
from bot.pipeline.rights import Turn
from bot.rules import spelling

#: Longest name and reason, in characters.
MOST = 300


def make(turn: Turn, action: MakeSilence, *, head: model.SendId | None = None) -> model.Silence:
    """Make a silence that begins now, and notify the operator. Raises CannotAct.

    Part of a rule's name is enough if only one rule has it. A request that is delivered twice makes one silence.
    ``head``: the message at the head of the thread of a silenced story.
    """
    silence = _checked(turn, action)
    if turn.rights is not None:
        rights.check_silence(silence)
    if turn.tx.silences.add(silence):
        # A turn that is being computed does not include it.
        turn.tx.decision_queue.note_change()
        _drop_waiting(turn.tx, silence, head)
        if operator := turn.snapshot.operator:
            notice = notices.silence_made(silence)
            turn.tx.outbox.add([notices.row(notice, channel=operator, now=turn.now)])
    return silence


def _checked(turn: Turn, action: MakeSilence) -> model.Silence:
    kind, snapshot = action.kind, turn.snapshot
    name, reason = visible.line(action.name, MOST).strip(), visible.line(action.reason, MOST).strip()
    until = turn.now + action.end if isinstance(action.end, timedelta) else action.end
    if not name and kind is not SilenceKind.EVERYTHING:
        raise ports.CannotSilence("a silence needs the name of a rule, an outlet or an entity, or the id of a story")
    if not reason:
        raise ports.CannotSilence("a silence needs a reason, so that others can see why nothing is posted")
    if until is None and kind is not SilenceKind.STORY:
        raise ports.CannotSilence("a silence needs an end; only a silence of a story may have none")
    if until is not None and until <= turn.now:
        raise ports.CannotSilence("a silence must end in the future")
    for channel in action.channels:
        if channel not in snapshot.channels:
            advice = spelling.advice(channel, snapshot.channels)
            raise ports.CannotSilence(f'there is no channel "{channel}"; {advice}')
    match kind:
        case SilenceKind.RULE:
            name = _rule_named(name, snapshot.rules.rules)
        case SilenceKind.OUTLET if not action.key:
            name = _outlet_named(turn, name)
        case SilenceKind.STORY if not turn.tx.stories.get([model.StoryId(name)]):
            raise ports.CannotSilence(f"there is no story {name}; `wirewatch stories` lists the ids")
        case SilenceKind.EVERYTHING:
            name = ""
    silence = model.Silence(
        id=model.SilenceId(model.send_id("silence", turn.once)[:8]),
        at=turn.now,
        by=visible.line(turn.author, MOST),
        kind=kind,
        name=name,
        channels=tuple(sorted(set(action.channels))),
        reason=reason,
        until=until,
    )
    if kind is SilenceKind.ENTITY:
        try:
            _compiled(silence)
        except rules.RuleError as error:
            raise ports.CannotSilence(f'"{name}" cannot be matched: {error}') from None
    return silence


def _rule_named(name: str, loaded: Collection[str]) -> str:
    exact = [rule for rule in loaded if rule.casefold() == name.casefold()]
    matching = [name] if name in loaded else exact or [rule for rule in loaded if name.casefold() in rule.casefold()]
    if len(matching) > 1:
        listed = ", ".join(f'"{rule}"' for rule in sorted(matching)[:5])
        raise ports.CannotSilence(f'{len(matching)} rules have "{name}" in their names: {listed}; write more of it')
    if not matching:
        raise ports.CannotSilence(f'there is no rule "{name}"; {spelling.advice(name, loaded)}')
    return matching[0]


def _outlet_named(turn: Turn, name: str) -> str:
    """Return the outlet's name as in articles. Refuse a name that no feed has, since it would silence nothing."""
    titles = {state.url: state.title for state in turn.tx.feeds.all()}
    outlets = [articles.outlet_of(feed, titles.get(url)) for url, feed in turn.snapshot.feeds.items()]
    for outlet in outlets:
        if outlet.casefold() == name.casefold():
            return outlet
    raise ports.CannotSilence(f'no feed has the outlet "{name}"; {spelling.advice(name, outlets)}')


def end(tx: ports.Transaction, silence_id: str, *, by: str, now: datetime) -> model.Silence:
    """End a silence before its time; what it held back stays listed. Raises CannotSilence."""
    silence = find(tx, silence_id)
    if not silence.is_active(now):
        raise ports.CannotSilence(f"the silence {silence.id} has already ended")
    ended = replace(silence, ended_at=now, ended_by=visible.line(by, MOST))
    tx.silences.save_end(ended)
    tx.decision_queue.note_change()
    return ended


def find(tx: ports.Transaction, silence_id: str) -> model.Silence:
    """Return the silence with an id. Raises CannotSilence."""
    silence = next((silence for silence in tx.silences.all() if silence.id == silence_id.strip().lower()), None)
    if silence is None:
        raise ports.CannotSilence(f"there is no silence {silence_id}; `wirewatch silence list` lists the ids")
    return silence


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A silence and what it has held back."""

    silence: model.Silence
    is_active: bool
    #: The stories of which it held something back, in order.
    stories: tuple[model.StoryId, ...]

    @property
    def line(self) -> str:
        """The silence in one line, for people."""
        silence = self.silence
        ends = f"until {silence.until:%Y-%m-%d %H:%M} UTC" if silence.until else "until somebody ends it"
        if silence.ended_at:
            ends = f"ended {silence.ended_at:%Y-%m-%d %H:%M} UTC by {silence.ended_by}"
        elif not self.is_active:
            ends = ends.replace("until", "ended", 1)
        kept = model.counted(len(self.stories), "story")
        summary = f"{silence.subject} {silence.place}, {ends}, by {silence.by}: {silence.reason}"
        return f"{silence.id}  {summary} ({kept} held back)"


def listed(tx: ports.Transaction, *, now: datetime, with_ended: bool = False) -> Sequence[Listed]:
    """Return the silences in force, and also ended ones if requested, newest first."""
    silences = [silence for silence in tx.silences.all() if with_ended or silence.is_active(now)]
    kept: defaultdict[model.SilenceId, dict[model.StoryId, None]] = defaultdict(dict)
    if silences:
        for decision in tx.stories.silenced(since=min(silence.at for silence in silences)):
            if decision.silence is not None:
                kept[decision.silence][decision.story] = None
    return [
        Listed(silence=silence, is_active=silence.is_active(now), stories=tuple(kept[silence.id]))
        for silence in reversed(silences)
    ]


class InForce:
    """The silences that are in force at one time."""

    def __init__(self, active: Sequence[model.Silence]) -> None:
        self.is_empty = not active
        self._by_kind = {kind: [silence for silence in active if silence.kind is kind] for kind in SilenceKind}
        entities = [_compiled(silence) for silence in self._by_kind[SilenceKind.ENTITY]]
        self._headlines = rules.RuleSet(entities) if entities else None

    def without_silenced(self, situation: alerts.Situation) -> alerts.Situation:
        """Apply the silences to a situation."""
        if self.is_empty:
            return situation
        channel, alert = situation.channel, situation.alert
        return alerts.without_silenced(
            situation,
            of_story=self.of_story(situation.story.id, channel, posted_for=alert.posted_for if alert else None),
            of_rule=lambda name: self.of_rule(name, channel),
            of_article=lambda article: self.of_article(article, channel),
        )

    def shown(self, alert: model.Alert) -> tuple[model.Silence, ...]:
        """Return the silences that the message of an alert shows: of its story, its rules or everything."""
        channel = alert.channel
        of_story = self.of_story(alert.story, channel, posted_for=alert.posted_for)
        of_rules = [silence for rule in alert.rules if (silence := self.of_rule(rule, channel))]
        return (*([of_story] if of_story else []), *of_rules)

    def of_story(
        self, story: model.StoryId, channel: str, *, posted_for: model.StoryId | None = None
    ) -> model.Silence | None:
        """Return the silence of everything or of a story; ``posted_for``: see Alert.posted_for."""
        of_everything = self._holding(SilenceKind.EVERYTHING, channel)
        of_story = (
            silence for silence in self._holding(SilenceKind.STORY, channel) if silence.name in (story, posted_for)
        )
        return next(chain(of_everything, of_story), None)

    def of_rule(self, name: str, channel: str) -> model.Silence | None:
        """Return the silence of a rule."""
        return next((silence for silence in self._holding(SilenceKind.RULE, channel) if silence.name == name), None)

    def of_article(self, article: model.Article, channel: str) -> model.Silence | None:
        """Return the silence of the article's outlet, or of a name in its headline."""
        outlet = article.outlet.casefold()
        for silence in self._holding(SilenceKind.OUTLET, channel):
            if silence.name.casefold() == outlet:
                return silence
        if self._headlines is None:
            return None
        headline = replace(article, text="")
        ids = set(self._headlines.matching(headline, model.Feed(url=article.feed), now=article.first_seen))
        return next((silence for silence in self._holding(SilenceKind.ENTITY, channel) if silence.id in ids), None)

    def _holding(self, kind: SilenceKind, channel: str) -> Iterator[model.Silence]:
        return (silence for silence in self._by_kind[kind] if silence.holds_in(channel))


def _compiled(silence: model.Silence) -> rules.CompiledRule:
    """Compile an entity's name as a term of the rule language. Raises RuleError."""
    line = model.Line(label="name", terms=(silence.name,))
    return rules.compile_rule(model.Rule(name=silence.id, notify=(), all=(line,), where=model.Where.TITLE))


def _drop_waiting(tx: ports.Transaction, silence: model.Silence, head: model.SendId | None) -> None:
    """Drop waiting replies and escalations that a new silence covers.

    These wait for the end of quiet hours, a digest or a claim. For a silenced story, due ones are dropped too, unless a
    sender has claimed them.
    """
    in_force = InForce(tx.silences.active(silence.at))
    for row in tx.outbox.unsent():
        message, escalation = row.message, row.message.escalation
        is_droppable = message.kind is model.MessageKind.REPLY or (
            escalation is not None and message.kind is model.MessageKind.POST
        )
        if row.state is not model.SendState.PENDING or not is_droppable:
            continue
        channel = escalation.channel if escalation else row.channel
        if silence.kind is SilenceKind.STORY:
            thread = escalation.head if escalation else row.thread
            is_covered = silence.holds_in(channel) and (row.story == silence.name or thread == head)
        else:
            of_rules = [in_force.of_rule(why.rule, channel) for brief in message.briefs for why in brief.why]
            is_of_everything = silence.kind is SilenceKind.EVERYTHING and silence.holds_in(channel)
            is_covered = row.due_at > silence.at and (is_of_everything or bool(of_rules and all(of_rules)))
        if is_covered:
            tx.outbox.drop([row.id], f"silenced: {silence.summary}", now=silence.at)

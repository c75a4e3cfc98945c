"""Silences: made and ended by people, from wherever they do it, and what is in force at a moment.

Works inside the transaction that it is given. `add`, `end` and `listed` are all that a command, a button or a program
needs; what a silence keeps back is a decision with the reason `silenced`, so nothing is lost.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot import model, ports, rules, summaries
from bot.language import names
from bot.model import visible

#: Longest name and reason, in characters.
MOST = 300
_KINDS = model.SilenceKind


def add(
    tx: ports.Transaction,
    *,
    kind: model.SilenceKind,
    name: str,
    until: datetime,
    by: str,
    reason: str,
    known_rules: Collection[str],
    now: datetime,
    silence_id: model.SilenceId | None = None,
) -> model.Silence:
    """Make a silence that begins now. Raises CannotSilence.

    ``known_rules``: names of the loaded rules. ``silence_id``: of a request that may be delivered again, which then
    makes one silence; eight hex digits.
    """
    silence = model.Silence(
        id=silence_id or model.SilenceId(secrets.token_hex(4)),
        at=now,
        by=visible.line(by, MOST),
        kind=kind,
        name=visible.line(name, MOST).strip(),
        reason=visible.line(reason, MOST).strip(),
        until=until,
    )
    _check(silence, known_rules, now)
    if tx.silences.add(silence):
        # What is being decided at this moment was computed without it.
        tx.decision_queue.note_change()
        _drop_waiting_replies(tx, now)
    return silence


def by_button(
    tx: ports.Transaction,
    press: ports.Press,
    alert: model.Alert,
    story: model.Story,
    *,
    known_rules: Collection[str],
    now: datetime,
) -> model.Silence:
    """A silence of a day of what a message named: a rule, the outlet of an article, a name of the headline.

    Raises CannotSilence.
    """
    kind, found = _KINDS.RULE, [rule for rule in alert.rules if model.rule_key(rule) == press.rule]
    if press.article is not None:
        kind = _KINDS.OUTLET
        found = [each.article.outlet for each in story.members if each.article.id == press.article]
    elif press.entity:
        kind = _KINDS.ENTITY
        said = (name for each in story.members for name in names.proper_names(each.article.title))
        found = [name for name in said if model.entity_key(name) == press.entity]
    if not found:
        raise ports.CannotSilence("the message no longer names that")
    return add(
        tx,
        kind=kind,
        name=found[0],
        until=now + model.SNOOZE,
        by=press.author,
        reason=f'by button, under "{summaries.headline_of(story)}"',
        known_rules=known_rules,
        now=now,
        silence_id=model.SilenceId(model.send_id("silence", press.id)[:8]),
    )


def end(tx: ports.Transaction, silence_id: str, *, by: str, now: datetime) -> model.Silence:
    """End a silence before its time; what it kept back stays listed. Raises CannotSilence."""
    found = next((each for each in tx.silences.all() if each.id == silence_id.strip().lower()), None)
    if found is None:
        raise ports.CannotSilence(f"no silence {silence_id}; `wirewatch silence list` shows the id of each")
    if not found.is_active(now):
        raise ports.CannotSilence(f"the silence {found.id} has ended already")
    ended = replace(found, ended_at=now, ended_by=visible.line(by, MOST))
    tx.silences.save_end(ended)
    tx.decision_queue.note_change()
    return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A silence and what it has kept back."""

    silence: model.Silence
    is_active: bool
    #: The stories of which it kept something back, the first one first.
    stories: tuple[model.StoryId, ...]


def listed(tx: ports.Transaction, *, now: datetime, with_ended: bool = False) -> Sequence[Listed]:
    """The silences in force, and those that have ended where wanted, the newest first."""
    found = [each for each in tx.silences.all() if with_ended or each.is_active(now)]
    kept: defaultdict[model.SilenceId, dict[model.StoryId, None]] = defaultdict(dict)
    if found:
        for decision in tx.stories.silenced(since=min(each.at for each in found)):
            if decision.silence is not None:
                kept[decision.silence][decision.story] = None
    return [
        Listed(silence=each, is_active=each.is_active(now), stories=tuple(kept[each.id])) for each in reversed(found)
    ]


class InForce:
    """The silences of one moment, asked for each rule and article."""

    def __init__(self, active: Sequence[model.Silence]) -> None:
        self._rules = {each.name: each for each in active if each.kind is _KINDS.RULE}
        self._outlets = {each.name.casefold(): each for each in active if each.kind is _KINDS.OUTLET}
        self._entities: dict[str, model.Silence] = {each.id: each for each in active if each.kind is _KINDS.ENTITY}
        self.is_empty = not active
        found = [_compiled(each) for each in self._entities.values()]
        self._headlines = rules.RuleSet(found) if found else None

    def of_rule(self, name: str) -> model.Silence | None:
        """The silence of a rule."""
        return self._rules.get(name)

    def of_article(self, article: model.Article) -> model.Silence | None:
        """The silence of its outlet, or of a name in its headline."""
        if (found := self._outlets.get(article.outlet.casefold())) or self._headlines is None:
            return found
        headline = replace(article, text="")
        named = self._headlines.matching(headline, model.Feed(url=article.feed), now=article.first_seen)
        return self._entities[named[0]] if named else None


def _compiled(silence: model.Silence) -> rules.CompiledRule:
    """The name as a term of the rule language. Raises RuleError."""
    line = model.Line(label="name", terms=(silence.name,))
    return rules.compile_rule(model.Rule(name=silence.id, notify=(), all=(line,), where=model.Where.TITLE))


def _check(silence: model.Silence, known_rules: Collection[str], now: datetime) -> None:
    if not silence.name:
        raise ports.CannotSilence("a silence needs the name of a rule, an outlet or an entity")
    if not silence.reason:
        raise ports.CannotSilence("a silence needs a reason, for those who wonder later why nothing came")
    if silence.until <= now:
        raise ports.CannotSilence("a silence ends in the future")
    if silence.kind is _KINDS.RULE and silence.name not in known_rules:
        raise ports.CannotSilence(f'no rule "{silence.name}" is loaded; `wirewatch status` lists them')
    if silence.kind is _KINDS.ENTITY:
        try:
            _compiled(silence)
        except rules.RuleError as error:
            raise ports.CannotSilence(f'"{silence.name}" cannot be looked for: {error}') from None


def _drop_waiting_replies(tx: ports.Transaction, now: datetime) -> None:
    """What waits for a morning, a digest or a claim and is posted for silenced rules only."""
    in_force = InForce(tx.silences.active(now))
    for row in tx.outbox.unsent():
        is_later = row.message.kind is model.MessageKind.REPLY or row.message.escalation is not None
        is_waiting = row.state is model.SendState.PENDING and is_later
        over = [in_force.of_rule(why.rule) for brief in row.message.briefs for why in brief.why]
        if is_waiting and row.due_at > now and over and (first := over[0]) and all(over):
            tx.outbox.drop([row.id], first.told, now=now)

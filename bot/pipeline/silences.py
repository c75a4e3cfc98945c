"""Make, end and apply silences.

Changes are collected in the caller's turn. A post that a silence holds back is recorded as a decision with the
reason `silenced`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from bot import alerts, rules, storage
from bot.alerts import notices
from bot.feeds.links import outlet_of
from bot.model import visible
from bot.model.actions import MakeSilence, Silence, SilenceId, SilenceKind
from bot.model.alerts import Alert
from bot.model.durations import format_duration
from bot.model.errors import CannotSilence
from bot.model.feeds import Feed
from bot.model.messages import MessageKind, SendState
from bot.model.rules import Line, Rule, Where
from bot.model.stories import Article, SendId, StoryId, send_id
from bot.pipeline.rights import ActionContext
from bot.pipeline.turn import Turn
from bot.rules import errors
from bot.text import names

#: Maximum duration of a silence made in a chat, and of one that covers everything.
MAX_CHAT_SILENCE = timedelta(days=7)
MAX_CHAT_SILENCE_OF_EVERYTHING = timedelta(days=1)
#: A name: letters, digits, and the punctuation that names contain.
_NAME = re.compile(r"\w[\w .&'’-]*")
#: Minimum number of letters in a name that is silenced from a chat.
MIN_NAME_LETTERS = 4


def check_chat_silence(silence: Silence) -> None:
    """Raise CannotSilence if a silence from a chat is too long or its name is too general."""
    is_of_everything = silence.kind is SilenceKind.EVERYTHING
    longest = MAX_CHAT_SILENCE_OF_EVERYTHING if is_of_everything else MAX_CHAT_SILENCE
    if silence.until is not None and silence.until - silence.at > longest:
        what = "a silence of everything" if is_of_everything else "a silence"
        raise CannotSilence(
            f"{what} from a chat lasts at most {format_duration(longest)}; `wirewatch silence add` makes longer ones"
        )
    if silence.kind is SilenceKind.ENTITY and not _is_name(silence.name):
        raise CannotSilence(
            f"a chat can silence only a name of at least {MIN_NAME_LETTERS} letters, with its capitals and without "
            f'wildcards, such as "Acme Telecom"; "{silence.name}" is none'
        )


def _is_name(text: str) -> bool:
    """Return whether a text is a name, not a wildcard term or a common word.

    >>> _is_name("Acme Telecom"), _is_name("BlackBerry"), _is_name("new*"), _is_name("the"), _is_name("Government")
    (True, True, False, False, False)
    """
    if sum(letter.isalpha() for letter in text) < MIN_NAME_LETTERS or not _NAME.fullmatch(text):
        return False
    has_case = text.lower() != text.upper()
    if has_case and text == text.lower():
        return False
    return not has_case or " " in text or text in names.proper_names(text)


#: Maximum length of a name and of a reason, in characters.
MAX_TEXT_LENGTH = 300


def make_silence(context: ActionContext, action: MakeSilence, *, head: SendId | None = None) -> Silence:
    """Make a silence that begins now, and notify the operator. Raises CannotAct.

    Part of a rule's name is enough if only one rule's name contains it. A request that is delivered twice makes one
    silence. ``head`` is the first message in the thread of a silenced story.
    """
    silence = _checked(context, action)
    if context.rights is not None:
        check_chat_silence(silence)
    turn = context.turn
    if silence.id not in {stored.id for stored in turn.tx.silences.all()}:
        turn.save_silence(silence)
        _drop_waiting(turn, silence, head)
        turn.notify(notices.silence_made(silence))
    return silence


def _checked(context: ActionContext, action: MakeSilence) -> Silence:
    kind, settings = action.kind, context.turn.settings
    name = visible.line(action.name, MAX_TEXT_LENGTH).strip()
    reason = visible.line(action.reason, MAX_TEXT_LENGTH).strip()
    until = context.turn.now + action.end if isinstance(action.end, timedelta) else action.end
    if not name and kind is not SilenceKind.EVERYTHING:
        raise CannotSilence("a silence needs the name of a rule, an outlet or an entity, or the id of a story")
    if not reason:
        raise CannotSilence("a silence needs a reason, so that others can see why nothing is posted")
    if until is None and kind is not SilenceKind.STORY:
        raise CannotSilence("a silence needs an end; only a silence of a story may have none")
    if until is not None and until <= context.turn.now:
        raise CannotSilence("a silence must end in the future")
    for channel in action.channels:
        if channel not in settings.bot.channels:
            advice = errors.help_with_unknown_name(channel, settings.bot.channels)
            raise CannotSilence(f'there is no channel "{channel}"; {advice}')
    match kind:
        case SilenceKind.RULE:
            name = _resolve_rule(name, settings.rule_set.rules, settings.off)
        case SilenceKind.OUTLET if not action.key:
            name = _resolve_outlet(context, name)
        case SilenceKind.STORY if not context.turn.tx.stories.get([StoryId(name)]):
            raise CannotSilence(f"there is no story {name}; `wirewatch stories` lists the ids")
        case SilenceKind.EVERYTHING:
            name = ""
    silence = Silence(
        id=SilenceId(send_id("silence", context.once)[:8]),
        at=context.turn.now,
        by=visible.line(context.author, MAX_TEXT_LENGTH),
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
            raise CannotSilence(f'"{name}" cannot be matched: {error}') from None
    return silence


def _resolve_rule(name: str, loaded: Collection[str], refused: Collection[str]) -> str:
    matching = errors.find_names(name, loaded)
    if len(matching) > 1:
        listed = ", ".join(f'"{rule}"' for rule in sorted(matching)[:5])
        raise CannotSilence(f'{len(matching)} rules have "{name}" in their names: {listed}; write more of the name')
    if not matching:
        advice = errors.help_with_unknown_name(name, loaded, refused=refused)
        raise CannotSilence(f'there is no rule "{name}"; {advice}')
    return matching[0]


def _resolve_outlet(context: ActionContext, name: str) -> str:
    """Return the outlet's name as articles spell it. Raises CannotSilence if no feed has the outlet."""
    titles = {state.url: state.title for state in context.turn.tx.feeds.all()}
    outlets = [outlet_of(feed, titles.get(url)) for url, feed in context.turn.settings.feeds_by_address.items()]
    for outlet in outlets:
        if outlet.casefold() == name.casefold():
            return outlet
    raise CannotSilence(f'no feed has the outlet "{name}"; {errors.help_with_unknown_name(name, outlets)}')


def end_silence(turn: Turn, silence_id: str, *, by: str) -> Silence:
    """End a silence early. A story that it held back is posted only if another article joins. Raises CannotSilence."""
    silence = find_silence(turn.tx, silence_id)
    if not silence.is_active(turn.now):
        raise CannotSilence(f"the silence {silence.id} has already ended")
    ended = replace(silence, ended_at=turn.now, ended_by=visible.line(by, MAX_TEXT_LENGTH))
    turn.save_silence(ended)
    return ended


def find_silence(tx: storage.Transaction, silence_id: str) -> Silence:
    """Return the silence with this id. Raises CannotSilence if there is none."""
    silence = next((silence for silence in tx.silences.all() if silence.id == silence_id.strip().lower()), None)
    if silence is None:
        raise CannotSilence(f"there is no silence {silence_id}; `wirewatch silence list` lists the ids")
    return silence


class ActiveSilences:
    """The silences that are active at one point in time."""

    def __init__(self, active: Sequence[Silence]) -> None:
        self.is_empty = not active
        self._by_kind = {kind: [silence for silence in active if silence.kind is kind] for kind in SilenceKind}
        entities = [_compiled(silence) for silence in self._by_kind[SilenceKind.ENTITY]]
        self._headlines = rules.RuleSet(entities) if entities else None

    def without_silenced(self, situation: alerts.Situation) -> alerts.Situation:
        """Return the situation without the rules and articles that are silenced."""
        if self.is_empty:
            return situation
        channel, alert = situation.channel, situation.alert
        return alerts.without_silenced(
            situation,
            of_story=self.of_story(situation.story.id, channel, posted_for=alert.posted_for if alert else None),
            of_rule=lambda name: self.of_rule(name, channel),
            of_article=lambda article: self.of_article(article, channel),
        )

    def shown(self, alert: Alert) -> tuple[Silence, ...]:
        """Return the silences that an alert's message shows: silences of its story, of its rules or of everything."""
        channel = alert.channel
        of_story = self.of_story(alert.story, channel, posted_for=alert.posted_for)
        of_rules = [silence for rule in alert.rules if (silence := self.of_rule(rule, channel))]
        return (*([of_story] if of_story else []), *of_rules)

    def of_story(self, story: StoryId, channel: str, *, posted_for: StoryId | None = None) -> Silence | None:
        """Return the silence of everything, or else of the story or of ``posted_for`` (see Alert.posted_for)."""
        of_everything = self._holding(SilenceKind.EVERYTHING, channel)
        of_story = (
            silence for silence in self._holding(SilenceKind.STORY, channel) if silence.name in (story, posted_for)
        )
        return next(chain(of_everything, of_story), None)

    def of_rule(self, name: str, channel: str) -> Silence | None:
        """Return the silence of a rule in a channel, if any."""
        return next((silence for silence in self._holding(SilenceKind.RULE, channel) if silence.name == name), None)

    def of_article(self, article: Article, channel: str) -> Silence | None:
        """Return the silence of the article's outlet or else of a name in its headline, if any."""
        outlet = article.outlet.casefold()
        for silence in self._holding(SilenceKind.OUTLET, channel):
            if silence.name.casefold() == outlet:
                return silence
        if self._headlines is None:
            return None
        headline = replace(article, text="")
        ids = set(self._headlines.matching(headline, Feed(url=article.feed), now=article.first_seen))
        return next((silence for silence in self._holding(SilenceKind.ENTITY, channel) if silence.id in ids), None)

    def _holding(self, kind: SilenceKind, channel: str) -> Iterator[Silence]:
        return (silence for silence in self._by_kind[kind] if silence.holds_in(channel))


def _compiled(silence: Silence) -> rules.CompiledRule:
    """Compile a rule that finds an entity's name in headlines. Raises RuleError."""
    line = Line(label="name", terms=(silence.name,))
    return rules.compile_rule(Rule(name=silence.id, notify=(), all=(line,), where=Where.TITLE))


def _drop_waiting(turn: Turn, silence: Silence, head: SendId | None) -> None:
    """Drop unsent replies that a new silence covers, unless a sender has claimed them.

    A silence of a story drops all of them. Other silences drop only those that are not due yet, for example because
    they wait for the end of quiet hours.
    """
    tx, in_force = turn.tx, ActiveSilences(turn.active_silences())
    if silence.kind is SilenceKind.STORY:
        # After a merge, the message may have been posted for another story.
        posted_for = [row.story for row in tx.outbox.get([head] if head else []).values()]
        stories = dict.fromkeys([StoryId(silence.name), *(story for story in posted_for if story)])
        rows = [row for story in stories for row in tx.outbox.of_story(story)]
    else:
        rows = list(tx.outbox.unsent((SendState.PENDING,), due_after=silence.at))
    for row in rows:
        message = row.message
        if row.state is not SendState.PENDING or message.kind is not MessageKind.REPLY:
            continue
        if silence.kind is SilenceKind.STORY:
            is_covered = silence.holds_in(row.channel) and (row.story == silence.name or row.thread == head)
        else:
            of_rules = [in_force.of_rule(why.rule, row.channel) for brief in message.briefs for why in brief.why]
            is_of_everything = silence.kind is SilenceKind.EVERYTHING and silence.holds_in(row.channel)
            is_covered = is_of_everything or bool(of_rules and all(of_rules))
        if is_covered:
            turn.drop_rows([row.id], f"silenced: {silence.summary}")

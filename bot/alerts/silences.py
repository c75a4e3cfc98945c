"""Apply the active silences to what could be posted."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from bot.alerts.situation import Situation
from bot.model.actions import Silence, SilenceKind
from bot.model.alerts import Alert
from bot.model.stories import Article


class ActiveSilences:
    """The silences that are active at one point in time, oldest first."""

    def __init__(self, active: Sequence[Silence]) -> None:
        self.active = active

    def of_rule(self, name: str, channel: str) -> Silence | None:
        """Return the silence of a rule in a channel, if any."""
        return self._find(SilenceKind.RULE, channel, name)

    def shown(self, alert: Alert) -> tuple[Silence, ...]:
        """Return the silences that an alert's message shows: silences of its story and of its rules."""
        of_story = self._find(SilenceKind.STORY, alert.channel, alert.story, alert.posted_for)
        of_rules = (self.of_rule(rule, alert.channel) for rule in alert.rules)
        return tuple(silence for silence in (of_story, *of_rules) if silence)

    def without_silenced(self, situation: Situation) -> Situation:
        """Return the situation without silenced rules and articles. If nothing is left, set its ``silence`` instead.

        A story is silenced as a whole by a silence of the story, or if all its rules or all its articles are silenced.
        It is also silenced for now if every new or changed article is silenced; a later article that is not silenced
        is posted.
        """
        if not self.active:
            return situation
        channel, alert, story = situation.channel, situation.alert, situation.story
        of_story = self._find(SilenceKind.STORY, channel, story.id, alert.posted_for if alert else None)
        of_rules = [self.of_rule(rule.name, channel) for rule in situation.rules]
        of_members = {member.article.id: self._of_article(member.article, channel) for member in story.members}
        changed = {member.article.id for member in situation.arrivals} | {fact.article for fact in situation.facts}
        of_changed = [silence for article, silence in of_members.items() if article in changed]
        for silences in ([of_story], of_rules, list(of_members.values()), of_changed):
            if silences and silences[0] is not None and all(silences):
                return replace(situation, silence=silences[0])
        return replace(
            situation,
            rules=tuple(rule for rule, silence in zip(situation.rules, of_rules, strict=True) if silence is None),
            silence_of_some=next(filter(None, of_changed), None),
            arrivals=tuple(member for member in situation.arrivals if of_members.get(member.article.id) is None),
            facts=tuple(fact for fact in situation.facts if of_members.get(fact.article) is None),
        )

    def _of_article(self, article: Article, channel: str) -> Silence | None:
        return self._find(SilenceKind.OUTLET, channel, article.outlet)

    def _find(self, kind: SilenceKind, channel: str, *names: str | None) -> Silence | None:
        folded = {name.casefold() for name in names if name}
        for silence in self.active:
            if silence.kind is kind and silence.holds_in(channel) and silence.name.casefold() in folded:
                return silence
        return None

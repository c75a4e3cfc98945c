"""Decides for the channels of changed stories, and writes decisions, alerts and outbox rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import alerts, facts, model, ports, summaries
from bot.pipeline import duty, mentions, messages, rulings
from bot.pipeline.claims import Claims
from bot.pipeline.silences import InForce
from bot.pipeline.snapshot import Snapshot

if TYPE_CHECKING:
    from bot.pipeline.advice import Advice

_HOUR = timedelta(hours=1)
#: Stories that the rate cap kept back are listed in one message, and so many of them before the next one begins.
_STORIES_BEYOND_CAP = 100


@dataclass(slots=True)
class ChangedStory:
    """A story as this batch changes it."""

    story: model.Story
    arrivals: list[model.Member] = field(default_factory=list)
    facts: list[model.Fact] = field(default_factory=list)
    edits: list[model.Edit] = field(default_factory=list)
    #: Younger stories that turned out to be this one.
    merged: list[model.StoryId] = field(default_factory=list)
    #: The key of a language model's summary that has come and that its messages lack.
    summary: str = ""


class Dispatcher:
    """Works on the draft that it is given."""

    def __init__(
        self,
        tx: ports.Transaction,
        snapshot: Snapshot,
        claims: Claims,
        now: datetime,
        advice: Advice | None = None,
    ) -> None:
        self._tx = tx
        self._snapshot = snapshot
        self._claims = claims
        self._rules = snapshot.rules.rules
        self._now = now
        self._advice = advice
        self._silences = InForce(tx.silences.active(now))
        #: Channel -> its alerts posted of late, oldest first; until one more is posted.
        self._recent: dict[str, Sequence[model.Alert]] = {}

    def dispatch(self, changed: Collection[ChangedStory]) -> tuple[model.Decision, ...]:
        """Decide for each channel of the changed stories, and write what was decided."""
        made: list[model.Decision] = []
        # All at once: the draft remembers them.
        self._tx.stories.alerts([entry.story.id for entry in changed])
        for entry in changed:
            known = {alert.channel: alert for alert in self._tx.stories.alerts([entry.story.id])}
            made.extend(self._merge(entry, known))
            # Before the first channel has an alert: it would keep the story from the others of its route.
            ways = self._ways(entry.story)
            # What was put off comes without an article that makes the edit another one.
            late = None if entry.arrivals or entry.edits else _named(entry)
            added = tuple(member.article.id for member in entry.arrivals)
            for channel in dict.fromkeys(each for _, to in ways for each in to):
                situation = self._situation(
                    entry.story,
                    channel,
                    known.get(channel),
                    ways=ways,
                    arrivals=tuple(entry.arrivals),
                    new=tuple(entry.facts),
                    edits=tuple(entry.edits),
                    has_summary=bool(entry.summary),
                )
                for decision in alerts.decide(situation):
                    alert = known.get(channel)
                    known[channel] = self._carry_out(decision, entry.story, alert, once=late, added=added)
                    made.append(decision)
                made.extend(self._plan(situation, known.get(channel)))
        return tuple(made)

    def release(self, held: Sequence[model.Alert]) -> tuple[model.Decision, ...]:
        """Decide again for held alerts whose time has come, gathered for each channel, and for due reminders."""
        found = self._tx.stories.get(list(dict.fromkeys(alert.story for alert in held)))
        self._tx.stories.alerts(list(found))
        made: list[model.Decision] = []
        for channel in dict.fromkeys(alert.channel for alert in held):
            due = [alert for alert in held if alert.channel == channel and alert.story in found]
            here = [alert for alert in due if alert.state is model.AlertState.HELD]
            for alert in due:
                if alert.state is model.AlertState.POSTED:
                    made.extend(self._remind(self._situation(found[alert.story], channel, alert)))
            situations = [self._situation(found[alert.story], channel, alert) for alert in here]
            answer = alerts.release(situations)
            by_story = {alert.story: alert for alert in here}
            quiet = [decision for decision in answer.decisions if decision.action is not model.Action.POST]
            # What waited for its outlets is a story of its own, whatever else comes due with it.
            reasons = {post.story: by_story[post.story].reason for post in answer.posts}
            alone = [post for post in answer.posts if reasons[post.story] is model.Reason.GATHER]
            capped = [post for post in answer.posts if reasons[post.story] is model.Reason.RATE_CAP]
            for decision in (*quiet, *alone):
                self._carry_out(decision, found[decision.story], by_story[decision.story])
            together = [post for post in answer.posts if post not in alone and post not in capped]
            self._post_together(together, found, by_story, most=messages.STORIES_A_MESSAGE)
            self._post_capped(capped, found, by_story)
            made.extend(answer.decisions)
            posted = set(reasons)
            for situation in situations:
                if situation.deadlines and situation.story.id in posted:
                    made.extend(self._plan(situation, self._alert(situation)))
        return tuple(made)

    def _remind(self, situation: alerts.Situation) -> list[model.Decision]:
        """The reminders that have come due, and the hold until the next."""
        made = list(alerts.due(situation))
        alert = situation.alert
        for decision in made:
            alert = self._carry_out(decision, situation.story, alert)
        return [*made, *self._plan(situation, alert, is_released=True)]

    def _plan(
        self, situation: alerts.Situation, alert: model.Alert | None, *, is_released: bool = False
    ) -> list[model.Decision]:
        planned = alerts.plan(replace(situation, alert=alert), is_released=is_released)
        if planned is None:
            return []
        self._carry_out(planned, situation.story, alert)
        return [planned]

    def _alert(self, situation: alerts.Situation) -> model.Alert | None:
        """The alert as it is now."""
        known = self._tx.stories.alerts([situation.story.id])
        return next((alert for alert in known if alert.channel == situation.channel), None)

    def _merge(self, entry: ChangedStory, known: dict[str, model.Alert]) -> list[model.Decision]:
        """Of two messages on one story the older lives on; where only the younger was posted, it is taken over."""
        made = []
        for younger in self._tx.stories.alerts(entry.merged):
            older = known.get(younger.channel)
            is_posted = younger.state is model.AlertState.POSTED
            if is_posted and (older is None or older.state is not model.AlertState.POSTED):
                posted_for = younger.posted_for or younger.story
                known[younger.channel] = replace(younger, story=entry.story.id, posted_for=posted_for)
                self._tx.stories.save_alert(known[younger.channel])
            elif is_posted:
                decision = self._point_to(entry.story, younger)
                made.append(decision)
            self._tx.stories.save_alert(replace(younger, state=model.AlertState.MERGED, held_until=None))
        return made

    def _point_to(self, older: model.Story, younger: model.Alert) -> model.Decision:
        decision = model.Decision(
            at=self._now,
            story=younger.story,
            channel=younger.channel,
            action=model.Action.EDIT,
            reason=model.Reason.MERGED,
            rules=younger.rules,
            detail=f"one story with {older.id}",
        )
        self._tx.stories.decide([decision])
        # The older message has its own escalation.
        self._tx.outbox.drop([model.send_id("escalation", younger.story)], decision.detail, now=self._now)
        if younger.head is not None and not younger.is_gathered:
            lead = "Merged into an earlier story:"
            title = summaries.headline(older, self._rules, article=younger.headline)
            row = messages.pointer(decision, older, younger.head, self._rules, lead=lead, title=title)
            self._tx.outbox.add([row])
        return decision

    def dispatch_split(self, split: rulings.Split) -> list[model.Decision]:
        """What people took out of a story leaves its messages; the story that it is now speaks for itself."""
        made = []
        for known in self._tx.stories.alerts([split.home.id]):
            if known.state is not model.AlertState.POSTED:
                continue
            is_revoked = known.latest is not None and known.latest.article in split.taken
            alert = replace(known, latest=None) if is_revoked else known
            count = len(split.taken)
            what = "1 of its articles tells" if count == 1 else f"{count} of its articles tell"
            decision = model.Decision(
                at=self._now,
                story=split.home.id,
                channel=alert.channel,
                action=model.Action.EDIT,
                reason=model.Reason.SPLIT,
                rules=alert.rules,
                detail=f"{what} another event ({split.apart.id}), says {split.ruling.by}",
            )
            made.append(decision)
            self._carry_out(decision, split.home, alert, once=split.ruling.id)
            self._take_back_replies(split, decision)
        return [*made, *self.dispatch([ChangedStory(split.apart, arrivals=list(split.apart.members))])]

    def _take_back_replies(self, split: rulings.Split, decision: model.Decision) -> None:
        """Replies that told what the articles say point to their own story; those that wait do not leave."""
        for row in self._tx.outbox.of_story(split.home.id):
            told = {fact.article for fact in row.message.facts} | {edit.article for edit in row.message.edits}
            is_reply = row.message.kind is model.MessageKind.REPLY
            if row.channel != decision.channel or not is_reply or told.isdisjoint(split.taken):
                continue
            if row.state is model.SendState.SENT:
                lead = "Moved to a separate story:"
                self._tx.outbox.add([messages.pointer(decision, split.apart, row.id, self._rules, lead=lead)])
            else:
                self._tx.outbox.drop([row.id], decision.detail, now=self._now)

    def _post_together(
        self,
        posts: Sequence[model.Decision],
        found: Mapping[model.StoryId, model.Story],
        by_story: Mapping[model.StoryId, model.Alert],
        *,
        most: int,
    ) -> None:
        """Post messages that list at most this many stories."""
        if len(posts) == 1:
            self._carry_out(posts[0], found[posts[0].story], by_story[posts[0].story])
            return
        posts = self._loudest_first(posts)
        for start in range(0, len(posts), most):
            chunk = posts[start : start + most]
            row = messages.gathered(chunk, found, self._rules, lead=_lead(chunk, by_story))
            self._list_in(row, row.id, chunk, by_story)

    def _post_capped(
        self,
        posts: Sequence[model.Decision],
        found: Mapping[model.StoryId, model.Story],
        by_story: Mapping[model.StoryId, model.Alert],
    ) -> None:
        """Add stories that the rate cap kept back to the channel's gathered message of this hour, or begin one."""
        if not posts or posts[0].reason is not model.Reason.RATE_CAP:
            # The channel cannot edit: they have waited until its hour has room.
            self._post_together(posts, found, by_story, most=_STORIES_BEYOND_CAP)
            return
        channel, rest = posts[0].channel, self._loudest_first(posts)
        listed = Counter[model.SendId]()
        begun: dict[model.SendId, model.Alert] = {}
        for alert in self._posted(channel):
            if alert.head is not None and alert.is_gathered and alert.reason is model.Reason.RATE_CAP:
                listed[alert.head] += 1
                begun.setdefault(alert.head, alert)
        head, first = max(begun.items(), key=lambda item: item[1].posted_at or self._now, default=(None, None))
        if head and first and first.posted_at and first.posted_at > self._now - _HOUR:
            now_too = rest[: max(0, _STORIES_BEYOND_CAP - listed[head])]
            row = now_too and messages.extended(self._tx, now_too, found, self._rules, first, lead=_MORE)
            if row:
                self._list_in(row, head, now_too, by_story)
                rest = rest[len(now_too) :]
        for start in range(0, len(rest), _STORIES_BEYOND_CAP):
            chunk = rest[start : start + _STORIES_BEYOND_CAP]
            row = messages.gathered(chunk, found, self._rules, lead=_MORE)
            self._list_in(row, row.id, chunk, by_story)

    def _list_in(
        self,
        row: model.Outgoing,
        head: model.SendId,
        posts: Sequence[model.Decision],
        by_story: Mapping[model.StoryId, model.Alert],
    ) -> None:
        """Write a gathered message, or its edit, which lists the stories of these posts from now on."""
        self._tx.outbox.add([row])
        self._tx.stories.decide(posts)
        self._recent.pop(row.channel, None)
        headlines = {brief.story: brief.title.article for brief in row.message.briefs}
        for decision in posts:
            known, headline = by_story[decision.story], headlines[decision.story]
            self._tx.stories.save_alert(alerts.record(known, decision, head=head, headline=headline, is_gathered=True))

    def _loudest_first(self, posts: Sequence[model.Decision]) -> Sequence[model.Decision]:
        def rank(post: model.Decision) -> int:
            return messages.loudest([self._rules[name] for name in post.rules if name in self._rules]).rank

        return sorted(posts, key=rank, reverse=True)

    def _carry_out(
        self,
        decision: model.Decision,
        story: model.Story,
        alert: model.Alert | None,
        *,
        once: str | None = None,
        added: tuple[model.ArticleId, ...] = (),
    ) -> model.Alert:
        row: model.Outgoing | None = None
        match decision.action:
            case model.Action.POST:
                near = messages.nearest(self._tx, story, decision.channel, self._rules)
                headline = alert.headline if alert else None
                row = messages.post(decision, story, self._rules, nearest=near, headline=headline)
            case model.Action.EDIT if alert and alert.is_gathered:
                row = messages.edit_gathered(self._tx, decision, story, self._rules, alert, added=added, once=once)
            case model.Action.EDIT if alert:
                row = messages.edit(
                    decision,
                    story,
                    self._rules,
                    alert,
                    judgements=alerts.active_feedback(self._tx.judgements.of_story(story.id, alert.channel)),
                    silences=self._silences.shown(alert),
                    nearest=messages.nearest(self._tx, story, decision.channel, self._rules),
                    added=added,
                    once=once,
                )
            case model.Action.REPLY if alert:
                row = messages.reply(decision, story, self._rules, alert)
            case _:
                pass
        row = mentions.called(row, self._snapshot)
        self._tx.stories.decide([decision])
        if row:
            if self._advice is not None:
                to = self._snapshot.policies.get(row.channel, model.SpeakPolicy()).translate
                row = self._advice.worded(self._tx, row, story, to=to)
            self._tx.outbox.add([row])
        headline = row.message.briefs[0].title.article if row else None
        if decision.action is model.Action.POST:
            self._recent.pop(decision.channel, None)
        after = alerts.record(alert, decision, head=row.id if row else None, headline=headline)
        self._tx.stories.save_alert(after)
        call = duty.escalation(decision, story, self._rules, alert=after, escalate=self._snapshot.escalate)
        if call and not duty.claims_of(self._tx, self._tx.stories.alerts([story.id])):
            self._tx.outbox.add([mentions.called(call, self._snapshot)])
        return after

    def _ways(self, story: model.Story) -> list[tuple[model.Rule, tuple[str, ...]]]:
        """Each loaded rule of the story, in order of first match, with the channels that it notifies."""
        loaded = [self._rules[name] for name in story.rules if name in self._rules]
        known = () if all(rule.notify for rule in loaded) else self._tx.stories.alerts([story.id])
        return [(rule, rule.notify or self._routed(story, rule, known)) for rule in loaded]

    def _routed(self, story: model.Story, rule: model.Rule, known: Sequence[model.Alert]) -> tuple[str, ...]:
        """A story stays where it was first routed to, also at another hour, as long as the routes have that channel."""
        routes = self._snapshot.routes
        here = [each for each in known if rule.name in each.rules and each.state is not model.AlertState.MERGED]
        possible = alerts.routing.possible(routes, rule) if here else ()
        if stays := tuple(alert.channel for alert in here if alert.channel in possible):
            return stays
        feeds = {each.article.feed for each in story.members if any(found.rule == rule.name for found in each.matches)}
        tags = {tag for feed in feeds if (read := self._snapshot.feeds.get(feed)) for tag in read.tags}
        return alerts.routing.route(routes, rule, tags=tags, now=self._now)

    def _situation(
        self,
        story: model.Story,
        channel: str,
        alert: model.Alert | None,
        *,
        ways: Sequence[tuple[model.Rule, tuple[str, ...]]] | None = None,
        arrivals: tuple[model.Member, ...] = (),
        new: tuple[model.Fact, ...] = (),
        edits: tuple[model.Edit, ...] = (),
        has_summary: bool = False,
    ) -> alerts.Situation:
        rules = tuple(rule for rule, to in (ways or self._ways(story)) if channel in to)
        policy = self._snapshot.policies.get(channel, model.SpeakPolicy())
        # Only these look back, and there may be thousands of posts in an hour.
        looks_back = policy.posts_per_hour is not None or any(rule.cooldown for rule in rules)
        recent = self._posted(channel) if looks_back else ()
        spoke_at = {rule: alert.posted_at for alert in recent for rule in alert.rules if alert.posted_at}
        recent_posts, recent_high_posts = self._times(recent)
        situation = alerts.Situation(
            now=self._now,
            channel=channel,
            story=story,
            alert=alert,
            rules=rules,
            arrivals=arrivals,
            facts=new,
            edits=edits,
            has_summary=has_summary,
            deadlines=facts.deadlines(self._claims.of(story)) if any(rule.remind for rule in rules) else (),
            policy=policy,
            recent_posts=recent_posts,
            recent_high_posts=recent_high_posts,
            rule_spoke_at=spoke_at,
        )
        return self._silences.without_silenced(situation)

    def _posted(self, channel: str) -> Sequence[model.Alert]:
        """Return the alerts that were posted of late, oldest first."""
        if channel not in self._recent:
            # A gathered message is added to for an hour, and its beginning must be seen.
            since = self._now - max(2 * _HOUR, self._snapshot.longest_cooldown())
            found = self._tx.stories.posted_since(channel, since)
            self._recent[channel] = sorted(found, key=lambda alert: (alert.posted_at or since, alert.story))
        return self._recent[channel]

    def _times(self, recent: Sequence[model.Alert]) -> tuple[tuple[datetime, ...], tuple[datetime, ...]]:
        """Return when each message was posted that counts for the rate cap: not of severity high, and of it."""
        found: dict[bool, dict[model.SendId | None, datetime]] = {False: {}, True: {}}
        for alert in recent:
            if alert.posted_at and not (alert.is_gathered and alert.reason is model.Reason.RATE_CAP):
                rules = [self._rules[name] for name in alert.rules if name in self._rules]
                is_high = messages.loudest(rules) is model.Severity.HIGH
                found[is_high].setdefault(alert.head, alert.posted_at)
        return tuple(found[False].values()), tuple(found[True].values())


def _named(entry: ChangedStory) -> str | None:
    """The occasion of an edit that no article caused."""
    return " ".join([*(f"{fact.article} {fact.label}: {fact.after}" for fact in entry.facts), entry.summary]) or None


#: The lead of stories that the rate cap keeps back.
_MORE = "More stories: this channel has had its posts of the hour"


def _lead(posts: Sequence[model.Decision], by_story: Mapping[model.StoryId, model.Alert]) -> str:
    reasons = {by_story[decision.story].reason for decision in posts}
    if reasons == {model.Reason.BASELINE}:
        return f"{len(posts)} stories found on the first look at new feeds"
    if reasons == {model.Reason.DIGEST}:
        return f"Digest: {len(posts)} stories"
    if reasons == {model.Reason.RATE_CAP}:
        return _MORE
    return f"{len(posts)} stories that were held"

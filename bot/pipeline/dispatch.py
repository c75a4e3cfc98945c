"""Decide what to post about changed stories in each channel, and write decisions, alerts and outbox rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot import alerts, model
from bot.alerts import routing
from bot.pipeline import messages
from bot.pipeline.silences import ActiveSilences
from bot.pipeline.turn import ClaimsCache, Turn
from bot.stories import summaries

if TYPE_CHECKING:
    from bot.pipeline.advice import Advice


_HOUR = timedelta(hours=1)
#: Maximum stories beyond the rate cap in one gathered message, before another one begins.
_STORIES_BEYOND_CAP = 100


@dataclass(slots=True)
class ChangedStory:
    """A story and its changes in this batch."""

    story: model.Story
    arrivals: list[model.Member] = field(default_factory=list)
    facts: list[model.Fact] = field(default_factory=list)
    edits: list[model.Edit] = field(default_factory=list)
    #: Younger stories that were merged into this one.
    merged: list[model.StoryId] = field(default_factory=list)
    #: Key of a language model's summary that the story's messages do not show yet.
    summary: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """A story after people took articles out of it."""

    ruling: model.Ruling
    #: The story without the removed articles.
    home: model.Story
    #: The new story of the removed articles.
    apart: model.Story

    @property
    def articles(self) -> frozenset[model.ArticleId]:
        """The ids of the removed articles."""
        return frozenset(member.article.id for member in self.apart.members)


class Dispatcher:
    """Dispatches changed stories of one turn."""

    def __init__(self, turn: Turn, claims: ClaimsCache, advice: Advice | None = None) -> None:
        self._turn = turn
        self._claims = claims
        self._advice = advice
        self._silences = ActiveSilences(turn.tx.silences.active(turn.now))
        #: Channel -> its recently posted alerts, oldest first. A new post removes the channel's entry.
        self._recent: dict[str, Sequence[model.Alert]] = {}

    def dispatch(self, changed: Collection[ChangedStory]) -> list[model.Decision]:
        """Decide what to post about changed stories in each channel, and save the decisions, alerts and messages."""
        decisions: list[model.Decision] = []
        # Load all alerts in one query; the turn caches them.
        self._turn.alerts([entry.story.id for entry in changed])
        for entry in changed:
            by_channel = {alert.channel: alert for alert in self._turn.alerts([entry.story.id])}
            decisions.extend(self._merge(entry, by_channel))
            # Find the routes before a channel gets an alert, because an alert binds the story to its channel.
            routes = self._rules_and_channels(entry.story)
            # Late facts and summaries come without a new article, so the edit needs another identity.
            cause = None if entry.arrivals or entry.edits else _edit_cause(entry)
            added = tuple(member.article.id for member in entry.arrivals)
            for channel in dict.fromkeys(channel for _, channels in routes for channel in channels):
                situation = self._situation(
                    entry.story,
                    channel,
                    by_channel.get(channel),
                    routes=routes,
                    arrivals=tuple(entry.arrivals),
                    new=tuple(entry.facts),
                    edits=tuple(entry.edits),
                    has_summary=bool(entry.summary),
                )
                for decision in alerts.decide(situation):
                    by_channel[channel] = self._carry_out(
                        decision, entry.story, by_channel.get(channel), once=cause, added=added
                    )
                    decisions.append(decision)
                decisions.extend(self._plan(situation, by_channel.get(channel)))
        return decisions

    def release(self, held: Sequence[model.Alert]) -> list[model.Decision]:
        """Decide again about held alerts that are due and about due reminders. Gather the posts of each channel."""
        stories = self._turn.stories(alert.story for alert in held)
        self._turn.alerts(stories)
        decisions: list[model.Decision] = []
        for channel in dict.fromkeys(alert.channel for alert in held):
            due = [alert for alert in held if alert.channel == channel and alert.story in stories]
            by_story = {alert.story: alert for alert in due if alert.state is model.AlertState.HELD}
            for alert in due:
                if alert.state is model.AlertState.POSTED:
                    decisions.extend(self._remind(self._situation(stories[alert.story], channel, alert)))
            situations = [self._situation(stories[story], channel, alert) for story, alert in by_story.items()]
            released = alerts.release(situations)
            not_posted = [decision for decision in released.decisions if decision.action is not model.AlertAction.POST]
            # A story that was held until enough outlets report it gets a separate message.
            reasons = {post.story: by_story[post.story].reason for post in released.posts}
            alone = [post for post in released.posts if reasons[post.story] is model.Reason.GATHER]
            capped = [post for post in released.posts if reasons[post.story] is model.Reason.RATE_CAP]
            for decision in (*not_posted, *alone):
                self._carry_out(decision, stories[decision.story], by_story[decision.story])
            together = [post for post in released.posts if post not in alone and post not in capped]
            self._post_together(together, stories, by_story, most=messages.STORIES_A_MESSAGE)
            self._post_capped(capped, stories, by_story)
            decisions.extend(released.decisions)
            for situation in situations:
                if situation.deadlines and situation.story.id in reasons:
                    decisions.extend(self._plan(situation, self._turn.alert(situation.story.id, channel)))
        return decisions

    def _remind(self, situation: alerts.Situation) -> list[model.Decision]:
        """Post the due reminders, and hold the alert until the next one."""
        due = list(alerts.due_reminders(situation))
        alert = situation.alert
        for decision in due:
            alert = self._carry_out(decision, situation.story, alert)
        return [*due, *self._plan(situation, alert, is_released=True)]

    def _plan(
        self, situation: alerts.Situation, alert: model.Alert | None, *, is_released: bool = False
    ) -> list[model.Decision]:
        planned = alerts.plan_reminder(replace(situation, alert=alert), is_released=is_released)
        if planned is None:
            return []
        self._carry_out(planned, situation.story, alert)
        return [planned]

    def _merge(self, entry: ChangedStory, by_channel: dict[str, model.Alert]) -> list[model.Decision]:
        """Merge alerts. Keep the older of two messages. If only the younger story has a message, move the message."""
        decisions = []
        for younger in self._turn.alerts(entry.merged):
            older = by_channel.get(younger.channel)
            is_posted = younger.state is model.AlertState.POSTED
            if is_posted and (older is None or older.state is not model.AlertState.POSTED):
                posted_for = younger.posted_for or younger.story
                by_channel[younger.channel] = replace(younger, story=entry.story.id, posted_for=posted_for)
                self._turn.save_alert(by_channel[younger.channel])
            elif is_posted:
                decisions.append(self._point_to(entry.story, younger))
            self._turn.save_alert(replace(younger, state=model.AlertState.MERGED, held_until=None))
        return decisions

    def _point_to(self, older: model.Story, younger: model.Alert) -> model.Decision:
        decision = model.Decision(
            at=self._turn.now,
            story=younger.story,
            channel=younger.channel,
            action=model.AlertAction.EDIT,
            reason=model.Reason.MERGED,
            rules=younger.rules,
            detail=f"merged into {older.id}",
        )
        self._turn.decide(decision)
        # The older message has its own escalation.
        self._turn.drop_rows([model.send_id("escalation", younger.story)], decision.detail)
        if younger.head is not None and not younger.is_gathered:
            lead = "Merged into an earlier story:"
            title = summaries.message_headline(older, self._turn.rules, article=younger.headline)
            row = messages.pointer_row(self._turn, decision, older, younger.head, lead=lead, title=title)
            self._turn.post(row)
        return decision

    def dispatch_split(self, split: Split) -> list[model.Decision]:
        """Edit the messages of a split story, and dispatch the new story of the removed articles."""
        decisions = []
        for alert in self._turn.alerts([split.home.id]):
            if alert.state is not model.AlertState.POSTED:
                continue
            shows_split = alert.latest is not None and alert.latest.article in split.articles
            count = len(split.articles)
            what = "1 article is" if count == 1 else f"{count} articles are"
            decision = model.Decision(
                at=self._turn.now,
                story=split.home.id,
                channel=alert.channel,
                action=model.AlertAction.EDIT,
                reason=model.Reason.SPLIT,
                rules=alert.rules,
                detail=f"{what} about a different event ({split.apart.id}), by {split.ruling.by}",
            )
            decisions.append(decision)
            shown = replace(alert, latest=None) if shows_split else alert
            self._carry_out(decision, split.home, shown, once=split.ruling.id)
            self._take_back_replies(split, decision)
        return [*decisions, *self.dispatch([ChangedStory(split.apart, arrivals=list(split.apart.members))])]

    def _take_back_replies(self, split: Split, decision: model.Decision) -> None:
        """Edit sent replies about the split articles to point to their new story, and drop unsent ones."""
        for row in self._turn.tx.outbox.of_story(split.home.id):
            reported = {fact.article for fact in row.message.facts} | {edit.article for edit in row.message.edits}
            is_reply = row.message.kind is model.MessageKind.REPLY
            if row.channel != decision.channel or not is_reply or reported.isdisjoint(split.articles):
                continue
            if row.state is model.SendState.SENT:
                lead = "Moved to a separate story:"
                self._turn.post(messages.pointer_row(self._turn, decision, split.apart, row.id, lead=lead))
            else:
                self._turn.drop_rows([row.id], decision.detail)

    def _post_together(
        self,
        posts: Sequence[model.Decision],
        stories: Mapping[model.StoryId, model.Story],
        by_story: Mapping[model.StoryId, model.Alert],
        *,
        most: int,
    ) -> None:
        """Post gathered messages that list at most ``most`` stories each."""
        if len(posts) == 1:
            self._carry_out(posts[0], stories[posts[0].story], by_story[posts[0].story])
            return
        posts = self._loudest_first(posts)
        for start in range(0, len(posts), most):
            chunk = posts[start : start + most]
            row = messages.gathered_row(self._turn, chunk, stories, lead=_lead(chunk, by_story))
            self._list_in(row, row.id, chunk, by_story)

    def _post_capped(
        self,
        posts: Sequence[model.Decision],
        stories: Mapping[model.StoryId, model.Story],
        by_story: Mapping[model.StoryId, model.Alert],
    ) -> None:
        """Add stories beyond the rate cap to the channel's gathered message of this hour, or begin a new one."""
        if not posts or posts[0].reason is not model.Reason.RATE_CAP:
            # The channel cannot edit messages, so these stories waited until the rate cap allowed another post.
            self._post_together(posts, stories, by_story, most=_STORIES_BEYOND_CAP)
            return
        channel, posts = posts[0].channel, self._loudest_first(posts)
        listed = Counter[model.SendId]()
        gathered: dict[model.SendId, model.Alert] = {}
        for alert in self._posted(channel):
            if alert.head is not None and alert.is_gathered and alert.reason is model.Reason.RATE_CAP:
                listed[alert.head] += 1
                gathered.setdefault(alert.head, alert)
        head, first = max(gathered.items(), key=lambda item: item[1].posted_at or self._turn.now, default=(None, None))
        if head and first and first.posted_at and first.posted_at > self._turn.now - _HOUR:
            added = posts[: max(0, _STORIES_BEYOND_CAP - listed[head])]
            row = added and messages.extended_row(self._turn, added, stories, first, lead=_MORE)
            if row:
                self._list_in(row, head, added, by_story)
                posts = posts[len(added) :]
        for start in range(0, len(posts), _STORIES_BEYOND_CAP):
            chunk = posts[start : start + _STORIES_BEYOND_CAP]
            row = messages.gathered_row(self._turn, chunk, stories, lead=_MORE)
            self._list_in(row, row.id, chunk, by_story)

    def _list_in(
        self,
        row: model.Outgoing,
        head: model.SendId,
        posts: Sequence[model.Decision],
        by_story: Mapping[model.StoryId, model.Alert],
    ) -> None:
        """Write a gathered message, or an edit of it, that lists the stories of ``posts``."""
        self._turn.post(row)
        self._turn.decide(*posts)
        self._recent.pop(row.channel, None)
        headlines = {brief.story: brief.title.article for brief in row.message.briefs}
        for decision in posts:
            alert, headline = by_story[decision.story], headlines[decision.story]
            self._turn.save_alert(
                alerts.record_decision(alert, decision, head=head, headline=headline, is_gathered=True)
            )

    def _loudest_first(self, posts: Sequence[model.Decision]) -> Sequence[model.Decision]:
        return sorted(posts, key=lambda post: self._severity(post.rules).rank, reverse=True)

    def _severity(self, rules: Iterable[str]) -> model.Severity:
        return messages.highest_severity(self._turn.rules[name] for name in rules if name in self._turn.rules)

    def _carry_out(
        self,
        decision: model.Decision,
        story: model.Story,
        alert: model.Alert | None,
        *,
        once: str | None = None,
        added: tuple[model.ArticleId, ...] = (),
    ) -> model.Alert:
        turn, row = self._turn, None
        match decision.action:
            case model.AlertAction.POST:
                row = messages.post_row(turn, decision, story, headline=alert.headline if alert else None)
            case model.AlertAction.EDIT if alert and alert.is_gathered:
                row = messages.gathered_edit_row(turn, decision, story, alert, added=added, once=once)
            case model.AlertAction.EDIT if alert:
                silences = self._silences.shown(alert)
                row = messages.edit_row(turn, decision, story, alert, silences=silences, added=added, once=once)
            case model.AlertAction.REPLY if alert:
                row = messages.reply_row(turn, decision, story, alert)
            case _:
                pass
        turn.decide(decision)
        if row:
            if self._advice is not None:
                to = turn.snapshot.policies.get(row.channel, model.PostingPolicy()).translate
                row = self._advice.worded(row, story, to=to)
            turn.post(row)
        headline = row.message.briefs[0].title.article if row else None
        if decision.action is model.AlertAction.POST:
            self._recent.pop(decision.channel, None)
        alert = alerts.record_decision(alert, decision, head=row.id if row else None, headline=headline)
        turn.save_alert(alert)
        escalation = messages.escalation_row(turn, decision, story, alert)
        if escalation and not messages.active_claims(turn, story.id):
            turn.post(escalation)
        return alert

    def _rules_and_channels(self, story: model.Story) -> list[tuple[model.Rule, tuple[str, ...]]]:
        """Return each loaded rule of the story, in order of first match, with the channels that it notifies."""
        loaded = [self._turn.rules[name] for name in story.rules if name in self._turn.rules]
        current = () if all(rule.notify for rule in loaded) else self._turn.alerts([story.id])
        return [(rule, rule.notify or self._routed(story, rule, current)) for rule in loaded]

    def _routed(self, story: model.Story, rule: model.Rule, current: Sequence[model.Alert]) -> tuple[str, ...]:
        """Return the channels that the routes choose. A story stays in its first channels while a route allows them."""
        routes = self._turn.snapshot.routes
        own = [alert for alert in current if rule.name in alert.rules and alert.state is not model.AlertState.MERGED]
        possible = routing.possible_channels(routes, rule) if own else ()
        if channels := tuple(alert.channel for alert in own if alert.channel in possible):
            return channels
        members = [member for member in story.members if any(match.rule == rule.name for match in member.matches)]
        feeds = [self._turn.snapshot.feeds.get(member.article.feed) for member in members]
        tags = {tag for feed in feeds if feed for tag in feed.tags}
        return routing.route_channels(routes, rule, tags=tags, now=self._turn.now)

    def _situation(
        self,
        story: model.Story,
        channel: str,
        alert: model.Alert | None,
        *,
        routes: Sequence[tuple[model.Rule, tuple[str, ...]]] | None = None,
        arrivals: tuple[model.Member, ...] = (),
        new: tuple[model.Fact, ...] = (),
        edits: tuple[model.Edit, ...] = (),
        has_summary: bool = False,
    ) -> alerts.Situation:
        rules = tuple(rule for rule, channels in routes or self._rules_and_channels(story) if channel in channels)
        policy = self._turn.snapshot.policies.get(channel, model.PostingPolicy())
        # Load recent posts only if needed, because there may be thousands in an hour.
        needs_history = policy.posts_per_hour is not None or any(rule.cooldown for rule in rules)
        recent = self._posted(channel) if needs_history else ()
        spoke_at = {rule: alert.posted_at for alert in recent for rule in alert.rules if alert.posted_at}
        recent_posts, recent_high_posts = self._times(recent)
        situation = alerts.Situation(
            now=self._turn.now,
            channel=channel,
            story=story,
            alert=alert,
            rules=rules,
            arrivals=arrivals,
            facts=new,
            edits=edits,
            has_summary=has_summary,
            deadlines=self._claims.of(story).dues.deadlines() if any(rule.remind for rule in rules) else (),
            policy=policy,
            recent_posts=recent_posts,
            recent_high_posts=recent_high_posts,
            rule_spoke_at=spoke_at,
        )
        return self._silences.without_silenced(situation)

    def _posted(self, channel: str) -> Sequence[model.Alert]:
        """Return the recently posted alerts, oldest first."""
        if channel not in self._recent:
            # Load two hours, because a gathered message grows for an hour and its first story must be included.
            since = self._turn.now - max(2 * _HOUR, self._turn.snapshot.longest_cooldown())
            self._recent[channel] = self._turn.posted_since(channel, since)
        return self._recent[channel]

    def _times(self, recent: Sequence[model.Alert]) -> tuple[tuple[datetime, ...], tuple[datetime, ...]]:
        """Return the times of the posts that count for the rate cap: first of lower severity, then of severity high."""
        times: dict[bool, dict[model.SendId | None, datetime]] = {False: {}, True: {}}
        for alert in recent:
            if alert.posted_at and not (alert.is_gathered and alert.reason is model.Reason.RATE_CAP):
                is_high = self._severity(alert.rules) is model.Severity.HIGH
                times[is_high].setdefault(alert.head, alert.posted_at)
        return tuple(times[False].values()), tuple(times[True].values())


def _edit_cause(entry: ChangedStory) -> str | None:
    """Return text that identifies an edit caused by facts or a summary, or None if there are none."""
    return " ".join([*(f"{fact.article} {fact.label}: {fact.after}" for fact in entry.facts), entry.summary]) or None


#: The lead of gathered messages beyond the rate cap.
_MORE = "More stories: this channel has reached its posts per hour"


def _lead(posts: Sequence[model.Decision], by_story: Mapping[model.StoryId, model.Alert]) -> str:
    reasons = {by_story[decision.story].reason for decision in posts}
    if reasons == {model.Reason.BASELINE}:
        return f"{len(posts)} stories found on the first look at new feeds"
    if reasons == {model.Reason.DIGEST}:
        return f"Digest: {len(posts)} stories"
    if reasons == {model.Reason.RATE_CAP}:
        return _MORE
    return f"{len(posts)} stories that were held"

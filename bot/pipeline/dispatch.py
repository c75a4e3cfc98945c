"""Decide what to post about changed stories in each channel, and write decisions, alerts and outbox rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

import msgspec
from msgspec.structs import replace

from bot import alerts
from bot.alerts import routing
from bot.durations import format_count, format_duration
from bot.model.actions import Ruling
from bot.model.alerts import Alert, AlertAction, AlertState, Decision, Reason
from bot.model.messages import Listing, Outgoing, Post, Reply, SendState
from bot.model.rules import ONLY_SURGES, Rule, Severity, highest_severity
from bot.model.stories import ArticleId, SendId, Story, StoryId
from bot.pipeline import briefs, messages
from bot.pipeline.turn import ChangedStory, Turn
from bot.stories import summaries
from bot.stories.facts import turns

_HOUR = timedelta(hours=1)
#: The first messages of stories that wait this long are gathered.
_STALE_AFTER = timedelta(days=1)


class StorySplit(msgspec.Struct, frozen=True, kw_only=True):
    """A story after people took articles out of it."""

    ruling: Ruling
    #: The story without the removed articles.
    home: Story
    #: The new story of the removed articles.
    apart: Story

    @property
    def articles(self) -> frozenset[ArticleId]:
        """The ids of the removed articles."""
        return frozenset(member.article.id for member in self.apart.members)


class Dispatcher:
    """Dispatches changed stories of one turn."""

    def __init__(self, turn: Turn) -> None:
        self._turn = turn
        #: Channel -> its recently posted alerts, oldest first. A new post removes the channel's entry.
        self._recent: dict[str, Sequence[Alert]] = {}

    @cached_property
    def _silences(self) -> alerts.ActiveSilences:
        """The active silences. Most turns of a release have nothing to post and do not need them."""
        return self._turn.active_silences()

    def dispatch(self, changed: Collection[ChangedStory]) -> list[Decision]:
        """Decide what to post about saved stories in each channel, and save the decisions, alerts and messages."""
        decisions: list[Decision] = []
        # Load all alerts in one query; the turn caches them.
        self._turn.alerts([entry.story.id for entry in changed])
        for entry in changed:
            decisions.extend(self._merge_alerts(entry))
            # Find the routes before a channel gets an alert, because an alert binds the story to its channel.
            routes = self._rules_and_channels(entry.story)
            # Without a new or edited article, derive the id of the edit from the late facts and translation.
            cause = None
            if not entry.arrivals and not any(fact.is_edit for fact in entry.facts):
                cause = " ".join(
                    [*(f"{fact.article} {fact.label}: {fact.after}" for fact in entry.facts), entry.translation]
                )
            added = tuple(member.article.id for member in entry.arrivals)
            for channel in dict.fromkeys(channel for _, channels in routes for channel in channels):
                situation = self._situation(entry, channel, routes)
                for decision in alerts.decide(situation):
                    self._carry_out(decision, once=cause or None, added=added)
                    decisions.append(decision)
        for entry in changed:
            if entry.merged or entry.renamed:
                decisions.extend(self._rename_in_neighbours(entry.story, entry.merged))
        return decisions

    def _rename_in_neighbours(self, story: Story, merged: Collection[StoryId] = ()) -> list[Decision]:
        """Edit the messages of other stories that name this story, or one merged into it, as related."""
        neighbours = self._turn.stories(self._turn.tx.stories.related_to([story.id, *merged]))
        decisions = []
        for alert in self._turn.alerts(neighbours):
            neighbour = neighbours[alert.story]
            is_shown = alert.state is AlertState.POSTED and not alert.is_gathered
            if is_shown and neighbour.related and neighbour.id != story.id and neighbour.merged_into is None:
                title = summaries.story_headline(story)
                detail = f"the related story is now “{title}”"
                decision = self._turn.decision(alert, AlertAction.EDIT, Reason.RENAMED, detail)
                self._carry_out(decision, once=f"near {story.id} {title}")
                decisions.append(decision)
        return decisions

    def release(self, held: Sequence[Alert]) -> list[Decision]:
        """Decide again about held alerts that are due. Gather the posts of each channel."""
        stories = self._turn.stories(alert.story for alert in held)
        self._turn.alerts(stories)
        decisions: list[Decision] = []
        for channel in dict.fromkeys(alert.channel for alert in held):
            reasons: dict[StoryId, Reason] = {}
            situations = []
            for alert in held:
                if alert.channel != channel or alert.story not in stories:
                    continue
                situation = self._situation(ChangedStory(stories[alert.story]), channel)
                reasons[alert.story] = alert.reason
                situations.append(replace(situation, is_denial=_is_denial(situation.story)))
            released = alerts.release(situations)
            decisions.extend(released)
            capped, together = [], []
            for decision in released:
                is_post, reason = decision.action is AlertAction.POST, reasons[decision.story]
                if is_post and reason is Reason.RATE_CAP:
                    capped.append(decision)
                # A story that only waited for other outlets (``gather``) gets a separate message.
                elif is_post and reason is not Reason.GATHER:
                    together.append(decision)
                else:
                    self._carry_out(decision)
            left_out = Counter(
                rule
                for decision in released
                if decision.action is AlertAction.SILENT and decision.reason is Reason.BASELINE
                for rule in decision.rules[:1]
            )
            self._post_together(together, reasons, left_out)
            self._post_capped(capped, reasons)
        return decisions

    def gather_stale(self) -> list[Decision]:
        """Gather the first messages of stories that a closed channel has kept waiting for a day.

        When the channel is open again, its readers get lists, not one message a second for an hour.
        """
        stale: dict[str, list[Outgoing]] = {}
        for row in self._turn.tx.outbox.stale_posts(self._turn.now - _STALE_AFTER):
            stale.setdefault(row.channel, []).append(row)
        decisions: list[Decision] = []
        for channel, rows in stale.items():
            heads = {row.id for row in rows}
            stories = self._turn.stories(row.story for row in rows if row.story)
            stale_alerts = [a for a in self._turn.alerts(stories) if a.channel == channel and a.head in heads]
            if len(stale_alerts) < 2 or self._turn.settings.policy(channel).keeps_records:
                continue
            posts = []
            for alert in stale_alerts:
                detail = "gathered: the channel could not be reached"
                posts.append(self._turn.decision(alert, AlertAction.POST, Reason.FIRST_REPORT, detail))
                for row in self._turn.tx.outbox.of_story(alert.story):
                    if row.id == alert.head:
                        self._turn.changes.replaced_rows[row.id] = "listed in a gathered message"
                    elif row.thread == alert.head:
                        self._turn.drop_rows([row.id], "its story is listed in a gathered message")
            lead = f"{format_count(len(posts), 'older story')}: this channel could not be reached"
            for row, listed in messages.listing_rows(self._turn, self._loudest_first(posts), lead=lead):
                self._list_in(row, row.id, listed)
            decisions += posts
        return decisions

    def end_coverage(self, posted: Sequence[Alert]) -> list[Decision]:
        """Say in the messages of stories that no article can join any more that their coverage is over."""
        window = format_duration(self._turn.settings.bot.stories.window)
        stories = self._turn.stories(alert.story for alert in posted)
        decisions = []
        for alert in posted:
            story = stories[alert.story]
            detail = f"no article for {window}"
            decision = self._turn.decision(alert, AlertAction.EDIT, Reason.COVERAGE_OVER, detail)
            self._carry_out(decision, once=f"over {story.last_seen.isoformat()}")
            decisions.append(decision)
        return decisions

    def post_brief(self, channel: str) -> list[Decision]:
        """Post the channel's brief if it is due, with the stories that wait for it. The first one begins now."""
        turn, now = self._turn, self._turn.now
        since = briefs.last_time(turn.tx, turn.settings, channel, now=now)
        if since is None:
            return []
        turn.changes.brief_times[channel] = now
        if since == now:
            return []
        waiting = [a for a in turn.tx.stories.held() if a.channel == channel and a.reason is Reason.BRIEF]
        stories = turn.stories(alert.story for alert in waiting)
        decisions = [
            alerts.release_to_brief(self._situation(ChangedStory(stories[alert.story]), channel))
            for alert in waiting
            if alert.story in stories
        ]
        posts = {post.story: post for post in decisions if post.action is AlertAction.POST}
        for decision in decisions:
            if decision.story not in posts:
                self._carry_out(decision)
        period = briefs.Period(channel=channel, since=since, until=now)
        brief = briefs.read_brief(turn.tx, turn.settings, period, now=now, waiting=frozenset(posts))
        rows = briefs.brief_rows(turn.settings, brief)
        turn.post(*rows)
        shown = {
            part.story: (row.id, part.article)
            for row in rows
            if isinstance(row.message, Listing)
            for section in row.message.sections
            for entry in section.entries
            for part in entry.stories
        }
        # The brief links to the page that lists the others.
        brief_page = (rows[0].id, None) if turn.settings.bot.public_url else None
        for story, post in posts.items():
            if place := shown.get(story, brief_page):
                turn.decide(post)
                alert, (head, headline) = turn.alert(story, channel), place
                turn.save_alert(alerts.record_decision(alert, post, head=head, headline=headline, is_gathered=True))
        self._recent.pop(channel, None)
        return decisions

    def _merge_alerts(self, entry: ChangedStory) -> list[Decision]:
        """Merge the alerts of merged stories.

        If both stories have a message, the younger story's message becomes a pointer to the older story. If only the
        younger story has a message, the older story takes it over.
        """
        decisions = []
        for younger in self._turn.alerts(entry.merged):
            older = self._turn.alert(entry.story.id, younger.channel)
            is_posted = younger.state is AlertState.POSTED
            if is_posted and (older is None or older.state is not AlertState.POSTED):
                posted_for = younger.posted_for or younger.story
                self._turn.save_alert(replace(younger, story=entry.story.id, posted_for=posted_for))
            elif is_posted:
                decisions.append(self._point_to(entry.story, younger))
            self._turn.save_alert(replace(younger, state=AlertState.MERGED, held_until=None))
        return decisions

    def _point_to(self, older: Story, younger: Alert) -> Decision:
        detail = f"merged into {older.id}"
        decision = self._turn.decision(younger, AlertAction.EDIT, Reason.MERGED, detail)
        self._turn.decide(decision)
        if younger.head is not None and not younger.is_gathered:
            lead = "Merged into an earlier story:"
            title = summaries.message_headline(older, self._turn.rules, article=younger.headline)
            row = messages.pointer_row(self._turn, decision, older, younger.head, lead=lead, title=title)
            self._turn.post(row)
        return decision

    def dispatch_split(self, split: StorySplit) -> list[Decision]:
        """Edit the messages of a split story, and dispatch the new story of the removed articles."""
        decisions = []
        for alert in self._turn.alerts([split.home.id]):
            if alert.state is not AlertState.POSTED:
                continue
            if alert.latest is not None and alert.latest.article in split.articles:
                self._turn.save_alert(replace(alert, latest=None))
            count = len(split.articles)
            what = "1 article is" if count == 1 else f"{count} articles are"
            detail = f"{what} about a different event ({split.apart.id}), by {split.ruling.by}"
            decision = self._turn.decision(alert, AlertAction.EDIT, Reason.SPLIT, detail)
            decisions.append(decision)
            self._carry_out(decision, once=split.ruling.id)
            self._take_back_replies(split, decision)
        decisions += self._rename_in_neighbours(split.home)
        return [*decisions, *self.dispatch([ChangedStory(split.apart, arrivals=list(split.apart.members))])]

    def _take_back_replies(self, split: StorySplit, decision: Decision) -> None:
        """Turn sent replies about the removed articles into pointers to the new story, and drop unsent replies."""
        for row in self._turn.tx.outbox.of_story(split.home.id):
            if row.channel != decision.channel or not isinstance(row.message, Reply):
                continue
            if split.articles.isdisjoint(row.message.articles):
                continue
            if row.state is SendState.SENT:
                lead = "Moved to a separate story:"
                self._turn.post(messages.pointer_row(self._turn, decision, split.apart, row.id, lead=lead))
            else:
                self._turn.drop_rows([row.id], decision.detail)

    def _post_together(
        self, posts: Sequence[Decision], reasons: Mapping[StoryId, Reason], left_out: Mapping[str, int] | None = None
    ) -> None:
        """Post one story separately, or several in listings unless the channel keeps records.

        ``reasons`` are why each story was held. ``left_out`` are each rule's stories that a first look does not post.
        """
        keeps_records = bool(posts) and self._turn.settings.policy(posts[0].channel).keeps_records
        if keeps_records or (len(posts) == 1 and not left_out):
            for post in self._loudest_first(posts):
                self._carry_out(post)
            return
        lead = _lead(posts, reasons, left_out=sum((left_out or {}).values()))
        omitted = tuple((left_out or {}).items())
        rows = messages.listing_rows(self._turn, self._loudest_first(posts), lead=lead, left_out=omitted)
        for row, listed in rows:
            self._list_in(row, row.id, listed)

    def _post_capped(self, posts: Sequence[Decision], reasons: Mapping[StoryId, Reason]) -> None:
        """Add stories beyond the rate cap to the channel's listing of this hour, then begin new ones.

        A full message stays as it is, and the next one notifies the channel's readers again.
        """
        if not posts:
            return
        policy = self._turn.settings.policy(posts[0].channel)
        if policy.keeps_records or not policy.can_edit:
            self._post_together(posts, reasons)
            return
        posts = self._loudest_first(posts)
        #: Gathered message -> the first alert that it lists, in the order of the messages.
        gathered: dict[SendId, Alert] = {}
        for alert in self._posted(posts[0].channel):
            if alert.head is not None and alert.is_gathered and alert.reason is Reason.RATE_CAP:
                gathered.setdefault(alert.head, alert)
        newest = next(reversed(gathered.values()), None)
        if newest and newest.head and newest.posted_at and newest.posted_at > self._turn.now - _HOUR:
            extension = messages.extended_row(self._turn, posts, newest)
            if extension is not None:
                row, added = extension
                self._list_in(row, newest.head, added)
                posts = posts[len(added) :]
        for row, listed in messages.listing_rows(self._turn, posts, lead=_MORE):
            self._list_in(row, row.id, listed)

    def _list_in(self, row: Outgoing, head: SendId, posts: Sequence[Decision]) -> None:
        """Write a listing, or an edit of it, that lists the stories of ``posts``."""
        self._turn.post(row)
        self._turn.decide(*posts)
        self._recent.pop(row.channel, None)
        views = {view.id: view for view in row.message.stories}
        for post in posts:
            alert, view = self._turn.alert(post.story, post.channel), views[post.story]
            headline = view.title.article
            alert = alerts.record_decision(alert, post, head=head, headline=headline, is_gathered=True)
            self._turn.save_alert(replace(alert, latest=view.latest))

    def _loudest_first(self, posts: Sequence[Decision]) -> Sequence[Decision]:
        return sorted(posts, key=lambda post: self._severity(post.rules).rank, reverse=True)

    def _severity(self, rules: Iterable[str]) -> Severity:
        return highest_severity(self._turn.rules[name] for name in rules if name in self._turn.rules)

    def _carry_out(self, decision: Decision, *, once: str | None = None, added: tuple[ArticleId, ...] = ()) -> None:
        """Save a decision with its alert and its message.

        ``added`` are the articles that an edit adds. ``once`` identifies the cause of an edit that no article caused.
        """
        turn, row = self._turn, None
        alert = turn.alert(decision.story, decision.channel)
        match decision.action:
            case AlertAction.POST:
                row = messages.post_row(turn, decision)
            case AlertAction.EDIT if alert and alert.is_gathered:
                row = messages.listing_edit_row(turn, decision, alert, added=added, once=once)
            case AlertAction.EDIT if alert:
                row = messages.edit_row(turn, decision, alert, silences=self._silences, added=added, once=once)
            case AlertAction.REPLY if alert:
                row = messages.reply_row(turn, decision, alert)
        turn.decide(decision)
        if row:
            if turn.questions is not None:
                # An import at the top would load the prompts, which only a configuration with a model needs.
                from bot.pipeline import ask

                row = ask.translate(turn.questions, turn, row, decision.story)
            turn.post(row)
        headline = row.message.stories[0].title.article if row else None
        if decision.action is AlertAction.POST:
            self._recent.pop(decision.channel, None)
        alert = alerts.record_decision(alert, decision, head=row.id if row else None, headline=headline)
        if row and isinstance(row.message, Post):
            alert = replace(alert, latest=row.message.latest)
        turn.save_alert(alert)

    def _rules_and_channels(self, story: Story) -> list[tuple[Rule, tuple[str, ...]]]:
        """Return each rule that posts the story, in order of first match, with the channels that it notifies."""
        loaded = [self._turn.rules[name] for name in story.rules if name in self._turn.rules]
        loaded = [rule for rule in loaded if rule.when != ONLY_SURGES]
        current = () if all(rule.notify for rule in loaded) else self._turn.alerts([story.id])
        return [(rule, rule.notify or self._routed(story, rule, current)) for rule in loaded]

    def _routed(self, story: Story, rule: Rule, current: Sequence[Alert]) -> tuple[str, ...]:
        """Return the channels that the routes choose. A story stays in its first channels while a route allows them."""
        routes = self._turn.settings.bot.routes
        own = [alert for alert in current if rule.name in alert.rules and alert.state is not AlertState.MERGED]
        possible = routing.possible_channels(routes, rule) if own else ()
        if channels := tuple(alert.channel for alert in own if alert.channel in possible):
            return channels
        members = [member for member in story.members if any(match.rule == rule.name for match in member.matches)]
        feeds = [self._turn.settings.feeds_by_address.get(member.article.feed) for member in members]
        tags = {tag for feed in feeds if feed for tag in feed.tags}
        return routing.route_channels(routes, rule, tags=tags, now=self._turn.now)

    def _situation(
        self,
        entry: ChangedStory,
        channel: str,
        routes: Sequence[tuple[Rule, tuple[str, ...]]] | None = None,
    ) -> alerts.Situation:
        """Return the situation of a story in a channel. ``routes`` is the result of ``_rules_and_channels``."""
        story = entry.story
        rules = tuple(rule for rule, channels in routes or self._rules_and_channels(story) if channel in channels)
        policy = self._turn.settings.policy(channel)
        # Load recent posts only if needed, because there may be thousands in an hour.
        needs_history = policy.posts_per_hour is not None or any(rule.posts_per_hour for rule in rules)
        recent = self._posted(channel) if needs_history else ()
        capped = [rule.name for rule in rules if rule.posts_per_hour]
        alert = self._turn.alert(story.id, channel)
        situation = alerts.Situation(
            now=self._turn.now,
            channel=channel,
            story=story,
            alert=alert,
            rules=rules,
            arrivals=tuple(entry.arrivals),
            facts=tuple(entry.facts),
            has_translation=bool(entry.translation),
            has_new_headline=alert is not None and alert.headline in entry.renamed,
            policy=policy,
            recent_posts=_times(alert for alert in recent if self._severity(alert.rules) is not Severity.HIGH),
            recent_high_posts=_times(alert for alert in recent if self._severity(alert.rules) is Severity.HIGH),
            rule_posts={rule: _times(alert for alert in recent if rule in alert.rules) for rule in capped},
        )
        return self._silences.without_silenced(situation)

    def _posted(self, channel: str) -> Sequence[Alert]:
        """Return the channel's recently posted alerts, oldest first."""
        if channel not in self._recent:
            # Load two hours: a listing grows for an hour, and its first story must be included.
            self._recent[channel] = self._turn.posted_since(channel, self._turn.now - 2 * _HOUR)
        return self._recent[channel]


#: The lead of listings beyond the rate cap.
_MORE = "More stories, beyond the posts per hour"


def _times(recent: Iterable[Alert]) -> tuple[datetime, ...]:
    """Return the times of the messages that count for the rate cap, which omits those beyond it."""
    times: dict[SendId | None, datetime] = {}
    for alert in recent:
        if alert.posted_at and not (alert.is_gathered and alert.reason is Reason.RATE_CAP):
            times.setdefault(alert.head, alert.posted_at)
    return tuple(times.values())


def _is_denial(story: Story) -> bool:
    """Return whether the story's headline denies, withdraws or reverses a report."""
    language = story.members[0].article.language if story.members else None
    return any(kind in turns.LABELS for kind in turns.turns_in(story.title, language or "en"))


def _lead(posts: Sequence[Decision], held_for: Mapping[StoryId, Reason], *, left_out: int = 0) -> str:
    reasons = {held_for[post.story] for post in posts}
    if reasons == {Reason.BASELINE}:
        stories = f"{len(posts)} of {len(posts) + left_out} stories" if left_out else f"{len(posts)} stories"
        return f"{stories} found on the first look at new feeds"
    if reasons == {Reason.RATE_CAP}:
        return _MORE
    return f"{len(posts)} stories that were held"

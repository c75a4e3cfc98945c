"""Make outbox rows from decisions: posts, edits, replies and listings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec.structs import replace

from bot import alerts
from bot.model.alerts import Alert, AlertState, Decision, Reason
from bot.model.messages import (
    Edit,
    Listing,
    Mention,
    Message,
    Outgoing,
    Pointer,
    Post,
    RelatedStory,
    Reply,
    Sentence,
    StoryView,
    content_of,
)
from bot.model.rules import Rule, Severity, highest_severity
from bot.model.stories import ArticleId, Fact, SendId, Story, send_id
from bot.pipeline.turn import Turn
from bot.stories import facts, summaries

#: Maximum stories in one listing, because nobody reads longer lists. A service's limits may allow fewer.
STORIES_A_MESSAGE = 20
#: Maximum articles of a story in which its first message looks for changes.
_READ_FOR_CHANGES = 20


# -- the message of a story


def post_row(turn: Turn, decision: Decision) -> Outgoing:
    """Return the first message about a story, or the separate message of a story that a listing showed."""
    row_id = send_id("post", decision.story, decision.channel)
    post = replace(_post(turn, decision, decision.rules), latest=_newest_change(_story(turn, decision)))
    return _row(row_id, row_id, decision, post)


def edit_row(
    turn: Turn,
    decision: Decision,
    alert: Alert,
    *,
    silences: alerts.ActiveSilences,
    added: tuple[ArticleId, ...] = (),
    once: str | None = None,
) -> Outgoing | None:
    """Return an edit with the current text of the thread's first message, or None if there is no message to edit.

    ``added`` are the articles that this edit adds. ``once`` identifies the cause of an edit that no article caused.
    """
    if alert.head is None:
        return None
    named = tuple(dict.fromkeys((*alert.rules, *decision.rules)))
    post = replace(_with_actions(turn, alert, _post(turn, decision, named), silences), latest=alert.latest)
    row_id = _edit_id(turn, decision, named, once=once)
    return _row(row_id, alert.head, decision, Edit(content=post, added=added))


def current_post(turn: Turn, alert: Alert) -> Post | None:
    """Return the newest version of a story's own message with the judgements and silences of now.

    What people do changes nothing else in the message. None if the story has no message of its own.
    """
    newest = turn.tx.outbox.newest_version(alert.story, alert.head) if alert.head else None
    return _with_actions(turn, alert, newest, turn.active_silences()) if isinstance(newest, Post) else None


def action_edit_row(turn: Turn, decision: Decision, alert: Alert, *, once: str) -> Outgoing | None:
    """Return an edit that shows what somebody did, or None if the message cannot show it or shows it already.

    ``once`` identifies the action.
    """
    newest = turn.tx.outbox.newest_version(alert.story, alert.head) if alert.head else None
    if alert.head is None or not isinstance(newest, Post):
        return None
    post = _with_actions(turn, alert, newest, turn.active_silences())
    if post == newest:
        return None
    row_id = _edit_id(turn, decision, (), once=once)
    return _row(row_id, alert.head, decision, Edit(content=replace(post, reason=decision.reason)))


def _with_actions(turn: Turn, alert: Alert, post: Post, silences: alerts.ActiveSilences) -> Post:
    judged_in = None if turn.settings.policy(alert.channel).keeps_records else alert.channel
    feedback = alerts.active_feedback(turn.judgements_of(alert.story, judged_in))
    return replace(post, judgements=feedback, silences=silences.shown(alert))


def reply_row(turn: Turn, decision: Decision, alert: Alert) -> Outgoing | None:
    """Return the reply of a decision in the story's thread, or None if the thread has no message yet."""
    if alert.head is None:
        return None
    cause = (
        decision.article or "",
        *decision.rules,
        *(f"{fact.label}: {fact.after}" for fact in decision.facts),
    )
    row_id = send_id("reply", decision.story, decision.channel, decision.reason, *cause)
    heading = ""
    if decision.reason is Reason.OTHER_EVENT and len(decision.facts) > 1:
        heading = f"{len(decision.facts)} other reports"
    if decision.reason is Reason.SECOND_RULE:
        name = "Another rule matches" if len(decision.rules) == 1 else "Other rules match"
        heading = f"{name}: {', '.join(decision.rules)}"
    named = _rules_named(turn, decision.rules)
    reply = Reply(
        severity=highest_severity(named.values()),
        reason=decision.reason,
        lead=heading,
        story=_view(turn, decision, named),
        names_story=alert.is_gathered,
        facts=decision.facts,
        public_url=turn.settings.bot.public_url,
    )
    return _row(row_id, alert.head, decision, reply)


def pointer_row(
    turn: Turn,
    decision: Decision,
    to: Story,
    message: SendId,
    *,
    lead: str,
    title: Sentence | None = None,
) -> Outgoing:
    """Return an edit that turns a message into a pointer to the story ``to``, which now has the message's articles.

    ``message`` is the id of the message's outbox row. ``title`` is the headline that the message keeps.
    """
    row_id = send_id("pointer", message, to.id)
    view = summaries.make_view(to, _rules_named(turn, to.rules))
    return _row(row_id, message, decision, Edit(content=Pointer(lead=lead, title=title, story=view)))


def _post(turn: Turn, decision: Decision, rules: Sequence[str]) -> Post:
    """Return the message of a story as it is now. A rule's ``mention`` overrides the mentions of its severity."""
    settings, named = turn.settings, _rules_named(turn, rules)
    view = _view(turn, decision, named)
    shown_rules = _rules_named(turn, [why.rule for why in view.why]).values()
    names = [name for rule in shown_rules for name in rule.mention or settings.bot.mention.get(rule.severity, ())]
    ids = settings.people(decision.channel)
    return Post(
        severity=highest_severity(named.values()),
        reason=decision.reason,
        story=view,
        related=_related_story(turn, decision),
        mentions=tuple(Mention(name=name, id=ids.get(name, "")) for name in dict.fromkeys(names)),
        picture=view.picture if settings.policy(decision.channel).shows_pictures else "",
        public_url=settings.bot.public_url,
    )


def _view(turn: Turn, decision: Decision, rules: Mapping[str, Rule]) -> StoryView:
    alert = turn.alert(decision.story, decision.channel)
    return summaries.make_view(_story(turn, decision), rules, headline=alert.headline if alert else None)


def _newest_change(story: Story) -> Fact | None:
    """Return the newest changed value or denial in a story that gets its first message, such as one that was held."""
    members = [member.article for member in story.members[:_READ_FOR_CHANGES] if member.join.copy_of is None]
    return facts.newest_news(members)


def _related_story(turn: Turn, decision: Decision) -> RelatedStory | None:
    """Return the story that is related to the decision's story, if the channel shows it."""
    other = turn.story(_story(turn, decision).related)
    alert = turn.alert(other.id, decision.channel) if other is not None else None
    if other is None or other.id == decision.story or alert is None or alert.state is not AlertState.POSTED:
        return None
    head = turn.tx.outbox.get([alert.head]).get(alert.head) if alert.head and not alert.is_gathered else None
    return RelatedStory(
        story=other.id,
        title=summaries.message_headline(other, turn.rules, article=alert.headline),
        at=other.first_seen,
        link=head.receipt.link if head is not None and head.receipt is not None else "",
    )


# -- listings


def listing_rows(
    turn: Turn, decisions: Sequence[Decision], *, lead: str, left_out: tuple[tuple[str, int], ...] = ()
) -> Sequence[tuple[Outgoing, Sequence[Decision]]]:
    """Return messages that list the stories of one channel, each with the decisions about its stories.

    Each message shows all its stories, so their number depends on the limits of the channel's service. The last one
    says how many stories of each rule are ``left_out``.
    """
    parts: list[tuple[Listing, Sequence[Decision]]] = []
    while decisions:
        # Measure with the longest lead.
        longest_lead = f"{lead}, part 100 of 100"
        empty = Listing(severity=Severity.LOW, reason=decisions[0].reason, lead=longest_lead, left_out=left_out)
        listing = _list_stories(turn, decisions, empty)
        count = len(listing.stories)
        parts.append((listing, decisions[:count]))
        decisions = decisions[count:]
    rows = []
    for number, (listing, listed) in enumerate(parts, start=1):
        part_lead = f"{lead}, part {number} of {len(parts)}" if len(parts) > 1 else lead
        row_id = send_id("gathered", listed[0].channel, *(decision.story for decision in listed))
        part = replace(listing, lead=part_lead, left_out=left_out if number == len(parts) else ())
        rows.append((_row(row_id, row_id, listed[0], part), listed))
    return rows


def extended_row(turn: Turn, decisions: Sequence[Decision], alert: Alert) -> tuple[Outgoing, Sequence[Decision]] | None:
    """Return an edit that adds stories to the listing that shows the story of ``alert``, with their decisions.

    Return None if the listing is full or not in the store.
    """
    old = _stored_listing(turn, alert)
    if old is None or alert.head is None:
        return None
    longer = _list_stories(turn, decisions, old)
    new_stories = longer.stories[len(old.stories) :]
    if not new_stories:
        return None
    added = tuple(view.title.article for view in new_stories if view.title.article)
    # The newest story of each severity comes first.
    stories = tuple(sorted((*new_stories, *old.stories), key=_rank, reverse=True))
    listing = replace(longer, reason=decisions[0].reason, stories=stories)
    decisions = decisions[: len(new_stories)]
    row_id = send_id("edit", alert.head, *(decision.story for decision in decisions))
    return _row(row_id, alert.head, decisions[0], Edit(content=listing, added=added)), decisions


def _list_stories(turn: Turn, decisions: Sequence[Decision], listing: Listing) -> Listing:
    """Return the listing with further stories: as many of the decisions' stories as the channel can show.

    A listing without stories gets at least one.
    """
    shows_all_stories = turn.settings.policy(decisions[0].channel).shows_all_stories
    # Measure with the links to the page, which the message will have.
    listing = replace(listing, public_url=turn.settings.bot.public_url)
    for decision in decisions[: max(0, STORIES_A_MESSAGE - len(listing.stories))]:
        rules, story = _rules_named(turn, decision.rules), _story(turn, decision)
        view = replace(summaries.make_view(story, rules), latest=_newest_change(story))
        longer = replace(
            listing,
            severity=max(listing.severity, highest_severity(rules.values()), key=lambda severity: severity.rank),
            stories=(*listing.stories, view),
        )
        if listing.stories and not shows_all_stories(longer):
            break
        listing = longer
    return listing


def listing_edit_row(
    turn: Turn,
    decision: Decision,
    alert: Alert,
    *,
    added: tuple[ArticleId, ...] = (),
    once: str | None = None,
) -> Outgoing | None:
    """Return an edit of the listing that shows the story, with the current state of all its stories.

    Return None if the listing is not in the store.
    """
    old = _stored_listing(turn, alert)
    if old is None or alert.head is None:
        return None
    stories = tuple(_current_view(turn, view, decision.channel) for view in old.stories)
    listing = replace(old, reason=decision.reason, stories=stories, public_url=turn.settings.bot.public_url)
    if not turn.settings.policy(decision.channel).shows_all_stories(listing):
        # A corrected headline is longer than the posted one and would push out another story.
        pairs = zip(stories, old.stories, strict=True)
        listing = replace(listing, stories=tuple(replace(new, title=posted.title) for new, posted in pairs))
    row_id = _edit_id(turn, decision, decision.rules, once=once)
    return _row(row_id, alert.head, decision, Edit(content=listing, added=added))


def _current_view(turn: Turn, view: StoryView, channel: str) -> StoryView:
    """Return an updated view of a listed story, or the same view if the story is not in the store."""
    story = turn.story(view.id)
    if story is None:
        return view
    alert = turn.alert(view.id, channel)
    named = _rules_named(turn, alert.rules if alert else ())
    # Keep the id of a merged story, because the message's menu and headline refer to it.
    latest = alert.latest if alert and alert.latest else view.latest
    return replace(summaries.make_view(story, named, headline=view.title.article), id=view.id, latest=latest)


def _stored_listing(turn: Turn, alert: Alert) -> Listing | None:
    """Return the newest version of the listing that shows the story of ``alert``."""
    # A brief is a report of its time, so it is not edited.
    if alert.head is None or alert.reason is Reason.BRIEF:
        return None
    contents = [content_of(row.message) for row in turn.rows if row.thread == alert.head]
    listings = [content for content in contents if isinstance(content, Listing)]
    version = listings[-1] if listings else turn.tx.outbox.newest_version(alert.story, alert.head)
    return version if isinstance(version, Listing) else None


def _rank(view: StoryView) -> int:
    return max((why.severity.rank for why in view.why), default=0)


# -- parts


def _story(turn: Turn, decision: Decision) -> Story:
    return turn.stories([decision.story])[decision.story]


def _rules_named(turn: Turn, names: Iterable[str]) -> dict[str, Rule]:
    return {name: turn.rules[name] for name in names if name in turn.rules}


def _edit_id(turn: Turn, decision: Decision, rules: Sequence[str], *, once: str | None) -> SendId:
    if once is not None:
        return send_id("edit", decision.story, decision.channel, "judged", once)
    story = _story(turn, decision)
    versions = sum(member.article.version for member in story.members)
    state = f"{len(story.members)}.{versions}.{story.members[-1].article.id}"
    return send_id("edit", decision.story, decision.channel, state, *rules)


def _row(row_id: SendId, thread: SendId, decision: Decision, message: Message) -> Outgoing:
    return Outgoing(
        id=row_id,
        channel=decision.channel,
        thread=thread,
        message=message,
        story=None if isinstance(content_of(message), Listing) else decision.story,
        created_at=decision.at,
        due_at=decision.until or decision.at,
    )

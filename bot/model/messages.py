"""Messages, and their rows in the outbox.

    Message = Post | Edit | Reply | Listing | Notice

A post is the message of one story, an edit the new content of a message, a reply the news in a story's thread. A
listing shows several stories, a notice is about the bot itself. All show a story in the same form, as a ``StoryView``.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import ClassVar, TypeAlias

import msgspec
from msgspec.structs import replace

from bot.model.actions import Judgement, Silence
from bot.model.alerts import Reason
from bot.model.briefs import BriefSection
from bot.model.rules import Evidence, Severity
from bot.model.stories import ArticleId, Fact, SendId, StoryId


class MessageKind(StrEnum):
    """The kind of a message: the name of its class, as it is stored and shown."""

    POST = "post"
    EDIT = "edit"
    REPLY = "reply"
    LISTING = "listing"
    NOTICE = "notice"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """A run of text. A marked run contains matched words."""

    text: str
    is_marked: bool = False


class Sentence(msgspec.Struct, frozen=True, kw_only=True):
    """One whole sentence of an article, with its source."""

    spans: tuple[Span, ...]
    outlet: str
    link: str
    article: ArticleId | None = None

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(span.text for span in self.spans)


class CoverageLine(msgspec.Struct, frozen=True, kw_only=True):
    """One headline of a story's coverage, and the outlets that carry it."""

    #: The first outlet with this headline; title, link and time come from its article.
    outlet: str
    title: str
    link: str
    at: datetime
    article: ArticleId
    #: The number of other outlets with nearly the same headline.
    more: int = 0
    #: Whether the article joined the story with less than full certainty.
    is_probable: bool = False
    #: The form of an article that is not a report, such as "opinion"; also empty if the headline contains it.
    form: str = ""
    #: Whether a primary source published it, such as a regulator.
    is_official: bool = False


class Echo(msgspec.Struct, frozen=True, kw_only=True):
    """Several outlets that only repeat the report of one other outlet, so they count as one."""

    #: The outlet whose report they repeat.
    origin: str
    #: The number of owners that repeat it.
    owner_count: int


class Why(msgspec.Struct, frozen=True, kw_only=True):
    """Why a rule fired: the words that it matched."""

    rule: str
    severity: Severity
    evidence: tuple[Evidence, ...]


class RelatedStory(msgspec.Struct, frozen=True, kw_only=True):
    """An earlier story of the same rule, probably of the same affair, that a message points to."""

    story: StoryId
    #: The story's headline, with its link.
    title: Sentence
    #: When the story was first reported.
    at: datetime
    #: The address of the story's message in this channel, or empty if the service gave none.
    link: str = ""


class Mention(msgspec.Struct, frozen=True, kw_only=True):
    """A person or group that a message mentions; nothing else in a message notifies anybody by name."""

    #: The name in the configuration.
    name: str
    #: The service's id. If it is empty, the channel has no id for this name and shows the name.
    id: str = ""


class StoryView(msgspec.Struct, frozen=True, kw_only=True):
    """One story as a message shows it: the body of a message, or an item of a list."""

    id: StoryId
    title: Sentence
    summary: tuple[Sentence, ...]
    why: tuple[Why, ...]
    #: The outlets with the story's own headline, or None if no outlet is shown.
    byline: CoverageLine | None = None
    #: The other headlines that are shown, newest first; a story may have thousands.
    coverage: tuple[CoverageLine, ...] = ()
    #: Total number of other headlines.
    coverage_count: int = 0
    #: In a listing: the newest changed value or denial that the story had when it was listed.
    latest: Fact | None = None
    #: The number of independent owners of the listed outlets.
    owner_count: int
    #: The part of ``owner_count`` that only denies or reverses the report.
    opposing_count: int = 0
    #: The number of syndicated copies, which are not in ``coverage``.
    copy_count: int = 0
    #: The reports that several of the listed owners repeat, so that there are fewer voices than owners.
    echoes: tuple[Echo, ...] = ()
    #: When the first primary source joined the story, or None if none has.
    official_since: datetime | None = None
    #: Whether to note that the story has no primary source yet, as a rule requests.
    lacks_official: bool = False
    #: In a thread: the headlines of its other events that are shown, newest event first.
    other_reports: tuple[CoverageLine, ...] = ()
    #: Total number of headlines of other events.
    other_report_count: int = 0
    first_seen: datetime
    last_seen: datetime
    #: The address of the picture of the article with the headline, unless the article is a copy.
    picture: str = ""

    @property
    def lines(self) -> tuple[CoverageLine, ...]:
        """The story's own headline, then the others."""
        return (*([self.byline] if self.byline else []), *self.coverage)


class Post(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="post"):
    """The message of one story. An edit replaces it by its current form."""

    kind: ClassVar = MessageKind.POST
    severity: Severity = Severity.NORMAL
    reason: Reason | None = None
    story: StoryView
    #: The newest posted fact. In the first form of the message: the newest changed value or denial.
    latest: Fact | None = None
    #: An earlier story that is related to the story of this message.
    related: RelatedStory | None = None
    #: The current judgements of readers, oldest first.
    judgements: tuple[Judgement, ...] = ()
    #: The silences of the story and of its rules in the message's channel.
    silences: tuple[Silence, ...] = ()
    #: The people to mention.
    mentions: tuple[Mention, ...] = ()
    #: The address of the story's picture, if the channel shows pictures. The bot never requests it.
    picture: str = ""
    #: The base address of the web page, to link to the story. Empty means no link.
    public_url: str = ""

    @property
    def stories(self) -> tuple[StoryView, ...]:
        """The stories that the message shows."""
        return (self.story,)


class Listing(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="listing"):
    """A message that lists several stories: gathered posts, a brief, a surge, or the answer to a command."""

    kind: ClassVar = MessageKind.LISTING
    severity: Severity = Severity.NORMAL
    reason: Reason | None = None
    #: Its first line, in our own words; never untrusted text.
    lead: str
    stories: tuple[StoryView, ...] = ()
    #: For a surge: its lines, which may contain the names of outlets.
    lines: tuple[str, ...] = ()
    #: For a first look at new feeds: each rule with the number of its stories that are not posted.
    left_out: tuple[tuple[str, int], ...] = ()
    #: For a brief: its sections. Their stories are not in ``stories``.
    sections: tuple[BriefSection, ...] = ()
    #: For a brief: the address of the page that shows all of it, or empty.
    page: str = ""
    #: The base address of the web page, to link to the stories. Empty means no link.
    public_url: str = ""


class Pointer(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="pointer"):
    """The text that replaces a message whose articles are now in the message of another story."""

    severity: Severity = Severity.NORMAL
    reason: Reason | None = Reason.MERGED
    #: The reason, in our own words.
    lead: str
    #: The headline with which the message was posted, or None for a reply.
    title: Sentence | None = None
    #: The story that has the articles now.
    story: StoryView

    @property
    def stories(self) -> tuple[StoryView, ...]:
        """The stories that the message shows."""
        return (self.story,)


class Edit(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="edit"):
    """The new content of a message."""

    kind: ClassVar = MessageKind.EDIT
    content: Post | Listing | Pointer
    #: The articles that the edit adds, for channels that cannot change a posted message.
    added: tuple[ArticleId, ...] = ()

    @property
    def severity(self) -> Severity:
        """The severity of the content."""
        return self.content.severity

    @property
    def reason(self) -> Reason | None:
        """The reason of the edit."""
        return self.content.reason

    @property
    def stories(self) -> tuple[StoryView, ...]:
        """The stories that the message shows."""
        return self.content.stories


class Reply(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="reply"):
    """The news of a story, in the thread of its message."""

    kind: ClassVar = MessageKind.REPLY
    severity: Severity = Severity.NORMAL
    reason: Reason | None = None
    #: The heading, in our own words, if it differs from the heading of the reason.
    lead: str = ""
    story: StoryView
    #: Whether the reply names its story, because the head of its thread lists several.
    names_story: bool = False
    facts: tuple[Fact, ...] = ()
    #: The base address of the web page, to link to the story. Empty means no link.
    public_url: str = ""

    @property
    def stories(self) -> tuple[StoryView, ...]:
        """The stories that the message shows."""
        return (self.story,)

    @property
    def articles(self) -> tuple[ArticleId, ...]:
        """The articles that the reply reports about."""
        return tuple(fact.article for fact in self.facts)


class Notice(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag="notice"):
    """A message of the bot about itself: to the operator, or to somebody who gave a command."""

    kind: ClassVar = MessageKind.NOTICE
    #: The event, in a sentence of our own.
    lead: str
    #: Further lines, which may be untrusted: where the event happened, or details.
    details: tuple[str, ...] = ()
    #: A remedy for the operator, or empty if none is needed.
    remedy: str = ""
    #: Identifies the event. Of several notices with the same occasion, only one is posted.
    occasion: tuple[str, ...] = ()

    @property
    def lines(self) -> tuple[str, ...]:
        """The details and the remedy."""
        return (*self.details, *([self.remedy] if self.remedy else []))

    @property
    def severity(self) -> Severity:
        """A notice has no rule, so its severity is normal."""
        return Severity.NORMAL

    @property
    def reason(self) -> None:
        """A notice is not the result of a decision."""

    @property
    def stories(self) -> tuple[StoryView, ...]:
        """A notice shows no stories."""
        return ()


#: The content of a message, the same for every channel; channels only render it.
Message: TypeAlias = Post | Edit | Reply | Listing | Notice
#: The content of a message: an edit shows its new content, every other message itself.
Content: TypeAlias = Post | Reply | Listing | Pointer | Notice


def content_of(message: Message) -> Content:
    """Return what the message shows."""
    return message.content if isinstance(message, Edit) else message


def post_of(message: Message) -> Post | None:
    """Return the post that the message is, or that an edit shows. None for other messages."""
    content = content_of(message)
    return content if isinstance(content, Post) else None


def without_picture(message: Message) -> Message:
    """Return the message without the picture of its story. The message itself if it has none."""
    match message:
        case Post():
            return replace(message, picture="")
        case Edit(content=Post() as post):
            return replace(message, content=replace(post, picture=""))
        case _:
            return message


def story_ids(message: Message) -> frozenset[StoryId]:
    """Return the stories that the message shows to readers who have not seen them in another message."""
    sections = message.sections if isinstance(message, Listing) else ()
    entries = (part for section in sections for entry in section.entries for part in entry.stories)
    listed = (entry.story for entry in entries if entry.story and entry.is_unseen)
    return frozenset(view.id for view in message.stories).union(listed)


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A channel's confirmation of a message that it accepted."""

    #: The channel's id of the message (Slack: ts), or empty if the channel gives none.
    ref: str
    #: The service's id of the destination (Slack: the channel's id).
    place: str = ""
    #: The head of the thread that contains the message, or empty if the message is not a reply. Threads do not nest.
    thread: str = ""
    #: For mail: the subject, which the replies in its thread repeat.
    subject: str = ""
    #: The message's address for people, or empty if the service has none or it was not requested.
    link: str = ""
    sent_at: datetime
    #: Whether the channel's template wrote nothing, so that nothing was sent.
    is_left_out: bool = False

    @property
    def head(self) -> str:
        """The reference of the head of the thread that a reply to the message belongs to."""
        return self.thread or self.ref


class SendState(StrEnum):
    """The state of a message in the outbox."""

    PENDING = "pending"
    #: Claimed by a sender; once its lease expires the outcome is unknown.
    SENDING = "sending"
    #: Sent without a response: look it up before sending again.
    UNKNOWN = "unknown"
    SENT = "sent"
    #: The channel's template writes nothing for this message, so nothing was sent.
    LEFT_OUT = "left out"
    #: Kept until its channel works again.
    PARKED = "parked"
    #: Given up, or no longer needed. The reason is in ``error``.
    DROPPED = "dropped"


class Outgoing(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the outbox: a message to send, and its outcome."""

    id: SendId
    channel: str
    #: The send id of the thread's head, which may be this message. Rows of a thread are sent in order of ``seq``.
    thread: SendId
    #: The order in which rows were added; set by the store.
    seq: int = 0
    message: Message
    story: StoryId | None = None
    state: SendState = SendState.PENDING
    created_at: datetime
    #: The earliest time to send the message.
    due_at: datetime
    attempts: int = 0
    #: Whether the message is sent as plain text, because the channel refused its form.
    is_plain: bool = False
    #: Whether the message is posted at top level, because its thread is gone.
    is_top_level: bool = False
    #: Time of the first attempt to send. A look-up starts from this time.
    tried_at: datetime | None = None
    receipt: Receipt | None = None
    error: str | None = None

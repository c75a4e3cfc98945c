"""The content of a message, which is the same for every channel, and the message's row in the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from bot.model.actions import Judgement, Silence
from bot.model.alerts import Reason
from bot.model.briefs import BriefSection
from bot.model.rules import Evidence, Severity
from bot.model.stories import ArticleId, Edit, Fact, SendId, StoryId


class MessageKind(StrEnum):
    """The kind of a message, which decides how it is shown."""

    POST = "post"
    EDIT = "edit"
    REPLY = "reply"
    #: Several stories in one message: a brief, a baseline or a surge.
    GATHERED = "gathered"
    #: A message of the bot about itself, to the operator.
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A notice of the bot about itself to the operator."""

    #: The event, in a sentence.
    what: str
    #: Further lines: where the event happened, or details.
    where: tuple[str, ...] = ()
    #: A remedy for the operator, or empty if none is needed.
    remedy: str = ""
    #: Identifies the event. Of several notices with the same occasion, only one is posted.
    occasion: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of text. A marked run contains matched words."""

    text: str
    is_marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One whole sentence of an article, with its source."""

    spans: tuple[Span, ...]
    outlet: str
    link: str
    article: ArticleId | None = None

    @property
    def text(self) -> str:
        """The sentence as plain text."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageLine:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a rule fired: the words that it matched."""

    rule: str
    severity: Severity
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedStory:
    """An earlier story of the same rule, probably of the same affair, that a message points to."""

    story: StoryId
    #: The story's headline, with its link.
    title: Sentence
    #: When the story was first reported.
    at: datetime
    #: The address of the story's message in this channel, or empty if the service gave none.
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """A person or group that a message mentions; nothing else in a message notifies anybody by name."""

    #: The name in the configuration.
    name: str
    #: The service's id. If it is empty, the channel has no id for this name and shows the name.
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryBrief:
    """One story in short: the body of a message."""

    story: StoryId
    title: Sentence
    summary: tuple[Sentence, ...]
    why: tuple[Why, ...]
    #: The outlets with the story's own headline, or None if no outlet is shown.
    byline: CoverageLine | None = None
    #: The other headlines that are shown, newest first; a story may have thousands.
    coverage: tuple[CoverageLine, ...] = ()
    #: Total number of other headlines.
    coverage_count: int = 0
    #: In a gathered message: the newest changed value or denial that the story had when it was listed.
    latest: Fact | None = None
    #: The number of independent owners of the listed outlets.
    owner_count: int
    #: The number of these owners that only deny or reverse the report.
    opposing_count: int = 0
    #: The number of syndicated copies, which are not in ``coverage``.
    copy_count: int = 0
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The content of a message, the same for every channel; channels only render it."""

    kind: MessageKind
    severity: Severity = Severity.NORMAL
    reason: Reason | None = None
    #: Text in our own words: the text of a notice, or the beginning of a gathered message or a reply. Never untrusted
    #: text.
    lead: str = ""
    #: One story for a post, edit or reply; several for a gathered message; none for a notice.
    briefs: tuple[StoryBrief, ...] = ()
    facts: tuple[Fact, ...] = ()
    edits: tuple[Edit, ...] = ()
    #: Untrusted lines of a notice or a surge (addresses, error texts, outlets), shown as plain text.
    lines: tuple[str, ...] = ()
    #: The current judgements of readers, oldest first.
    judgements: tuple[Judgement, ...] = ()
    #: The silences of the story and of its rules in the message's channel.
    silences: tuple[Silence, ...] = ()
    #: For the head of a thread: the newest posted fact. For a first message: the newest changed value or denial.
    latest: Fact | None = None
    #: For a message that points to another story: the headline with which this message was posted. For a reply under a
    #: gathered message: the headline of the reply's story.
    title: Sentence | None = None
    #: An earlier story that is related to the story of this message.
    related: RelatedStory | None = None
    #: For the head of a thread: the people to mention.
    mentions: tuple[Mention, ...] = ()
    #: For an edit: the articles that the edit adds, for channels that cannot change a posted message.
    added: tuple[ArticleId, ...] = ()
    #: For a first look at new feeds: each rule with the number of its stories that are not posted.
    left_out: tuple[tuple[str, int], ...] = ()
    #: The address of the story's picture, if the channel shows pictures. The bot never requests it.
    picture: str = ""
    #: For a brief: its sections. Their stories are not in ``briefs``.
    sections: tuple[BriefSection, ...] = ()
    #: For a brief: the address of the page that shows all of it, or empty.
    page: str = ""
    #: The base address of the web page, to link to the story. Empty means no link.
    public_url: str = ""

    @property
    def stories(self) -> frozenset[StoryId]:
        """The stories that the message shows to readers who have not seen them in another message."""
        entries = (part for section in self.sections for entry in section.entries for part in entry.stories)
        listed = (entry.story for entry in entries if entry.story and entry.is_unseen)
        return frozenset(brief.story for brief in self.briefs).union(listed)

    @property
    def is_gathered(self) -> bool:
        """Whether the message lists several stories, or is an edit of a message that does."""
        is_list = len(self.briefs) > 1 or self.reason is Reason.SURGE
        return self.kind is MessageKind.GATHERED or (self.kind is MessageKind.EDIT and is_list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
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

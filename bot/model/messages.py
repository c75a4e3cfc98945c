"""A message as every channel gets it, and its row in the outbox."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.model.alerts import Reason
from bot.model.ids import ArticleId, SendId, StoryId
from bot.model.judgements import Judgement
from bot.model.rules import Evidence, Severity
from bot.model.silences import Silence
from bot.model.stories import Edit, Fact


class MessageKind(StrEnum):
    """What a message is, and so how it is shown."""

    POST = "post"
    EDIT = "edit"
    REPLY = "reply"
    #: Several stories in one message: a digest or a baseline.
    GATHERED = "gathered"
    #: The bot about itself, to the operator.
    NOTICE = "notice"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the bot says about itself to the operator."""

    #: What happened, in a sentence.
    what: str
    #: Each place that it concerns, or what else is known, a line each.
    where: tuple[str, ...] = ()
    #: What to do; empty: nothing.
    remedy: str = ""
    #: By what it is told from every other: a notice of the same occasion is said once.
    occasion: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A run of text; marked runs are the matched words."""

    text: str
    is_marked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One whole sentence of an article, traced to it."""

    spans: tuple[Span, ...]
    outlet: str
    link: str
    article: ArticleId | None = None

    @property
    def text(self) -> str:
        """The sentence without its marks."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageLine:
    """One headline of a story's coverage, and the outlets that carry it."""

    #: The first outlet with this headline; the title, link and time are those of its article.
    outlet: str
    title: str
    link: str
    at: datetime
    article: ArticleId
    #: How many other outlets have nearly the same headline.
    more: int = 0
    #: The article joined the story with less than full certainty.
    is_probable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """Why a rule fired: a line of it and the words it fired on."""

    rule: str
    severity: Severity
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """The story that another one may be part of: nobody can tell, so both are shown."""

    story: StoryId
    #: Its headline, with its link.
    title: Sentence
    #: The message at the head of its thread; None: this channel has none that can be replied to.
    head: SendId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mention:
    """Somebody whom a message is to call: the only words of it that notify anybody by name."""

    #: As the configuration calls them.
    name: str
    #: The service's own id; empty: the channel does not know them, and shows the name.
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """That nobody claimed a story in time, and which message told it first."""

    #: The message at the head of the story's thread.
    head: SendId
    #: Where that is.
    channel: str
    after: timedelta
    #: Its address, known when this one is sent; empty: it has none, or is not there yet.
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryBrief:
    """One story told in short; the body of a message."""

    story: StoryId
    title: Sentence
    summary: tuple[Sentence, ...]
    why: tuple[Why, ...]
    #: The outlets with the story's own headline; None in messages that an earlier version stored.
    byline: CoverageLine | None = None
    #: The other headlines, the newest first: those shown, since a story may have thousands.
    coverage: tuple[CoverageLine, ...] = ()
    #: How many other headlines there are.
    coverage_count: int = 0
    #: Independent owners.
    owner_count: int
    #: Syndicated copies, which have no line.
    copy_count: int = 0
    first_seen: datetime
    last_seen: datetime

    @property
    def lines(self) -> tuple[CoverageLine, ...]:
        """All headlines that it has: the story's own, then the others."""
        return (*([self.byline] if self.byline else []), *self.coverage)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is said, for every channel alike; a channel only renders it."""

    kind: MessageKind
    severity: Severity = Severity.NORMAL
    reason: Reason | None = None
    #: Our own words: the notice's text, the gathered message's head, the reply's lead. Never untrusted text.
    lead: str = ""
    #: One for post, edit and reply; several for gathered; none for a notice.
    briefs: tuple[StoryBrief, ...] = ()
    facts: tuple[Fact, ...] = ()
    edits: tuple[Edit, ...] = ()
    #: Untrusted lines of a notice (addresses, error texts), shown as plain text.
    lines: tuple[str, ...] = ()
    #: What readers have said of it and still holds, oldest first.
    judgements: tuple[Judgement, ...] = ()
    #: In force for the story, or for one of its rules, in the message's channel.
    silences: tuple[Silence, ...] = ()
    #: At the head of a thread: the newest fact that was posted.
    latest: Fact | None = None
    #: Of a message that points to another story: the headline that it was posted with. Of a reply below a gathered
    #: message: the headline of its story.
    title: Sentence | None = None
    #: Of a story that may be part of another: which.
    nearest: Nearest | None = None
    #: Of a message on the second channel.
    escalation: Escalation | None = None
    #: At the head of a thread.
    mentions: tuple[Mention, ...] = ()
    #: It shows the command that claims its story: the channel has no button, and the story is escalated unless claimed.
    shows_claim_command: bool = False
    #: Of an edit: the articles that it adds, for channels that cannot change what they showed.
    added: tuple[ArticleId, ...] = ()
    #: Where the web page is, so that a message can link to its story; empty: nowhere.
    public_url: str = ""

    @property
    def is_gathered(self) -> bool:
        """The message lists several stories, or is an edit of one that does."""
        return self.kind is MessageKind.GATHERED or (self.kind is MessageKind.EDIT and len(self.briefs) > 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a channel says of a message that it took."""

    #: The channel's own id of the message (Slack: ts); empty where it gives none.
    ref: str
    #: Where it is (Slack: the channel's id).
    place: str = ""
    #: Of a message inside a thread: the message at its head, since threads do not nest. Empty: it is none.
    thread: str = ""
    #: Of a mail: its subject, which the replies in its thread repeat.
    subject: str = ""
    #: The message's address for people; empty: the service has none, or it was not asked for.
    link: str = ""
    sent_at: datetime


class SendState(StrEnum):
    """Where a message of the outbox is on its way."""

    PENDING = "pending"
    #: Claimed by a sender; after its lease ran out the outcome is unknown.
    SENDING = "sending"
    #: Left us, no answer: look before sending again.
    UNKNOWN = "unknown"
    SENT = "sent"
    #: Kept until its channel is back.
    PARKED = "parked"
    #: Given up or made needless, with the reason in ``error``.
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One row of the outbox: an intent, and what became of it."""

    id: SendId
    channel: str
    #: Rows of one thread leave in order of ``seq``; the head's send id, or its own.
    thread: SendId
    #: Set by the store: order of intent.
    seq: int = 0
    message: Message
    story: StoryId | None = None
    state: SendState = SendState.PENDING
    created_at: datetime
    #: Not to be sent before.
    due_at: datetime
    attempts: int = 0
    #: Of a row that was simplified after a refusal: plain text only.
    is_plain: bool = False
    #: Post at top level since the thread is gone.
    is_top_level: bool = False
    #: When the first attempt left us: where a look-up starts.
    tried_at: datetime | None = None
    receipt: Receipt | None = None
    error: str | None = None

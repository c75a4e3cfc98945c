"""What things are: the nouns of the project, as frozen values.

Knows nothing: no I/O, no clock, no other part of the package.
"""

from bot.model.access import Access, Login
from bot.model.alerts import Action, Alert, AlertState, Decision, Reason
from bot.model.arrivals import Arrival, Pending, Revision
from bot.model.articles import Article
from bot.model.counting import counted
from bot.model.durations import LONGEST_WAIT, SHORTEST_WAIT, backoff, parse_duration, show_duration
from bot.model.feeds import Entry, Feed, FeedHealth, FeedState, FullText, Reading, feed_place, redirected_twins
from bot.model.ids import ArticleId, JudgementId, SendId, StoryId, send_id
from bot.model.judgements import Judgement, Verdict, entity_key, rule_key
from bot.model.languages import Languages
from bot.model.ledger import FactKind, LedgerRow, LedgerValue
from bot.model.messages import (
    CoverageLine,
    Escalation,
    Mention,
    Message,
    MessageKind,
    Nearest,
    Notice,
    Outgoing,
    Receipt,
    SendState,
    Sentence,
    Span,
    StoryBrief,
    Why,
)
from bot.model.prompts import Completion, LanguageModelPolicy, Prompt, Spent, Use
from bot.model.routes import Route
from bot.model.rules import (
    Digest,
    Evidence,
    Example,
    Group,
    Line,
    Match,
    Remind,
    Rule,
    Severity,
    Thread,
    Where,
)
from bot.model.rulings import Ruling, RulingKind
from bot.model.secrets import Secret, SecretKind
from bot.model.settings import Escalate, FetchPolicy, OnUnknown, Problem, QuietHours, SpeakPolicy, TokenScope
from bot.model.silences import Silence, SilenceId, SilenceKind
from bot.model.stories import CORRECTION, JOINED, SURE_FROM, Deadline, Edit, Fact, Join, JoinReason, Member, Story
from bot.model.subscriptions import Subscription

__all__ = [
    "CORRECTION",
    "JOINED",
    "LONGEST_WAIT",
    "SHORTEST_WAIT",
    "SURE_FROM",
    "Access",
    "Action",
    "Alert",
    "AlertState",
    "Arrival",
    "Article",
    "ArticleId",
    "Completion",
    "CoverageLine",
    "Deadline",
    "Decision",
    "Digest",
    "Edit",
    "Entry",
    "Escalate",
    "Escalation",
    "Evidence",
    "Example",
    "Fact",
    "FactKind",
    "Feed",
    "FeedHealth",
    "FeedState",
    "FetchPolicy",
    "FullText",
    "Group",
    "Join",
    "JoinReason",
    "Judgement",
    "JudgementId",
    "LanguageModelPolicy",
    "Languages",
    "LedgerRow",
    "LedgerValue",
    "Line",
    "Login",
    "Match",
    "Member",
    "Mention",
    "Message",
    "MessageKind",
    "Nearest",
    "Notice",
    "OnUnknown",
    "Outgoing",
    "Pending",
    "Problem",
    "Prompt",
    "QuietHours",
    "Reading",
    "Reason",
    "Receipt",
    "Remind",
    "Revision",
    "Route",
    "Rule",
    "Ruling",
    "RulingKind",
    "Secret",
    "SecretKind",
    "SendId",
    "SendState",
    "Sentence",
    "Severity",
    "Silence",
    "SilenceId",
    "SilenceKind",
    "Span",
    "SpeakPolicy",
    "Spent",
    "Story",
    "StoryBrief",
    "StoryId",
    "Subscription",
    "Thread",
    "TokenScope",
    "Use",
    "Verdict",
    "Where",
    "Why",
    "backoff",
    "counted",
    "entity_key",
    "feed_place",
    "parse_duration",
    "redirected_twins",
    "rule_key",
    "send_id",
    "show_duration",
]

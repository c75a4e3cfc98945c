"""What the core needs from outside, and how the outside may fail.

Names no concrete class and no library: bot.app alone knows who stands behind each port.

    WirewatchError
    ├── ConfigError            a configuration that cannot be used; carries its problems
    ├── StoreError
    │   ├── StoreInUse         another process owns the database (says which)
    │   ├── SearchTooLong      a search was given up after its time
    │   └── StoreUnavailable   full, locked, read-only, gone: try again when it is repaired
    ├── CannotAct              what a person asked for cannot be done; says why
    │   ├── CannotSilence      a silence that is not made or not ended
    │   └── NotAllowed         the person has no right to it
    ├── FetchError             one address, one time; the text says what and what to do
    │   ├── Refused            private address, scheme, too many redirects: never asked
    │   ├── TooSoon            the host has been asked enough for now: ask again at a time
    │   ├── TooBig             more bytes than allowed, packed or unpacked
    │   └── Unreachable        no name, no connection, no answer in time
    ├── ReadError              bytes that are not a feed
    │   └── IsPage             an HTML page; carries the feeds that it names
    ├── EncoderFailed          no vectors of meaning this time: go on without
    ├── ModelError             a language model gave no answer that can be used
    │   ├── ModelUnavailable   no answer: try again later, or after a time that it names
    │   ├── ModelRefused       the endpoint refuses us, for a reason that stays until somebody acts
    │   ├── BadAnswer          an answer that is cut off, refused or not of the form that was asked for
    │   └── NotYetAnswered     a prompt that was written down, to be answered at another time
    └── SendError              one message, one time; says what to do next
        ├── Wait               not accepted, try again at a time
        ├── Unknown            may have been accepted: look before sending again
        ├── TooMuch            refused for its form: simplify once
        ├── ThreadGone         its thread cannot take it: post at top level
        ├── NotEditable        the message can no longer be edited: leave it
        └── Parked             the channel (or the whole workspace) is closed to us
"""

from bot.ports.archive import Articles
from bot.ports.channels import Abilities, Channel, CheckLine, Delivery
from bot.ports.clock import Clock
from bot.ports.encoding import Encoder, Vector
from bot.ports.errors import (
    BadAnswer,
    CannotAct,
    CannotSilence,
    ConfigError,
    EncoderFailed,
    FetchError,
    IsPage,
    ModelError,
    ModelRefused,
    ModelUnavailable,
    NotAllowed,
    NotEditable,
    NotYetAnswered,
    Parked,
    ReadError,
    Refused,
    SearchTooLong,
    SendError,
    StoreError,
    StoreInUse,
    StoreUnavailable,
    ThreadGone,
    TooBig,
    TooMuch,
    TooSoon,
    Unknown,
    Unreachable,
    Wait,
    WirewatchError,
)
from bot.ports.language_models import Advisor, Answered, Completions, LanguageModel
from bot.ports.listeners import ActionResult, Asked, Listener, OnAsked, OnChange, OnPress, Person, Press
from bot.ports.network import Answer, Bell, Body, Fetcher, LinkResolver, PageReader, Request, Room, Share, Source
from bot.ports.people import Judgements, Rulings, Silences
from bot.ports.pushes import Subscriptions
from bot.ports.searching import AllOf, AnyOf, Candidate, Condition, Search, Term, Wanted
from bot.ports.store import (
    DecisionQueue,
    FeedStates,
    KeyValues,
    Ledger,
    Outbox,
    Store,
    Stories,
    Transaction,
)
from bot.ports.stored import DayCount, Holder, Known, Question, Sighting, Stub, Waiting

__all__ = [
    "Abilities",
    "ActionResult",
    "Advisor",
    "AllOf",
    "Answer",
    "Answered",
    "AnyOf",
    "Articles",
    "Asked",
    "BadAnswer",
    "Bell",
    "Body",
    "Candidate",
    "CannotAct",
    "CannotSilence",
    "Channel",
    "CheckLine",
    "Clock",
    "Completions",
    "Condition",
    "ConfigError",
    "DayCount",
    "DecisionQueue",
    "Delivery",
    "Encoder",
    "EncoderFailed",
    "FeedStates",
    "FetchError",
    "Fetcher",
    "Holder",
    "IsPage",
    "Judgements",
    "KeyValues",
    "Known",
    "LanguageModel",
    "Ledger",
    "LinkResolver",
    "Listener",
    "ModelError",
    "ModelRefused",
    "ModelUnavailable",
    "NotAllowed",
    "NotEditable",
    "NotYetAnswered",
    "OnAsked",
    "OnChange",
    "OnPress",
    "Outbox",
    "PageReader",
    "Parked",
    "Person",
    "Press",
    "Question",
    "ReadError",
    "Refused",
    "Request",
    "Room",
    "Rulings",
    "Search",
    "SearchTooLong",
    "SendError",
    "Share",
    "Sighting",
    "Silences",
    "Source",
    "Store",
    "StoreError",
    "StoreInUse",
    "StoreUnavailable",
    "Stories",
    "Stub",
    "Subscriptions",
    "Term",
    "ThreadGone",
    "TooBig",
    "TooMuch",
    "TooSoon",
    "Transaction",
    "Unknown",
    "Unreachable",
    "Vector",
    "Wait",
    "Waiting",
    "Wanted",
    "WirewatchError",
]

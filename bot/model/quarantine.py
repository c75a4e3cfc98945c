"""Pieces of work that were set aside because a stage raised an unexpected error on them."""

from __future__ import annotations

import traceback
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import msgspec

_PACKAGE = Path(__file__).parent.parent


class PieceKind(StrEnum):
    """The kind of a piece that was set aside."""

    #: A stored row that this version cannot read. It is kept as text; the backup has it.
    ROW = "row"
    #: An item of a feed, or a mail of a mailbox, that could not be parsed, cleaned or matched.
    ITEM = "item"
    #: A matched article that could not be decided.
    ARTICLE = "article"
    #: A held alert that was due.
    ALERT = "alert"
    #: A message that a channel's code could not send, or that its service refused in every form.
    MESSAGE = "message"


class QuarantinedPiece(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of work that was set aside. It waits until somebody tries it again or drops it."""

    kind: PieceKind
    #: Id of the piece within its kind.
    id: str
    #: The stage that raised the error.
    stage: str
    #: The type of the error and the place in our code, or what the service that refused a message answered. It contains
    #: no text of an article.
    error: str
    #: The version of Wirewatch that raised the error. Another version tries the piece again at its start.
    version: str
    at: datetime
    #: The data to put the piece back, as JSON, or "" if its own table still has it.
    body: str = ""
    #: Whether the bot tries the piece again as soon as it runs.
    is_retry_requested: bool = False
    #: Whether a notice to the operator has listed the piece.
    is_reported: bool = False
    #: Number in the list. The database assigns it.
    n: int = 0


def describe_error(error: BaseException) -> str:
    """Return the type of an error and its place in our code. The text of the error may quote articles or secrets."""
    name = type(error).__name__
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        place = Path(frame.filename)
        if place.is_relative_to(_PACKAGE):
            return f"{name} in {place.relative_to(_PACKAGE.parent)}, line {frame.lineno}"
    return name

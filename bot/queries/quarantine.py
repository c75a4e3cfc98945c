"""Queries about work that was set aside after an unexpected error."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import pydantic

from bot import storage
from bot.model.quarantine import PieceKind, QuarantinedPiece
from bot.queries.registry import Archive, Document, Parameters, Query, RefusalKind, Refused, Time


class PieceDocument(Document):
    """One piece of work that was set aside. ``is_retry_requested``: the bot tries it again as soon as it runs."""

    number: int = pydantic.Field(validation_alias="n")
    kind: str
    id: str
    stage: str
    error: str
    version: str
    at: Time
    is_retry_requested: bool


class QuarantineDocument(Document):
    """All pieces of work that were set aside, oldest first."""

    pieces: list[PieceDocument]

    @classmethod
    def of(cls, value: Sequence[QuarantinedPiece]) -> QuarantineDocument:
        """Return the document of pieces."""
        return cls(pieces=[PieceDocument.of(piece) for piece in value])


def list_quarantine(archive: Archive, parameters: Parameters) -> Sequence[QuarantinedPiece]:
    """List the work that was set aside after an unexpected error."""
    return archive.tx.quarantine.all()


class PieceCount(Document):
    """The number of pieces of one kind that one stage set aside."""

    stage: str
    kind: str
    count: int


def count_pieces(tx: storage.Transaction) -> list[PieceCount]:
    """Count the pieces of work that were set aside, by stage and kind."""
    return [
        PieceCount(stage=stage, kind=kind, count=count)
        for (stage, kind), count in sorted(tx.quarantine.counts().items())
    ]


QUARANTINE = Query("quarantine", list_quarantine, QuarantineDocument, path="/quarantine")


class PiecesParameters(Parameters):
    """The numbers of pieces, or none for all."""

    numbers: list[int] = pydantic.Field(default_factory=list, max_length=1_000)


def retry_pieces(archive: Archive, parameters: PiecesParameters) -> Sequence[QuarantinedPiece]:
    """Try pieces again, except stored rows. A running bot does it within seconds; a stopped one, at its next start."""
    pieces = [piece for piece in _named(archive, parameters) if piece.kind is not PieceKind.ROW]
    if parameters.numbers and not pieces:
        raise Refused(
            RefusalKind.UNUSABLE, "a stored row cannot be tried again; restore it from the backup, or drop it"
        )
    assert archive.turn is not None
    archive.turn.also(lambda tx: tx.quarantine.request_retry([piece.n for piece in pieces]))
    return pieces


RETRY_PIECES = Query("retry_quarantine", retry_pieces, QuarantineDocument, method="POST", is_action=True)


def drop_pieces(archive: Archive, parameters: PiecesParameters) -> Sequence[QuarantinedPiece]:
    """Give up on pieces for good. Articles stay in the archive."""
    pieces = _named(archive, parameters)
    assert archive.turn is not None
    for piece in pieces:
        archive.turn.also(partial(_drop, piece))
    return pieces


def _drop(piece: QuarantinedPiece, tx: storage.Transaction) -> None:
    tx.quarantine.remove(piece)


DROP_PIECES = Query("drop_quarantine", drop_pieces, QuarantineDocument, method="POST", is_action=True)


def _named(archive: Archive, parameters: PiecesParameters) -> Sequence[QuarantinedPiece]:
    pieces = archive.tx.quarantine.all()
    missing = set(parameters.numbers) - {piece.n for piece in pieces}
    if missing:
        listed = ", ".join(map(str, sorted(missing)))
        raise Refused(
            RefusalKind.NOT_FOUND,
            f"nothing in quarantine has the number {listed}; `wirewatch quarantine list` lists all",
        )
    return [piece for piece in pieces if piece.n in parameters.numbers or not parameters.numbers]

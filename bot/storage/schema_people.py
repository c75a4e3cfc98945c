"""The tables of what people said and decided; read through `bot.storage.schema`, which has the others."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, MetaData, Table, Text

from bot import model
from bot.storage.columns import EnumText, StorableText, Timestamp

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

#: Counts up by itself; on SQLite only a column of type INTEGER does.
SERIAL = BigInteger().with_variant(Integer, "sqlite")

judgements = Table(
    "judgements",
    metadata,
    #: In the order in which they were said.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("by", StorableText, nullable=False),
    #: As whom others see them; empty: as ``by``.
    Column("name", StorableText, nullable=False, server_default=""),
    Column("channel", StorableText, nullable=False),
    Column("story", Text, ForeignKey("stories.id", ondelete="CASCADE"), nullable=False),
    Column("verdict", EnumText(model.Verdict), nullable=False),
    #: Empty where the verdict is of the story.
    Column("rule", StorableText, nullable=False),
    #: The message that was judged; its row may be deleted.
    Column("message", Text, nullable=False),
    Index("uq_judgements_id", "id", unique=True),
    Index(None, "story"),
    Index(None, "at"),
)

rulings = Table(
    "rulings",
    metadata,
    #: In the order in which they were made.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("kind", EnumText(model.RulingKind), nullable=False),
    Column("story", Text, ForeignKey("stories.id", ondelete="CASCADE"), nullable=False),
    #: JSON list of article ids.
    Column("articles", Text, nullable=False),
    Column("other", Text),
    #: NULL: to be carried out.
    Column("done_at", Timestamp),
    Index("uq_rulings_id", "id", unique=True),
    Index(None, "story"),
    Index(None, "done_at"),
)

silences = Table(
    "silences",
    metadata,
    #: In the order in which they were made.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    Column("id", Text, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("by", StorableText, nullable=False),
    Column("kind", EnumText(model.SilenceKind), nullable=False),
    Column("name", StorableText, nullable=False),
    #: JSON list of names of channels; empty: all.
    Column("channels", StorableText, nullable=False, server_default="[]"),
    Column("reason", StorableText, nullable=False),
    #: NULL: until somebody ends it.
    Column("until", Timestamp),
    #: NULL: nobody has ended it.
    Column("ended_at", Timestamp),
    Column("ended_by", StorableText, nullable=False),
    Index("uq_silences_id", "id", unique=True),
)

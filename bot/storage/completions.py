"""Every answer of a language model and every failure: the cache of answers, the budget, and what `explain` shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    Select,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
)

from bot import model
from bot.storage.columns import EnumText, StorableText, Timestamp, chunks
from bot.storage.schema import SERIAL, articles, metadata

completions = Table(
    "completions",
    metadata,
    #: In order of time.
    Column("n", SERIAL, primary_key=True, autoincrement=True),
    #: Digest of the prompt.
    Column("key", Text, nullable=False),
    Column("use", EnumText(model.Use), nullable=False),
    Column("version", Integer, nullable=False),
    Column("article", Text, nullable=False),
    Column("beside", StorableText, nullable=False),
    Column("at", Timestamp, nullable=False),
    Column("model", StorableText, nullable=False),
    #: JSON; NULL: there is none, and ``error`` says why.
    Column("answer", StorableText),
    Column("error", StorableText, nullable=False),
    Column("tokens_in", Integer, nullable=False),
    Column("tokens_out", Integer, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Index(None, "key"),
    Index(None, "article"),
    Index(None, "at"),
)

_ADD = insert(completions)
_ANSWERS = (
    select(completions.c.key, completions.c.answer)
    .where(
        completions.c.key.in_(bindparam("keys", expanding=True)),
        completions.c.model == bindparam("by"),
        completions.c.answer.is_not(None),
    )
    .order_by(completions.c.n)
)
_SPENT = select(func.count(), func.coalesce(func.sum(completions.c.tokens_in + completions.c.tokens_out), 0)).where(
    completions.c.at >= bindparam("since", type_=Timestamp)
)
_SPENT_ON = _SPENT.select_from(completions.join(articles, articles.c.id == completions.c.article)).where(
    articles.c.owner == bindparam("owner")
)
_ALL = select(completions).order_by(completions.c.n)
_ABOUT = _ALL.where(completions.c.article == bindparam("wanted"))
_SINCE = _ALL.where(completions.c.at >= bindparam("since", type_=Timestamp))


class Completions:
    """Every answer of a language model, and every failure."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, completion: model.Completion) -> None:
        """Add the result of one call."""
        row = {
            "key": completion.key,
            "use": completion.use,
            "version": completion.version,
            "article": completion.article,
            "beside": completion.beside,
            "at": completion.at,
            "model": completion.model,
            "answer": completion.answer,
            "error": completion.error,
            "tokens_in": completion.tokens_in,
            "tokens_out": completion.tokens_out,
            "took_ms": completion.took // timedelta(milliseconds=1),
        }
        self._connection.execute(_ADD, row)

    def answers(self, keys: Collection[str], *, by: str) -> Mapping[str, str]:
        """Return key of a prompt -> newest answer of the model named ``by``; prompts without an answer are omitted."""
        answers: dict[str, str] = {}
        for part in chunks(list(keys)):
            # The newest is last.
            answers.update(
                {row.key: row.answer for row in self._connection.execute(_ANSWERS, {"keys": part, "by": by})}
            )
        return answers

    def spent(self, *, since: datetime, owner: str | None = None) -> model.Spending:
        """Return the cost of all calls since a time, including failures; ``owner``: only calls about its articles."""
        values = {"since": since, **({"owner": owner} if owner is not None else {})}
        calls, tokens = self._connection.execute(_SPENT if owner is None else _SPENT_ON, values).one()
        return model.Spending(calls=calls, tokens=int(tokens))

    def about(self, article: model.ArticleId) -> Sequence[model.Completion]:
        """Return the calls about an article, oldest first."""
        return self._all(_ABOUT, wanted=article)

    def since(self, when: datetime) -> Sequence[model.Completion]:
        """Return all calls at ``when`` or later, oldest first."""
        return self._all(_SINCE, since=when)

    def _all(self, statement: Select[tuple[object, ...]], **values: object) -> list[model.Completion]:
        return [
            model.Completion(
                key=row.key,
                use=row.use,
                version=row.version,
                article=model.ArticleId(row.article),
                beside=row.beside,
                at=row.at,
                model=row.model,
                answer=row.answer,
                error=row.error,
                tokens_in=row.tokens_in,
                tokens_out=row.tokens_out,
                took=timedelta(milliseconds=row.took_ms),
            )
            for row in self._connection.execute(statement, values)
        ]

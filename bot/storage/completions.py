"""The answers and failures of language models, stored as a cache, for the budget and for `wirewatch explain`."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, insert, select

from bot.model.language_models import Completion, Outcome, PairAnswer, Spending, Use, UseRecord, answer_logit
from bot.model.stories import ArticleId
from bot.storage.columns import WANTED, AnySelect, Repository, Rows
from bot.storage.schema import articles, completions

_ROWS = Rows(Completion, completions)
_ALL = select(completions).order_by(completions.c.n)


class Completions(Repository):
    """Every answer of a language model, and every failure."""

    def add(self, completion: Completion) -> None:
        """Add the result of one call."""
        row = _ROWS.dump(completion, took_ms=completion.took // timedelta(milliseconds=1))
        self._connection.execute(insert(completions), row)

    def answers(self, keys: Collection[str], *, by: str) -> Mapping[str, str]:
        """Return prompt key -> newest answer of the model named ``by``. Prompts without an answer are omitted."""
        statement = select(completions.c.key, completions.c.answer).where(
            completions.c.key.in_(WANTED),
            completions.c.model == by,
            completions.c.answer.is_not(None),
        )
        # The newest answer of a prompt comes last, so it stays in the result.
        rows = self._rows_in_chunks(statement.order_by(completions.c.n), list(keys))
        return {row.key: row.answer for row in rows}

    def spent(self, *, since: datetime, owner: str | None = None) -> Spending:
        """Return the cost of all calls since a time, including failures.

        If ``owner`` is not None, count only calls about the owner's articles.
        """
        tokens = func.sum(completions.c.tokens_in + completions.c.tokens_out)
        statement = select(func.count(), func.coalesce(tokens, 0)).where(completions.c.at >= since)
        if owner is not None:
            both = completions.join(articles, articles.c.id == completions.c.article)
            statement = statement.select_from(both).where(articles.c.owner == owner)
        calls, spent = self._connection.execute(statement).one()
        return Spending(calls=calls, tokens=int(spent))

    def records(self, model: str, *, since: datetime, most: int | None = None) -> Mapping[Use, UseRecord]:
        """Return the calls of a model since a time by use, of each use at most the latest ``most``."""
        statement = (
            select(completions.c.use, completions.c.outcome, completions.c.took_ms)
            .where(completions.c.model == model, completions.c.at >= since)
            .order_by(completions.c.n.desc())
        )
        calls: defaultdict[Use, list[tuple[Outcome, int]]] = defaultdict(list)
        for row in self._connection.execute(statement):
            if most is None or len(calls[row.use]) < most:
                calls[row.use].append((row.outcome, row.took_ms))
        return {
            use: UseRecord(
                outcomes=Counter(outcome for outcome, _ in of_use),
                seconds=round(median(took_ms for _, took_ms in of_use) / 1000, 1),
            )
            for use, of_use in calls.items()
        }

    def known_pairs(self, model: str, *, since: datetime) -> Sequence[PairAnswer]:
        """Return the answers of a model about pairs of reports whose right answer was known."""
        statement = select(completions.c.known, completions.c.answer).where(
            completions.c.model == model,
            completions.c.at >= since,
            completions.c.known.is_not(None),
            completions.c.answer.is_not(None),
        )
        return [
            PairAnswer(words=0.0, answer=answer_logit(json.loads(row.answer)["yes"]), is_same=row.known)
            for row in self._connection.execute(statement)
        ]

    def about(self, article: ArticleId) -> Sequence[Completion]:
        """Return the calls about an article, oldest first."""
        return self._load(_ALL.where(completions.c.article == article))

    def since(self, when: datetime) -> Sequence[Completion]:
        """Return all calls at ``when`` or later, oldest first."""
        return self._load(_ALL.where(completions.c.at >= when))

    def _load(self, statement: AnySelect) -> list[Completion]:
        rows = self._connection.execute(statement)
        return [_ROWS.load(row, took=timedelta(milliseconds=row.took_ms)) for row in rows]

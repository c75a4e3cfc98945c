"""A decision in a reply: its own words and no label, and not twice where its sentence says little more."""

from __future__ import annotations

import json
from dataclasses import replace

from bot.channels.kit import rendering
from bot.channels.slack import blocks
from bot.testing import messages

LONG = "The PTA has lifted its order to BlackBerry, two people who were at the hearing in Islamabad on Monday said."
SHORT = "PTA lifts order to BlackBerry"


def shown(after: str, sentence: str) -> tuple[str, str]:
    fact = replace(
        messages.NEW_FACT.facts[0], kind="decision", label="lifted", before=None, after=after, sentence=sentence
    )
    message = replace(messages.NEW_FACT, facts=(fact,))
    return json.dumps(blocks.build_blocks(message)), rendering.plain_body(message)


def test_a_decision_is_shown_in_its_own_words_before_its_sentence() -> None:
    for text in shown("lifted its order to BlackBerry", LONG):
        assert "lifted: " not in text
        assert text.count("lifted its order to BlackBerry") == 2


def test_a_decision_that_is_all_of_its_sentence_is_shown_once() -> None:
    for text in shown("lifts order to BlackBerry", SHORT):
        assert text.count("lifts order to BlackBerry") == 1

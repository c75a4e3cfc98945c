"""The tables of the languages: read from their files, one meaning over all of them."""

from __future__ import annotations

from importlib import resources

import pytest

from bot.text import lexicon
from bot.text.words import fold_word

LANGUAGES = sorted(
    path.name.removesuffix(".txt")
    for path in resources.files("bot.text.lexicon").iterdir()
    if path.name.endswith(".txt")
)


@pytest.mark.parametrize(
    ("language", "word"),
    [("en", "killed"), ("es", "fallecidos"), ("fr", "morts"), ("de", "Todesopfer"), ("pt", "mortos"), ("tr", "öldü")],
)
def test_a_meaning_is_one_over_the_languages(language: str, word: str) -> None:
    assert "=die" in lexicon.meanings(language, fold_word(word))


@pytest.mark.parametrize(
    ("language", "listed"),
    [
        ("en", "Biden Denver department director easier Eastern electricity explorer mountain"),
        ("en", "probably Stephen surgeon Victoria wrongdoing"),
        ("fr", "finance montagne Montréal pays portugais tunnel Turquie volontaire"),
        ("es", "abril chocolate Finlandia increíble negocio original Roberto robot"),
        ("pt", "adicional material presidente"),
        ("it", "calcio Salvini Vietnam"),
        ("de", "fundamental Todd total"),
    ],
)
def test_a_word_that_only_begins_like_another_has_no_meaning(language: str, listed: str) -> None:
    assert [word for word in listed.split() if lexicon.meanings(language, fold_word(word))] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_table_is_read_and_has_small_words(language: str) -> None:
    language_lexicon = lexicon.of(language)
    assert language_lexicon.tables["small"].whole
    assert language_lexicon.meanings_of.whole or language_lexicon.meanings_of.prefixes


def test_verbs_of_two_words_are_read_as_one() -> None:
    assert lexicon.joined("en", "NASA calls off launch") == "NASA cancel launch"

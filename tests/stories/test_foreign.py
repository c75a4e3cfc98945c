"""Articles in another language than a story's: what an encoder adds, and where it is not asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.errors import EncoderFailed
from bot.model.language_models import Encoder, Vector
from bot.model.stories import Article, Join, JoinReason
from bot.stories import profile
from bot.stories.index import Index
from tests.stories import examples
from tests.stories.examples import START, arrival
from tests.testbed.encoders import DictionaryEncoder

WINDOW = timedelta(days=14)
HOUR = timedelta(hours=1)
TERMS = ("quake", "earthquake", "terremoto", "sismo", "dead", "muertos")
TRANSLATIONS = {
    "terremoto": "earthquake",
    "muertos": "dead",
    "cuatro": "four",
    "hotel": "hotel",
    "costa": "coast",
    "carretera": "highway",
    "cortada": "blocked",
    "inundación": "flood",
    "mercado": "market",
    "bomberos": "firefighters",
    "buscan": "search",
    "huéspedes": "guests",
    "sótano": "cellar",
    "abajo": "down",
    "reunión": "meeting",
    "diciembre": "december",
}


def article(title: str, text: str, language: str, hours: int) -> Article:
    source = examples.article(title, text, at=START + hours * HOUR, outlet=f"{language}{hours}")
    return replace(source, language=language)


COAST = article(
    "Four dead in earthquake on the coast near Chala",
    "The earthquake blocked the highway at the coast, and a hotel is down. A second meeting is on 14 December.",
    "en",
    0,
)
MARKET = article(
    "Eleven dead as an earthquake brings down a market in Iquique",
    "The earthquake was felt far inland. The market was open, and the roof fell on traders and their customers.",
    "en",
    1,
)
COSTA = article(
    "Cuatro muertos por el terremoto en la costa: hotel y carretera",
    "La carretera está cortada en la costa por el terremoto y un hotel se vino abajo. Reunión el 14 de diciembre.",
    "es",
    2,
)


class Broken:
    def encode(self, texts: Sequence[str]) -> Sequence[Vector]:
        raise EncoderFailed("no model")


def joined(encoder: Encoder | None, *articles: Article) -> list[Join]:
    index = Index(window=WINDOW, encoder=encoder)
    return [examples.put(index, item, "Quakes", *TERMS) for item in articles]


def test_an_article_in_another_language_joins_the_story_of_its_event() -> None:
    coast, market, costa = joined(DictionaryEncoder(TRANSLATIONS), COAST, MARKET, COSTA)
    assert market.story != coast.story
    assert (costa.story, costa.reason) == (coast.story, JoinReason.SIMILAR)
    assert "reported in other languages" in costa.detail
    # However sure it is, it makes no two stories one.
    assert costa.merges == ()


def test_without_an_encoder_it_does_not() -> None:
    distant = replace(COSTA, title="Cuatro muertos por el terremoto en la costa", text="Hay carreteras cortadas.")
    coast, market, costa = joined(None, COAST, MARKET, distant)
    assert costa.story not in (coast.story, market.story)


def test_an_encoder_that_fails_changes_nothing() -> None:
    every = (COAST, MARKET, COSTA)
    assert joined(Broken(), *every) == joined(None, *every)


def test_another_event_in_another_language_opens_its_own_story() -> None:
    flood = article(
        "Terremoto y muertos: la inundación de Tumbes sigue",
        "El agua llegó a las escuelas del norte y los vecinos duermen en carpas desde el martes.",
        "es",
        2,
    )
    coast, market, tumbes = joined(DictionaryEncoder(TRANSLATIONS), COAST, MARKET, flood)
    assert tumbes.story not in (coast.story, market.story)


@pytest.mark.parametrize(
    ("title", "text", "language", "names"),
    [
        ("Suben a tres los muertos en Iquique", "La cifra no es la última, dijo el alcalde.", "es", {"iquique"}),
        ("Pompiers et habitants cherchent à Nantes", "Plusieurs murs sont tombés dans la nuit.", "fr", {"nante"}),
        ("Válvula causou a explosão em Alcântara", "O foguete não tinha pessoas e caiu no mar.", "pt", {"alcantara"}),
        ("Inbraak in het museum van Deventer", "Het zilver is weg en de politie zoekt een auto.", "nl", {"deventer"}),
        ("Northlink to leave the market", "The fault is not mended.", "en", {"northlink"}),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_a_word_that_opens_a_sentence_is_a_name_by_its_capital_in_english_only(
    title: str, text: str, language: str, names: set[str], declared: bool
) -> None:
    source = article(title, text, language if declared else "en", 0)
    assert profile.profile_of(arrival(source)).names.keys() == names


def test_where_all_is_told_in_one_language_no_vector_is_asked_for() -> None:
    encoder = DictionaryEncoder(TRANSLATIONS)
    assert joined(encoder, COAST, MARKET) == joined(None, COAST, MARKET)
    assert encoder.calls == []


def test_a_text_is_encoded_once() -> None:
    encoder = DictionaryEncoder(TRANSLATIONS)
    source = article("Terremoto: la costa busca a sus muertos", "Los bomberos siguen en el hotel.", "es", 5)
    joined(encoder, COAST, MARKET, COSTA, source)
    texts = [text for call in encoder.calls for text in call]
    assert len(texts) == len(set(texts)) > 2


def test_stories_that_were_open_at_the_start_are_compared_too() -> None:
    index = Index(window=WINDOW, encoder=DictionaryEncoder(TRANSLATIONS))
    opened = examples.story(COAST)
    matches = arrival(COAST, "Quakes", *TERMS).matches
    index.load([replace(opened, members=(replace(opened.members[0], matches=matches),))])
    assert examples.put(index, COSTA, "Quakes", *TERMS).story == opened.id


@pytest.mark.parametrize("language", ["en", None])
def test_a_feed_that_names_a_wrong_language_or_none_is_read_all_the_same(language: str | None) -> None:
    declared = replace(COSTA, language=language)
    coast, _, costa = joined(DictionaryEncoder(TRANSLATIONS), COAST, MARKET, declared)
    assert costa.story == coast.story

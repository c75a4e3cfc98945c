"""Which other outlets an article names as the source of its report. Nothing is guessed: without such words, none."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.model.stories import Article
from bot.stories.attribution import Outlet, OutletNames, find_origins, known_outlets
from tests.testbed import made

_FEEDS = [(Outlet("Karachi Herald", "herald.example"), ["Karachi Herald"])]
NAMES = OutletNames([*_FEEDS, *((Outlet(names[0], domain), names) for domain, names in known_outlets())])


def article(
    text: str = "",
    *,
    title: str = "BlackBerry",
    author: str = "",
    outlet: str = "Gazette",
    owner: str = "gazette.example",
) -> Article:
    return replace(made.article("one"), title=title, text=text, author=author, outlet=outlet, owner=owner)


CREDITED = [
    ("BlackBerry will leave Pakistan, Reuters reported on Monday.", "Reuters"),
    ("BlackBerry will leave Pakistan, according to the Dawn newspaper.", "Dawn"),
    ("According to a report in The Guardian, the deadline moved.", "Guardian"),
    ("A spokesman told the BBC that the servers stay closed.", "BBC"),
    ("“We will not open them,” he said in a statement to AFP.", "AFP"),
    ("The deadline, first reported by the Karachi Herald, moved to 30 December.", "Karachi Herald"),
    ("A letter seen by Reuters names the date.", "Reuters"),
    ("The Turkish state news agency Anadolu said the talks had failed.", "Anadolu"),
    ("The Wall Street Journal said, citing two officials, that the talks had failed.", "Wall Street Journal"),
    ("The BBC's Jane Example reports from Lahore.", "BBC"),
    ("Speaking on CNN, the minister said the order stands.", "CNN"),
    ("LAHORE, Dec 2 (Reuters) - BlackBerry will leave Pakistan.", "Reuters"),
    ("(CNN)BlackBerry will leave Pakistan.", "CNN"),
    ("BlackBerry will leave Pakistan. The order is three weeks old.\n\n(dpa)", "dpa"),
    ("“It is a standing key,” it writes.\n\n[ The Verge ]\n\nOthers see it in the same way.", "The Verge"),
    ("By Associated Press\n\nBlackBerry will leave Pakistan after three weeks.", "Associated Press"),
    ("Several newspapers, including the Guardian, report the new date.", "Guardian"),
    ("Asked by the BBC, the minister would not name a date.", "BBC"),
    ("The deadline has moved, the San Francisco Chronicle says.", "San Francisco Chronicle"),
    ("A CBS “Face the Nation” interview gave the first hint.", "CBS"),
    ("On NBC’s “Meet the Press”, the minister said that the order stands.", "NBC"),
    ("The minister wrote about the order in the Guardian.", "Guardian"),
    ("The deadline has moved, and CNN, which first reported it, names two officials.", "CNN"),
    ("A resident told KQZV that the lines were dead.", "KQZV"),
    ("A resident told FOX 61 that the lines were dead.", "FOX 61"),
    ("The lines were dead, according to Citi 97.3 FM.", "Citi 97.3 FM"),
    ("A resident told the Lantern American that the lines were dead.", "Lantern American"),
    ("The Examined reported that the lines were dead.", "Examined"),
    ("The lines were dead, Lantern reports.", "Lantern"),
    ("A resident told the Times-Herald that the lines were dead.", "Times-Herald"),
    ("The deadline has moved, reports LanternPost.", "LanternPost"),
    ("The Lantern247 news website reported that the deadline has moved.", "Lantern247"),
    ("In an interview to Lantern Samachar, the minister named a date.", "Lantern Samachar"),
    ("The deadline has moved by thirty days. - Daily Mirror", "Daily Mirror"),
    ("The deadline has moved by thirty days. PTI", "PTI"),
    ("The lines were dead. Jane Example and the Associated Press contributed to this report.", "Associated Press"),
    ("BBC Asia correspondent Jane Example says the talks had failed.", "BBC"),
    ("The deadline has moved.\n\nSource: Lantern, CNBC", "CNBC"),
    ("It is a standing key. [The Verge]\n\nThe deadline has moved. The servers stay.", "The Verge"),
    ("The lines were dead, according to the newspaper ‘Lantern’.", "Lantern"),
    ("Speaking to The Examined, a resident said that the lines were dead.", "Examined"),
    ("Wie die Nachrichtenagentur Reuters berichtet, zieht sich BlackBerry zurück.", "Reuters"),
    ("BlackBerry zieht sich zurück, sagte ein Sprecher der Deutschen Presse-Agentur, laut dpa.", "dpa"),
    ("BlackBerry zieht sich einem Bericht des „Spiegel“ zufolge zurück.", "Spiegel"),
    ("Das sagte der Minister der „Süddeutschen Zeitung“.", "Süddeutsche Zeitung"),
    ("BlackBerry quitte le Pakistan, selon l'agence Reuters.", "Reuters"),
    ("« Nous partons », a déclaré le porte-parole à l’AFP.", "AFP"),
    ("La date a changé, rapporte Le Monde.", "Le Monde"),
    ("BlackBerry deja Pakistán, según informó la agencia EFE.", "EFE"),
    ("Así lo dijo el portavoz a la agencia Reuters.", "Reuters"),
    ("Según El País, el plazo cambió.", "El País"),
    ("Der „Spiegel“ hatte zuerst berichtet, dass BlackBerry geht.", "Spiegel"),
    ("BlackBerry geht, berichtete zuerst die „Süddeutsche Zeitung“.", "Süddeutsche Zeitung"),
    ("« Nous partons », a expliqué le porte-parole sur BFMTV.", "BFMTV"),
    ("La date a changé, selon des informations du Figaro.", "Le Figaro"),
    ("BlackBerry quitte le Pakistan. La date a changé. (avec AFP)", "AFP"),
    ("El plazo cambió, tal y como recoge El Mundo.", "El Mundo"),
    ("El plazo cambió, según ha revelado The New York Times.", "New York Times"),
    ("خبر رساں ادارے روئٹرز کے مطابق بلیک بیری پاکستان چھوڑ رہی ہے۔", "Reuters"),
    ("ترجمان نے بی بی سی کو بتایا کہ فیصلہ حتمی ہے۔", "BBC"),
]

NOT_CREDITED = [
    "Reuters shares fell by five per cent in New York.",
    "Bloomberg reported a quarterly profit of 2 billion dollars.",
    "A BBC journalist was arrested in Lahore on Monday.",
    "The claim is false, according to Reuters' lawyers.",
    "Unemployment fell, according to a Reuters poll of economists.",
    "The minister told the BBC to hand over its tapes.",
    "The order was criticised by Dawn Williams, a lawyer who lives there.",
    "The Guardian Council reported the result of the vote to the leader.",
    "Protesters in Lahore. (AP Photo/Ayesha Khan)",
    "Protesters in Lahore on Monday. Photo: Reuters",
    "[Image via Associated Press]",
    "Thomson Reuters reported on its plans for the year.",
    "BBC Urdu begins a new programme about Lahore next week.",
    "President Trump attacked the New York Times and CNN at the rally.",
    "The Guardian says it will not publish on Fridays.",
    "Many in the media, including the Guardian, saw the message.",
    "A resident told the Lantern Council that the lines were dead.",
    "A minister told the Lantern public to wait.",
    "He died on Monday, according to the Lantern County Medical Examiner's Office.",
    "A resident told Eyewitness News that the lines were dead.",
    "The Times-Herald has learned that the lines were dead.",
    "Jane Example, who has reported for the BBC, was arrested.",
    "A resident told KPMG that the books were closed.",
    "LAHORE (KQZV) — The lines were dead on Monday.",
]


@pytest.mark.parametrize(("text", "origin"), CREDITED)
def test_an_article_repeats_the_outlet_that_it_credits(text: str, origin: str) -> None:
    origins = find_origins(article(text=text), NAMES)
    assert [found.name for found in origins] == [origin]
    assert origins[0].sentence in text


@pytest.mark.parametrize("text", NOT_CREDITED)
def test_an_outlet_that_is_only_mentioned_is_no_origin(text: str) -> None:
    assert find_origins(article(text=text), NAMES) == ()


def test_a_byline_of_an_agency_is_an_origin_and_a_person_of_its_name_is_not() -> None:
    for author, names in [
        ("Reuters", ["Reuters"]),
        ("Ayesha Khan, AP", ["Associated Press"]),
        ("Le Monde avec AFP", ["Le Monde", "AFP"]),
        ("By Reuters Staff", ["Reuters"]),
        ("Dawn Khan", []),
        ("", []),
    ]:
        origins = find_origins(article(author=author), NAMES)
        assert [(origin.name, origin.is_lead) for origin in origins] == [(name, True) for name in names]


def test_a_headline_that_ends_with_an_outlet_repeats_it() -> None:
    assert [origin.name for origin in find_origins(article(title="BlackBerry to leave: WSJ"), NAMES)] == [
        "Wall Street Journal"
    ]
    assert find_origins(article(title="BlackBerry: Independent shops close"), NAMES) == ()


@pytest.mark.parametrize(
    ("outlet", "owner", "told"),
    [
        ("BBC", "bbc.example", "the BBC"),
        ("BBC News - Asia", "x.example", "the BBC"),
        ("The Wire", "bbc.co.uk", "the BBC"),
        ("", "bbclocal.example", "the BBC"),
        ("British Broadcasting Corporation", "x.example", "the BBC"),
        ("", "nbclantern.example", "NBC10"),
    ],
)
def test_an_outlet_that_cites_itself_has_no_origin(outlet: str, owner: str, told: str) -> None:
    text = f"A spokesman told {told} that the servers stay closed."
    assert find_origins(article(text, outlet=outlet, owner=owner), NAMES) == ()


def test_a_name_that_is_short_for_an_earlier_one_is_not_another_outlet_and_one_that_begins_like_the_site_is() -> None:
    for text, found in (
        ("The Lantern Gazette reported the order. A resident told the Lantern that they were dead.", "Lantern Gazette"),
        ("The New York Times reported that the deadline has moved.", "New York Times"),
    ):
        origins = find_origins(article(text, outlet="Newscourier", owner="newscourier.example"), NAMES)
        assert [origin.name for origin in origins] == [found]


def test_what_stands_below_the_lead_is_an_origin_but_the_article_does_not_only_repeat_it() -> None:
    text = (
        "BlackBerry will leave Pakistan at the end of the year. The regulator has not changed its order since July. "
        "The servers are in Canada. The minister told Reuters in July that the order stands."
    )
    below = article(text)
    below = replace(below, origins=find_origins(below, NAMES))
    assert [origin.name for origin in below.origins] == ["Reuters"]
    assert below.echoes is None
    above = replace(below, origins=find_origins(article("The minister told Reuters that the order stands."), NAMES))
    assert above.echoes == above.origins[0]


def test_an_article_that_begins_with_two_origins_repeats_neither_alone() -> None:
    both = article("A spokesman told Reuters that the servers stay closed. The BBC reported that the date moved.")
    origins = find_origins(both, NAMES)
    assert [origin.name for origin in origins] == ["Reuters", "BBC"]
    assert replace(both, origins=origins).echoes is None


_PIECES = (
    "Reuters|BBC|AP|Karachi Herald|told|according to|the|a|report|by|news agency|'s|"
    "(|)|—|laut|der|selon|l’|según|کے مطابق|\n| |  |,|.|A|é|\u202e|\x00"
).split("|")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(_PIECES),
        max_size=60,
    ),
    st.integers(min_value=1, max_value=3_000),
)
def test_no_text_makes_the_patterns_slow(pieces: list[str], times: int) -> None:
    text = "".join(pieces) * times
    begun = time.process_time()
    find_origins(article(text, author=text, title=text), NAMES)
    assert time.process_time() - begun < 2

"""Corrections in a new version of an article: what is another statement, and what is only other words."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.stories import facts
from tests.stories.examples import article

BODY = """PTA told operators in July to close BES by 30 November. About 5,000 companies use it.

The company said it would not open its servers."""
EXITS = "BlackBerry exits Pakistan over data demand"
BEFORE = article(EXITS, BODY)


def edited(before: str, after: str) -> list[str]:
    """Return the headlines that correct the first one."""
    edits = facts.corrections(replace(BEFORE, title=before), replace(BEFORE, title=after))
    assert all((edit.label, edit.before) == ("headline", before) for edit in edits)
    return [edit.after for edit in edits]


def edited_sentences(text: str, *, is_full_text: bool = False) -> list[tuple[str, str | None, str]]:
    edits = facts.corrections(BEFORE, replace(BEFORE, text=text, is_full_text=is_full_text))
    return [(edit.label, edit.before, edit.after) for edit in edits]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (EXITS, "BlackBerry exits India over data demand"),
        (EXITS, "BlackBerry not exiting Pakistan over data demand"),
        (EXITS, "BlackBerry may exit Pakistan over data demand"),
        (EXITS, "BlackBerry stays in Pakistan over data demand"),
        ("Tornado kills one in Oklahoma", "Tornado kills four in Oklahoma"),
        ("FTSE 100 falls as confidence fades", "FTSE 100 soars as confidence fades"),
        ("Court approves merger of Acme", "Court recommends merger of Acme"),
        ("Minister met lobbyists", "Minister reportedly met lobbyists"),
        ("Merger of Acme is likely, says bank", "Merger of Acme is unlikely, says bank"),
    ],
)
def test_another_outcome_number_or_party_is_a_material_headline(before: str, after: str) -> None:
    assert edited(before, after) == [after]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (EXITS, "BlackBery exits Pakistan over data demand"),
        (EXITS, "BlackBerry exits Pakistan over data demands"),
        (EXITS, "BlackBerry exits Pakistan over data demand | Example News"),
        (EXITS, "UPDATE 2: BlackBerry exits Pakistan over data demand"),
        (EXITS, "Encryption row: BlackBerry exits Pakistan over data demand"),
        (EXITS, "BlackBerry exits Pakistan over demand for data"),
        (EXITS, "BlackBerry exits Pakistan over sweeping data demand, chief says"),
        (EXITS, "Smartphone maker BlackBerry exits Pakistan"),
        ("The plan was hopelessly naïve, experts say", "The plan was hopelessly naive, experts say"),
        ("Bank warns of deepest recession on record", "Bank warns of sharpest recession on record"),
        ("Schools to reopen after the virus outbreak", "Schools to reopen after the Covid-19 outbreak"),
        ("Firm calls administrators after collapse", "Firm in administration after its collapse"),
        ("Inquiry: Acme sold tainted flour", "Acme sold tainted flour: inquiry"),
        ("Acme sues Borel over patents", "Borel is sued by Acme over patents"),
        ("Boy shot near Upminster station", "Boy, 11, shot near Upminster station"),
        ("Flour recalled in 1,200 shops, says Acme", "Flour recalled in shops, says Acme"),
        ("Man fined over parcel in S'pore", "Man fined over parcel in Singapore"),
        ("Masks made since Feb, firm says", "Masks made since February, firm says"),
        ("Kits sent to 20,000 homes", "Kits sent to 20k homes"),
        ("Leader gravely ill - reports", "Leader reportedly gravely ill"),
        ("Light aircraft crashes near Carterton", "Pilot dies after light aircraft crashes near Carterton"),
        ("Police say plane reported missing", "Police find plane reported missing"),
        ("Will Acme close its plant in May?", "Acme to close its plant in June"),
        ("Acme to close its plant in May", "Will Acme close its plant in June?"),
        ("Tornado kills one in Oklahoma", "Fire kills four in Ohio overnight, say police"),
        (
            "Acme to close its plant in Leeds with loss of 200 jobs",
            "Acme to keep open its plant in Leeds after union agrees new contract and saves 300 jobs",
        ),
    ],
)
def test_other_words_or_dress_a_question_and_a_headline_that_is_written_anew_correct_nothing(
    before: str, after: str
) -> None:
    assert edited(before, after) == []


def test_a_correction_has_the_link_of_its_article_and_no_dateline() -> None:
    before = replace(BEFORE, text=f"KARACHI, Dec 2 (Capital Wire) - {BODY}")
    after = replace(before, text=before.text.replace("5,000", "6,000").replace("30 Nov", "20 Nov"))
    (first, *others) = facts.corrections(before, after)
    assert first.link == before.link
    assert first.after == "PTA told operators in July to close BES by 20 November."
    assert len(others) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "Billionaire-backed miner Harrow has raised its iron ore target for the June quarter of the year.",
            "Miner Harrow has raised its iron ore target and flagged a recovery of its sales for the year.",
        ),
        ("Parents are judged for school choices", "Parents are shamed for back-to-school choices"),
        (
            "The regulator told operators in July to close the service by 30 November ...",
            "The regulator told operators in July to close the ...",
        ),
    ],
)
def test_a_sentence_that_is_told_anew_is_no_correction_of_it(before: str, after: str) -> None:
    assert facts.corrections(replace(BEFORE, text=before), replace(BEFORE, text=after)) == ()


def test_a_headline_in_another_language_is_material_when_a_word_is_another() -> None:
    before = replace(BEFORE, title="Aufsicht genehmigt Fusion von Acme", language="de")
    after = replace(before, title="Aufsicht untersagt Fusion von Acme")
    assert [edit.after for edit in facts.corrections(before, after)] == [after.title]


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Virus updates LIVE: schools reopen as cases reach 71"},
        {"title": "Wahl-Liveticker: 71 Sitze für die Opposition"},
        {"link": "https://news.example/world/live/2020/markets"},
    ],
)
def test_a_live_page_is_never_corrected_and_the_word_live_alone_makes_none(changes: dict[str, str]) -> None:
    live, lives = replace(BEFORE, **changes), replace(BEFORE, title="How islanders live: a report")
    for old, new in ((live, live), (BEFORE, live), (live, BEFORE)):
        assert facts.corrections(old, replace(new, text=BODY.replace("5,000", "500"))) == ()
    assert facts.corrections(lives, replace(lives, text=BODY.replace("5,000", "500")))


def test_the_level_of_a_market_that_moves_is_never_corrected() -> None:
    shell = "The oil company Shell lost 3% of its value."
    before = replace(BEFORE, title="ASX falls", text=f"The S&P/ASX 200 has dropped 0.7 per cent at the open. {shell}")
    assert facts.corrections(before, replace(before, text=before.text.replace("0.7", "1.5"))) == ()
    (edit,) = facts.corrections(before, replace(before, text=before.text.replace("3%", "5%")))
    assert edit.after == shell.replace("3%", "5%")


@pytest.mark.parametrize(
    ("old", "new"), [("5,000", "500"), ("in July", "in May"), ("30 November", "30 December")], ids=str
)
def test_another_number_or_day_in_a_sentence_is_material(old: str, new: str) -> None:
    ((label, before, after),) = edited_sentences(BODY.replace(old, new))
    assert (label, old in str(before), new in after) == ("text", True, True)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("5,000", "5000"),
        ("5,000 companies use it.", "500 companies use it?"),
        ("companies use it", "companies rely on it"),
        ("PTA told operators in July", "PEMRA told operators in May"),
        ("companies", "compnaies"),
        (". About", ".\n\nAbout"),
        ("The company said", "On Tuesday afternoon the company said"),
        ("About 5,000 companies", "Companies"),
    ],
)
def test_other_words_and_details_of_a_sentence_are_silent(old: str, new: str) -> None:
    assert edited_sentences(BODY.replace(old, new)) == []


def test_paragraphs_that_are_added_moved_or_cut_and_a_teaser_in_place_of_the_page_are_silent() -> None:
    first, second = BODY.split("\n\n")
    for text in (f"{BODY}\n\nIndia asked for the same in 2010.", f"{second}\n\n{first}", second):
        assert edited_sentences(text) == []
    assert edited_sentences("PTA told operators in July to close BES by 3 May.", is_full_text=True) == []


def test_a_text_of_very_many_sentences_is_compared_in_bounded_time() -> None:
    text = " ".join(f"Sentence {number} says that {number} companies left." for number in range(3_000))
    assert len(edited_sentences(text)) <= 1

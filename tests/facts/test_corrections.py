from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.model.stories import Article, ArticleId
from bot.stories import facts
from tests.testbed.fakes import START

BODY = """PTA told operators in July to close BES by 30 November. About 5,000 companies use it.

The company said it would not open its servers."""
BEFORE = Article(
    id=ArticleId("a"),
    feed="f",
    outlet="Example",
    owner="example.org",
    link="",
    title="BlackBerry exits Pakistan over data demand",
    text=BODY,
    first_seen=START,
    fingerprint="",
)


def _edits(**changes: str | bool) -> list[tuple[str, str | None, str]]:
    after = replace(BEFORE, **changes)
    return [(edit.label, edit.before, edit.after) for edit in facts.corrections(BEFORE, after)]


@pytest.mark.parametrize(
    "title",
    [
        "BlackBerry exits India over data demand",
        "BlackBerry not exiting Pakistan over data demand",
        "BlackBerry may exit Pakistan over data demand",
        "BlackBerry stays in Pakistan over data demand",
    ],
)
def test_a_headline_that_says_something_else_is_a_material_edit(title: str) -> None:
    assert _edits(title=title) == [("headline", BEFORE.title, title)]


@pytest.mark.parametrize(
    "title",
    [
        "Blackberry exits Pakistan over data demand",
        "BlackBery exits Pakistan over data demand",
        "BlackBerry exits Pakistan over data demands",
        "BlackBerry exits Pakistan over the data demand",
        "BlackBerry exits Pakistan over data demand | Example News",
        "UPDATE 2: BlackBerry exits Pakistan over data demand",
        "Encryption row: BlackBerry exits Pakistan over data demand",
        "BlackBerry exits Pakistan over demand for data",
        "BlackBerry exits Pakistan over sweeping data demand, chief says",
        "Smartphone maker BlackBerry exits Pakistan",
    ],
)
def test_typos_punctuation_small_words_and_dress_are_silent(title: str) -> None:
    assert _edits(title=title) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("Tornado kills one in Oklahoma", "Tornado kills four in Oklahoma"),
        ("FTSE 100 falls as confidence fades", "FTSE 100 soars as confidence fades"),
        ("Tunnel to reopen on budget", "Tunnel expected to reopen on budget"),
        ("Minister met lobbyists", "Minister reportedly met lobbyists"),
        ("Court approves merger of Acme", "Court recommends merger of Acme"),
        ("Merger of Acme is likely, says bank", "Merger of Acme is unlikely, says bank"),
    ],
)
def test_another_outcome_number_day_or_party_is_a_material_headline(before: str, after: str) -> None:
    first, other = replace(BEFORE, title=before), replace(BEFORE, title=after)
    assert [edit.after for edit in facts.corrections(first, other)] == [after]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("The plan was hopelessly naïve, experts say", "The plan was hopelessly naive, experts say"),
        ("Bank warns of deepest recession on record", "Bank warns of sharpest recession on record"),
        ("Schools to reopen after the virus outbreak", "Schools to reopen after the Covid-19 outbreak"),
        ("Massive bankruptcies in global meltdown", "Massive bankruptcies in global meltdown: expert"),
        ("Firm calls administrators after collapse", "Firm in administration after its collapse"),
        ("Inquiry: Acme sold tainted flour", "Acme sold tainted flour: inquiry"),
        ("Acme sues Borel over patents", "Borel is sued by Acme over patents"),
        ("Boy shot near Upminster station", "Boy, 11, shot near Upminster station"),
        ("Defender Cherry dies aged 72 in Leeds", "Defender Cherry dies in Leeds"),
        ("Man fined over parcel in S'pore", "Man fined over parcel in Singapore"),
        ("Flour recalled in 1,200 shops, says Acme", "Flour recalled in shops, says Acme"),
        ("Masks made since Feb, firm says", "Masks made since February, firm says"),
        ("Kits sent to 20,000 homes", "Kits sent to 20k homes"),
        ("Shares of Acme fall again, says bank", "Shares of Acme fall, says bank that warns"),
        ("Leader gravely ill - reports", "Leader reportedly gravely ill"),
        ("Light aircraft crashes near Carterton", "Pilot dies after light aircraft crashes near Carterton"),
        ("Regulator fines Acme", "Regulator fines Acme 20 million"),
        ("Police say plane reported missing", "Police find plane reported missing"),
    ],
)
def test_the_same_statement_in_other_words_is_no_material_headline(before: str, after: str) -> None:
    assert facts.corrections(replace(BEFORE, title=before), replace(BEFORE, title=after)) == ()


def test_a_correction_has_the_link_of_its_article_and_no_dateline() -> None:
    before = replace(BEFORE, link="https://wire.example/1", text=f"KARACHI, Dec 2 (Capital Wire) - {BODY}")
    after = replace(before, text=before.text.replace("5,000", "6,000").replace("30 Nov", "20 Nov"))
    (first, *others) = facts.corrections(before, after)
    assert first.link == before.link
    assert first.after == "PTA told operators in July to close BES by 20 November."
    assert len(others) == 1


@pytest.mark.parametrize("title", ["Will Acme close its plant?", "Acme to close its plant in June"])
def test_a_question_states_nothing_so_it_corrects_nothing_and_its_answer_does_not(title: str) -> None:
    before = replace(BEFORE, title="Can Acme reopen its plant in June?")
    assert facts.corrections(before, replace(before, title=title)) == ()


def test_a_headline_that_is_written_anew_is_the_next_state_of_its_page_and_corrects_nothing() -> None:
    toll = f"{BEFORE.title}; toll of harbour storm passes 200"
    assert facts.corrections(BEFORE, replace(BEFORE, title=toll)) == ()
    for title in ("Rain stops play", "Regulator met 5 operators in Lahore"):
        assert facts.corrections(BEFORE, replace(BEFORE, title=title)) == ()
        assert facts.corrections(BEFORE, replace(BEFORE, title=title, text="Makers of handsets met in Lahore.")) == ()


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
        {"title": "Election Live Updates: Senate passes the bill"},
        {"title": "Wahl-Liveticker: 71 Sitze für die Opposition"},
        {"link": "https://news.example/world/live/2020/markets"},
    ],
)
def test_a_live_page_is_never_corrected(changes: dict[str, str]) -> None:
    before = replace(BEFORE, **changes)
    assert facts.corrections(before, replace(before, title=f"{before.title} and 72 more", text="Now 500 left.")) == ()


def test_the_level_of_a_market_that_moves_is_never_corrected() -> None:
    shell = "The oil company Shell lost 3% of its value."
    before = replace(BEFORE, title="ASX falls", text=f"The S&P/ASX 200 has dropped 0.7 per cent at the open. {shell}")
    assert facts.corrections(before, replace(before, text=before.text.replace("0.7", "1.5"))) == ()
    (edit,) = facts.corrections(before, replace(before, text=before.text.replace("3%", "5%")))
    assert edit.after == shell.replace("3%", "5%")


@pytest.mark.parametrize("title", ["How islanders live: a report", "Concert gives live music a home", "WE LIVE ON"])
def test_the_word_live_alone_makes_no_live_page(title: str) -> None:
    before = replace(BEFORE, title=title)
    assert facts.corrections(before, replace(before, text=BODY.replace("5,000", "500")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("5,000", "500"),
        ("in July", "in May"),
        ("30 November", "30 December"),
    ],
)
def test_another_number_or_day_in_a_sentence_is_material(old: str, new: str) -> None:
    (edit,) = _edits(text=BODY.replace(old, new))
    assert edit[0] == "text"
    assert edit[1] is not None
    assert old in edit[1]
    assert new in edit[2]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("5,000", "5000"),
        ("companies use it", "companies rely on it"),
        ("PTA told operators in July", "PEMRA told operators in May"),
        ("would not open", "would open"),
        ("companies", "compnaies"),
        (". About", ".\n\nAbout"),
        ("The company said", "On Tuesday afternoon the company said"),
        ("About 5,000 companies", "Companies"),
    ],
)
def test_other_words_and_details_of_a_sentence_are_silent(old: str, new: str) -> None:
    assert _edits(text=BODY.replace(old, new)) == []


def test_paragraphs_that_are_added_moved_or_cut_are_silent() -> None:
    first, second = BODY.split("\n\n")
    assert _edits(text=f"{BODY}\n\nIndia asked for the same in 2010.") == []
    assert _edits(text=f"{second}\n\n{first}") == []
    assert _edits(text=second) == []


def test_a_teaser_is_not_compared_with_the_whole_page() -> None:
    assert _edits(text="PTA told operators in July to close BES by 3 May.", is_full_text=True) == []


def test_a_text_of_very_many_sentences_is_compared_in_bounded_time() -> None:
    text = " ".join(f"Sentence {number} says that {number} companies left." for number in range(3_000))
    assert len(_edits(text=text)) <= 1

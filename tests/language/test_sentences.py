"""Where sentences start and end, in many languages and in text that feeds have damaged."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.language import sentences


def texts(text: str, language: str | None = "en") -> list[str]:
    return [span.text for span in sentences.split(text, language)]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Mr. Smith left at 5 p.m. Tuesday. Why?", ["Mr. Smith left at 5 p.m. Tuesday.", "Why?"]),
        ("en", "It paid $3.5bn to J. K. Rowling. She agreed.", ["It paid $3.5bn to J. K. Rowling.", "She agreed."]),
        ("en", "It was lifted, police said.The firm left.", ["It was lifted, police said.", "The firm left."]),
        ("en", "The order is of Nov. 30. No reply came.", ["The order is of Nov. 30.", "No reply came."]),
        (
            "en",
            "It was back by 6:50 p.m. GMT, Nimbra said. Why?",
            ["It was back by 6:50 p.m. GMT, Nimbra said.", "Why?"],
        ),
        ("en", "It met at 5 p.m. NATO was told.", ["It met at 5 p.m.", "NATO was told."]),
        ("en", "They vote on 13 May. Farmers' leaders left.", ["They vote on 13 May.", "Farmers' leaders left."]),
        ("en", 'He was sued by the SEC. "He smiled," she said.', ["He was sued by the SEC.", '"He smiled," she said.']),
        (
            "en",
            'He said: "I left the FBI. Ask my chief." He left.',
            ['He said: "I left the FBI. Ask my chief."', "He left."],
        ),
        ("en", "He said no. The firm left.", ["He said no.", "The firm left."]),
        ("fr", "M. Dupont part le 30 nov. 2015. Il a dit non.", ["M. Dupont part le 30 nov. 2015.", "Il a dit non."]),
        ("de", "Am 30. November endet die Frist. Schluss.", ["Am 30. November endet die Frist.", "Schluss."]),
        ("ru", "Это т. е. всё. Он ушёл.", ["Это т. е. всё.", "Он ушёл."]),
        ("ur", "کمپنی جا رہی ہے۔ حکومت نے کہا۔", ["کمپنی جا رہی ہے۔", "حکومت نے کہا۔"]),
        ("ar", "هل هذا صحيح؟ نعم.", ["هل هذا صحيح؟", "نعم."]),
        ("hi", "कंपनी जा रही है। सरकार ने कहा।", ["कंपनी जा रही है।", "सरकार ने कहा।"]),
        ("zh", "公司退出。为什么？", ["公司退出。", "为什么？"]),
        ("ja", "撤退する。「できない。」と述べた。", ["撤退する。", "「できない。」と述べた。"]),
    ],
)
def test_a_sentence_ends_where_its_language_ends_it(language: str, text: str, expected: list[str]) -> None:
    assert texts(text, language) == expected


def test_an_unknown_or_absent_language_still_gives_sentences() -> None:
    assert texts("It left. It is gone.", None) == texts("It left. It is gone.", "xx-YY") == ["It left.", "It is gone."]


def test_a_script_ends_its_sentences_whatever_language_the_feed_claims() -> None:
    assert texts("کمپنی جا رہی ہے۔ حکومت نے کہا۔", "en") == ["کمپنی جا رہی ہے۔", "حکومت نے کہا۔"]


def test_a_quote_of_several_sentences_stays_with_its_speaker() -> None:
    text = '"We cannot. The order goes too far," said Marty Beard. He left.'
    assert texts(text) == ['"We cannot. The order goes too far," said Marty Beard.', "He left."]


def test_no_sentence_runs_over_a_blank_line_or_out_of_a_heading() -> None:
    text = "What the order says about servers and keys in Pakistan\nThe order is of July\n\nThe firm left."
    found = texts(text)
    assert found[-1] == "The firm left."
    assert not any("Pakistan\nThe" in each for each in found)


def test_lines_that_a_program_wrapped_are_one_paragraph() -> None:
    text = (
        "The regulator has asked the company to open its servers to\n"
        "Government inspectors, who want to read what the users of\n"
        "Enterprise phones write to each other in the country."
    )
    assert len(texts(text)) == 1


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200) | st.text(alphabet="aB .!?\n\"'“”()…", max_size=80))
@settings(max_examples=60, deadline=None)
def test_sentences_are_the_text_in_order_without_overlap(text: str) -> None:
    end = 0
    for span in sentences.split(text, "en"):
        assert end <= span.start < span.end
        assert text[span.start : span.end] == span.text == span.text.strip()
        end = span.end
    kept = "".join("".join(span.text.split()) for span in sentences.split(text, "en"))
    assert kept == "".join(text.split())

"""Two or three whole sentences: of the article, about what matched, without repetition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.stories import summaries
from bot.text import sentences
from testbed import shared_data
from tests.stories.members import article, match

LONG = """LAHORE (Reuters) - BlackBerry will leave Pakistan after the regulator asked for access to its servers.

Photo: the head office of BlackBerry in Waterloo, Ontario.

BlackBerry is quitting Pakistan after the regulator asked for access to its servers. The weather in Lahore was mild \
and dry on that day. "We cannot comply. The order goes too far," said Marty Beard, the chief operating officer. The \
order covers 5,000 companies. Read more: India and BlackBerry. And the deadline was moved to…"""


def picked(text: str, title: str = "BlackBerry leaves Pakistan over order") -> list[str]:
    return [sentence.text for sentence in summaries.pick_sentences(article(title, text))]


def test_each_sentence_stands_in_the_article_and_names_it() -> None:
    source = article("BlackBerry leaves Pakistan", LONG)
    for sentence in summaries.pick_sentences(source):
        assert sentence.text in " ".join(LONG.split())
        assert (sentence.article, sentence.outlet, sentence.link) == (source.id, source.outlet, source.link)


def test_furniture_datelines_repetition_and_cut_ends_are_left_out() -> None:
    found = picked(LONG)
    assert found[0] == "BlackBerry will leave Pakistan after the regulator asked for access to its servers."
    assert 2 <= len(found) <= 3
    told = " ".join(found)
    for unwanted in ("Photo", "Read more", "…", "Reuters", "quitting"):
        assert unwanted not in told


def test_a_sentence_with_the_matched_words_is_told_before_one_without() -> None:
    text = (
        "The company gave its figures on Tuesday in Waterloo. Sales of phones rose a little in the quarter. "
        "Costs for staff and offices fell again in the quarter. The dividend for holders of shares stays as it was. "
        "It will leave Pakistan because the PTA wants a backdoor into its servers."
    )
    source = article("Company gives quarterly figures", text)
    without = [sentence.text for sentence in summaries.pick_sentences(source, (), 2)]
    found = match(source, "R", ("regulator", "body", "PTA"), ("demand", "body", "backdoor"))
    with_match = [sentence.text for sentence in summaries.pick_sentences(source, (found,), 2)]
    assert not any("backdoor" in each for each in without)
    assert any("backdoor" in each for each in with_match)


def test_the_quote_of_a_named_person_is_kept_whole() -> None:
    text = (
        "The firm is leaving Pakistan over the order. “We will not open our servers. The order of the regulator in "
        "Pakistan goes too far. Our users come first,” said Marty Beard, the chief operating officer of the firm."
    )
    found = picked(text, "Firm will not open servers, says Marty Beard")
    quote = next(each for each in found if "Beard" in each)
    assert quote.startswith("“We will not open")
    assert "too far" in quote


def test_what_was_told_before_is_not_told_again() -> None:
    source = article("BlackBerry leaves Pakistan", LONG)
    first = summaries.pick_sentences(source, (), 1)
    again = summaries.pick_sentences(source, (), 3, shown_sentences=[first[0].text])
    assert first[0].text not in {sentence.text for sentence in again}


@pytest.mark.parametrize("text", ["", "   ", "BlackBerry is leaving after the", "Read more", "Advertisement", "…"])
def test_an_article_without_a_whole_sentence_gives_none(text: str) -> None:
    assert picked(text) == []


def test_right_to_left_text_keeps_its_sentences_and_marks() -> None:
    text = "بلیک بیری نے پاکستان چھوڑنے کا فیصلہ کیا ہے۔ پی ٹی اے نے کمپنی سے سرور تک رسائی مانگی تھی۔"
    source = article("بلیک بیری", text, language="ur")
    found = match(source, "R", ("regulator", "body", "پی ٹی اے"))
    told = summaries.pick_sentences(source, (found,))
    assert [sentence.text for sentence in told] == [span.text for span in sentences.split(text, "ur")]
    assert any(span.is_marked and span.text == "پی ٹی اے" for sentence in told for span in sentence.spans)


def test_a_script_without_spaces_is_told_too() -> None:
    assert picked("黑莓公司宣布将退出巴基斯坦市场。监管机构要求访问其服务器。", "黑莓退出") == [
        "黑莓公司宣布将退出巴基斯坦市场。",
        "监管机构要求访问其服务器。",
    ]


@given(st.text(alphabet="aAbB .!?…\n\"“”()[]|:;,-'é中ا۔", max_size=200), st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_only_fit_sentences_of_itself(text: str, count: int) -> None:
    told = summaries.pick_sentences(article("A title", text), (), count)
    assert len(told) <= count
    for sentence in told:
        assert sentence.text in " ".join(text.split())
        assert sentences.fault(sentence.text) is None


def test_no_sentence_of_a_real_article_is_cut() -> None:
    import gzip
    import json

    with gzip.open(shared_data.path("articles") / "truth.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    texts = [row["text"] for row in rows if row.get("text")]
    assert len(texts) > 50
    for text in texts:
        for sentence in summaries.pick_sentences(article("", text)):
            assert sentence.text.rstrip("\"'”’»›)]")[-1:] in ".!?。！？۔؟", sentence.text
            assert sentence.text in " ".join(text.split())

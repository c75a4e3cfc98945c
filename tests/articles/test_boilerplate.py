"""What a feed repeats under its items, and what must stay."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.articles import boilerplate

FOOTER = "Subscribe to our channel for more news on telecoms."
NEWS = (
    "The regulator fined Acme on Monday. Acme will appeal.",
    "A crane fell in the harbour. Two men were hurt.",
    "Parliament passed the bill. It takes effect in May.",
    "The bank cut its rate by a quarter point. Markets rose.",
    "Voters go to the polls on Sunday. Turnout may be low.",
)


def _told(footer: str = FOOTER) -> list[str]:
    """The texts of five items that come one after another, as they are kept."""
    memory, kept = "", []
    for text in NEWS:
        whole = f"{text}\n\n{footer}"
        memory = boilerplate.learn([whole], memory)
        kept.append(boilerplate.strip(whole, memory).text)
    return kept


def test_a_sentence_that_stood_in_three_earlier_items_is_no_text() -> None:
    assert [FOOTER in text for text in _told()] == [True, True, True, False, False]
    assert _told()[3:] == list(NEWS[3:])


def test_items_that_come_together_count_for_each_other() -> None:
    texts = [f"{text} {FOOTER}" for text in NEWS]
    memory = boilerplate.learn(texts, "")
    found = [boilerplate.strip(text, memory) for text in texts]
    assert [each.text for each in found] == list(NEWS)
    assert {each.left_out for each in found} == {(FOOTER,)}


def test_a_footer_of_another_language_and_script_is_found_too() -> None:
    for footer in (
        "Síguenos en WhatsApp y Telegram.",
        "ہمارے چینل کو سبسکرائب کریں۔",
        "関連記事はこちらからご覧ください。",
    ):
        assert [footer in text for text in _told(footer)][3:] == [False, False], footer


def test_an_item_that_says_a_sentence_twice_teaches_it_once() -> None:
    memory = boilerplate.learn([f"{FOOTER} Acme was fined. {FOOTER}"] * 2, "")
    assert boilerplate.strip(FOOTER, memory).text == FOOTER


def test_short_sentences_and_the_same_words_with_other_figures_stay() -> None:
    texts = [f"A quake of magnitude {n} struck at sea today. Nobody was hurt." for n in range(9)]
    memory = boilerplate.learn(texts, "")
    assert [boilerplate.strip(text, memory).text for text in texts] == texts


def test_a_sentence_in_the_middle_of_long_texts_is_found() -> None:
    advertisement = "Try our weather app for free today."
    texts = [
        " ".join(
            [text, *(f"Detail {n} of {text}" for n in range(20)), advertisement, *(f"End {n}." for n in range(20))]
        )
        for text in NEWS
    ]
    memory = boilerplate.learn(texts, "")
    found = [boilerplate.strip(text, memory) for text in texts]
    assert {each.left_out for each in found} == {(advertisement,)}
    assert all("Detail 19" in each.text and "End 19." in each.text for each in found)


def test_several_repeated_sentences_between_the_news_are_all_left_out() -> None:
    lines = ("Listen to our daily podcast here.", "Copyright of these pages is ours.", FOOTER)
    texts = [f"{lines[0]} {text} {lines[1]} A second remark on {text} {lines[2]}" for text in NEWS]
    memory = boilerplate.learn(texts, "")
    assert {boilerplate.strip(text, memory).left_out for text in texts} == {lines}


def test_no_sentence_is_cut_behind_a_title_or_an_initial() -> None:
    texts = [f"Foreign Secretary Teodoro Locsin Jr. said so on day {n}. {text}" for n, text in enumerate(NEWS)]
    texts += [f"The court heard from Mr. J. Doe of Lahore on day {n}. {text}" for n, text in enumerate(NEWS)]
    memory = boilerplate.learn(texts, "")
    assert {boilerplate.strip(text, memory).left_out for text in texts} == {()}


def test_a_sentence_that_is_repeated_no_more_gives_way_to_newer_ones() -> None:
    once = "An old advertisement stands under the news."
    memory = boilerplate.learn([f"{text} {once}" for text in NEWS], "")
    for n in range(400):
        line = f"Advertisement number {n} of many others."
        memory = boilerplate.learn([f"{line} This is news {place} of {n}. {FOOTER}" for place in range(5)], memory)
    assert boilerplate.strip(once, memory).left_out == ()
    assert boilerplate.strip(FOOTER, memory).left_out == (FOOTER,)
    assert len(memory) < 7_000


def test_a_footer_stays_known_however_many_items_come_without_it() -> None:
    memory = boilerplate.learn([f"{text} {FOOTER}" for text in NEWS], "")
    memory = boilerplate.learn([f"Something new happened in place number {n}." for n in range(5_000)], memory)
    assert boilerplate.strip(FOOTER, memory).left_out == (FOOTER,)


def test_a_very_long_page_does_not_push_out_what_was_learned() -> None:
    memory = boilerplate.learn([f"{text} {FOOTER}" for text in NEWS[:2]], "")
    memory = boilerplate.learn([" ".join(f"Sentence number {n} says something new." for n in range(9_000))], memory)
    memory = boilerplate.learn([f"{text} {FOOTER}" for text in NEWS[2:]], memory)
    assert boilerplate.strip(FOOTER, memory).left_out == (FOOTER,)


@given(st.lists(st.text(max_size=300), max_size=12))
def test_whatever_the_texts_nothing_is_made_up_and_the_memory_can_be_read_again(texts: list[str]) -> None:
    memory = ""
    for text in texts:
        memory = boilerplate.learn([text], memory)
        found = boilerplate.strip(text, memory)
        assert sum(map(len, found.left_out)) + len(found.text) <= len(text)
        assert all(sentence in text for sentence in found.left_out)
        assert boilerplate.learn([], memory) == memory

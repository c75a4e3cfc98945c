"""The text of an item: its markup, whether it is cut, and what a feed repeats under its items."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.feeds import cleaning


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<b>back</b>door", "backdoor"),
        ("back<wbr>door <span>B</span><span>ES</span>", "backdoor BES"),
        ("back<br>door<br/>BES", "back\ndoor\nBES"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one</p>two</div>three", "one\n\ntwo\n\nthree"),
        ("one</br>two", "one\ntwo"),
        ("<table><tr><td>one<td>two</table>", "one\n\ntwo"),
        ("one<img src=x>two", "one two"),
        ("one\ntwo\t three", "one two three"),
        ("a<script>var b='<p>c</p>'</script>d<style>p{}</style>e<!-- f -->g", "adeg"),
        ("<iframe>a<b>c</iframe>d<template>e</template>", "d"),
        ("AT&amp;T &#8217;&#x201c;&hellip;&lbrack; &eacute;", "AT&T ’“…[ é"),
        ("&amp;lt;p&amp;gt;", "&lt;p&gt;"),
        ("R&D & <b>AT&T</b>", "R&D & AT&T"),
        ("a\xa0b&nbsp;c", "a b c"),
        ("so\u00adft <b>BE\u200bS</b>", "so\u00adft BE\u200bS"),
        ("<![CDATA[<p>in data</p>]]>", "in data"),
        ("nul\x00 and \x0b bell\x07", "nul and bell"),
        ("half \ud83d <b>pair</b>", "half pair"),
        ("cut <a href='https://exam", "cut"),
        ("a <o:p>b</o:p> <unknown>c</unknown>", "a b c"),
        ("", ""),
        ("  <p> </p>\n", ""),
    ],
)
def test_the_text_is_the_visible_text(markup: str, text: str) -> None:
    assert cleaning.clean(markup, base=None).text == text


def test_links_are_canonical_absolute_and_once_each() -> None:
    cleaned = cleaning.clean(
        """<a href="/a?utm_source=x">1</a> <A HREF='https://e.org/a'>2</A> <a href="b">3</a>
        <a href="mailto:x@e.org">4</a> <a href="javascript:alert(1)">5</a> <a name=x>6</a> <a href="http://[">7</a>""",
        base="https://e.org/news/",
    )
    assert cleaned.links == ("https://e.org/a", "https://e.org/news/b")


def test_many_links_are_bounded() -> None:
    markup = "".join(f'<a href="https://e.org/{number}">x</a>' for number in range(5_000))
    assert len(cleaning.clean(markup, base=None).links) == 200


@given(st.text(alphabet=st.sampled_from("ab <>/&;=\"'!-[]\n\r\t\x00\xad\u200b#pbrdivscript"), max_size=80))
def test_any_markup_gives_text_without_stray_white_space(markup: str) -> None:
    text = cleaning.clean(markup, base="https://e.org/").text
    assert text == text.strip()
    assert "  " not in text
    assert "\n\n\n" not in text


@given(st.text(max_size=60).filter(lambda text: "<" not in text and "&" not in text))
def test_plain_text_loses_no_word(text: str) -> None:
    shown = cleaning.clean(text, base=None).text
    kept = "".join(letter for letter in text if not letter.isspace() and (letter.isprintable() or ord(letter) > 0x9F))
    assert [letter for letter in kept if letter in shown or not "\ud800" <= letter <= "\udfff"] == [
        letter for letter in "".join(shown.split()) if letter.isprintable() or ord(letter) > 0x9F
    ]


@pytest.mark.parametrize(
    ("text", "is_teaser"),
    [
        ("The regulator told operators on Wednesday that…", True),
        ("The regulator told operators that they must.\n\nContinue reading →", True),
        ("The regulator told operators. Read more »", True),
        ("Оператори мають відповісти. Читати далі", True),
        ("", False),
        ("“Well… no,” he said.", False),
        ("Children should read more books.", False),
        ("Read more: what the order says. " + "The order names five services that must open. " * 3, False),
    ],
)
def test_a_text_that_continues_elsewhere_is_a_teaser(text: str, is_teaser: bool) -> None:
    assert cleaning.is_teaser(text) is is_teaser


# -- what a feed repeats under its items, and what must stay


FOOTER = "Subscribe to our channel for more news on telecoms."
NEWS = (
    "The regulator fined Acme on Monday. Acme will appeal.",
    "A crane fell in the harbour. Two men were hurt.",
    "Parliament passed the bill. It takes effect in May.",
    "The bank cut its rate by a quarter point. Markets rose.",
    "Voters go to the polls on Sunday. Turnout may be low.",
)


@pytest.mark.parametrize("footer", [FOOTER, "Síguenos en WhatsApp y Telegram."])
def test_a_sentence_of_three_earlier_items_is_left_out_in_any_language(footer: str) -> None:
    memory, kept = "", []
    for text in NEWS:
        whole = f"{text}\n\n{footer}"
        memory = cleaning.learn_boilerplate([whole], memory)
        kept.append(cleaning.strip_boilerplate(whole, memory).text)
    assert [footer in text for text in kept] == [True, True, True, False, False]
    assert kept[3:] == list(NEWS[3:])


def test_items_that_come_together_count_for_each_other() -> None:
    texts = [f"{text} {FOOTER}" for text in NEWS]
    memory = cleaning.learn_boilerplate(texts, "")
    stripped = [cleaning.strip_boilerplate(text, memory) for text in texts]
    assert [result.text for result in stripped] == list(NEWS)
    assert {result.left_out for result in stripped} == {(FOOTER,)}


def test_short_sentences_and_the_same_words_with_other_figures_stay() -> None:
    texts = [f"A quake of magnitude {n} struck at sea today. Nobody was hurt." for n in range(9)]
    memory = cleaning.learn_boilerplate(texts, "")
    assert [cleaning.strip_boilerplate(text, memory).text for text in texts] == texts


def test_no_sentence_is_cut_behind_a_title_or_an_initial() -> None:
    texts = [f"Foreign Secretary Teodoro Locsin Jr. said so on day {n}. {text}" for n, text in enumerate(NEWS)]
    texts += [f"The court heard from Mr. J. Doe of Lahore on day {n}. {text}" for n, text in enumerate(NEWS)]
    memory = cleaning.learn_boilerplate(texts, "")
    assert {cleaning.strip_boilerplate(text, memory).left_out for text in texts} == {()}


def test_a_sentence_that_is_repeated_no_more_gives_way_to_newer_ones() -> None:
    once = "An old advertisement stands under the news."
    memory = cleaning.learn_boilerplate([f"{text} {once}" for text in NEWS], "")
    for n in range(400):
        line = f"Advertisement number {n} of many others."
        memory = cleaning.learn_boilerplate(
            [f"{line} This is news {place} of {n}. {FOOTER}" for place in range(5)], memory
        )
    assert cleaning.strip_boilerplate(once, memory).left_out == ()
    assert cleaning.strip_boilerplate(FOOTER, memory).left_out == (FOOTER,)
    assert len(memory) < 7_000


def test_a_footer_stays_known_however_many_items_come_without_it() -> None:
    memory = cleaning.learn_boilerplate([f"{text} {FOOTER}" for text in NEWS], "")
    memory = cleaning.learn_boilerplate([f"Something new happened in place number {n}." for n in range(5_000)], memory)
    assert cleaning.strip_boilerplate(FOOTER, memory).left_out == (FOOTER,)


@given(st.lists(st.text(max_size=300), max_size=12))
def test_whatever_the_texts_nothing_is_made_up_and_the_memory_can_be_read_again(texts: list[str]) -> None:
    memory = ""
    for text in texts:
        memory = cleaning.learn_boilerplate([text], memory)
        stripped = cleaning.strip_boilerplate(text, memory)
        assert sum(map(len, stripped.left_out)) + len(stripped.text) <= len(text)
        assert all(sentence in text for sentence in stripped.left_out)
        assert cleaning.learn_boilerplate([], memory) == memory

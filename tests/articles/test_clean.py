from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import articles
from bot.articles.clean import Cleaner


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<b>back</b>door", "backdoor"),
        ("back<wbr>door <span>B</span><span>ES</span>", "backdoor BES"),
        ("back<br>door<br/>BES", "back\ndoor\nBES"),
        ("one<br><br>two", "one\n\ntwo"),
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("<p>one<p>two", "one\n\ntwo"),
        ("one</p>two</div>three", "one\n\ntwo\n\nthree"),
        ("one</br>two", "one\ntwo"),
        ("<ul><li>one<li>two</ul>three", "one\n\ntwo\n\nthree"),
        ("<table><tr><td>one<td>two</table>", "one\n\ntwo"),
        ("<h1>one</h1>two", "one\n\ntwo"),
        ("<DIV>one</DIV>two", "one\n\ntwo"),
        ("one<img src=x>two", "one two"),
        ("one\ntwo\t three", "one two three"),
        ("one\n \n two", "one\n\ntwo"),
        ("one\r\n\r\ntwo", "one\n\ntwo"),
        ("<i>one</i>\n\n<i>two</i>", "one\n\ntwo"),
        ("a<script>var b='<p>c</p>'</script>d<style>p{}</style>e<!-- f -->g", "adeg"),
        ("<iframe>a<b>c</iframe>d<template>e</template>", "d"),
        ("<p title='alt text' onclick=\"x()\">a", "a"),
        ("AT&amp;T &#8217;&#x201c;&hellip;&lbrack; &eacute;", "AT&T ’“…[ é"),
        ("<p>AT&amp;T &#8217;&hellip;&lbrack;", "AT&T ’…["),
        ("&amp;lt;p&amp;gt;", "&lt;p&gt;"),
        ("R&D & <b>AT&T</b>", "R&D & AT&T"),
        ("5 < 6", "5 < 6"),
        ("a\xa0b&nbsp;c", "a b c"),
        ("so\u00adft <b>BE\u200bS</b>", "so\u00adft BE\u200bS"),
        ("<![CDATA[<p>in data</p>]]>", "in data"),
        ("nul\x00 and \x0b bell\x07", "nul and bell"),
        ("half \ud83d <b>pair</b>", "half pair"),
        ("cut <a href='https://exam", "cut"),
        ("a <o:p>b</o:p> <unknown>c</unknown>", "a b c"),
        ("", ""),
        ("<", "<"),
        ("  <p> </p>\n", ""),
    ],
)
def test_text_is_what_a_reader_sees(markup: str, text: str) -> None:
    assert articles.clean(markup, base=None).text == text


def test_links_are_canonical_absolute_and_once_each() -> None:
    found = articles.clean(
        """<a href="/a?utm_source=x">1</a> <A HREF='https://e.org/a'>2</A> <a href="b">3</a>
        <a href="mailto:x@e.org">4</a> <a href="javascript:alert(1)">5</a> <a name=x>6</a> <a href="http://[">7</a>""",
        base="https://e.org/news/",
    )
    assert found.links == ("https://e.org/a", "https://e.org/news/b")


def test_a_hundred_thousand_nested_tags_are_one_pass() -> None:
    begun = time.perf_counter()
    assert articles.clean("<div>" * 100_000 + "<b>x</b>", base=None).text in ("x", "")
    assert time.perf_counter() - begun < 10


def test_many_links_are_bounded() -> None:
    markup = "".join(f'<a href="https://e.org/{number}">x</a>' for number in range(5_000))
    assert len(articles.clean(markup, base=None).links) == 200


@given(st.text(alphabet=st.sampled_from("ab <>/&;=\"'!-[]\n\r\t\x00\xad\u200b#pbrdivscript"), max_size=80))
def test_any_markup_gives_text_without_stray_white_space(markup: str) -> None:
    text = articles.clean(markup, base="https://e.org/").text
    assert text == text.strip()
    assert "  " not in text
    assert "\n\n\n" not in text


MARKUP = st.lists(
    st.sampled_from(
        [*"x&<é漢", "<p>", "</p>", "<script>", "<!--", "-->", "<a href='/x'>", "<title>", "<plaintext>", "&amp;"]
    )
).map("".join)


@given(st.lists(MARKUP, max_size=4))
def test_a_cleaner_forgets_one_text_before_the_next(texts: list[str]) -> None:
    cleaner = Cleaner()
    assert [cleaner.clean(text, base="https://e.org/") for text in texts] == [
        articles.clean(text, base="https://e.org/") for text in texts
    ]


@given(st.text(max_size=60).filter(lambda text: "<" not in text and "&" not in text))
def test_plain_text_loses_no_word(text: str) -> None:
    shown = articles.clean(text, base=None).text
    kept = "".join(letter for letter in text if not letter.isspace() and (letter.isprintable() or ord(letter) > 0x9F))
    assert [letter for letter in kept if letter in shown or not "\ud800" <= letter <= "\udfff"] == [
        letter for letter in "".join(shown.split()) if letter.isprintable() or ord(letter) > 0x9F
    ]

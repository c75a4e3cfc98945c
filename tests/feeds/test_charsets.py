"""The real encoding of a document."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.feeds.kit import markup
from tests.feeds.documents import item, read, rss

TITLE = "Café žluťoučký 東京 Привет"


def _titled(title: str, encoding: str, *, declared: str | None = None) -> bytes:
    declaration = f'<?xml version="1.0" encoding="{declared}"?>' if declared else '<?xml version="1.0"?>'
    return rss(item(1, title=title), declaration=declaration).encode(encoding)


@pytest.mark.parametrize(
    ("title", "encoding", "declared", "header"),
    [
        ("Привет мир", "windows-1251", "windows-1251", ""),
        ("東京の記事", "iso-2022-jp", "iso-2022-jp", ""),
        ("新聞報導", "big5", "big5", ""),
        ("서울 뉴스", "euc-kr", "euc-kr", ""),
        ("مرحبا", "windows-1256", "windows-1256", ""),
        # names of the web that Python does not know
        ("東京の記事", "shift_jis", "x-sjis", ""),
        ("新闻报道", "gbk", "", "x-gbk"),
        ("שלום", "iso-8859-8", "iso-8859-8-i", ""),
        # the header counts before the document, unless it names UTF-8 and the bytes are none
        ("Привет", "windows-1251", "iso-8859-1", "windows-1251"),
        ("Ščerba", "iso-8859-2", "iso-8859-2", "utf-8"),
        # the bytes count before both
        (TITLE, "utf-8-sig", "iso-8859-1", "us-ascii"),
        (TITLE, "utf-16-be", "iso-8859-1", "us-ascii"),
        (TITLE, "utf-16", "iso-8859-1", "us-ascii"),
        (TITLE, "utf-32", "iso-8859-1", "us-ascii"),
    ],
)
def test_an_encoding_is_read_from_the_bytes_the_header_or_the_document(
    title: str, encoding: str, declared: str, header: str
) -> None:
    content = _titled(title, encoding, declared=declared or None)
    content_type = f"text/xml; charset={header}" if header else ""
    assert read(content, content_type=content_type).entries[0].title == title


def test_declared_utf8_with_one_bad_byte_stays_utf8() -> None:
    content = _titled(f"{TITLE} X", "utf-8", declared="utf-8").replace(b" X", b" \xe9")
    reading = read(content)
    assert reading.entries[0].title == f"{TITLE} \ufffd"
    assert reading.remarks == ("1 byte is not UTF-8",)


@pytest.mark.parametrize("declared", ["utf-8", "us-ascii"])
def test_without_one_letter_of_utf8_a_few_other_bytes_are_windows_1252(declared: str) -> None:
    reading = read(_titled("It X s a caf\xe9", "cp1252", declared=declared).replace(b" X ", b"\x92"))
    assert reading.entries[0].title == "It’s a café"
    assert reading.remarks == ("declared as UTF-8, but is windows-1252; read as windows-1252",)


@pytest.mark.parametrize("declared", ["utf-8", None])
@pytest.mark.parametrize(
    ("encoding", "title"),
    [
        ("windows-1251", "Суд приостановил решение регулятора о блокировке мессенджера"),
        ("shift_jis", "総務省は通信事業者に行政指導を実施した。電波法の改正案を閣議決定しました。"),
        ("euc-kr", "법원이 메신저 차단 명령을 중지했다. 규제 기관이 통신사에 과징금을 부과했다."),
        ("windows-1252", "Größere Städte würden gefördert, erklärte der Minister"),
        ("windows-1256", "علقت المحكمة قرار الهيئة التنظيمية بحجب تطبيق المراسلة وقدم الوزير مشروع الرخصة"),
    ],
)
def test_an_undeclared_encoding_is_guessed_by_its_letters_and_windows_1252_for_latin_ones(
    encoding: str, title: str, declared: str | None
) -> None:
    assert read(_titled(title, encoding, declared=declared)).entries[0].title == title


def test_utf8_under_another_name_is_seen_through() -> None:
    reading = read(_titled(TITLE, "utf-8", declared="iso-8859-1"))
    assert reading.entries[0].title == TITLE
    assert reading.remarks == ("declared as cp1252, but is UTF-8; read as UTF-8",)


@pytest.mark.parametrize("name", ["x-unknown", "rot13", "base64", "idna", "utf-16", "none", "\x00"])
def test_an_encoding_that_is_none_is_passed_over(name: str) -> None:
    content = _titled(TITLE, "utf-8").replace(b'"1.0"?', f'"1.0" encoding="{name}"?'.encode())
    assert read(content).entries[0].title == TITLE


@given(st.text(max_size=100))
def test_utf8_is_never_changed(text: str) -> None:
    if not text.startswith(("<\0", "\0<", "{\0", "\0{", "\ufeff")):
        assert markup.decode(text.encode(), "text/xml; charset=utf-8").text == text

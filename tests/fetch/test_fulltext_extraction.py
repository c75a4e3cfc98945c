from __future__ import annotations

import subprocess
import sys

import pytest

from bot.fetch import fulltext

WORDS = "Der Regler verlangt Zugriff auf die Server des Anbieters, weil er Verschlüsseltes für gefährlich hält. " * 4


def _page(head: str = "") -> str:
    return f"<html><head>{head}<title>t</title></head><body><article><p>{WORDS}</p></article></body></html>"


@pytest.mark.parametrize(
    ("page", "content_type"),
    [
        (_page().encode(), "text/html"),
        (_page().encode("utf-8-sig"), "text/html; charset=iso-8859-1"),
        (_page().encode("cp1252"), 'text/html; charset="ISO-8859-1"'),
        (_page('<meta charset="windows-1252">').encode("cp1252"), "text/html"),
        (_page('<meta http-equiv="Content-Type" content="text/html; charset=latin1">').encode("cp1252"), ""),
        (_page('<meta charset="utf-8">').encode(), "text/html; charset=us-ascii; charset=nonsense"),
        (_page().encode("utf-16"), "text/html"),
    ],
)
def test_a_page_is_decoded_as_its_server_or_itself_says_unless_that_is_wrong(page: bytes, content_type: str) -> None:
    text = fulltext.main_text(page, content_type=content_type)
    assert text is not None
    assert "Verschlüsseltes für gefährlich" in text


def test_comments_are_left_out() -> None:
    page = _page().replace(
        "</body>", "<div id=comments class=comments><p>First! I disagree with this.</p></div></body>"
    )
    assert "disagree" not in (fulltext.main_text(page.encode()) or "")


def test_trafilatura_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, bot.fetch.fulltext; sys.exit('trafilatura' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

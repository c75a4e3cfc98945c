"""Characters that steer, turn or hide text never pass; text in any script does."""

from __future__ import annotations

import json
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.model import visible

#: Characters by category. The planes left out have only ideographs and private characters.
CATEGORIES = {chr(code): unicodedata.category(chr(code)) for code in (*range(0x20000), *range(0xE0000, 0xE1000))}
#: Characters that may never reach a screen, from every block.
UNFIT = [char for char, category in CATEGORIES.items() if category in ("Cc", "Cs", "Zl", "Zp")]
FORMAT = [char for char, category in CATEGORIES.items() if category == "Cf"]
#: Format characters that are written and seen: signs of Arabic, Syriac, Kaithi and Egyptian, and the joiners.
SHOWN = {char for char in FORMAT if unicodedata.name(char, "").startswith(("ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"))}
HOSTILE = st.text(st.sampled_from([*UNFIT[:70], *FORMAT, "a", "B", " ", "é", "\u0647", "\U0001f469"]), max_size=40)


def unfit(text: str) -> set[str]:
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp", "Cf")} - SHOWN


@given(HOSTILE)
def test_no_control_and_no_invisible_mark_is_left_and_cleaning_twice_is_cleaning_once(text: str) -> None:
    joiners = {"\u200c", "\u200d"}
    assert unfit(visible.line(text)) <= joiners
    assert unfit(visible.dropped(text)) <= joiners
    assert unfit(visible.lines(text)) <= joiners | {"\n", "\t"}
    for clean in (visible.line, visible.lines, visible.dropped):
        assert clean(clean(text)) == clean(text)


def test_no_format_character_makes_two_names_of_one_look() -> None:
    names = [f"Reu{char}ters" for char in FORMAT if char not in SHOWN]
    assert {clean(name) for name in names for clean in (visible.line, visible.dropped)} == {"Reuters"}


@pytest.mark.parametrize(
    "text",
    [
        "BlackBerry quits Pakistan, says the PTA",
        "می‌خواهم",
        "क्‍ष",
        "👩‍🚒 ☀️ 1️⃣",
        "Ελλάδα, Türkçe, 한국어, 日本語, עברית, العربية",
    ],
)
def test_text_of_any_script_stays_as_it_is(text: str) -> None:
    assert visible.line(text) == visible.dropped(text) == visible.lines(text) == text


def test_a_line_is_as_long_as_was_asked_for() -> None:
    assert visible.line("word " * 1_000, 20) == "word word word word…"


@given(st.text())
def test_json_says_the_same_with_escapes(text: str) -> None:
    document = visible.json_text(json.dumps({text: [text]}, ensure_ascii=False, indent=1))
    assert not {char for char in document if unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")} - {"\n"}
    assert json.loads(document) == {text: [text]}


def test_the_quick_look_passes_nothing_that_the_slow_one_would_change(monkeypatch: pytest.MonkeyPatch) -> None:
    characters = [*UNFIT, *FORMAT, *map(chr, range(0, 0x20000, 16))]
    quick = [visible.lines(f"é{char}é") for char in characters]
    monkeypatch.setattr(visible, "_SUSPECT", re.compile(""))
    assert [visible.lines(f"é{char}é") for char in characters] == quick


#: Names of parameters that hold a secret, and of some that only look like it.
SECRETS = (
    *("access_key", "user_key", "code", "hash", "sig", "accessToken", "X-Amz-Signature", "jwt", "sid", "auth_code"),
    *("pass", "pw", "credential", "session", "PHPSESSID", "connect.sid", "X-Amz-Credential", "otp", "access", "hmac"),
    *("ticket", "authorization"),
)
HARMLESS = ("side", "accessible", "zip", "keyword", "author", "design")


def address_with(value: str, *names: str) -> str:
    return f"https://x.example/?{'&'.join(f'{name}={value}' for name in names)}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (address_with("0123456789", *SECRETS), address_with("***", *SECRETS)),
        (address_with("0123456789", *HARMLESS), address_with("0123456789", *HARMLESS)),
        ("https://x.example/?a=1&amp;sig=abc.def-ghi: 403", "https://x.example/?a=1&amp;sig=***: 403"),
        ("https://x.example/?sig=99aa99aa#token=SECRET", "https://x.example/?sig=***#token=***"),
        ("https://x.example/?sig=99aa99aa#passage", "https://x.example/?sig=***#passage"),
        ("imaps://me@x.example:pw@mail.example/INBOX", "imaps://***@mail.example/INBOX"),
        ("postgresql://bot@db.example/news", "postgresql://bot@db.example/news"),
        ("https://medium.example/@anna/token=abcdef", "https://medium.example/@anna/token=abcdef"),
        ("token=abcdefgh is not in an address", "token=abcdefgh is not in an address"),
    ],
)
def test_a_secret_in_an_address_is_masked_wherever_text_is_shown(text: str, shown: str) -> None:
    assert visible.line(text) == visible.lines(text) == visible.dropped(text) == shown


def test_an_address_that_a_variable_holds_is_shown_as_the_variable_and_its_path_nowhere() -> None:
    visible.conceal("https://private.example/0a1b2c3d/feed?format=rss", "env:PRIVATE_FEED")
    assert visible.line("https://private.example/0a1b2c3d/feed?format=rss: 403") == "env:PRIVATE_FEED: 403"
    document = visible.json_text('{"url": "https://private.example/0a1b2c3d/feed?format=rss"}')
    assert json.loads(document) == {"url": "env:PRIVATE_FEED"}
    # After a redirect, and without its query, too.
    for moved in ("https://other.example/0a1b2c3d/feed", "https://other.example/0a1b2c3d/feed?format=rss"):
        assert visible.line(f"now at {moved}") == "now at https://other.example/***"


def test_a_path_that_is_shown_with_a_concealed_query_is_shown_elsewhere_too() -> None:
    visible.conceal("https://x.example/shown-path/feed?token=SECRET", "https://x.example/shown-path/feed?token=***")
    assert visible.line("https://y.example/shown-path/feed: 403") == "https://y.example/shown-path/feed: 403"

"""A panic of a library in Rust, which is no Exception, costs one text its sentences or numbers, and nothing else."""

from __future__ import annotations

import pytest
import sentencex
from hypothesis import example, given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.language import extensions, numbers, sentences

#: sentencex 1.0.32 panics at a capital letter, a space of more than one byte and a full stop.
WIDE = "\u00a0"
TEXT = f"Eat more of vitamin B{WIDE}. Ask your doctor."


def boundaries(text: str) -> list[dict[str, object]]:
    return list(extensions.call(sentencex.get_sentence_boundaries, [], "en", text))


def test_the_text_panics_where_nothing_is_done_about_it() -> None:
    with pytest.raises(BaseException, match="not a char boundary") as raised:
        sentencex.get_sentence_boundaries("en", TEXT)
    assert not isinstance(raised.value, Exception)


def test_a_text_at_which_the_library_panics_is_taken_as_unsplit_and_logged_once() -> None:
    with capture_logs() as logs:
        assert boundaries(TEXT) == []
        assert boundaries(TEXT) == []
    assert len(logs) <= 1, "another test may have been the first"
    assert len(boundaries("Eat more of it. Ask your doctor.")) == 2


def test_a_wide_space_before_a_full_stop_parts_no_word_and_keeps_the_sentences() -> None:
    assert [span.text for span in sentences.split(TEXT)] == [f"Eat more of vitamin B{WIDE}. Ask your doctor."]
    other = f"Plan B{WIDE}. It costs 5{WIDE}million euros. Nobody pays."
    assert [span.text for span in sentences.split(other)][-1] == "Nobody pays."


def test_errors_and_cancellations_are_not_taken_for_panics() -> None:
    def interrupted() -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        extensions.call(interrupted, 0)


@example("B\u1680.")
@example("x\u2028A\u3000. B\u202f.")
@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("AB .!\u00a0\u2028\u3000\u1680“”")), max_size=60))
def test_no_text_panics(text: str) -> None:
    for language in ("en", "fr", "ja", "xx"):
        sentences.split(text, language)
        numbers.in_digits(text, language)

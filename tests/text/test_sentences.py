"""Where sentences start and end, in many languages and in text that feeds have damaged."""

from __future__ import annotations

import pytest
import sentencex
from hypothesis import example, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from bot.text import extensions, numbers, sentences
from bot.text.sentences import Fault


def texts(text: str, language: str | None = "en") -> list[str]:
    return [span.text for span in sentences.split(text, language)]


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "It paid $3.5bn to J. K. Rowling. She agreed.", ["It paid $3.5bn to J. K. Rowling.", "She agreed."]),
        ("en", "It was lifted, police said.The firm left.", ["It was lifted, police said.", "The firm left."]),
        ("en", "The order is of Nov. 30. No reply came.", ["The order is of Nov. 30.", "No reply came."]),
        ("en", "It met at 5 p.m. GMT, he said. Why?", ["It met at 5 p.m. GMT, he said.", "Why?"]),
        ("en", "It met at 5 p.m. NATO was told.", ["It met at 5 p.m.", "NATO was told."]),
        ("fr", "M. Dupont part le 30 nov. 2015. Il a dit non.", ["M. Dupont part le 30 nov. 2015.", "Il a dit non."]),
        ("de", "Am 30. November endet die Frist. Schluss.", ["Am 30. November endet die Frist.", "Schluss."]),
        ("ru", "Это т. е. всё. Он ушёл.", ["Это т. е. всё.", "Он ушёл."]),
        ("ur", "کمپنی جا رہی ہے۔ حکومت نے کہا۔", ["کمپنی جا رہی ہے۔", "حکومت نے کہا۔"]),
        ("ar", "هل هذا صحيح؟ نعم.", ["هل هذا صحيح؟", "نعم."]),
        ("hi", "कंपनी जा रही है। सरकार ने कहा।", ["कंपनी जा रही है।", "सरकार ने कहा।"]),
        ("zh", "公司退出。为什么？", ["公司退出。", "为什么？"]),
        ("en", "کمپنی جا رہی ہے۔ حکومت نے کہا۔", ["کمپنی جا رہی ہے۔", "حکومت نے کہا۔"]),
        ("xx-YY", "It left. It is gone.", ["It left.", "It is gone."]),
        (None, "It left. It is gone.", ["It left.", "It is gone."]),
        (
            "en",
            '"We cannot. It went too far," said Beard. He left.',
            ['"We cannot. It went too far," said Beard.', "He left."],
        ),
        ("ja", "撤退する。「できない。」と述べた。", ["撤退する。", "「できない。」と述べた。"]),
    ],
)
def test_a_sentence_ends_where_its_language_or_its_script_ends_it(
    language: str | None, text: str, expected: list[str]
) -> None:
    assert texts(text, language) == expected


def test_no_sentence_runs_over_a_blank_line_or_out_of_a_heading() -> None:
    text = "What the order says about servers and keys in Pakistan\nThe order is of July\n\nThe firm left."
    parts = texts(text)
    assert parts[-1] == "The firm left."
    assert not any("Pakistan\nThe" in part for part in parts)


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


# -- whole sentences of the article are fit; cut ones and the page's furniture are not


@pytest.mark.parametrize(
    "sentence",
    [
        '"We cannot comply," said Marty Beard, the chief operating officer.',
        "iPhone sales fell by 5% in the third quarter.",
        "The newsletter of the ministry named three companies.",
        "By Monday the deadline had passed without an answer.",
        "Read literally, the order bans every encrypted service.",
        "„Wir gehen“, sagte der Chef des Unternehmens am Montag.",
        "La société a dit « non » au régulateur du Pakistan.",
        "کمپنی نے کہا کہ وہ پاکستان چھوڑ رہی ہے۔",
        "监管机构要求访问公司的服务器。",
    ],
)
def test_a_whole_sentence_of_news_is_fit(sentence: str) -> None:
    assert sentences.fault(sentence) is None


@pytest.mark.parametrize(
    ("sentence", "fault"),
    [
        ("BlackBerry will leave Pakistan after the regulator [+1234 chars]", Fault.CUT),
        ("BlackBerry will leave Pakistan after the", Fault.CUT),
        ("The company gave three reasons:", Fault.CUT),
        ("and the regulator said that it would wait.", Fault.HEADLESS),
        ("“We cannot comply with this order in Pakistan.", Fault.TORN_QUOTE),
        ("The order (which dates from July covers servers.", Fault.TORN_QUOTE),
        ("He left.", Fault.TOO_SHORT),
        ("word " * 400 + "end.", Fault.TOO_LONG),
        ("Pos. | Driver | Points and nothing else in this line.", Fault.BOILERPLATE),
        ("We use cookies to give you the best experience on our site.", Fault.BOILERPLATE),
        ("Read more about the order in our technology section.", Fault.BOILERPLATE),
        ("Follow us on Twitter and Facebook for the latest news.", Fault.BOILERPLATE),
        ("The post BlackBerry leaves Pakistan appeared first on Tech Blog.", Fault.BOILERPLATE),
        ("By Ayesha Khan, Staff Reporter of the Daily Gazette.", Fault.BOILERPLATE),
        ("Reporting by Ayesha Khan in Lahore; editing by John Smith.", Fault.BOILERPLATE),
        ("© 2015 The Daily Gazette, Lahore, Pakistan and its licensors.", Fault.BOILERPLATE),
        ("Lesen Sie auch: Was die Verordnung für die Nutzer bedeutet.", Fault.BOILERPLATE),
    ],
)
def test_a_sentence_that_is_not_shown_has_its_reason(sentence: str, fault: Fault) -> None:
    assert sentences.fault(sentence) is fault


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("LAHORE, Dec 2 (Reuters) - BlackBerry is leaving.", "BlackBerry is leaving."),
        ("WATERLOO, Ontario — BlackBerry is leaving.", "BlackBerry is leaving."),
        ("London (Capital News Service) - BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LONDON, 25 November 2026 (Capital Wire & Post) – BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LONDON, Nov. 25, 2026 /Capitalwire/ -- BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LONDON--(CAPITAL WIRE)--BlackBerry is leaving.", "BlackBerry is leaving."),
        ("ST. PAUL, Minn. — BlackBerry is leaving.", "BlackBerry is leaving."),
        ("(Capital Wire) LONDON - BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LAHORE (AP) — BlackBerry — the firm — is leaving.", "BlackBerry — the firm — is leaving."),
        ("BES (BlackBerry Enterprise Service) - a server - is leaving.",) * 2,
        ("Acme (London) - BlackBerry's maker - is leaving.",) * 2,
        ("BlackBerry (BB) is leaving.", "BlackBerry (BB) is leaving."),
    ],
)
def test_a_dateline_is_not_part_of_the_sentence(text: str, rest: str) -> None:
    assert text[sentences.dateline_length(text) :] == rest


@pytest.mark.parametrize(
    ("line", "is_boilerplate"),
    [
        ("Abonnieren Sie unseren Newsletter und bleiben Sie auf dem Laufenden.", True),
        ("Suscríbete a nuestro canal y activa las notificaciones.", True),
        ("Подпишитесь на наш канал, чтобы быть в курсе событий.", True),
        ("اشترك في قناتنا ليصلك كل جديد.", True),
        ("チャンネル登録をお願いします。", True),
        ("Follow the gazette's blog for the latest news.", True),
        ("If you suspect that you have the virus you should call (not visit) your doctor.", True),
        ("Terms apply.", True),
        ("We are funded by readers.", True),
        ("Exhibit at Ports Live 2016: stands from £3,400.", True),
        ("Support local journalism: subscribe from 99 cents.", True),
        ("在线订阅服务的收入去年增长了一成。", False),
        ("El diario suscribió el acuerdo con el sindicato el martes.", False),
        ("Il ministro si è iscritto al partito di Roma nel 2015.", False),
        ("Book publisher Harlow was sold for £3bn.", False),
        ("We are funded by the ministry, the port said.", False),
        ("If you own one of the recalled cars, Acme will call this week.", False),
        ("Ministers follow the events in Lahore as closely as anybody here.", False),
    ],
)
def test_invitations_and_standing_advice_are_boilerplate_and_news_of_the_same_words_is_not(
    line: str, is_boilerplate: bool
) -> None:
    assert sentences.is_boilerplate(line) == is_boilerplate


def test_a_short_last_paragraph_is_a_footer_as_a_whole_where_one_of_its_sentences_is_the_outlets() -> None:
    def own(text: str) -> list[str]:
        return [span.text for span in sentences.without_footer(sentences.split(text, "en"))]

    assert own("The ban ends.\n\nYou are reading the feed. Donate. Was it blocked?") == ["The ban ends."]
    assert own("The ban ends.\n\nThe firm was told.") == ["The ban ends.", "The firm was told."]
    assert own("The ban ends. Donate.") == ["The ban ends.", "Donate."]
    long = "The order of the regulator covers some five thousand companies that have servers in the country, it said."
    assert own(f"The ban ends.\n\n{long} {long} Donate.")[1:] == [long, long, "Donate."]


# -- a panic of a library in Rust, which is not an Exception, costs one text its sentences or numbers, and nothing else


#: sentencex 1.0.32 panics at a capital letter, a space of more than one byte and a full stop.
WIDE = "\u00a0"
TEXT = f"Eat more of vitamin B{WIDE}. Ask your doctor."


def boundaries(text: str) -> list[dict[str, object]]:
    return list(extensions.call(sentencex.get_sentence_boundaries, [], "en", text))


def test_a_text_at_which_the_library_panics_is_taken_as_unsplit_and_logged_once() -> None:
    with capture_logs() as logs:
        assert boundaries(TEXT) == []
        assert boundaries(TEXT) == []
    assert len(logs) <= 1, "another test may have been the first"
    assert len(boundaries("Eat more of it. Ask your doctor.")) == 2


def test_a_wide_space_before_a_full_stop_parts_no_word_and_keeps_the_sentences() -> None:
    assert texts(TEXT) == [TEXT]
    assert texts(f"Plan B{WIDE}. It costs 5{WIDE}million euros. Nobody pays.")[-1] == "Nobody pays."


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

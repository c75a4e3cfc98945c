"""Whole sentences of the article are fit; cut ones and the page's furniture are not."""

from __future__ import annotations

import pytest

from bot.language import sentences
from bot.language.sentences import Fault


@pytest.mark.parametrize(
    "sentence",
    [
        "The regulator moved the deadline to 30 December.",
        '"We cannot comply," said Marty Beard, the chief operating officer.',
        "iPhone sales fell by 5% in the third quarter.",
        "Google was fined over cookies that it set without consent.",
        "The newsletter of the ministry named three companies.",
        "By Monday the deadline had passed without an answer.",
        "Share prices of the company fell by a tenth.",
        "Follow-up talks with the regulator failed last week.",
        "Reporters said that Twitter and Facebook were blocked.",
        "The photo of the minister was taken in Lahore.",
        "Read literally, the order bans every encrypted service.",
        "Subscribers of the service were told on Monday.",
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
        ("BlackBerry will leave Pakistan after the regulator …", Fault.CUT),
        ("BlackBerry will leave Pakistan after the regulator [...]", Fault.CUT),
        ("BlackBerry will leave Pakistan after the regulator [+1234 chars]", Fault.CUT),
        ("BlackBerry will leave Pakistan after the", Fault.CUT),
        ("The company gave three reasons:", Fault.CUT),
        ("and the regulator said that it would wait.", Fault.HEADLESS),
        ("… the regulator said that it would wait.", Fault.HEADLESS),
        ("“We cannot comply with this order in Pakistan.", Fault.TORN_QUOTE),
        ("The order (which dates from July covers servers.", Fault.TORN_QUOTE),
        ("He left.", Fault.TOO_SHORT),
        ("word " * 400 + "end.", Fault.TOO_LONG),
        ("Pos. | Driver | Points and nothing else in this line.", Fault.BOILERPLATE),
        ("We use cookies to give you the best experience on our site.", Fault.BOILERPLATE),
        ("By continuing to browse the site you agree to our use of cookies.", Fault.BOILERPLATE),
        ("Read more about the order in our technology section.", Fault.BOILERPLATE),
        ("Also read: India once asked BlackBerry for the same keys.", Fault.BOILERPLATE),
        ("Sign up for our daily newsletter and never miss a story.", Fault.BOILERPLATE),
        ("Follow us on Twitter and Facebook for the latest news.", Fault.BOILERPLATE),
        ("Share this article with your friends on social media.", Fault.BOILERPLATE),
        ("The post BlackBerry leaves Pakistan appeared first on Tech Blog.", Fault.BOILERPLATE),
        ("This article was originally published on The Conversation.", Fault.BOILERPLATE),
        ("By Ayesha Khan, Staff Reporter of the Daily Gazette.", Fault.BOILERPLATE),
        ("Reporting by Ayesha Khan in Lahore; editing by John Smith.", Fault.BOILERPLATE),
        ("Photo: the head office of BlackBerry in Waterloo, Ontario.", Fault.BOILERPLATE),
        ("BlackBerry's head office in Waterloo (Photo by John Smith/Getty Images).", Fault.BOILERPLATE),
        ("© 2015 The Daily Gazette, Lahore, Pakistan and its licensors.", Fault.BOILERPLATE),
        ("Lesen Sie auch: Was die Verordnung für die Nutzer bedeutet.", Fault.BOILERPLATE),
        ("Nous utilisons des cookies pour améliorer votre visite ici.", Fault.BOILERPLATE),
    ],
)
def test_a_sentence_that_is_not_shown_has_its_reason(sentence: str, fault: Fault) -> None:
    assert sentences.fault(sentence) is fault


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("LAHORE, Dec 2 (Reuters) - BlackBerry is leaving.", "BlackBerry is leaving."),
        ("WATERLOO, Ontario — BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LONDON, Nov 25 (Capital Wire) - BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LONDON (Capital Wire) — BlackBerry is leaving.", "BlackBerry is leaving."),
        ("London (Capital News Service) - BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LONDON, 25 November 2026 (Capital Wire & Post) – BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LONDON, Nov. 25, 2026 /Capitalwire/ -- BlackBerry is leaving.", "BlackBerry is leaving."),
        ("LONDON--(CAPITAL WIRE)--BlackBerry is leaving.", "BlackBerry is leaving."),
        ("ST. PAUL, Minn. — BlackBerry is leaving.", "BlackBerry is leaving."),
        ("(Capital Wire) LONDON - BlackBerry is leaving.", "BlackBerry is leaving."),
        ("DES MOINES, Iowa (Capital Wire) — BlackBerry is leaving.", "BlackBerry is leaving."),
        ("NRW — Natural Resources Wales — says that BlackBerry is leaving.",) * 2,
        ("LAHORE (AP) — BlackBerry — the firm — is leaving.", "BlackBerry — the firm — is leaving."),
        ("BES (BlackBerry Enterprise Service) - a server - is leaving.",) * 2,
        ("Acme (London) - BlackBerry's maker - is leaving.",) * 2,
        ("BlackBerry (BB) is leaving.", "BlackBerry (BB) is leaving."),
        ("PTA officials said no.", "PTA officials said no."),
    ],
)
def test_a_dateline_is_not_part_of_the_sentence(text: str, rest: str) -> None:
    assert text[sentences.dateline_length(text) :] == rest


@pytest.mark.parametrize(
    "line",
    [
        "Abonnieren Sie unseren Newsletter und bleiben Sie auf dem Laufenden.",
        "Abonnez-vous à notre chaîne pour ne rien manquer.",
        "Suscríbete a nuestro canal y activa las notificaciones.",
        "Inscreva-se no canal e receba as notícias do dia.",
        "Iscriviti al canale per non perdere le notizie.",
        "Подпишитесь на наш канал, чтобы быть в курсе событий.",
        "اشترك في قناتنا ليصلك كل جديد.",
        "チャンネル登録をお願いします。",
    ],
)
def test_an_invitation_is_furniture_in_other_languages_too(line: str) -> None:
    assert sentences.is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        "在线订阅服务的收入去年增长了一成。",
        "El diario suscribió el acuerdo con el sindicato el martes.",
        "Assinei o contrato, disse o ministro em Brasília.",
        "Il ministro si è iscritto al partito di Roma nel 2015.",
    ],
)
def test_news_of_the_same_words_is_no_furniture(line: str) -> None:
    assert not sentences.is_boilerplate(line)


@pytest.mark.parametrize(
    ("line", "is_furniture"),
    [
        ("Follow the gazette's blog for the latest news.", True),
        ("Read back through today's events here.", True),
        ("If you suspect that you have the virus you should call (not visit) your doctor.", True),
        ("Terms apply.", True),
        ("Donate.", True),
        ("We are funded by readers.", True),
        ("Exhibit at Ports Live 2016: stands from £3,400.", True),
        ("Support local journalism: subscribe from 99 cents.", True),
        ("Book publisher Harlow was sold for £3bn.", False),
        ("Order books grew from €2bn.", False),
        ("We are funded by the ministry, the port said.", False),
        ("If you own one of the recalled cars, Acme will call this week.", False),
        ("Ministers follow the events in Lahore as closely as anybody here.", False),
    ],
)
def test_standing_advice_and_pointers_to_a_blog_are_furniture(line: str, is_furniture: bool) -> None:
    assert sentences.is_boilerplate(line) == is_furniture


def test_a_short_last_paragraph_is_a_footer_as_a_whole_where_one_of_its_sentences_is_the_outlets() -> None:
    def own(text: str) -> list[str]:
        return [span.text for span in sentences.without_footer(sentences.split(text, "en"))]

    assert own("The ban ends.\n\nYou are reading the feed. Donate. Was it blocked?") == ["The ban ends."]
    assert own("The ban ends.\n\nThe firm was told.") == ["The ban ends.", "The firm was told."]
    assert own("The ban ends. Donate.") == ["The ban ends.", "Donate."]
    long = "The order of the regulator covers some five thousand companies that have servers in the country, it said."
    assert own(f"The ban ends.\n\n{long} {long} Donate.")[1:] == [long, long, "Donate."]

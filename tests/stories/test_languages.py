"""Decisions and deadlines told in other languages than English."""

from __future__ import annotations

from datetime import date

import pytest

from bot.stories import news
from bot.stories.news import languages
from tests.stories.updates import article, story

EARLIER = {
    "es": ("Pulso entre el gobierno y la plataforma", "El gobierno y la plataforma de mensajes discuten desde mayo."),
    "fr": ("Bras de fer avec la plateforme", "Le gouvernement et la plateforme de messages discutent depuis mai."),
    "de": ("Streit um die Plattform", "Die Regierung und die Plattform für Nachrichten streiten seit Mai."),
    "pt": ("Disputa com a plataforma", "O governo e a plataforma de mensagens discutem desde maio."),
    "ar": ("خلاف مع المنصة", "تتفاوض الحكومة مع منصة الرسائل منذ مايو."),
    "ur": ("پلیٹ فارم سے تنازع", "حکومت اور پیغامات کے پلیٹ فارم میں مئی سے بات چیت جاری ہے۔"),
}

STATED = [
    ("es", "El gobierno prohibió la plataforma de mensajes en todo el país.", "banned"),
    ("es", "El regulador ha multado a la plataforma con tres millones de euros.", "fined"),
    ("es", "El tribunal suspendió la orden contra la plataforma.", "suspended"),
    ("es", "El gobierno amplió el plazo de la plataforma de mensajes.", "delayed"),
    ("es", "El Congreso aprueba la ley de plataformas", "approved"),
    ("es", "El ministro de Comunicaciones ha dimitido por la plataforma.", "resigned"),
    ("fr", "Le gouvernement a interdit la plateforme de messages.", "banned"),
    ("fr", "Les députés ont adopté la loi sur les plateformes.", "approved"),
    ("fr", "L'autorité a infligé une amende de dix millions à la plateforme.", "fined"),
    ("fr", "Le tribunal a suspendu l'ordre donné à la plateforme.", "suspended"),
    ("fr", "La date de l'audience de la plateforme a été reportée.", "delayed"),
    ("fr", "Le ministre lève l'interdiction de la plateforme", "lifted"),
    ("de", "Die Regierung hat die Plattform für Nachrichten verboten.", "banned"),
    ("de", "Der Bundestag verabschiedete das Gesetz über Plattformen.", "approved"),
    ("de", "Das Gericht hob den Bescheid gegen die Plattform auf.", "lifted"),
    ("de", "Die Behörde verhängte gegen die Plattform eine Geldbuße von drei Millionen Euro.", "fined"),
    ("de", "Die Abschaltung der Plattform wurde um einen Monat verschoben.", "delayed"),
    ("de", "Der Minister ist wegen der Plattform zurückgetreten.", "resigned"),
    ("pt", "O governo proibiu a plataforma de mensagens.", "banned"),
    ("pt", "O Senado aprovou a lei das plataformas.", "approved"),
    ("pt", "O tribunal suspendeu a ordem contra a plataforma.", "suspended"),
    ("pt", "O regulador multou a plataforma em dois milhões de reais.", "fined"),
    ("pt", "A audiência da plataforma foi adiada.", "delayed"),
    ("pt", "O juiz revogou a decisão sobre a plataforma.", "lifted"),
    ("ar", "حظرت الحكومة منصة الرسائل في البلاد.", "banned"),
    ("ar", "وافق البرلمان على قانون المنصات.", "approved"),
    ("ar", "رفضت المحكمة طلب المنصة.", "rejected"),
    ("ar", "فرضت الهيئة غرامة على المنصة.", "fined"),
    ("ar", "أجّلت المحكمة جلسة المنصة.", "delayed"),
    ("ar", "استقال وزير الاتصالات بسبب المنصة.", "resigned"),
    ("ur", "حکومت نے پیغامات کے پلیٹ فارم پر پابندی عائد کر دی۔", "banned"),
    ("ur", "پارلیمنٹ نے پلیٹ فارم کے قانون کی منظوری دے دی۔", "approved"),
    ("ur", "عدالت نے پلیٹ فارم کی درخواست مسترد کر دی۔", "rejected"),
    ("ur", "پی ٹی اے نے پلیٹ فارم پر جرمانہ عائد کیا۔", "fined"),
    ("ur", "عدالت نے پلیٹ فارم کے خلاف حکم معطل کر دیا۔", "suspended"),
    ("ur", "پلیٹ فارم کے سربراہ مستعفی ہو گئے۔", "resigned"),
]
#: Not done, may be, asked for, a question, or a word of the same form.
NOT_STATED = [
    ("es", "El gobierno no prohibió la plataforma de mensajes."),
    ("es", "El gobierno podría prohibir la plataforma de mensajes."),
    ("es", "La oposición pide que el gobierno suspenda la plataforma."),
    ("es", "¿Prohíbe el gobierno la plataforma?"),
    ("es", "Los dueños de la plataforma hablaron de productos prohibidos."),
    ("fr", "Le gouvernement n'a pas interdit la plateforme de messages."),
    ("fr", "Le gouvernement pourrait interdire la plateforme de messages."),
    ("fr", "L'opposition demande que le tribunal suspende la plateforme."),
    ("fr", "La plateforme vend un rapport annuel."),
    ("de", "Die Regierung hat die Plattform nicht verboten."),
    ("de", "Die Regierung könnte die Plattform verbieten."),
    ("de", "Die Opposition fordert, dass die Plattform verboten wird."),
    ("de", "Der Streit um die verbotene Plattform hält an."),
    ("pt", "O governo não proibiu a plataforma de mensagens."),
    ("pt", "O governo poderia proibir a plataforma de mensagens."),
    ("pt", "A oposição pediu que o juiz suspendesse a plataforma."),
    ("ar", "لم تحظر الحكومة منصة الرسائل."),
    ("ar", "قد تحظر الحكومة منصة الرسائل."),
    ("ar", "هل تحظر الحكومة المنصة؟"),
    ("ur", "حکومت نے پلیٹ فارم پر پابندی نہیں لگائی۔"),
    ("ur", "حکومت پلیٹ فارم پر پابندی لگا سکتی ہے۔"),
    ("ur", "اپوزیشن نے پلیٹ فارم پر پابندی کا مطالبہ کیا۔"),
]
DEADLINES = [
    ("es", "La plataforma tiene de plazo hasta el 30 de diciembre para responder."),
    ("fr", "La plateforme doit répondre avant le 30 décembre."),
    ("de", "Die Plattform muss bis zum 30. Dezember antworten."),
    ("pt", "A plataforma tem prazo até 30 de dezembro para responder."),
    ("ar", "أمام المنصة مهلة حتى 30 ديسمبر للرد."),
    ("ur", "پلیٹ فارم کو 30 دسمبر تک جواب دینا ہے۔"),
]


def told(language: str, sentence: str) -> list[tuple[str, str]]:
    title, text = EARLIER[language]
    earlier = article(title, text, name="first", language=language)
    later = article("", sentence, language=language)
    return [(fact.kind, fact.label) for fact in news.facts(story(earlier), later) if not fact.is_sentence]


@pytest.mark.parametrize(("language", "sentence", "label"), STATED)
def test_a_decision_is_told_in_its_language(language: str, sentence: str, label: str) -> None:
    assert told(language, sentence) == [("decision", label)]


@pytest.mark.parametrize(("language", "sentence"), NOT_STATED)
def test_what_is_denied_may_be_or_is_asked_for_is_no_decision(language: str, sentence: str) -> None:
    assert told(language, sentence) == []


@pytest.mark.parametrize(("language", "sentence"), DEADLINES)
def test_a_deadline_is_read_in_its_language(language: str, sentence: str) -> None:
    found = news.deadlines(story(article("", sentence, language=language)))
    assert [deadline.day for deadline in found] == [date(2015, 12, 30)]


def test_the_same_decision_in_another_form_of_its_language_is_told_once() -> None:
    title, text = EARLIER["es"]
    first = article(title, text, name="first", language="es")
    second = article("", "El gobierno prohibió la plataforma.", name="second", language="es")
    third = article(
        "", "La prohibición de la plataforma entra en vigor, y el gobierno ha prohibido su uso.", language="es"
    )
    assert [fact.label for fact in news.facts(story(first, second), third) if not fact.is_sentence] == []


def test_the_clause_shown_is_the_articles_own() -> None:
    title, text = EARLIER["de"]
    later = article("", "Die Regierung hat die Plattform für Nachrichten verboten.", language="de")
    (fact,) = (
        fact
        for fact in news.facts(story(article(title, text, name="first", language="de")), later)
        if not fact.is_sentence
    )
    assert fact.after == "hat die Plattform für Nachrichten verboten"


@pytest.mark.parametrize("language", ["es", "fr", "de", "pt", "ar", "ur"])
def test_each_language_has_the_decisions_that_every_desk_watches(language: str) -> None:
    cues = languages.of(language)
    assert cues is not None
    labels = {turn.label for turn in cues.turns}
    assert {
        "banned",
        "approved",
        "rejected",
        "delayed",
        "suspended",
        "lifted",
        "fined",
        "ordered",
        "cancelled",
    } <= labels


def test_a_language_without_cues_is_read_as_before() -> None:
    assert languages.of("en") is None
    later = article("", "Правительство запретило платформу.", language="ru")
    assert [
        f for f in news.facts(story(article("Спор", "Спор о платформе.", name="a")), later) if not f.is_sentence
    ] == []

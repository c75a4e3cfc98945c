"""The facts in a later article that the story did not have, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.model.stories import CORRECTION, Article, ArticleId, Fact
from bot.stories import facts
from bot.stories.facts import changes as changes_of
from bot.stories.facts import claims as claims_of
from bot.stories.facts.news import probability
from tests.testbed.updates import article

FIRST = article(
    "Ofcom fines Northlink £20m over failed 999 calls",
    "The regulator has fined Northlink £20 million after a fault left customers unable to reach the emergency "
    "services. Some 14,000 calls failed, Ofcom said. The company has until 30 December to pay.",
    name="first",
)
LATER = date(2015, 12, 9)


def find_news(title: str, text: str, *, earlier: Article = FIRST, language: str = "en") -> tuple[Fact, ...]:
    later = article(title, text, outlet="Metro", day=LATER, language=language)
    return facts.news(facts.claims_of([earlier]), facts.read(later))


def changes(title: str, text: str) -> list[tuple[str, str | None, str]]:
    return [(fact.kind, fact.before, fact.after) for fact in find_news(title, text) if not fact.is_sentence]


COUNTED = "Ofcom now says 11,400 emergency calls failed during the Northlink fault, not 14,000."
MOVED = "Ofcom has moved the date for Northlink to pay its fine from 30 December to 30 January 2016."


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        ("CORRECTION: Northlink 999 outage", COUNTED, [("number", "14,000", "11,400")]),
        ("Northlink wins extra month to pay", MOVED, [("date", "30 December", "30 January 2016")]),
        (
            "Ofcom lowers Northlink tally",
            "That makes 11,400 emergency calls in the Northlink fault, not 14,000, and no new ones in 12,500 hours.",
            [("number", "14,000", "11,400")],
        ),
        ("Northlink in numbers", "Some 14,000 calls failed at Northlink. It was 9,600 in the worst hour.", []),
        ("Correction", "Some 14,000 calls failed at 3,000 homes of Northlink. It was 9,600.", []),
        ("Northlink apologises", "Some 14,000 calls failed at Northlink. In May 2013 it was 9,600.", []),
        ("Northlink: what is known", "An earlier fine of £45m on Northlink was cut on appeal in 2013.", []),
        ("Northlink: what is known", "Seven more calls failed at Northlink, on top of the 14,000.", []),
        ("Northlink: what is known", "A woman of 81 years called Northlink 12 times.", []),
    ],
)
def test_a_value_that_replaces_the_storys_is_reported_with_it_and_no_other_value_is(
    title: str, text: str, expected: list[tuple[str, str, str]]
) -> None:
    assert changes(title, text) == expected


DEAL = (
    "Helios to buy Brimstone for $4.1 billion",
    "Helios agreed to buy Brimstone. The deal is expected to close in the first half of 2027.",
)
RUMOUR = ("Helios in talks to buy Brimstone, sources say", "Helios is in talks to buy Brimstone, two people said.")
BREACH = (
    "Northwind data breach hits 850,000 patients",
    "Northwind Health said the personal data of 850,000 patients was stolen in the March attack.",
)


@pytest.mark.parametrize(
    ("earlier", "title", "text", "expected"),
    [
        (
            DEAL,
            "Helios delays closing of Brimstone deal",
            "Helios said its deal to buy Brimstone will now close in the second half of 2027.",
            ("closing", "first half of 2027", "second half of 2027"),
        ),
        (
            (
                "Zephyr rocket to launch in early 2027",
                "Zephyr Space plans the first launch of its rocket in early 2027.",
            ),
            "Zephyr delays first launch to late 2027",
            "",
            ("start", "early 2027", "late 2027"),
        ),
        (
            BREACH,
            "Northwind says data of 1.2 million people stolen",
            "Northwind Health now says that 1.2 million people had personal data stolen in the attack in March.",
            ("", "850,000", "1.2 million"),
        ),
        (BREACH, "Northwind to expand", "Northwind Health, which treats 1.3 million people, will expand.", None),
        (
            ("Northlink has until 15 January to pay", "The fine of Northlink is due by 15 January."),
            "Northlink fined",
            "Northlink was fined $4 million and has until Saturday, 30 January, not 15 January, to pay.",
            ("deadline", "15 January 2016", "30 January 2016"),
        ),
        (
            ("The trial of Helios to begin in April", "The trial of Helios is to begin in April, the court said."),
            "Helios trial moved",
            "The trial of Helios was moved from April to June, the court said.",
            ("hearing", "April 2016", "June 2016"),
        ),
        (
            ("Vexport and Mazur merge", "Vexport expects its merger with Mazur to close in June, it said."),
            "Vexport merger takes longer",
            "Vexport now expects the merger with Mazur to close in August because of a delay at the regulator.",
            ("closing", "June 2016", "August 2016"),
        ),
        (
            ("Sizewell plant to start in 2025", "The owner says the Sizewell plant will begin to generate in 2025."),
            "Sizewell plant delayed",
            "The Sizewell plant will not begin to generate until 2027, a delay of two years.",
            ("start", "2025", "2027"),
        ),
        (
            ("Vexport and Mazur merge", "Vexport expects its merger with Mazur to close in June, it said."),
            "Vexport results",
            "Sales of Vexport, which merges with Mazur, rose from April to August and will rise until 2017.",
            None,
        ),
    ],
)
def test_moved_periods_and_changed_counts_of_people_are_reported_as_changes(
    earlier: tuple[str, str], title: str, text: str, expected: tuple[str, str, str] | None
) -> None:
    stated = find_news(title, text, earlier=article(*earlier, name="earlier"))
    changed = [(fact.label, fact.before, fact.after) for fact in stated if fact.before]
    assert changed == ([expected] if expected else [])


def test_a_confirmation_with_a_price_a_count_or_a_day_is_quoted_even_soon_after_the_first_report() -> None:
    claims = facts.claims_of([article(*RUMOUR, name="rumour")])

    def quoted(title: str) -> list[str]:
        return [fact.sentence for fact in facts.news(claims, facts.read(article(title, "", outlet="Metro")))]

    with_price = "Helios confirms takeover of Brimstone for $4.1 billion"
    assert quoted(with_price) == [with_price]
    with_day = "Helios confirms takeover of Brimstone by 30 December"
    assert quoted(with_day) == [with_day]
    with_count = "Helios acknowledges that Brimstone has 1.4 million customers"
    assert quoted(with_count) == [with_count]
    assert quoted("Helios confirms talks with Brimstone") == []


def test_a_sentence_that_repeats_the_headline_and_adds_only_the_day_of_the_report_is_not_quoted() -> None:
    recall = article(
        "Kestrel Foods recalls baby formula over contamination",
        "Kestrel Foods is recalling baby formula after bacteria were found in two lots.",
        name="recall",
    )
    title = "Kestrel Foods withdraws recall of baby formula"
    stated = find_news(
        title, "Kestrel Foods withdrew its recall of baby formula on Tuesday after tests.", earlier=recall
    )
    assert [(fact.sentence, fact.mark) for fact in stated] == [(title, "Withdrawn")]


def test_the_sentence_of_a_change_is_told_once_however_it_writes_the_value() -> None:
    text = "Ofcom has moved the date for Northlink to pay its fine from December 30 to January 30, 2016."
    result = find_news("Northlink wins extra month to pay Ofcom fine", text)

    assert [fact.before for fact in result if fact.sentence == text] == ["30 December"]


def test_what_the_nearest_other_story_has_told_is_not_told_again() -> None:
    correction = article("CORRECTION: Northlink 999 outage", COUNTED, outlet="Metro", day=LATER)
    story, other = facts.claims_of([FIRST]), facts.claims_of([FIRST, correction])
    repeated = facts.read(replace(correction, id=ArticleId("b"), fingerprint="b", title="Northlink: a new count"))

    assert [fact.before for fact in facts.news(story, repeated) if fact.before] == ["14,000"]
    assert [fact.before for fact in facts.news(story, repeated, lambda: [other]) if fact.before] == []


def perhaps(title: str, text: str, *, day: date = LATER) -> list[str]:
    later = article(title, text, outlet="Metro", day=day)
    news, further = facts.news_and_more(facts.claims_of([FIRST]), facts.read(later))
    assert news == facts.news(facts.claims_of([FIRST]), facts.read(later))
    return [fact.sentence for fact in further]


def test_to_choose_from_are_the_sentences_that_the_story_lacks_and_that_are_not_told_anyway() -> None:
    title = "Northlink in talks"
    text = "Its chief met Ofcom. Some 14,000 calls failed, Ofcom said. Will it win?"
    assert find_news(title, text) == ()
    assert perhaps(title, text) == [title, "Its chief met Ofcom."]

    text = (
        "Ofcom now says 11,400 calls failed, not 14,000. It found an error in its sums. Its chief met staff in Leeds."
    )
    stated = [fact.sentence for fact in find_news("Northlink 999 outage", text)]
    assert set(perhaps("Northlink 999 outage", text)).isdisjoint(stated)
    assert any("Its chief met staff in Leeds." in quote for quote in perhaps("Northlink 999 outage", text))


def test_of_an_article_that_surely_brings_nothing_new_there_is_nothing_to_choose_from() -> None:
    text = "The regulator Ofcom has fined Northlink 20 million pounds after emergency calls failed."

    assert perhaps("Ofcom fines Northlink £20m over 999 calls", text, day=FIRST.when.date()) == []
    assert perhaps(FIRST.title, FIRST.text) == []


def test_a_sentence_that_goes_from_one_value_to_another_is_read_in_that_order() -> None:
    earlier = article("Stays shortened", "Visa-free stays are cut from 60 days to 30 days.", name="visa")
    result = find_news("Thailand in a nutshell", "Yes, visa-free stays go from 60 to 30 days.", earlier=earlier)

    assert [(fact.before, fact.after) for fact in result if fact.before] == []


def test_a_lowered_fine_is_told_by_alignment_with_the_storys_statement() -> None:
    title = "Ofcom trims Northlink fine to £18m over failed 999 calls"
    assert ("number", "£20 million", "£18 million") in changes(title, "The regulator found an error in its sums.")


def test_a_decision_is_quoted_whole_with_its_article_and_link() -> None:
    text = "Northlink has lodged an appeal with the Competition Appeal Tribunal against the penalty."
    result = find_news("Northlink appeals against Ofcom's 999 fine", f"{text} A hearing is set for 14 March 2016.")
    assert [fact.kind for fact in result] == ["sentence"] * len(result)
    assert f"{text} A hearing is set for 14 March 2016." in [fact.sentence for fact in result]
    assert {(fact.article, fact.outlet, fact.link) for fact in result} == {
        (ArticleId("later"), "Metro", "https://news.example/later")
    }


APPEAL = "Northlink has lodged an appeal with the Competition Appeal Tribunal against the penalty."


def quotes(text: str, title: str = "Northlink appeals against Ofcom's 999 fine") -> list[str]:
    later = article(title, text, outlet="Metro", day=LATER)
    shown = [fact for item in facts.news_and_more(facts.claims_of([FIRST]), facts.read(later)) for fact in item]
    return [fact.sentence for fact in shown if fact.is_sentence and fact.sentence != title]


POLE = "Chief executive Adrian Pole told reporters in Leeds that the regulator Ofcom had made an error in its sums."
ANSWER = "Has Northlink lodged an appeal? Yes, for 14 March 2016."
LONG = f"Northlink has lodged an appeal {'with the Competition Appeal Tribunal ' * 12}against the penalty."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{APPEAL} It is 14 March 2016.", [f"{APPEAL} It is 14 March 2016."]),
        (f"{APPEAL} The company paused its sales.", [f"{APPEAL} The company paused its sales."]),
        (f"{APPEAL} {POLE}", [POLE, APPEAL]),
        (ANSWER, [ANSWER]),
        (f"{LONG} It is 14 March 2016.", ["It is 14 March 2016.", LONG]),
    ],
    ids=["a bare day", "no subject", "its own subject", "an answer", "too long for one quote"],
)
def test_a_sentence_is_quoted_with_the_preceding_one_if_it_needs_it(text: str, expected: list[str]) -> None:
    assert sorted(quotes(text)) == expected


def test_a_headline_is_quoted_without_what_sort_of_item_it_is_and_one_of_no_content_not_at_all() -> None:
    assert find_news("UPDATE 2: Northlink appeals against Ofcom's 999 fine", "")[0].sentence.startswith("Northlink app")
    assert "Correction" not in [fact.sentence for fact in find_news("Correction", COUNTED)]


def test_a_number_is_named_by_the_word_that_goes_with_it() -> None:
    assert find_news("CORRECTION: Northlink 999 outage", COUNTED)[0].label == "emergency calls"


@pytest.mark.parametrize(
    ("title", "text", "expected"),
    [
        (
            "Correction",
            "Our item on Northlink gave the calls that failed as 14,000. It was 9,600.",
            ("14,000", "9,600"),
        ),
        ("For the record", "Our item on Northlink said 14,000 calls failed. Ofcom says 41,000.", ("14,000", "41,000")),
        (
            "Correction: Northlink",
            "We gave the day by which Northlink has to pay as 30 December. It is 31 December.",
            ("30 December", "31 December"),
        ),
    ],
)
def test_a_correction_tells_in_one_sentence_what_was_wrong_and_in_the_next_what_is_right(
    title: str, text: str, expected: tuple[str, str]
) -> None:
    [fact] = [fact for fact in find_news(title, text) if not fact.is_sentence]
    assert (fact.before, fact.after) == expected
    assert fact.sentence == text


def test_a_sum_replaces_no_sum_that_was_for_something_else() -> None:
    first = article("Czech spectrum auction to begin", "The reserve price is £900 million in Prague.", name="one")
    later = article("Czech spectrum auction ends in Prague", "It took a week: £1.4 billion.", outlet="Metro", day=LATER)
    assert changes_of.changes(facts.claims_of([first]), facts.read(later)) == ()


def test_a_headline_that_asks_is_not_quoted() -> None:
    sentences = [
        fact.sentence for fact in find_news("Northlink: how many calls failed?", f"{COUNTED} It has a new chair.")
    ]
    assert sentences[0].startswith("Ofcom now says 11,400")
    assert not any(sentence.endswith("?") for sentence in sentences)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Northlink fined £20m by Ofcom for failed 999 calls", "Some 14,000 emergency calls failed in the fault."),
        ("Northlink and Ofcom: the £20m fine explained", "What happened, and who was hit by the fault."),
    ],
)
def test_the_known_in_other_forms_and_words_is_not_told(title: str, text: str) -> None:
    assert find_news(title, text) == ()


def test_a_number_beside_the_storys_own_replaces_nothing() -> None:
    first = article("Zorina job cuts start to hit nearly 13,000 workers", "The maker of planes told staff.", name="one")
    title = "Zorina to lay off more than 13,000 workers including 6,700 involuntary job cuts"
    later = article(title, "Some 5,500 staff leave of their own will.", outlet="Metro", day=LATER)
    assert changes_of.changes(facts.claims_of([first]), facts.read(later)) == ()
    # Not if both are in two sentences about the same thing either.
    later = article("Zorina to lay off 6,700 workers of its job cuts", title, outlet="Metro", day=LATER)
    assert changes_of.changes(facts.claims_of([first]), facts.read(later)) == ()


def test_a_sentence_that_has_the_new_value_of_a_change_in_words_is_not_quoted_beside_it() -> None:
    earlier = article("Two dead in Leeds mill blast", "Two people died in the blast at the Leeds mill.", name="first")
    text = (
        "Five workers are now known to have died after a boiler exploded. The owner, Ann Hale, was arrested on Tuesday."
    )
    added = find_news("Death toll in mill blast rises to 5", text, earlier=earlier)
    assert [fact.after for fact in added] == ["5", "The owner, Ann Hale, was arrested on Tuesday."]


def test_one_sentence_is_quoted_where_the_next_ones_add_no_turn_number_or_day() -> None:
    background = "The tribunal sits in Salisbury Square House, and hears cases about regulators of many industries."
    title = "Northlink appeals against Ofcom's 999 fine"
    assert [fact.sentence for fact in find_news(title, f"{APPEAL} {background}")] == [title]


def test_a_new_headline_is_quoted_also_if_only_the_text_has_a_new_number() -> None:
    title = "Northlink gets rescue after 999 fine"
    text = "The cobblers' guild, which runs 22 shops in Leeds, lent the money."
    assert title in [fact.sentence for fact in find_news(title, text)]


def test_a_correction_is_quoted_with_the_sentence_that_has_the_right_words() -> None:
    right = "The tally was taken by Ofcom, not by Northlink as we had it."
    assert right in [fact.sentence for fact in find_news("Correction: Ofcom Vote On Northlink", right)]


def test_a_report_of_talk_alone_is_less_probably_news_than_a_report_of_a_deed() -> None:
    talk, deed = (
        probability(facts.claims_of([FIRST]), facts.read(article(title, "", outlet="Metro", day=LATER)))
        for title in ("Northlink chief warns staff over 999 fine", "Northlink chief sacks staff over 999 fine")
    )
    assert talk < deed


@pytest.mark.parametrize("label", ["COMMENT", "Analysis"])
def test_a_text_labelled_as_comment_is_less_probably_news(label: str) -> None:
    title, text = "Northlink board admits cracks", "The question is what its chief will do about it now."
    plain, comment = (
        probability(facts.claims_of([FIRST]), facts.read(article(title, start + text, outlet="Metro", day=LATER)))
        for start in ("", f"{label}: ")
    )
    assert comment < plain


def test_a_deed_that_the_story_reports_in_another_word_is_not_news() -> None:
    first = article("Minister Pole quits over 999 fine", "Adrian Pole left the government.", name="one", day=LATER)
    source = article("Minister Pole resigns over 999 fine", "Adrian Pole left the government.", name="b", day=LATER)
    assert facts.news(facts.claims_of([first]), facts.read(source)) == ()


def test_what_was_told_once_is_not_told_again() -> None:
    first = article("Northlink appeals fine", "Northlink has appealed to the tribunal.", name="a", day=LATER)
    source = article("Appeal by Northlink", "Northlink has lodged an appeal to the tribunal.", name="b", day=LATER)
    claims = facts.claims_of([FIRST, first])
    assert facts.news(claims, facts.read(source)) == ()


def test_the_opening_article_a_copy_and_an_empty_article_have_no_news() -> None:
    assert facts.news(facts.StoryClaims(), facts.read(FIRST)) == ()
    assert facts.news(facts.claims_of([FIRST]), facts.read(FIRST)) == ()
    assert find_news("", "") == ()


def test_a_toll_is_aligned_across_languages_by_its_meaning() -> None:
    spanish = article("Sismo deja cuatro muertos en Chala", "Hay cuatro fallecidos en Chala.", name="s", language="es")
    later = article("Death toll in Chala quake rises to 11", "Rescuers found seven bodies in a hotel.", day=LATER)
    news = changes_of.changes(facts.claims_of([spanish]), facts.read(later))
    assert [(new.label, new.before, new.after) for new in news] == [("deaths", "4", "11")]


def test_the_claims_of_a_story_are_bounded_however_many_articles_join() -> None:
    claims = facts.StoryClaims()
    for number in range(600):
        text = f"Town {number} has {7 * number} homes without service. Engineer Tom{number} of unit {number} was sent."
        title = f"Northlink fault {number}: {number + 3} towns hit"
        claims.add(facts.read(article(title, text, name=str(number), day=FIRST.when.date() + timedelta(hours=number))))
    assert len(claims.words) <= claims_of.WORDS
    assert len(claims.stated) <= claims_of.NUMBERS
    assert len(claims.statements) <= claims_of.STATEMENTS


def test_a_live_page_adds_to_itself() -> None:
    claims = facts.claims_of([FIRST])
    text = "Adrian Pole is to leave Northlink at the end of the month. Finance director Jill Tranter takes over."
    after = article("Northlink chief quits over Ofcom's 999 fine", text, name="first", day=LATER)
    after = replace(after, fingerprint="second")
    assert facts.news_of_version(claims, after)
    assert claims.count == 1


@given(st.text(max_size=120), st.text(max_size=200))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_facts_without_an_error(title: str, text: str) -> None:
    for fact in find_news(title, text):
        assert fact.after
        assert fact.sentence


def test_a_live_page_and_an_unsure_join_state_no_change_that_their_sentence_does_not_state() -> None:
    first = article("Quake near Chala kills 12", "The quake near Chala killed 12 people.", name="one")
    later = article("Quake near Chala: death toll at 31", "The quake killed 31 people near Chala.", day=LATER)
    live = replace(later, title=f"LIVE: {later.title}")
    claims = facts.claims_of([first])

    assert [fact.before for fact in facts.news(claims, facts.read(later)) if fact.before] == ["12"]
    assert [fact.before for fact in facts.news(claims, facts.read(later), sure=0.8) if fact.before] == []
    assert [fact.before for fact in facts.news(claims, facts.read(live)) if fact.before] == []


@pytest.mark.parametrize(
    ("title", "kinds"),
    [
        ("Regulator denies plan to block Northlink", ("deny",)),
        ("Northlink chief denied bail", ()),
        ("Northlink was denied entry to the tender", ()),
        ("Northlink chief released on bail", ("free",)),
        ("Northlink released a statement", ()),
        ("Court quashes Northlink fine", ("reverse",)),
        ("Prosecutors drop charges against Northlink chief", ("acquit",)),
        ("Northlink chief not guilty of fraud", ()),
        ("Patron de Northlink relâché", ("free",)),
        ("Northlink dementiert Pläne", ("deny",)),
    ],
)
def test_a_turn_is_meant_where_it_is_neither_negated_nor_open(title: str, kinds: tuple[str, ...]) -> None:
    language = "fr" if "relâché" in title else "de" if "Pläne" in title else "en"
    reading = facts.read(article(title, "", language=language))
    assert reading.statements[0].turns == kinds


def test_who_is_cleared_of_nothing_that_was_reported_is_not_marked() -> None:
    later = article("Road to Northlink offices cleared of snow", "Crews cleared the road.", outlet="Metro", day=LATER)
    assert all(not fact.mark for fact in facts.news(facts.claims_of([FIRST]), facts.read(later)))


def test_a_correction_without_its_words_in_the_headline_is_marked_and_its_regret_is_not_quoted() -> None:
    text = "An earlier version of this article misstated the fine on Northlink. We regret the error. — kw"
    result = find_news("Northlink and the regulator", text)
    assert [fact.mark for fact in result] == [CORRECTION] * len(result) != []
    assert not any("regret" in fact.sentence for fact in result)

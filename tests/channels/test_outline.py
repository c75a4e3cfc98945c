"""A message as an outline: what is first, what is marked as cut, and that it is bounded whatever a feed says."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.channels.kit import outline, phrases, rendering
from bot.channels.kit.outline import OutlineLine, Style
from bot.model.messages import Echo, Listing, Message
from bot.testing import hostile, messages


def texts(lines: tuple[OutlineLine, ...], style: Style) -> list[str]:
    return [line.text for line in lines if line.style is style]


@pytest.mark.parametrize(
    ("evidence", "shown"),
    [
        ([("pta", "title", "PTA"), ("regulator", "title", "PTA")], "PTA in the headline (regulator)"),
        ([("agency", "title", "PTA"), ("regulator", "title", "pta")], "PTA in the headline (agency, regulator)"),
        ([("pta", "title", "PTA"), ("regulator", "body", "PTA")], "PTA in the headline · PTA in the text (regulator)"),
        ([("pta", "title", "PTA"), ("pta", "title", "Pta")], "PTA in the headline"),
        ([("law*", "body", "laws"), ("law*", "title", "law")], "laws, law in the headline and the text"),
    ],
)
def test_why_names_a_word_once_for_the_lines_of_a_rule_that_it_satisfies(
    evidence: list[tuple[str, str, str]], shown: str
) -> None:
    places = tuple(
        # The lines of this rule without a name are pta and law*.
        messages.evidence(label, label if label in ("pta", "law*") else "PTA", field, text)
        for label, field, text in evidence
    )
    assert phrases.format_evidence(replace(messages.WHY, evidence=places), 400) == shown


@pytest.mark.parametrize(
    ("echoes", "shown"),
    [
        ((Echo(origin="Reuters", owner_count=5),), "5 outlets, all citing Reuters"),
        (
            (Echo(origin="Reuters", owner_count=3), Echo(origin="AFP", owner_count=2)),
            "5 outlets, 3 citing Reuters, 2 citing AFP",
        ),
    ],
)
def test_outlets_that_only_repeat_one_report_are_counted_with_its_name(echoes: tuple[Echo, ...], shown: str) -> None:
    view = replace(messages.VIEW, owner_count=5, copy_count=0, echoes=echoes)
    assert phrases.count_outlets(view) == shown
    # All have one headline, so no list follows.
    post = replace(messages.POST, story=replace(messages.ALONE, owner_count=5, echoes=echoes))
    assert outline.build_lines(post)[2].text.endswith(shown.removeprefix("5 outlets").removeprefix(", "))


def test_a_headline_of_an_article_that_is_not_a_report_names_its_form() -> None:
    view = messages.VIEW
    assert view.byline is not None
    opinions = replace(
        view,
        byline=replace(view.byline, form="opinion"),
        coverage=tuple(replace(line, form="live") for line in view.coverage),
    )
    lines = outline.build_lines(replace(messages.GROWN, story=opinions))
    assert lines[2].text == "The Wire · 2 Dec 09:02 UTC · opinion"
    assert [line.text.partition(" UTC")[2] for line in lines if line.style is Style.ITEM] == [" · live"]


def test_copies_are_counted_also_where_no_other_headline_is_listed() -> None:
    alone = replace(messages.GROWN, story=replace(messages.VIEW, coverage=(), coverage_count=0, owner_count=1))
    assert outline.build_lines(alone)[2].text == "The Wire · 2 Dec 09:02 UTC · 1 copy"


def gathered(count: int) -> Listing:
    stories = tuple(replace(messages.VIEW, summary=messages.VIEW.summary * 3) for _ in range(count))
    return replace(messages.LISTING, stories=stories, public_url="https://wirewatch.example/")


def test_a_gathered_message_shows_the_whole_headline_and_the_link_of_each_story() -> None:
    for room in outline.ROOMS[:-2]:
        runs = [run for line in outline.build_lines(gathered(20), room) for run in line.runs]
        assert [run.text for run in runs if run.link == messages.WIRE and run.is_bold] == 20 * [
            messages.VIEW.title.text
        ]


def test_a_sentence_or_a_figure_of_another_outlet_names_that_outlet_in_a_list_of_stories() -> None:
    first, second = messages.LISTING.stories
    (sentence, *_) = second.summary
    second = replace(second, summary=(replace(sentence, outlet="Karachi Herald"),))
    listed = replace(messages.LISTING, stories=(first, second))
    assert f"{sentence.text} — Karachi Herald" in texts(outline.build_lines(listed), Style.QUOTE)
    figure = replace(messages.NEW_FACT.facts[0], outlet="Karachi Herald")
    many = replace(messages.LISTING, stories=(replace(first, latest=figure),) * 20)
    shown = texts(outline.build_lines(many, outline.ROOMS[1]), Style.ITEM)
    assert shown
    assert all("15 December → 30 December (Karachi Herald)" in text for text in shown if "→" in text)
    assert any("→" in text for text in shown)


STORIES = "https://wirewatch.example/stories"
LOOK = replace(gathered(2), left_out=(("Backdoor demands", 7), ("PTA orders", 1)))


@pytest.mark.parametrize(
    ("message", "room", "text", "link"),
    [
        (replace(messages.WIDE_POST, public_url=""), outline.ROOMS[0], "and 3 more", ""),
        (gathered(30), outline.ROOMS[-1], "and 25 more", STORIES),
        (replace(gathered(30), public_url=""), outline.ROOMS[-1], "and 25 more", ""),
        (LOOK, outline.ROOMS[0], "Not listed: 7 of Backdoor demands, 1 of PTA orders · all stories", STORIES),
        (replace(LOOK, public_url=""), outline.ROOMS[0], "Not listed: 7 of Backdoor demands, 1 of PTA orders", ""),
    ],
)
def test_what_is_left_out_is_counted_and_linked_where_there_is_a_page(
    message: Message, room: outline.Room, text: str, link: str
) -> None:
    [line] = [line for line in outline.build_lines(message, room) if line.text == text]
    assert line.runs[-1].link == link


def test_without_room_quotes_and_facts_are_cut() -> None:
    short = outline.build_lines(messages.EDIT, outline.ROOMS[-1])
    assert any(quote.endswith("…") for quote in texts(short, Style.QUOTE))
    facts = replace(messages.NEW_FACT, facts=messages.NEW_FACT.facts * 10)
    assert "and 8 more" in texts(outline.build_lines(facts), Style.ITEM)


def test_whatever_a_feed_says_an_outline_has_no_empty_line() -> None:
    lines = [line for message in hostile.ALL for line in outline.build_lines(message)]
    assert all(line.text.strip() for line in lines)


def test_the_latest_change_is_quoted_where_nothing_says_what_its_numbers_count() -> None:
    fact = replace(
        messages.NEW_SENTENCE, kind="number", label="", before="132", after="128", sentence="128 were on board."
    )
    edit = replace(messages.GROWN, latest=fact)
    assert "128 were on board." in " ".join(line.text for line in outline.build_lines(edit))
    named = replace(edit, latest=replace(fact, label="passengers"))
    assert "passengers: 132 → 128" in " ".join(line.text for line in outline.build_lines(named)).lower()


def test_a_sentence_that_another_quotes_too_is_quoted_once() -> None:
    first, two = "The pill was delayed.", "It is due on 3 August."
    output = [replace(messages.NEW_SENTENCE, sentence=value) for value in (first, f"{first} {two}", two)]
    assert [fact.sentence for fact in phrases.quoted_facts(output)] == [f"{first} {two}"]


def test_without_styles_an_edit_is_the_old_wording_and_the_new_one() -> None:
    edit = replace(messages.CORRECTION.facts[0], before="", after="Police are on the scene")
    text = rendering.plain_message(replace(messages.CORRECTION, facts=(edit,)))
    assert text.splitlines()[-2:] == ["was: (nothing)", "now: Police are on the scene"]


def test_words_that_are_only_removed_or_only_added_are_marked() -> None:
    runs = outline.diff_words("Toll is 12 police say", "Toll is now 12", limit=200)
    assert [(run.text, run.is_struck, run.is_bold) for run in runs] == [
        ("Toll is", False, False),
        ("now", False, True),
        ("12", False, False),
        ("police say", True, False),
    ]

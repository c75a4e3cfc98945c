"""A story in short: its headline and headlines of others, why it matched, its sentences, and the marked words."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.channels.kit import phrases
from bot.model.messages import Sentence
from bot.model.rules import Severity
from bot.model.stories import SURE_FROM, JoinReason, Member
from bot.stories import summaries
from bot.text import sentences
from tests.stories.members import article, match, member, rule, story

TEXT = "BlackBerry will leave Pakistan after the PTA asked for a backdoor. The order covers 5,000 companies there."


def marked(sentence: Sentence) -> str:
    return "".join(f"*{span.text}*" if span.is_marked else span.text for span in sentence.spans)


def both() -> tuple[Member, Member]:
    """Two articles under one rule; the second matches more of it, and in its title."""
    first = article("Phone maker quits market", "BlackBerry will leave Pakistan, it said on Monday.", outlet="Echo")
    second = article("BlackBerry leaves Pakistan after PTA demand", TEXT, outlet="Post", minutes=5)
    return (
        member(first, match(first, "R", ("product", "body", "BlackBerry"))),
        member(
            second,
            match(second, "R", ("product", "title", "BlackBerry"), ("regulator", "title", "PTA")),
            match(second, "Law", ("regulator", "title", "PTA")),
        ),
    )


def test_a_channel_has_the_headline_of_the_first_article_that_its_rule_matches_and_no_word_of_other_rules() -> None:
    told = summaries.make_view(story(*both()), {"Law": rule("Law")})
    assert [why.rule for why in told.why] == ["Law"]
    assert marked(told.title) == "BlackBerry leaves Pakistan after *PTA* demand"
    assert [line.title for line in told.coverage] == ["Phone maker quits market"]


def test_a_message_keeps_the_headline_that_it_was_posted_with_and_its_outlet_may_correct_it() -> None:
    first, second = both()
    told = summaries.make_view(story(first, second), {"R": rule("R")}, headline=second.article.id)
    assert told.title.outlet == "Post"
    corrected = replace(second, article=replace(second.article, title="BlackBerry delays exit"))
    told = summaries.make_view(story(first, corrected), {"R": rule("R")}, headline=second.article.id)
    assert told.title.text == "BlackBerry delays exit"
    fields = {evidence.text: evidence.field for evidence in told.why[0].evidence}
    assert fields["PTA"] == "earlier version", "the outlet removed it"


def test_a_story_keeps_its_headline_where_another_article_comes_to_be_its_first() -> None:
    first, second = both()
    turned = replace(story(second, first), headline=first.article.id)
    assert summaries.story_headline(turned) == "Phone maker quits market"
    assert summaries.make_view(turned, {"R": rule("R")}).title.text == "Phone maker quits market"


def test_a_cut_headline_gives_way_to_a_whole_one() -> None:
    first = article("BlackBerry leaves Pakistan after the regulator…", TEXT, outlet="Echo")
    second = article("BlackBerry leaves Pakistan", TEXT, outlet="Post", minutes=5)
    found = [member(each, match(each, "R", ("product", "title", "BlackBerry"))) for each in (first, second)]
    assert summaries.message_headline(story(*found), {"R": rule("R")}).text == "BlackBerry leaves Pakistan"


def test_why_has_one_entry_a_rule_with_its_severity_and_each_evidence_once() -> None:
    told = summaries.make_view(story(*both()), {"R": rule("R", Severity.HIGH), "Law": rule("Law")})
    assert [(why.rule, why.severity, [each.text for each in why.evidence]) for why in told.why] == [
        ("R", Severity.HIGH, ["BlackBerry", "PTA"]),
        ("Law", Severity.NORMAL, ["PTA"]),
    ]


LEAVES, FIRE = "BlackBerry leaves Pakistan over PTA's order", "12 dead in Multan fire"


@pytest.mark.parametrize(
    ("first", "second", "lines"),
    [
        (LEAVES, "BLACKBERRY leaves Pakistan over PTA’s order", 1),
        (LEAVES, "UPDATE 2: BlackBerry leaves Pakistan over PTA's order", 1),
        (LEAVES, "BlackBerry leaves Pakistan over the PTA's order - Post", 1),
        (LEAVES, "BlackBerry leaves Pakistan over PT…", 1),
        (LEAVES, "Lawful access | BlackBerry leaves Pakistan over PTA's order", 1),
        (FIRE, "31 dead in Multan fire", 2),
        (FIRE, "12 not dead in Multan fire", 2),
        (FIRE, "12 dead in Multan fire, police deny", 2),
        (FIRE, "Multan fire: 12 dead", 2),
        ("Calder: We will win in court", "Vanta: We will win in court", 2),
        ("Vanta: Budget", "Budget", 2),
    ],
)
def test_nearly_equal_headlines_are_one_line_that_counts_them_and_others_are_two(
    first: str, second: str, lines: int
) -> None:
    titles = {"Wire": "Phone maker quits", "Echo": first, "Post": second}
    members = [
        member(article(title, TEXT, outlet=outlet, minutes=at)) for at, (outlet, title) in enumerate(titles.items())
    ]
    coverage = summaries.make_view(story(*members), {}).coverage
    assert len(coverage) == lines
    assert (coverage[-1].title, coverage[-1].outlet, coverage[-1].more) == (first, "Echo", 2 - lines)


def test_a_headline_is_known_by_its_words_after_the_topic_also_where_the_topic_came_first() -> None:
    titles = ("Coronavirus: Schools to close on Friday", "Schools to close on Friday")
    members = [member(article(titles[at % 2], TEXT, outlet=f"Outlet {at}", minutes=at)) for at in range(3)]
    brief = summaries.make_view(story(*members), {})
    assert brief.coverage == ()
    assert brief.byline is not None
    assert (brief.byline.outlet, brief.byline.more) == ("Outlet 0", 2)


def test_what_joined_with_less_than_full_certainty_is_marked() -> None:
    first, likely, sure = (article(f"Headline {at}", TEXT, outlet=f"Outlet {at}", minutes=at) for at in range(3))
    doubtful = member(likely)
    doubtful = replace(doubtful, join=replace(doubtful.join, probability=SURE_FROM - 0.01))
    known = member(sure)
    known = replace(known, join=replace(known.join, probability=SURE_FROM))
    told = summaries.make_view(story(member(first), doubtful, known), {})
    assert [(line.title, line.is_probable) for line in told.coverage] == [("Headline 2", False), ("Headline 1", True)]


def test_a_story_of_hundreds_lists_its_newest_headlines_and_counts_all() -> None:
    many = [member(article(f"BlackBerry leaves {n}", TEXT, outlet=f"Outlet {n}", minutes=n)) for n in range(300)]
    told = summaries.make_view(story(*many), {"R": rule("R")})
    assert [line.outlet for line in told.coverage] == [f"Outlet {n}" for n in range(299, 279, -1)]
    assert (told.coverage_count, told.owner_count) == (299, 300)


LONG = """LAHORE (Reuters) - BlackBerry will leave Pakistan after the regulator asked for access to its servers.

Photo: the head office of BlackBerry in Waterloo, Ontario.

BlackBerry is quitting Pakistan after the regulator asked for access to its servers. The weather in Lahore was mild \
and dry on that day. "We cannot comply. The order goes too far," said Marty Beard, the chief operating officer. The \
order covers 5,000 companies. Read more: India and BlackBerry. And the deadline was moved to…"""


def test_furniture_datelines_repetition_and_cut_ends_are_left_out() -> None:
    source = article("BlackBerry leaves Pakistan over order", LONG)
    picked = summaries.pick_sentences(source)
    assert picked[0].text == "BlackBerry will leave Pakistan after the regulator asked for access to its servers."
    assert 2 <= len(picked) <= 3
    for sentence in picked:
        assert (sentence.article, sentence.outlet, sentence.link) == (source.id, source.outlet, source.link)
        assert not any(word in sentence.text for word in ("Photo", "Read more", "…", "Reuters", "quitting"))


def test_a_sentence_with_the_matched_words_is_told_before_one_without() -> None:
    text = (
        "The company gave its figures on Tuesday in Waterloo. Sales of phones rose a little in the quarter. "
        "Costs for staff and offices fell again in the quarter. The dividend for holders of shares stays as it was. "
        "It will leave Pakistan because the PTA wants a backdoor into its servers."
    )
    source = article("Company gives quarterly figures", text)
    without = [sentence.text for sentence in summaries.pick_sentences(source, (), 2)]
    found = match(source, "R", ("regulator", "body", "PTA"), ("demand", "body", "backdoor"))
    with_match = [sentence.text for sentence in summaries.pick_sentences(source, (found,), 2)]
    assert not any("backdoor" in each for each in without)
    assert any("backdoor" in each for each in with_match)


@pytest.mark.parametrize("text", ["", "BlackBerry is leaving after the", "Advertisement"])
def test_an_article_without_a_whole_sentence_gives_none(text: str) -> None:
    assert summaries.pick_sentences(article("BlackBerry leaves Pakistan", text)) == ()


def test_right_to_left_text_keeps_its_sentences_and_marks() -> None:
    text = "بلیک بیری نے پاکستان چھوڑنے کا فیصلہ کیا ہے۔ پی ٹی اے نے کمپنی سے سرور تک رسائی مانگی تھی۔"
    source = article("بلیک بیری", text, language="ur")
    found = match(source, "R", ("regulator", "body", "پی ٹی اے"))
    told = summaries.pick_sentences(source, (found,))
    assert [sentence.text for sentence in told] == [span.text for span in sentences.split(text, "ur")]
    assert any(span.is_marked and span.text == "پی ٹی اے" for sentence in told for span in sentence.spans)


def test_a_script_without_spaces_is_told_too() -> None:
    source = article("黑莓退出", "黑莓公司宣布将退出巴基斯坦市场。监管机构要求访问其服务器。")
    picked = [sentence.text for sentence in summaries.pick_sentences(source)]
    assert picked == ["黑莓公司宣布将退出巴基斯坦市场。", "监管机构要求访问其服务器。"]


@given(st.text(alphabet="aAbB .!?…\n\"“”()[]|:;,-'é中ا۔", max_size=200), st.integers(0, 4))
@settings(max_examples=60, deadline=None)
def test_any_text_gives_only_fit_sentences_of_itself(text: str, count: int) -> None:
    told = summaries.pick_sentences(article("A title", text), (), count)
    assert len(told) <= count
    for sentence in told:
        assert sentence.text in " ".join(text.split())
        assert sentences.fault(sentence.text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [("PTA orders BlackBerry out.", 1), ("Regulator orders BlackBerry out.", 1), ("Regulator yields.", 0)],
)
def test_in_an_edited_text_the_matched_words_are_marked_where_they_are_now(text: str, words: int) -> None:
    found = match(article("PTA orders BlackBerry out.", ""), "R", ("product", "title", "BlackBerry"))
    places = summaries.find_places([found], field="title", text=text)
    assert [text[start:end] for start, end in places] == ["BlackBerry"] * words


def test_of_a_word_that_is_everywhere_a_bounded_number_of_places_is_marked() -> None:
    for word, text in (("BlackBerry", "BlackBerry " * 100_000), ("PTA", "PTA." * 250_000), ("PTA", "PTAP" * 250_000)):
        found = match(article(f"{word} x", ""), "R", ("product", "title", word))
        places = summaries.find_places([found], field="body", text=text)
        assert len(places) <= summaries.MOST_OCCURRENCES
        assert all(text[start:end] == word for start, end in places)


def test_the_number_of_outlets_is_that_of_the_listed_outlets_with_those_that_contradict() -> None:
    first = article("Army seizes airport", "", outlet="Gazette")
    second = member(article("Troops take airport", "", outlet="Herald"))
    reversal = member(article("Militia retakes airport", "", outlet="Courier"))
    reversal = replace(reversal, join=replace(reversal.join, reason=JoinReason.REVERSAL))
    copy = member(article("Army seizes airport", "", outlet="Mirror"), copy_of=first.id)
    brief = summaries.make_view(story(member(first), second, reversal, copy), {})
    assert (len(brief.lines), brief.copy_count, brief.owner_count) == (3, 1, 3)
    assert phrases.count_outlets(brief) == "3 outlets, 1 contradicts, and 1 copy"
    assert phrases.count_outlets(summaries.make_view(story(member(first), second), {})) == "2 outlets"

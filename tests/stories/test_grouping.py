"""Articles become stories: what joins, what opens a story, and what people decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.model.rules import Group
from bot.model.stories import Article, JoinReason
from bot.stories import profile
from bot.stories.index import Index
from bot.text import words
from tests.stories import examples
from tests.stories.examples import START, arrival, article, join_batch, put, threads
from tests.stories.test_wordings import TWO_EVENTS

#: The example story runs from July to December.
WINDOW = timedelta(days=200)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def index() -> Index:
    return Index(window=WINDOW)


def test_an_article_with_nothing_like_it_opens_a_story(index: Index) -> None:
    join = put(index, article("Comet seen over Quetta", "Astronomers watched a comet pass."))

    assert join.reason is JoinReason.OPENED
    assert join.detail == "no open story shares its words"


def test_a_reason_names_what_is_shared(index: Index) -> None:
    put(index, examples.EXIT)

    join = put(index, examples.AFFECTED)

    assert join.reason is JoinReason.SIMILAR
    assert "% sure that it is the same event; both say " in join.detail
    assert "both name BlackBerry, Pakistan, PTA" in join.detail
    words = join.detail.partition("both say ")[2].partition(";")[0].split(", ")
    assert not {"BlackBerry", "Pakistan", "PTA"} & set(words), "a name is not a plain word too"


def test_a_story_whose_last_article_is_too_old_is_not_joined() -> None:
    index = Index(window=14 * DAY)
    later = replace(examples.AFFECTED, first_seen=examples.EXIT.first_seen + 15 * DAY)

    first, other = threads(index, examples.EXIT, later)

    assert first != other


EXIT_AGAIN = f"{examples.EXIT.text} (Agencies)"
TITLE = "A headline of more than six words here"
WORDS, OWN_WORDS = (" ".join(f"{word}{n}" for n in range(200)) for word in ("word", "own"))
FOOTER = " ".join(f"Subscribe to our channel number {at} for all the news of the day." for at in range(12))


@pytest.mark.parametrize(
    ("first", "later", "is_copy"),
    [
        (examples.EXIT, article("Phone maker goes", EXIT_AGAIN, outlet="Mirror", at=START + DAY / 24), True),
        (article(examples.EXIT.title), article(examples.EXIT.title, outlet="Mirror"), True),
        (examples.EXIT, examples.AFFECTED, False),
        (examples.EXIT, article(examples.EXIT.title, examples.EXIT.text, at=START + 20 * DAY), False),
        (article("A court hears", WORDS), article("Another", WORDS[:900], outlet="Mirror"), True),
        (article("A court hears", WORDS), article("Another", f"{WORDS[:400]} {OWN_WORDS}", outlet="Mirror"), False),
        (article(TITLE, "one two three four"), article(TITLE, "five six seven eight", outlet="Mirror"), False),
        (
            article("Tankers wait off California", f"Two dozen tankers wait off the port. {FOOTER}"),
            article("Vaccine trials begin in Leeds", f"A vaccine is given to volunteers. {FOOTER}"),
            False,
        ),
    ],
    ids=[
        "the same text under another headline",
        "the same headline over no text",
        "its own words",
        "the same text weeks later",
        "a text with a cut end",
        "a report that quotes a passage",
        "two teasers under one headline",
        "an equal footer",
    ],
)
def test_a_syndicated_copy_joins_and_names_its_original(
    index: Index,
    first: Article,
    later: Article,
    *,
    is_copy: bool,
) -> None:
    home = put(index, first).story

    join = put(index, later)

    assert join.copy_of == (first.id if is_copy else None)
    assert not is_copy or (join.story, join.reason) == (home, JoinReason.COPY)


@pytest.mark.parametrize("is_same", [True, False])
def test_the_same_link_is_the_same_story_if_the_titles_agree_too(index: Index, *, is_same: bool) -> None:
    page = "https://gazette.example/live"
    first = put(index, article("Storm nears the coast: live updates", "Nothing yet.", link=page))

    title = "Storm nears the coast: wind falls" if is_same else "Comet over Quetta"
    second = put(index, article(title, "A calm at dawn.", link=page, outlet="Mirror"))

    assert (second.story == first.story) is is_same
    assert (second.reason is JoinReason.SAME_LINK) is is_same


FERRY = article("Ferry sinks off Manora", "The ferry Shahbaz sank off Manora island in a storm, the port says.")
CREW = article(
    "Rescue boats search for Karachi crew",
    "Boats from Karachi look for the crew of a ship lost near Keamari.",
    at=START + DAY / 8,
)
SHIP_LOST = article(
    "Ferry Shahbaz lost: rescue boats from Karachi search for its crew off Manora",
    "The ferry Shahbaz sank off Manora island. Boats from Karachi search for the crew near Keamari, the port says.",
    at=START + DAY / 4,
)


def test_an_article_that_tells_two_stories_merges_none_of_which_it_is_not_sure(index: Index) -> None:
    ferry, crew = put(index, FERRY), put(index, CREW)
    assert ferry.story != crew.story

    bridge = put(index, SHIP_LOST)

    assert bridge.merges == ()


def test_a_loaded_index_decides_as_the_one_that_grew() -> None:
    grown = Index(window=WINDOW)
    home = put(grown, examples.EXIT).story
    put(grown, examples.AFFECTED)
    loaded = Index(window=WINDOW)
    stored = examples.story(examples.EXIT, examples.AFFECTED)
    members = tuple(replace(member, join=grown.joins[member.article.id]) for member in stored.members)
    loaded.load([replace(stored, members=members)])

    assert put(grown, examples.MOVED).story == home
    assert put(loaded, examples.MOVED).story == stored.id
    assert put(grown, examples.MESSENGER).detail == put(loaded, examples.MESSENGER).detail


def test_what_is_kept_in_memory_stays_bounded_by_the_window() -> None:
    index = Index(window=2 * DAY)
    sizes = []
    for day in range(30):
        now = START + day * DAY
        index.forget(now - 2 * DAY)
        for n in range(10):
            put(index, article(" ".join(f"{word}{day}x{n}" for word in ("Alpha", "beta", "gamma", "delta")), at=now))
        fresh = " ".join(f"word{day}x{n}" for n in range(6))
        put(index, article(examples.EXIT.title, f"{examples.EXIT.text} {fresh}", at=now))
        sizes.append(
            (
                len(index.stories),
                sum(len(postings) for postings in index._by_word.values()),
                len(index._by_link),
                len(index.joins),
                sum(len(story.members) + len(story.words) + len(story.names) for story in index.stories.values()),
            )
        )

    early, late = (map(max, *part) for part in (sizes[4:12], sizes[15:]))
    assert all(now <= before for now, before in zip(late, early, strict=True))


POOL = (
    examples.EXIT,
    examples.AFFECTED,
    examples.MOVED,
    examples.MESSENGER,
    examples.MESSENGER_AGAIN,
    article("BlackBerry to leave Pakistan", outlet="Wire"),
    article("BlackBerry to leave Pakistan", outlet="Wire", link=""),
    article("BlackBerry to leave Pakistan", outlet="Echo", link=""),
    *TWO_EVENTS["two earthquakes"],
    *TWO_EVENTS["two phones"],
    article("", ""),
    article("", "5,000", link=""),
)


@settings(max_examples=15)
@given(st.permutations(POOL))
def test_the_order_inside_a_batch_does_not_change_the_stories(batch: list[Article]) -> None:
    one, other = (join_batch(Index(window=WINDOW), map(arrival, each)) for each in (batch, POOL))

    assert one == other


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text(max_size=60), st.text(max_size=200)), max_size=6))
def test_any_text_finds_a_story(texts: list[tuple[str, str]]) -> None:
    index = Index(window=WINDOW)
    batch = [article(title, text, outlet=f"Outlet{at}") for at, (title, text) in enumerate(texts)]

    joins = join_batch(index, map(arrival, batch))

    assert {join.article for join in joins} == {one.id for one in batch}
    assert index.joins.keys() == {one.id for one in batch}


def test_hundreds_of_nearly_equal_articles_are_one_story_and_another_event_among_them_is_not(index: Index) -> None:
    burst = [
        article(
            f"Regulator orders BlackBerry to open backdoor, Outlet{number} reports",
            f"The regulator has ordered BlackBerry to open a backdoor into its servers, Outlet{number} reports.",
            at=START + number * DAY / 1000,
        )
        for number in range(150)
    ]
    other = article(
        "Court fines Northlink 20 million over BlackBerry backdoor claims",
        "A court in Leeds fined Northlink for false claims about a backdoor.",
        at=START + DAY / 10,
    )

    found = [put(index, one, "backdoor", "BlackBerry", "backdoor").story for one in (*burst, other)]

    assert len(set(found[:-1])) == 1
    assert found[-1] != found[0]


@pytest.mark.parametrize(
    ("one", "other"),
    [("Orders", "order"), ("company’s", "company"), ("companies", "company"), ("5,000", "5000"), ("U.S.", "us")],
)
def test_forms_of_one_word_meet(one: str, other: str) -> None:
    assert words.stem(one) == words.stem(other)


def test_names_are_told_by_capitals_inside_sentences() -> None:
    read = profile.profile_of(
        arrival(article("Regulator moves deadline", "Today the regulator met BlackBerry in Karachi. It was short."))
    )

    assert {"blackberry", "karachi"} <= read.names.keys()
    assert not {"regulator", "today", "deadline"} & read.names.keys()


def test_a_headline_in_capitals_is_read_by_the_habit_of_the_news() -> None:
    read = profile.profile_of(arrival(article("Police Say Deadline For Pakistan Was Moved")))

    assert "pakistan" in read.names
    assert not {"police", "deadline", "moved"} & read.names.keys()


def test_an_unsure_article_opens_a_story_and_names_the_nearest(index: Index) -> None:
    opened = put(index, examples.EXIT, "rule", "PTA")
    near = put(index, examples.AFFECTED, "rule", "PTA", mode=Group.OFF)

    assert opened.near is None
    assert near.reason is JoinReason.UNSURE
    assert near.near == opened.story != near.story
    assert near.detail.startswith("nearest open story: ")


FINES = tuple(
    article(f"Ofcom fines {name} over {matter}", f"Ofcom has fined {name} for {matter}, it said.", outlet=f"Wire{at}")
    for at, (name, matter) in enumerate(
        (("Northlink", "emergency calls"), ("Calder", "missing contracts"), ("Kekchan", "age checks"))
    )
)
ROUNDUP = article(
    "The week in penalties: Northlink, Calder, Kekchan",
    "Ofcom fined Northlink over emergency calls, Calder over missing contracts and Kekchan over age checks.",
    at=START + 20 * HOUR,
    outlet="Weekly",
)


def test_a_round_up_is_a_story_of_its_own_that_nothing_joins_but_its_copies(index: Index) -> None:
    join_batch(index, [arrival(fine, "fines", "Ofcom", "fines") for fine in FINES])
    (join,) = join_batch(index, (arrival(ROUNDUP, "fines", "Ofcom", "fined"),))
    later = article(
        "Penalties of the week: Calder, Kekchan and Northlink",
        "Fined this week: Northlink over emergency calls, Calder over contracts, Kekchan over age checks.",
        at=START + 21 * HOUR,
        outlet="Echo",
    )
    copy = article(ROUNDUP.title, ROUNDUP.text, at=START + 22 * HOUR, outlet="Mirror")

    second, third = join_batch(index, (arrival(later, "fines", "Fined"), arrival(copy, "fines", "Ofcom", "fined")))

    assert join.reason is JoinReason.ROUNDUP
    assert second.story != join.story
    assert (third.story, third.reason) == (join.story, JoinReason.COPY)


@pytest.mark.parametrize("is_copy", [False, True])
def test_a_rule_that_groups_nothing_gives_each_article_its_story_except_copies(index: Index, *, is_copy: bool) -> None:
    copy = article(examples.EXIT.title, examples.EXIT.text, at=START + HOUR, outlet="Mirror")
    both = (examples.EXIT, copy if is_copy else examples.AFFECTED)

    first, other = (put(index, item, "rule", "BlackBerry", mode=Group.OFF) for item in both)

    assert (first.story == other.story) is is_copy


def test_what_people_split_is_never_joined_there_again_nor_what_is_nearer_to_it(index: Index) -> None:
    kept, apart = examples.story(examples.EXIT, examples.MOVED), examples.story(examples.AFFECTED)
    index.load([examples.story(examples.EXIT, examples.MOVED, examples.AFFECTED)])
    source = article(examples.AFFECTED.title, examples.AFFECTED.text, at=START + 9 * HOUR, outlet="Echo")

    index.split(kept, apart)
    join = put(index, source)

    assert put(index, examples.AFFECTED).story == apart.id
    assert (join.story, join.merges) == (apart.id, ())
    restarted = Index(window=WINDOW)
    restarted.load([kept], [(kept.id, examples.AFFECTED)])
    assert kept.id not in (put(restarted, source).story, put(restarted, examples.AFFECTED).story)


def test_a_live_blog_is_a_story_of_its_own_and_nothing_joins_it(index: Index) -> None:
    fined = article("Northlink fined £20m over failed calls", "Ofcom fined Northlink £20m.")
    title = "Business live blog: Northlink fined £20m over failed calls, markets fall"
    live = article(title, "Ofcom fined Northlink £20m. Shares fell in London.", outlet="Post")
    fall = article("Markets fall in London after Northlink is fined", "Shares fell in London.", outlet="Sun")

    first, blog, later = (put(index, value, "watched", "fined") for value in (fined, live, fall))

    assert blog.reason is JoinReason.ROUNDUP
    assert blog.story not in (first.story, later.story)


@pytest.mark.parametrize(
    ("title", "text"),
    [
        ("Vanta Holdings denies insolvency", "There is no truth in what was reported, Vanta Holdings said."),
        ("Correction: Vanta Holdings", "A figure was wrong."),
        ("Vanta Holdings dementiert", "Vanta Holdings hat das nicht vor und ist nicht zahlungsunfähig."),
    ],
)
def test_a_denial_or_correction_that_stays_alone_names_the_story_that_shares_its_names(
    index: Index, title: str, text: str
) -> None:
    terms = ("insolvency", "figure", "zahlungsunfähig")
    fire = article("Fire in Leeds cinema", "A fire broke out; no insolvency.", outlet="Sun")
    claim = article(
        "Vanta Holdings close to insolvency, lenders warn",
        "Lenders in Zurich warned that Vanta Holdings cannot repay a bond that falls due next week; insolvency looms.",
    )
    report, other = put(index, claim, "insolvencies", *terms), put(index, fire, "insolvencies", *terms)

    later = put(index, article(title, text, at=START + 30 * HOUR, outlet="Mirror"), "insolvencies", *terms)

    assert report.story in (later.near, later.story)
    assert other.story not in (later.near, later.story)


def test_a_denial_names_the_report_of_a_company_although_it_shares_only_the_name_on_which_the_rule_matched(
    index: Index,
) -> None:
    claim = article(
        "Lenders fear for Vanta", "A bond of Vanta falls due next week, and nobody in Zurich will extend it."
    )
    report = put(index, claim, "companies", "Vanta", "Calder")
    put(index, article("Calder opens a mine", "Calder digs for copper.", outlet="Sun"), "companies", "Vanta", "Calder")

    denial = article("Vanta denies rumours", "All is well, its chief said.", at=START + 30 * HOUR, outlet="Mirror")
    later = put(index, denial, "companies", "Vanta", "Calder")

    assert later.probability is not None
    assert later.probability < 0.1
    assert later.near == report.story


def test_a_denial_that_shares_no_name_with_a_story_points_nowhere(index: Index) -> None:
    put(index, article("Northlink fined", "Ofcom fined Northlink for failed calls."), "watched", "fined")

    later = put(index, article("Calder denies claims", "Calder was not fined.", outlet="Sun"), "watched", "fined")

    assert later.near is None


@pytest.mark.parametrize("words", ["Morning Report podcast", "Replay: full episode", "March 3, 2015 [HD]"])
def test_the_name_date_or_form_of_a_programme_is_no_evidence(index: Index, words: str) -> None:
    one = article(f"{words}: storm nears Quetta", "Wind of 120 km/h.")
    other = article(f"{words}: bank in Lahore robbed", "Two men fled.", outlet="Sun")

    first, second = (put(index, each, "watched", "storm", "bank") for each in (one, other))

    assert first.story != second.story
    assert second.near is None

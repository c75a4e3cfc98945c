"""A feed speaks for its own site: it cannot silence, revise or forge the articles of others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot import storage
from bot.feeds import links
from bot.model.feeds import Feed, FeedState
from tests.pipeline.newsroom import Item, Newsroom

WIRE = Feed(url="https://feeds.wire.example/world.xml", name="The Wire")
ASIA = Feed(url="https://feeds.wire.example/asia.xml", name="The Wire Asia")
SQUAT = Feed(url="https://squat.example/rss", name="Squat")
BLOG = Feed(url="https://blog.example/feed", name="Blog")
LINK = "https://www.wire.example/world/blackberry-exit"
TEXT = "BlackBerry leaves Pakistan because the regulator asked for access to its servers, 5 companies said."
TRUE = Item(id="w1", link=LINK, title="BlackBerry to leave Pakistan", text=TEXT)
CATS = Item(id="s1", link=LINK, title="Cat pictures", text="Cats.")


@pytest.fixture
def room(store: storage.Store) -> Newsroom:
    return Newsroom(store, [WIRE, ASIA, SQUAT, BLOG])


async def test_an_edit_to_the_true_headline_swallows_and_revises_nothing(room: Newsroom) -> None:
    await room.poll(SQUAT, CATS)
    await room.poll(WIRE, TRUE)
    await room.poll(SQUAT, replace(CATS, title=TRUE.title, text=TRUE.text))
    later = await room.poll(WIRE, replace(TRUE, title="BlackBerry to leave Pakistan in December"))
    [revision] = later.revisions
    assert (revision.article.feed, revision.article.outlet) == (WIRE.url, "The Wire")
    repeated = await room.poll(WIRE, replace(TRUE, id="new-id", title="BlackBerry to leave Pakistan in December"))
    assert repeated.new_count == 0, "within one feed an unknown id over a known link stays the same article"
    assert await room.titles(WIRE) == ["BlackBerry to leave Pakistan in December"]


async def test_the_true_headline_under_anothers_link_is_taken_over_by_the_links_own_site(room: Newsroom) -> None:
    await room.poll(SQUAT, replace(CATS, title=TRUE.title, text="BlackBerry stays, and all of this is a hoax."))
    [accepted] = (await room.poll(WIRE, TRUE)).revisions
    assert (accepted.article.feed, accepted.article.outlet, accepted.article.owner) == (
        WIRE.url,
        "The Wire",
        "wire.example",
    )
    assert (accepted.article.text, accepted.corrections) == (TEXT, ()), "it is the publisher's word, and no correction"
    assert not (await room.poll(SQUAT, CATS)).revisions
    assert await room.told() == [(WIRE.url, TRUE.title)]
    [edited] = (await room.poll(WIRE, replace(TRUE, text=TEXT.replace("5", "6")))).revisions
    assert edited.corrections


@pytest.mark.parametrize("at_once", [False, True])
async def test_the_words_of_a_second_feed_are_matched_where_those_of_the_first_were_not(
    room: Newsroom, at_once: bool
) -> None:
    headline = "One leaves Pakistan"
    first = replace(TRUE, id="s1", title=headline, text="Cats.")
    second = replace(TRUE, id="b1", title=headline)
    if at_once:
        await room.together({SQUAT.url: [first], BLOG.url: [second]})
    else:
        await room.poll(SQUAT, first)
        await room.poll(BLOG, second)
    for _ in range(2):
        await room.poll(SQUAT, replace(first, id="s2"))
        await room.poll(BLOG, second)
    assert await room.told() == [(BLOG.url, headline)]


async def test_a_false_old_date_does_not_make_anothers_article_an_old_one(room: Newsroom) -> None:
    old = replace(CATS, title=TRUE.title, at=TRUE.at.replace(year=2010))
    state = FeedState(url=SQUAT.url, due_at=TRUE.at)
    await room.store.write(lambda tx: tx.feeds.save([state]))
    assert (await room.poll(SQUAT, old)).new_count == 0
    await room.poll(WIRE, TRUE)
    assert (WIRE.url, TRUE.title) in await room.told()


async def test_a_copied_text_under_an_address_made_up_at_anothers_site_takes_nothing(room: Newsroom) -> None:
    long = " ".join([TEXT] * 4)
    await room.poll(SQUAT, Item(id="s", link="https://www.wire.example/made-up", title=TRUE.title, text=long))
    assert (await room.poll(WIRE, replace(TRUE, text=long))).new_count == 1


async def test_a_list_page_of_thousands_under_anothers_link_hides_nothing(room: Newsroom) -> None:
    await room.poll(SQUAT, *(Item(id=f"s{n}", link=LINK, title=f"Cat number {n} of many") for n in range(300)))
    await room.poll(WIRE, TRUE)
    repeated = await room.poll(WIRE, replace(TRUE, id="new-id"))
    assert repeated.new_count == 0
    assert await room.told() == [(WIRE.url, TRUE.title)]


async def test_what_the_links_own_site_has_told_its_sections_and_others_only_carry(room: Newsroom) -> None:
    await room.poll(WIRE, TRUE)
    for feed, title in ((ASIA, "Pakistan loses a phone maker"), (BLOG, "Worth reading today")):
        assert (await room.poll(feed, replace(TRUE, id="b1", title=title))).new_count == 0
    assert not (await room.poll(BLOG, replace(TRUE, id="b1", title="BlackBerry: it was a hoax"))).revisions
    assert await room.told() == [(WIRE.url, TRUE.title)]


async def test_two_who_do_not_own_a_link_agree_by_headline_only(room: Newsroom) -> None:
    await room.poll(BLOG, replace(TRUE, id="b1"))
    assert (await room.poll(SQUAT, replace(TRUE, id="s1", title=f"LIVE: {TRUE.title} - Squat"))).new_count == 0
    assert (await room.poll(SQUAT, replace(TRUE, id="s2", title="BlackBerry is a fruit"))).new_count == 0
    fresh = replace(TRUE, link=f"{LINK}-2")
    await room.poll(BLOG, replace(fresh, id="b2"))
    assert (await room.poll(SQUAT, replace(fresh, id="s3", title="BlackBerry is a fruit"))).new_count == 1


# -- who counts


@pytest.mark.parametrize("feed", [SQUAT, replace(SQUAT, aggregator=False)])
async def test_one_feed_with_four_foreign_links_is_one_outlet(store: storage.Store, feed: Feed) -> None:
    room = Newsroom(store, [WIRE, feed], rule_keys={"min_outlets": 2})
    titles = [TRUE.title, f"{TRUE.title} now", f"Now {TRUE.title}", f"{TRUE.title} today"]
    sites = ("north", "south", "east", "west")
    items = [
        Item(id=site, link=f"https://{site}.example/1", title=title, text=f"{TEXT} The {site} reports it.")
        for site, title in zip(sites, titles, strict=True)
    ]
    result = await room.poll(feed, *items)
    assert {arrival.article.owner for arrival in result.arrivals} == {"squat.example"}
    assert {owner for story in await room.stories() for owner in story.owners} == {"squat.example"}
    assert "it links to other sites; if it is an aggregator" not in "".join(result.state.remarks), "too few to tell"


async def test_a_feed_that_mostly_links_elsewhere_is_remarked_on_until_it_says_what_it_is(
    store: storage.Store,
) -> None:
    items = [Item(id=f"{n}", link=f"https://site{n}.example/1", title=f"Headline number {n}") for n in range(6)]
    remark = "it links to other sites; if it is an aggregator, set aggregator: true in feeds.yaml"
    room = Newsroom(store, [SQUAT])
    assert remark in (await room.poll(SQUAT, *items)).state.remarks
    more = Item(id="9", link="https://squat.example/9", title="Of its own")
    assert remark in (await room.poll(SQUAT, more, *items)).state.remarks, "few new items tell nothing else"
    for number, feed in enumerate(
        (replace(SQUAT, aggregator=True), replace(SQUAT, aggregator=False), replace(SQUAT, owner="Squat"))
    ):
        room.feeds = [feed]
        changed = [replace(item, title=f"{item.title}, edition {number}") for item in items]
        assert remark not in (await room.poll(feed, *changed)).state.remarks


LONG = f"{TEXT} The regulator's order dates from July. Some 5,000 companies use the service."
#: Their own words, so that it is the link that ties them.
OTHERS = "BlackBerry will leave Pakistan, and the regulator that asked for access to its servers shrugs, we hear."


@pytest.mark.parametrize("is_together", [True, False])
@pytest.mark.parametrize("link", [LINK, "https://www.wire.example/made-up"])
async def test_a_publisher_is_never_the_copy_of_a_feed_that_listed_its_page_before(
    store: storage.Store, link: str, is_together: bool
) -> None:
    room = Newsroom(store, [WIRE, SQUAT, BLOG], rule_keys={"min_outlets": 2})
    listed = Item(id="s", link=link, title="BlackBerry to leave Pakistan, it says", text=LONG)
    own = replace(TRUE, text=LONG, at=TRUE.at.replace(hour=TRUE.at.hour + 1))
    if is_together:
        await room.together({SQUAT.url: [listed], WIRE.url: [own]})
    else:
        await room.poll(SQUAT, listed)
        await room.poll(WIRE, own)
    [story] = await room.stories()
    assert story.owners == ("wire.example",)
    [wire, squat] = sorted(story.members, key=lambda member: member.article.feed == SQUAT.url)
    assert (wire.join.copy_of, squat.join.copy_of) == (None, wire.article.id)
    await room.poll(BLOG, Item(id="b", link="https://blog.example/1", title=TRUE.title, text=OTHERS))
    [story] = await room.stories()
    assert story.owners == ("wire.example", "blog.example")
    assert len(story.members) == 3


async def test_one_page_that_two_strangers_list_in_their_own_words_is_one_voice(store: storage.Store) -> None:
    room = Newsroom(store, [SQUAT, BLOG], rule_keys={"min_outlets": 2})
    await room.poll(SQUAT, Item(id="s", link=LINK, title="BlackBerry to leave Pakistan, it says", text=LONG))
    await room.poll(BLOG, Item(id="b", link=LINK, title="Goodbye: BlackBerry to leave Pakistan soon", text=OTHERS))
    [story] = await room.stories()
    assert len(story.members) == 2
    assert story.owners == ("squat.example",)


@pytest.mark.parametrize(
    ("feed", "link", "owner"),
    [
        (SQUAT, LINK, "squat.example"),
        (WIRE, LINK, "wire.example"),
        (replace(SQUAT, owner="Cats Ltd"), LINK, "Cats Ltd"),
        (replace(SQUAT, aggregator=True), LINK, "wire.example"),
        (replace(SQUAT, aggregator=True), "", "squat.example"),
        (Feed(url="https://feeds.feedburner.com/Acme"), LINK, "feeds.feedburner.com/Acme"),
        (Feed(url="http://127.0.0.1:8000/a.xml"), LINK, "127.0.0.1:8000/a.xml"),
        (Feed(url="https://medium.com/feed/@acme"), LINK, "medium.com/feed/@acme"),
        (Feed(url="https://me:secret@localhost/rss"), LINK, "localhost/rss"),
        (Feed(url="https://www.wsj.com/feed"), LINK, "News Corp"),
    ],
)
def test_the_owner_is_who_says_it(feed: Feed, link: str, owner: str) -> None:
    assert links.owner_of(feed, link) == owner

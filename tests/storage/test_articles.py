"""Articles and what is known of them, over every store."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot import storage
from bot.model.archive import IdentityQuery, KnownItems, Sighting
from bot.model.stories import Article, ArticleId
from tests.testbed.fakes import START
from tests.testbed.made import MINUTE, article, match

DAWN, BBC = "https://dawn.example/feed", "https://bbc.example/feed"


async def keep(store: storage.Store, *articles: Article, has_text: bool = True) -> None:
    await store.write(lambda tx: tx.articles.add(articles, has_text=has_text))


async def see(store: storage.Store, item: Article, key: str, *, feed: str = DAWN, days: int = 0) -> None:
    sighting = Sighting(feed=feed, key=key, article=item.id)
    await store.write(lambda tx: tx.articles.see([sighting], at=START + timedelta(days=days)))


async def find(
    store: storage.Store,
    *,
    feed: str = DAWN,
    keys: tuple[str, ...] = (),
    links: tuple[str, ...] = (),
    fingerprints: tuple[str, ...] = (),
    titles: tuple[str, ...] = (),
) -> KnownItems:
    question = IdentityQuery(feed=feed, keys=keys, links=links, fingerprints=fingerprints, titles=titles)
    [result] = await store.read(lambda tx: tx.articles.find_known_items([question]))
    return result


async def test_an_article_comes_back_as_it_was_and_only_a_new_version_takes_its_place(store: storage.Store) -> None:
    first = replace(article("one"), author="A. Khan", language="ur", is_full_text=True, published=None)
    await keep(store, first)
    await keep(store, replace(first, title="another"))
    assert await store.read(lambda tx: tx.articles.get([first.id, ArticleId("none")])) == {first.id: first}
    assert await store.read(lambda tx: tx.articles.find("")) is None
    second = replace(first, title="New headline", text="New text", fingerprint="new", version=2)
    await store.write(lambda tx: tx.articles.revise(second))
    assert await store.read(lambda tx: tx.articles.find(first.link)) == second
    assert list((await find(store, fingerprints=(first.fingerprint, "new"))).by_fingerprint) == ["new"]


async def test_an_id_and_a_title_are_known_in_their_feed_and_a_link_and_a_text_in_any_oldest_first(
    store: storage.Store,
) -> None:
    first = article("one")
    two = replace(article("two", minutes=1), link=first.link, title="HEADLINE of “one”!")
    await keep(store, two, first)
    await see(store, first, "guid")
    await see(store, two, "another")
    await see(store, two, "guid", feed=BBC)
    questions = [
        IdentityQuery(
            feed=feed,
            keys=("guid", "unknown"),
            links=(first.link, "https://x.example/"),
            fingerprints=(two.fingerprint, ""),
            titles=("headline of one", "unknown"),
        )
        for feed in (DAWN, BBC, "https://none.example/")
    ]
    known = await store.read(lambda tx: tx.articles.find_known_items(questions))
    assert [{key: stub.id for key, stub in item.by_key.items()} for item in known] == [
        {"guid": first.id},
        {"guid": two.id},
        {},
    ]
    assert [{title: [stub.id for stub in stubs] for title, stubs in item.by_title.items()} for item in known] == [
        {"headline of one": [first.id, two.id]},
        {"headline of one": [two.id]},
        {},
    ]
    for item in known:
        assert {link: [stub.id for stub in stubs] for link, stubs in item.by_link.items()} == {
            first.link: [first.id, two.id]
        }
        [stub] = item.by_fingerprint[two.fingerprint]
        expected = two.id, two.title, two.published, True, two.feed
        assert (stub.id, stub.title, stub.published, stub.has_text, stub.feed) == expected
    await see(store, two, "guid")
    assert (await find(store, keys=("guid",))).by_key["guid"].id == two.id, "the article that the id names now"


async def test_a_link_is_known_in_any_of_its_forms(store: storage.Store) -> None:
    first = replace(article("one"), link="http://www.news.example/a?b=1")
    front = replace(article("front"), link="https://front.example/")
    await keep(store, first, front)
    for form in ("https://news.example/a?b=1", "http://www.news.example/a?b=1", "news.example/a?b=1"):
        assert [stub.id for stub in (await find(store, links=(form,))).by_link[form]] == [first.id]
    assert await store.read(lambda tx: tx.articles.find("https://news.example/a?b=1")) == first
    assert await store.read(lambda tx: tx.articles.find(front.link)) == front


async def test_thousands_of_ids_at_once_are_known(store: storage.Store) -> None:
    items = [article(str(n)) for n in range(2_500)]
    await keep(store, *items)
    sightings = [Sighting(feed=DAWN, key=f"guid {n}", article=item.id) for n, item in enumerate(items)]
    await store.write(lambda tx: tx.articles.see(sightings, at=START))
    result = await find(
        store, keys=tuple(sighting.key for sighting in sightings), links=tuple(item.link for item in items)
    )
    assert len(result.by_key) == len(result.by_link) == 2_500
    assert len(await store.read(lambda tx: tx.articles.get([item.id for item in items]))) == 2_500


async def test_hostile_text_is_kept_without_what_no_database_can_hold(store: storage.Store) -> None:
    long = "x" * 100_000
    first = replace(
        article("one"), title="a\x00b \ud83d\ude00 \udc00", link=f"https://x.example/{long}", tags=("a", "\ud83d")
    )
    await keep(store, first)
    await see(store, first, long + "\x00\ud83d")
    stored = (await store.read(lambda tx: tx.articles.get([first.id])))[first.id]
    assert stored.title == "ab 😀 \ufffd"
    assert stored.tags == ("a", "\ufffd")
    result = await find(store, keys=(long + "\x00\ud83d", long), links=(first.link,), titles=("ab 😀 \ufffd", "\ud83d"))
    assert list(result.by_key) == [long + "\x00\ud83d"]
    assert list(result.by_link) == [first.link]


async def test_an_old_item_keeps_only_its_identity(store: storage.Store) -> None:
    source = article("one")
    await keep(store, source, has_text=False)
    stored = (await store.read(lambda tx: tx.articles.get([source.id])))[source.id]
    assert (stored.title, stored.link, stored.text, stored.tags) == (source.title, source.link, "", ())
    assert [stub.has_text for stub in (await find(store, links=(source.link,))).by_link[source.link]] == [False]
    assert await store.read(lambda tx: list(tx.articles.archive(since=START))) == []
    assert await store.read(lambda tx: tx.articles.count()) == 1


async def test_matches_keep_the_order_of_their_first_time(store: storage.Store) -> None:
    source = article("one")
    await keep(store, source)
    await store.write(lambda tx: tx.articles.add_matches(source.id, [match("b", "PTA"), match("a", "BES\ud83d")]))
    await store.write(lambda tx: tx.articles.add_matches(source.id, [match("c"), match("b", "backdoor")]))
    stored = await store.read(lambda tx: tx.articles.matches(source.id))
    assert list(stored) == [match("b", "backdoor"), match("a", "BES\ufffd"), match("c")]


async def test_the_archive_returns_articles_oldest_first_from_a_given_time(store: storage.Store) -> None:
    items = [article(str(n), minutes=n) for n in (3, 1, 2, 0)]
    await keep(store, *items)
    articles = await store.read(lambda tx: [item.id for item in tx.articles.archive(since=START + MINUTE)])
    assert articles == [items[1].id, items[2].id, items[0].id]
    assert await store.read(lambda tx: tx.articles.count(since=START + 2 * MINUTE)) == 2


async def test_articles_and_matches_are_counted_by_day_of_utc(store: storage.Store) -> None:
    late = 16 * 60
    await keep(store, article("one"), article("two"), article("next day", minutes=late), article("other", feed=BBC))
    await keep(store, article("only its identity"), has_text=False)
    for name in ("one", "next day"):
        await store.write(lambda tx, name=name: tx.articles.add_matches(article(name).id, [match("PTA")]))  # type: ignore[misc]
    first, second = START.date(), (START + late * MINUTE).date()
    new = await store.read(lambda tx: tx.articles.new_by_day(since=START))
    assert sorted((entry.name, entry.day, entry.count) for entry in new) == [
        (BBC, first, 1),
        (DAWN, first, 2),
        (DAWN, second, 1),
    ]
    matched = await store.read(lambda tx: tx.articles.matched_by_day(since=START))
    assert sorted((entry.name, entry.day, entry.count) for entry in matched) == [("PTA", first, 1), ("PTA", second, 1)]
    assert await store.read(lambda tx: tx.articles.new_by_day(since=START + late * MINUTE + MINUTE)) == []
    last = await store.read(lambda tx: tx.articles.last_of_feed(DAWN, since=START, most=2))
    assert [item.id for item in last] == [article("next day").id, min(article("one").id, article("two").id)]
    assert await store.read(lambda tx: tx.articles.last_of_feed(DAWN, since=START + 2 * late * MINUTE, most=2)) == []

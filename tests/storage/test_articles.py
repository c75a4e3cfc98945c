"""Articles and what is known of them, over every store."""

from __future__ import annotations

from msgspec.structs import replace

from bot import storage
from bot.model.archive import IdentityQuery, KnownItems, Sighting
from bot.model.stories import Article, ArticleId
from tests.testbed.fakes import START
from tests.testbed.made import MINUTE, article, match

DAWN, BBC = "https://dawn.example/feed", "https://bbc.example/feed"


def see(tx: storage.Transaction, item: Article, key: str, *, feed: str = DAWN) -> None:
    tx.articles.see([Sighting(feed=feed, key=key, article=item.id)], at=START)


def find(tx: storage.Transaction, **known_by: tuple[str, ...]) -> KnownItems:
    [result] = tx.articles.find_known_items([IdentityQuery(feed=DAWN, **known_by)])
    return result


def test_an_article_comes_back_as_it_was_and_only_a_new_version_takes_its_place(tx: storage.Transaction) -> None:
    first = replace(article("one"), author="A. Khan", language="ur", is_full_text=True, published=None)
    tx.articles.add([first])
    tx.articles.add([replace(first, title="another")])
    assert tx.articles.get([first.id, ArticleId("none")]) == {first.id: first}
    assert tx.articles.find("") is None
    second = replace(first, title="New headline", text="New text", fingerprint="new", version=2)
    tx.articles.revise(second)
    assert tx.articles.find(first.link) == second
    assert list(find(tx, fingerprints=(first.fingerprint, "new")).by_fingerprint) == ["new"]


def test_an_id_and_a_title_are_known_in_their_feed_and_a_link_and_a_text_in_any_oldest_first(
    tx: storage.Transaction,
) -> None:
    first = article("one")
    two = replace(article("two", minutes=1), link=first.link, title="HEADLINE of “one”!")
    tx.articles.add([two, first])
    see(tx, first, "guid")
    see(tx, two, "another")
    see(tx, two, "guid", feed=BBC)
    known_by = {
        "keys": ("guid", "unknown"),
        "links": (first.link, "https://x.example/"),
        "fingerprints": (two.fingerprint, ""),
        "titles": ("headline of one", "unknown"),
    }
    feeds = (DAWN, BBC, "https://none.example/")
    known = tx.articles.find_known_items([IdentityQuery(feed=feed, **known_by) for feed in feeds])
    assert [{key: stub.id for key, stub in item.by_key.items()} for item in known] == [
        {"guid": first.id},
        {"guid": two.id},
        {},
    ]
    assert [[stub.id for stub in item.by_title.get("headline of one", ())] for item in known] == [
        [first.id, two.id],
        [two.id],
        [],
    ]
    for item in known:
        assert [(link, stub.id) for link, stubs in item.by_link.items() for stub in stubs] == [
            (first.link, first.id),
            (first.link, two.id),
        ]
        [stub] = item.by_fingerprint[two.fingerprint]
        expected = two.id, two.title, two.published, True, two.feed
        assert (stub.id, stub.title, stub.published, stub.has_text, stub.feed) == expected
    see(tx, two, "guid")
    assert find(tx, keys=("guid",)).by_key["guid"].id == two.id, "the article that the id names now"


def test_a_link_is_known_in_any_of_its_forms(tx: storage.Transaction) -> None:
    first = replace(article("one"), link="http://www.news.example/a?b=1")
    front = replace(article("front"), link="https://front.example/")
    tx.articles.add([first, front])
    for form in ("https://news.example/a?b=1", "http://www.news.example/a?b=1", "news.example/a?b=1"):
        assert [stub.id for stub in find(tx, links=(form,)).by_link[form]] == [first.id]
    assert tx.articles.find("https://news.example/a?b=1") == first
    assert tx.articles.find(front.link) == front


def test_more_than_a_thousand_ids_at_once_are_known(tx: storage.Transaction) -> None:
    items = [article(str(n)) for n in range(1_200)]
    tx.articles.add(items)
    sightings = [Sighting(feed=DAWN, key=f"guid {n}", article=item.id) for n, item in enumerate(items)]
    tx.articles.see(sightings, at=START)
    result = find(tx, keys=tuple(sighting.key for sighting in sightings), links=tuple(item.link for item in items))
    assert len(result.by_key) == len(result.by_link) == 1_200
    assert len(tx.articles.get([item.id for item in items])) == 1_200


def test_hostile_text_is_kept_without_what_no_database_can_hold(tx: storage.Transaction) -> None:
    long = "x" * 100_000
    first = replace(
        article("one"), title="a\x00b \ud83d\ude00 \udc00", link=f"https://x.example/{long}", tags=("a", "\ud83d")
    )
    tx.articles.add([first])
    see(tx, first, long + "\x00\ud83d")
    stored = tx.articles.get([first.id])[first.id]
    assert stored.title == "ab 😀 \ufffd"
    assert stored.tags == ("a", "\ufffd")
    result = find(tx, keys=(long + "\x00\ud83d", long), links=(first.link,), titles=("ab 😀 \ufffd", "\ud83d"))
    assert list(result.by_key) == [long + "\x00\ud83d"]
    assert list(result.by_link) == [first.link]


def test_an_old_item_keeps_only_its_identity(tx: storage.Transaction) -> None:
    source = article("one")
    tx.articles.add([source], has_text=False)
    stored = tx.articles.get([source.id])[source.id]
    assert (stored.title, stored.link, stored.text, stored.tags) == (source.title, source.link, "", ())
    assert [stub.has_text for stub in find(tx, links=(source.link,)).by_link[source.link]] == [False]
    assert list(tx.articles.archive(since=START)) == []
    assert tx.articles.count() == 1


def test_matches_keep_the_order_of_their_first_time(tx: storage.Transaction) -> None:
    source = article("one")
    tx.articles.add([source])
    tx.articles.add_matches(source.id, [match("b", "PTA"), match("a", "BES\ud83d")])
    tx.articles.add_matches(source.id, [match("c"), match("b", "backdoor")])
    stored = tx.articles.matches(source.id)
    assert list(stored) == [match("b", "backdoor"), match("a", "BES\ufffd"), match("c")]


def test_the_archive_returns_articles_oldest_first_from_a_given_time(tx: storage.Transaction) -> None:
    items = [article(str(n), minutes=n) for n in (3, 1, 2, 0)]
    tx.articles.add(items)
    articles = [item.id for item in tx.articles.archive(since=START + MINUTE)]
    assert articles == [items[1].id, items[2].id, items[0].id]
    assert tx.articles.count(since=START + 2 * MINUTE) == 2


def test_articles_and_matches_are_counted_by_day_of_utc(tx: storage.Transaction) -> None:
    late = 16 * 60
    tx.articles.add([article("one"), article("two"), article("next day", minutes=late), article("other", feed=BBC)])
    tx.articles.add([article("only its identity")], has_text=False)
    for name in ("one", "next day"):
        tx.articles.add_matches(article(name).id, [match("PTA")])
    first, second = START.date(), (START + late * MINUTE).date()
    new = tx.articles.new_by_day(since=START)
    assert sorted((entry.name, entry.day, entry.count) for entry in new) == [
        (BBC, first, 1),
        (DAWN, first, 2),
        (DAWN, second, 1),
    ]
    matched = tx.articles.matched_by_day(since=START)
    assert sorted((entry.name, entry.day, entry.count) for entry in matched) == [("PTA", first, 1), ("PTA", second, 1)]
    assert tx.articles.new_by_day(since=START + late * MINUTE + MINUTE) == []
    last = tx.articles.last_of_feed(DAWN, since=START, most=2)
    assert [item.id for item in last] == [article("next day").id, min(article("one").id, article("two").id)]
    assert tx.articles.last_of_feed(DAWN, since=START + 2 * late * MINUTE, most=2) == []

from __future__ import annotations

import re

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.config import feed_list
from bot.model.errors import ConfigError
from bot.model.feeds import Feed, feed_place

NEW = Feed(url="https://new.org/rss")
FULL = Feed(
    url="https://www.dawn.com/feeds/home",
    name="Dawn: the paper",
    tags=("pakistan", "no, yes"),
    aggregator=True,
    kind="page",
    options='{"item": "h2 > a", "date": null}',
)


@pytest.mark.parametrize(
    "edited",
    [
        "«feeds:\n  - https://new.org/rss\n»",
        "# ours\n«feeds:\n  - https://new.org/rss\n»",
        "feeds:  # none yet\n«  - https://new.org/rss\n»# end\n",
        "feeds: [«https://new.org/rss»]\n",
        "feeds:\n- https://a.org/«\n- https://new.org/rss\n»",
        "feeds:\n    - https://a.org/  # slow\n\n    - {url: 'https://b.org'}\n«    - https://new.org/rss\n»\n# end\n",
        "feeds:\n  - url: https://a.org/\n    tags:\n      - y  # two\n«  - https://new.org/rss\n»  # all\n",
        "feeds: [https://a.org/, https://b.org/,« https://new.org/rss,»]\n",
        "feeds: [\n  https://a.org/«, https://new.org/rss»  # one\n]\n",
        "feeds:\r\n  - https://a.org/\r\n«  - https://new.org/rss\r\n»",
        "\ufefffeeds:\n  - https://a.org/\n«  - https://new.org/rss\n»",
        "feeds:\n  - >-\n    https://a.org/\n\n«  - https://new.org/rss\n»x: 1\n",
        "---\nfeeds:\n  - https://a.org/\n«  - https://new.org/rss\n»...\n",
    ],
)
def test_a_feed_is_added_and_everything_else_stays_as_it_was(edited: str) -> None:
    before = re.sub("«.*»", "", edited, flags=re.DOTALL)
    assert feed_list.add_feeds(before, [NEW]).text == edited.replace("«", "").replace("»", "")


def test_an_address_with_a_question_mark_is_added_in_brackets_too() -> None:
    feed = Feed(url="https://new.org/?feed=rss")
    assert feed_list.add_feeds("feeds: []\n", [feed]).text == 'feeds: ["https://new.org/?feed=rss"]\n'


def test_every_key_of_a_feed_is_written_as_people_write_it() -> None:
    assert feed_list.add_feeds("feeds:\n", [FULL]).text == (
        'feeds:\n  - {url: "https://www.dawn.com/feeds/home", name: "Dawn: the paper", tags: [pakistan, "no, yes"], '
        'aggregator: true, kind: page, item: "h2 > a"}\n'
    )


def test_a_feed_that_is_listed_under_any_spelling_is_not_added_again() -> None:
    text = "feeds:\n  - {name: A, url: http://www.new.org/rss/}\n"
    addition = feed_list.add_feeds(text, [NEW, FULL, FULL])
    assert addition.already_listed == (NEW,)
    assert addition.added == (FULL,)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("feeds:\n\t- a\n", "feeds.yaml:2:1"),
        ("feeds: [a\n", "feeds.yaml"),
        ("- a\n", "does not begin with 'feeds:'"),
        ("feeds: https://a.org/\n", "feeds.yaml:1: 'feeds' is not a list"),
        ("{x: 1}\n", "has braces"),
        ("a: 1\n---\nb: 2\n", "feeds.yaml"),
    ],
)
def test_a_file_that_cannot_be_edited_is_an_error_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message.replace(".", r"\.")):
        feed_list.add_feeds(text, [NEW])


@given(
    st.lists(
        st.builds(
            Feed,
            url=st.text(alphabet="ab/?&#:,[]{}'\"%\\ é*!@`|>-~", max_size=12).map(lambda path: f"https://e.org/{path}"),
            name=st.none() | st.text(max_size=12).filter(lambda name: not any("\ud800" <= c <= "\udfff" for c in name)),
            tags=st.lists(st.text(alphabet="ab:#,[]{}'\" \u2028\x85-no", max_size=6), max_size=3).map(tuple),
        ),
        unique_by=lambda feed: feed_place(feed.url),
        min_size=1,
        max_size=3,
    ),
    st.sampled_from(["", "feeds:\n- https://x.org\n# end\n", "feeds: [https://x.org]\n", "a: 1\nfeeds:\n"]),
)
def test_any_feed_is_read_back_as_it_was(feeds: list[Feed], text: str) -> None:
    edited = feed_list.add_feeds(text, feeds).text
    listed = yaml.load(edited, Loader=yaml.BaseLoader)["feeds"][-len(feeds) :]
    for feed, item in zip(feeds, listed, strict=True):
        result = {"url": item} if isinstance(item, str) else item
        assert result["url"] == feed.url
        assert result.get("name") == feed.name
        assert tuple(result.get("tags", ())) == feed.tags

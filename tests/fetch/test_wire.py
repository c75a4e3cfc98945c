"""A message between two processes arrives unchanged, and no bytes decode to anything else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.feeds import items
from bot.fetch import protocol
from bot.model.feeds import Entry, FaultyItem, Feed, ParsedFeed
from bot.model.fetching import Body

_TEXT = st.text(max_size=30)
_TIME = st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1)) | st.none()  # noqa: DTZ001
_ENTRY = st.builds(
    Entry,
    guid=st.none() | _TEXT,
    link=st.none() | _TEXT | st.integers(0, 5).map(lambda number: f"https://news.example.org/{number}"),
    title=st.none() | _TEXT,
    body=st.none() | _TEXT,
    author=st.none() | _TEXT,
    tags=st.lists(_TEXT, max_size=3).map(tuple),
    published=_TIME,
    updated=_TIME,
    language=st.none() | st.just("en"),
    identity_only=st.booleans(),
)
_FEED = Feed(url="https://news.example.org/feed")
_JOB = protocol.ParseJob(Body(content=b"", content_type="", url=_FEED.url), _FEED)


def _done(reading: ParsedFeed) -> protocol.Done:
    return protocol.Done(replace(reading, entries=()), items.prepare_items(_FEED, reading)[1])


@given(entries=st.lists(_ENTRY, max_size=6).map(tuple))
def test_a_message_comes_out_as_it_went_in(entries: tuple[Entry, ...]) -> None:
    reading = ParsedFeed(title="News", entries=entries, item_hashes=("a", "b"))
    sent: list[protocol.ReaderResult] = [
        protocol.Ready(),
        _done(reading),
        protocol.NoFeed("none", ("https://a.example",)),
        protocol.Leaving(),
    ]
    for message in sent:
        frame = protocol.frame_message(message)
        assert protocol.frame_length(frame[: protocol.LENGTH_BYTES]) == len(frame) - protocol.LENGTH_BYTES
        assert protocol.decode_result(frame[protocol.LENGTH_BYTES :]) == message


@given(place=st.integers(0, 500), to=st.integers(0, 255))
def test_an_answer_with_a_wrong_byte_is_an_answer_or_garbage(place: int, to: int) -> None:
    whole = bytearray(
        protocol.frame_message(_done(ParsedFeed(entries=(Entry(title="A title", link="https://a.b/c"),))))
    )
    whole[place % len(whole)] = to
    try:
        answer = protocol.decode_result(bytes(whole[protocol.LENGTH_BYTES :]))
        if isinstance(answer, protocol.Done):
            _JOB.unpack(answer)
    except protocol.Garbage:
        return


@pytest.mark.parametrize("payload", [b"", b"\xc1\xc1", b"\x93\xa4done\x05\x90", b"cos\nsystem\n(S'true'\ntR."])
def test_bytes_that_are_no_message_are_garbage(payload: bytes) -> None:
    with pytest.raises(protocol.Garbage):
        protocol.decode_result(payload)


@pytest.mark.parametrize(
    "reading",
    [
        ParsedFeed(entries=(Entry(title="x" * 3_000),)),
        ParsedFeed(entries=(Entry(title="x"),) * 5_001),
        ParsedFeed(faulty_items=(FaultyItem(entry=Entry(title="Good"), error="call 555-0100"),)),
        ParsedFeed(faulty_items=(FaultyItem(hash="call 555-0100", error="LookupError"),)),
    ],
    ids=["a long title", "many items", "an error in words of its own", "a hash in words of its own"],
)
def test_values_that_no_document_can_have_are_garbage(reading: ParsedFeed) -> None:
    with pytest.raises(protocol.Garbage):
        _JOB.unpack(_done(reading))


def test_only_selectors_are_written_into_a_configuration() -> None:
    page = protocol.UndescribedPage(_JOB.body)
    good: dict[str, str] = {"item": "li.news", "title": "a"}
    assert page.unpack(protocol.ProposedList("Site", good)) == ("Site", good)
    for bad in ({**good, "auth": "x"}, {"item": "x" * 5_000}, {"url": "https://evil.example"}):
        with pytest.raises(protocol.Garbage):
            page.unpack(protocol.ProposedList(None, bad))

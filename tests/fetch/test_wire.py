"""No bytes of a reader process decode to anything but a result that is possible."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.feeds import items
from bot.fetch import protocol
from bot.model.feeds import Entry, FaultyItem, Feed, ParsedFeed
from bot.model.fetching import Body

_FEED = Feed(url="https://news.example.org/feed")
_JOB = protocol.ParseJob(Body(content=b"", content_type="", url=_FEED.url), _FEED)


def _done(reading: ParsedFeed) -> protocol.Done:
    return protocol.Done(replace(reading, entries=()), items.prepare_items(_FEED, reading)[1])


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


@pytest.mark.parametrize(
    "answer",
    [
        protocol.TextVectors(()),
        protocol.TextVectors(((1.0, 0.0), (0.0, 1.0))),
        protocol.TextVectors(((0.5, 0.5),)),
        protocol.TextVectors(((math.nan, 1.0),)),
        protocol.Text("no vector"),
    ],
)
def test_an_answer_that_is_not_the_vector_of_each_text_is_refused(answer: protocol.ReaderResult) -> None:
    with pytest.raises(protocol.Garbage):
        protocol.TextsToEncode(("one text",)).unpack(answer)

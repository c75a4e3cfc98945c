"""What goes between two processes comes out as it went in, and nothing else comes out of any bytes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import articles, model, ports
from bot.reading import wire
from bot.sources.kit import limits as bounds

_LIMIT = 1_000_000
_TEXT = st.text(max_size=30)
_TIME = st.datetimes(timezones=st.just(UTC), min_value=datetime(1900, 1, 1)) | st.none()  # noqa: DTZ001
_ENTRY = st.builds(
    model.Entry,
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
_FEED = model.Feed(url="https://news.example.org/feed")
_JOB = wire.Job(ports.Body(content=b"", content_type="", url=_FEED.url), _FEED, is_first=False)


def _done(reading: model.Reading) -> wire.Done:
    return wire.Done(reading, wire.cleaned(reading, articles.look_up(_FEED, reading).items))


@given(entries=st.lists(_ENTRY, max_size=6).map(tuple), pieces=st.integers(1, 50))
def test_a_reading_comes_out_as_it_went_in_however_its_frames_arrive(
    entries: tuple[model.Entry, ...], pieces: int
) -> None:
    reading = model.Reading(title="News", entries=entries, item_hashes=("a", "b"))
    sent: list[wire.Answer] = [
        wire.Ready(),
        _done(reading),
        wire.NoFeed("none", ("https://a.example",)),
        wire.Leaving(),
    ]
    stream = b"".join(wire.framed(each) for each in sent)
    received, came = bytearray(), []
    for start in range(0, len(stream), pieces):
        received += stream[start : start + pieces]
        while (payload := wire.first_frame(received, limit_bytes=_LIMIT)) is not None:
            came.append(wire.answer_of(payload))
    assert came == sent
    assert not received


@given(entries=st.lists(_ENTRY, max_size=6).map(tuple), is_first=st.booleans())
def test_entries_made_ready_in_another_process_are_as_if_made_ready_here(
    entries: tuple[model.Entry, ...], is_first: bool
) -> None:
    bounded = tuple(bounds.bounded(entry) for entry in entries)
    reading = model.Reading(entries=bounded)
    looked_up = articles.look_up(_FEED, reading, is_first=is_first)
    job = wire.Job(_JOB.body, _FEED, is_first=is_first)
    done = wire.Done(reading, wire.cleaned(reading, looked_up.items))
    assert wire.looked_up(done, job) == looked_up


@given(content=st.binary(max_size=2_000), hashes=st.frozensets(_TEXT, max_size=3), before=_TIME)
def test_a_job_comes_out_as_it_went_in(content: bytes, hashes: frozenset[str], before: datetime | None) -> None:
    body = ports.Body(
        content=content, content_type="text/xml", url=_FEED.url, known_hashes=hashes, identity_before=before
    )
    job = wire.Job(body, _FEED, is_first=True)
    assert wire.question_of(wire.framed(job)[wire.LENGTH_BYTES :]) == job


@given(content=st.binary(max_size=300))
def test_any_bytes_are_an_answer_or_garbage(content: bytes) -> None:
    try:
        answer = wire.answer_of(content)
    except wire.Garbage:
        return
    assert isinstance(answer, wire.Ready | wire.Done | wire.Text | wire.NoFeed | wire.Broke | wire.Leaving)


@given(place=st.integers(0, 500), to=st.integers(0, 255))
def test_an_answer_with_a_wrong_byte_is_an_answer_or_garbage(place: int, to: int) -> None:
    whole = bytearray(wire.framed(_done(model.Reading(entries=(model.Entry(title="A title", link="https://a.b/c"),)))))
    whole[place % len(whole)] = to
    try:
        payload = wire.first_frame(whole, limit_bytes=_LIMIT)
        answer = wire.answer_of(payload or b"")
        if isinstance(answer, wire.Done):
            wire.looked_up(answer, _JOB)
    except wire.Garbage:
        return


@pytest.mark.parametrize(
    ("reading", "places"),
    [
        (model.Reading(entries=(model.Entry(title="x"),)), [1]),
        (model.Reading(entries=(model.Entry(title="x"),)), [-1]),
        (model.Reading(entries=(model.Entry(title="x" * 3_000),)), []),
        (model.Reading(entries=(model.Entry(title="x"),) * 5_001), []),
    ],
)
def test_what_no_document_can_say_is_garbage(reading: model.Reading, places: list[int]) -> None:
    items = tuple(wire.Cleaned(place, "k", None, "", "", "t", "t", "", (), "f", None) for place in places)
    with pytest.raises(wire.Garbage):
        wire.looked_up(wire.Done(reading, items), _JOB)


def test_what_is_no_selector_is_written_into_no_configuration() -> None:
    good: dict[str, str] = {"item": "li.news", "title": "a"}
    assert wire.are_selectors(wire.Lists("Site", (good,)))
    for bad in ({**good, "auth": "x"}, {"item": "x" * 5_000}, {"url": "https://evil.example"}):
        assert not wire.are_selectors(wire.Lists(None, (good, bad)))
    assert not wire.are_selectors(wire.Lists(None, (good,) * 100))

"""What goes between two processes comes out as it went in."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from bot import articles, model
from bot.reading import packing

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
    language=st.none() | _TEXT,
    identity_only=st.booleans(),
)


@given(entries=st.lists(_ENTRY, max_size=6).map(tuple), pieces=st.integers(1, 50))
def test_a_reading_comes_out_as_it_went_in_however_its_frames_arrive(
    entries: tuple[model.Entry, ...], pieces: int
) -> None:
    reading = model.Reading(title="News", entries=entries, item_hashes=("a", "b"))
    look_up = articles.look_up(model.Feed(url="https://news.example.org/feed"), reading)
    sent = [(reading, look_up), "ready", (reading, None)]
    wire = b"".join(packing.packed(each) for each in sent)
    received, came = bytearray(), []
    for start in range(0, len(wire), pieces):
        received += wire[start : start + pieces]
        while (frame := packing.first_frame(received)) is not None:
            came.append(packing.unpacked(frame))
    assert came == sent
    assert not received


def test_what_is_packed_shares_what_it_shared() -> None:
    reading = model.Reading(entries=(model.Entry(guid="1", title="One"),))
    look_up = articles.look_up(model.Feed(url="https://news.example.org/feed"), reading)
    came, found = packing.unpacked(packing.packed((reading, look_up))[packing.LENGTH :])
    assert found.items[0].entry is came.entries[0]

"""Read the real feeds of the data set ``feeds-wild``, and compare the readings with the expected ones.

    python -m bench.quality.conformance [--all]

The exit code is 1 if less than 98 % of the certain expectations are met, or if reading a feed raises an exception other
than a refusal.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lxml import etree, html

from bot.feeds import kinds
from bot.model.errors import ReadError
from bot.model.feeds import Entry, ParsedFeed
from bot.model.fetching import Body
from tests.testbed import shared_data

#: Expectations of the other tier are disputed between two parsers: such feeds must only not crash.
CERTAIN = ("consensus", "spec")
TARGET = 0.98


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    id: str
    tier: str
    #: The differences; empty: as expected.
    differences: tuple[str, ...] = ()
    #: The text of a clear refusal.
    refused: str | None = None
    #: The name of an exception that should never leave a source.
    crashed: str | None = None

    @property
    def is_met(self) -> bool:
        return not (self.differences or self.refused or self.crashed)


def outcomes(folder: Path) -> Iterator[Outcome]:
    """One for each feed of the suite, in the order of its list."""
    with tarfile.open(folder / "feeds.tar.xz") as packed:
        files = {Path(member.name).as_posix(): member for member in packed.getmembers() if member.isfile()}
        for line in (folder / "expected.jsonl").read_text(encoding="utf-8").splitlines():
            case = json.loads(line)
            member = files.get(case["id"]) or files[f"{case['suite']}/{case['file']}"]
            content = packed.extractfile(member)
            assert content is not None
            yield outcome(case, content.read())


def outcome(case: Mapping[str, Any], content: bytes) -> Outcome:
    about = {"id": case["id"], "tier": case["tier"]}
    try:
        reading = kinds.parse_document(Body(content=content, content_type="", url=""))
    except ReadError as error:
        return Outcome(**about, refused=str(error))
    except Exception as error:  # noqa: BLE001 -- what this bench is there to find
        return Outcome(**about, crashed=f"{type(error).__name__}: {error}")
    return Outcome(**about, differences=tuple(differences(case["expect"], reading)))


def differences(expect: Mapping[str, Any], reading: ParsedFeed) -> Iterator[str]:
    entries = reading.entries
    if expect.get("entries", len(entries)) != len(entries):
        yield f"entries: {expect['entries']} expected, {len(entries)} read"
    if "title" in expect and _plain(expect["title"]) != _plain(reading.title):
        yield f"title: {expect['title']!r} expected, {reading.title!r} read"
    if expect.get("link") and expect["link"] != reading.link:
        yield f"link: {expect['link']!r} expected, {reading.link!r} read"
    yield from _lists(
        "titles", [_plain(title) for title in expect.get("titles", ())], [_plain(e.title) for e in entries]
    )
    yield from _lists("links", [link or None for link in expect.get("links", ())], [e.link for e in entries])
    if entries:
        yield from _first(expect.get("first", {}), entries[0])


def _lists(name: str, expected: Sequence[str | None], read: Sequence[str | None]) -> Iterator[str]:
    for place, (expected_value, value) in enumerate(zip(expected, read, strict=False)):
        if expected_value != value:
            yield f"{name}, item {place + 1}: {expected_value!r} expected, {value!r} read"
            return


def _first(expect: Mapping[str, Any], entry: Entry) -> Iterator[str]:
    for name, value in (("link", entry.link), ("id", entry.guid)):
        if expect.get(name) and expect[name] != value:
            yield f"first {name}: {expect[name]!r} expected, {value!r} read"
    if expect.get("published"):
        expected_time = datetime.fromisoformat(expect["published"]).astimezone(UTC)
        if expected_time not in (entry.published, entry.updated):
            yield f"first published: {expected_time} expected, {entry.published} read"


def _plain(text: str | None) -> str:
    if text and ("<" in text or "&" in text):
        with contextlib.suppress(etree.ParserError, etree.XMLSyntaxError):
            text = html.fragment_fromstring(text, create_parent="div").text_content()
    return " ".join((text or "").split())


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--all", action="store_true", help="show the disputed feeds too")
    chosen = options.parse_args()
    results = list(outcomes(shared_data.path("feeds-wild")))
    for result in results:
        if not result.is_met and (chosen.all or result.tier in CERTAIN or result.crashed):
            reasons = result.differences or (result.crashed or f"refused: {result.refused}",)
            print(f"{result.tier:10} {result.id}\n           " + "\n           ".join(reasons))
    certain = [result for result in results if result.tier in CERTAIN]
    met = sum(result.is_met for result in certain)
    crashed = sum(result.crashed is not None for result in results)
    share = met / len(certain)
    print(f"{len(results)} feeds, {crashed} crashed; {met} of {len(certain)} certain expectations met ({share:.1%})")
    print(f"of all {len(results)}, the disputed too: {sum(result.is_met for result in results)} met")
    return 0 if share >= TARGET and not crashed else 1


if __name__ == "__main__":
    sys.exit(main())

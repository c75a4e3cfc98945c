"""The docs as a site: it builds without a warning, and asks no other server for anything."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from lxml import etree, html

from tests.docs import conftest

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
#: Elements that make a browser contact another server: a picture, a script, a style, a frame; not a link.
_LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


def test_each_page_is_in_the_site_and_is_found_by_the_search(site: Path) -> None:
    pages = {str(path.relative_to(ROOT / "docs").with_suffix(".html")) for path in (ROOT / "docs").rglob("*.md")}
    assert {page for page in pages if not (site / page).exists()} == set()
    index = json.loads((site / "search" / "search_index.json").read_text(encoding="utf-8"))
    indexed = {entry["location"].partition("#")[0] for entry in index["docs"]}
    assert pages - indexed - {"index.html"} == set()


def test_a_broken_link_and_a_missing_anchor_stop_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for path in (ROOT / "docs").rglob("*.md"):
        copy = docs / path.relative_to(ROOT / "docs")
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    page = docs / "feeds.md"
    page.write_text(page.read_text(encoding="utf-8") + "\n[one](gone.md) [two](rules.md#no-such-heading)\n")
    (docs / "stray.md").write_text("# A page that no list names\n")
    done = conftest.build(tmp_path / "site", docs=docs)
    assert done.returncode != 0
    assert "gone.md" in done.stderr
    assert "#no-such-heading" in done.stderr
    assert "stray.md" in done.stderr


def test_no_page_loads_anything_from_another_server(site: Path) -> None:
    loaded = [(path.name, address) for path in site.rglob("*.html") for address in _addresses(path, _LOADS)]
    requests = [(page, address) for page, address in loaded if "//" in address]
    assert requests == []
    styles = [
        path for path in site.rglob("*.css") if re.search(r"(@import|url\()\s*[\"']?(https?:)?//", path.read_text())
    ]
    assert styles == []


def test_links_to_the_world_are_whole_addresses_over_https(site: Path) -> None:
    linked = {address for path in site.rglob("*.html") for address in _addresses(path, {"a": "href"})}
    addresses = {address for address in linked if "://" in address}
    whole = re.compile(r"https://[a-z0-9.-]+\.[a-z]{2,}(/[^\s<>\"]*)?")
    assert {address for address in addresses if not whole.fullmatch(address)} == set()


def test_no_markdown_shows_through_on_a_page(site: Path) -> None:
    # A list or a table without a blank line before it, a separate row, a bar that ends a cell too early.
    shows = re.compile(r"\]\(|```|\*\*|^\s*\||\n- |^#{1,6} ", re.MULTILINE)
    wrong = []
    for path in site.rglob("*.html"):
        article = html.fromstring(path.read_bytes()).find(".//article")
        assert article is not None
        etree.strip_elements(article, "code", "pre", with_tail=False)
        blocks = ["".join(map(str, block.itertext())) for block in article.iter("p", "li", "td")]
        wrong += [(path.name, text[:100]) for text in blocks if shows.search(text)]
    assert wrong == []


def _addresses(path: Path, attributes: Mapping[str, str]) -> list[str]:
    """Return the addresses in these attributes (tag -> attribute), except the canonical one, which loads nothing."""
    elements = html.fromstring(path.read_bytes()).iter(*attributes)
    named = [element for element in elements if element.get("rel") != "canonical"]
    return [address for element in named if (address := element.get(attributes[str(element.tag)]))]

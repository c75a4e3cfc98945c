"""The docs as a site: it builds without a warning, and asks no other server for anything."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from lxml import etree, html

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]

#: Elements that make a browser contact another server: a picture, a script, a style, a frame; not a link.
_LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install '.[docs]'")
    folder = tmp_path_factory.mktemp("site")
    # Without --quiet, which hides warnings from the strict mode too, so that a broken link passes.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, "\n".join(line for line in done.stderr.splitlines() if "WARNING" in line)
    return folder


def test_no_page_loads_anything_from_another_server(site: Path) -> None:
    loaded = [(path.name, address) for path in site.rglob("*.html") for address in _addresses(path, _LOADS)]
    requests = [(page, address) for page, address in loaded if "//" in address]
    assert requests == []
    styles = [
        path for path in site.rglob("*.css") if re.search(r"(@import|url\()\s*[\"']?(https?:)?//", path.read_text())
    ]
    assert styles == []


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

"""The picture of the first page is drawn from what the demo sends."""

from __future__ import annotations

import re
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_the_picture_shows_the_messages_of_the_demo() -> None:
    loader = SourceFileLoader("render_alert", str(ROOT / "scripts" / "render-alert"))
    spec = spec_from_loader("render_alert", loader)
    assert spec is not None
    script: Any = module_from_spec(spec)
    loader.exec_module(script)
    page = (ROOT / "docs" / "images" / "alert.html").read_text(encoding="utf-8")
    assert page == script.page(is_all=False), "run scripts/render-alert"
    text = re.sub(r"<[^>]+>", "", page)
    assert text.index("on 15 December after") < text.index("15 December → 30 December")
    assert next(int(minute) for minute in re.findall(r"today 2:(\d\d) PM", text)) == 2

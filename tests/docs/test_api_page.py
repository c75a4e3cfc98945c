"""The requests in docs/api.md are answered as the page describes."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from pathlib import Path
from typing import Any

from bot.queries.catalog import QUERIES
from tests.web.conftest import ACTS, READS, Page, filled, filled_once, listening, page_over

__all__ = ["filled", "filled_once"]

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
TYPED = re.findall(r"^    (curl .*)$", PAGE, re.MULTILINE)


async def typed(page: Page, line: str) -> dict[str, Any]:
    stories = await page.running.store.read(lambda tx: tx.stories.since(None))
    line = line.replace("http://127.0.0.1:8080", page.site.url).replace("OTHER", stories[1].id)
    line = line.replace("STORY", stories[0].id).replace("$DASHBOARD_TOKEN", READS).replace("$DUTY_TOKEN", ACTS)
    words = [*shlex.split(line), "--fail-with-body"]
    process = await asyncio.create_subprocess_exec(*words, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0, output
    answer: dict[str, Any] = json.loads(output)
    return answer


async def test_each_request_of_the_page_is_answered(filled: Path) -> None:
    keys = ("stories", "articles", "explained", "trial", "is_active", "effect", "paths")
    async with page_over(filled, listening(has_token=True, has_tokens=True)) as page:
        for line, key in zip(TYPED, keys, strict=True):
            assert (await typed(page, line))[key], line


def test_the_page_lists_every_operation() -> None:
    listed = re.findall(r"`(GET|POST|DELETE) (/[^`?]*)", PAGE)
    # The export is streamed by a separate route.
    listed.remove(("GET", "/stories.csv"))
    paths = {(method, re.sub(r"\b(ID|NAME)\b", lambda name: f"{{{name[0].lower()}}}", path)) for method, path in listed}
    assert paths == {(question.method, question.path) for question in QUERIES if question.path}

